"""Images for a trained model: any folder will do, and its spec settles what they become."""

from pathlib import Path

import numpy as np
import pytest
import tiny_data
from PIL import Image

from vaeaug.contracts import ImageSpec
from vaeaug.dataset.cache import build_cache
from vaeaug.dataset.contents import read_contents
from vaeaug.dataset.index import NO_LABEL
from vaeaug.dataset.scan import scan
from vaeaug.errors import InputError

GRAY, COLOUR = ImageSpec(1, 8, 8), ImageSpec(3, 16, 8)


def test_a_flat_folder_has_images_without_labels(tmp_path: Path) -> None:
    for number in range(3):
        tiny_data.image("ant", number).save(tmp_path / f"{number}.png")
    index = scan(tmp_path, training=False)
    assert [(file.file_name, file.split, file.label) for file in index.files] == [
        (f"{number}.png", "train", NO_LABEL) for number in range(3)
    ]
    assert (index.classes, index.unseen) == ((), ())


def test_one_image_will_do(tmp_path: Path) -> None:
    tiny_data.image("ant", 0).save(tmp_path / "one.png")
    index = scan(tmp_path / "one.png", training=False)
    assert [file.file_name for file in index.files] == ["one.png"]


def test_a_class_of_one_image_and_images_beside_it(tmp_path: Path) -> None:
    tiny_data.write_dataset(tmp_path, {"ant": 1})
    tiny_data.image("bee", 0).save(tmp_path / "loose.png")
    index = scan(tmp_path, training=False)
    assert [(file.file_name, file.label) for file in index.files] == [("ant/000.png", "ant"), ("loose.png", NO_LABEL)]
    assert index.stray == ()


def test_no_training_split_is_needed(tmp_path: Path) -> None:
    tiny_data.write_dataset(tmp_path, {"test/ant": 1, "val/bee": 1})
    tiny_data.image("bee", 1).save(tmp_path / "val" / "loose.png")
    index = scan(tmp_path, training=False)
    assert {(file.split, file.label) for file in index.files} == {("test", "ant"), ("val", "bee"), ("val", NO_LABEL)}


def test_a_table_needs_no_labels(tmp_path: Path) -> None:
    tiny_data.image("ant", 0).save(tmp_path / "one.png")
    (tmp_path / "metadata.csv").write_text("file_name\none.png\n")
    assert scan(tmp_path, training=False).files[0].label == NO_LABEL
    with pytest.raises(InputError, match="no column 'label'"):
        scan(tmp_path)


def test_a_training_asks_for_as_much_as_before(tmp_path: Path) -> None:
    tiny_data.image("ant", 0).save(tmp_path / "one.png")
    with pytest.raises(InputError, match="no class folders"):
        scan(tmp_path)
    with pytest.raises(InputError, match="not a folder"):
        scan(tmp_path / "one.png")
    with pytest.raises(InputError, match="contains no images"):
        scan(tmp_path.joinpath("empty").mkdir() or tmp_path / "empty", training=False)


def test_gray_images_become_a_colour_models(tmp_path: Path) -> None:
    tiny_data.write_dataset(tmp_path, {"ant": 1})
    pixels_NHWC = build_cache(read_contents(scan(tmp_path, training=False)), spec=COLOUR).pixels_NHWC
    assert pixels_NHWC.shape == (1, 16, 8, 3)
    assert (pixels_NHWC == pixels_NHWC[..., :1]).all()


def test_colour_files_of_gray_pixels_become_a_gray_models(tmp_path: Path) -> None:
    tiny_data.image("ant", 0).convert("RGB").save(tmp_path / "one.png")
    pixels_NHWC = build_cache(read_contents(scan(tmp_path, training=False)), spec=GRAY).pixels_NHWC
    assert (pixels_NHWC[0, :, :, 0] == np.asarray(tiny_data.image("ant", 0))).all()


def test_colours_are_refused_by_a_gray_model_or_left_out(tmp_path: Path) -> None:
    tiny_data.image("ant", 0, channels=3).save(tmp_path / "colour.png")
    tiny_data.image("ant", 1).save(tmp_path / "gray.png")
    index = scan(tmp_path, training=False)
    with pytest.raises(InputError, match=r"colour\.png.*but gray images are required"):
        build_cache(read_contents(index), spec=GRAY)
    assert [file.file_name for file in build_cache(read_contents(index), spec=GRAY, skip_invalid=True).files] == [
        "gray.png"
    ]


def test_nothing_readable_is_refused_whatever_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"broken\.png"):
        build_cache(read_contents(scan(tmp_path, training=False)), spec=GRAY, skip_invalid=True)


def test_a_palette_takes_the_nearest_colour(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 90, 200, 255]], np.uint8)).resize((8, 8), Image.Resampling.NEAREST).save(
        tmp_path / "one.png"
    )
    spec = ImageSpec(1, 8, 8, palette=((10,), (240,)))
    pixels_NHWC = build_cache(read_contents(scan(tmp_path, training=False)), spec=spec).pixels_NHWC
    assert pixels_NHWC[0, 0, :, 0].tolist() == [10, 10, 10, 10, 240, 240, 240, 240]


def test_the_same_images_for_another_model_are_another_cache(tmp_path: Path) -> None:
    tiny_data.write_dataset(tmp_path, {"ant": 2})
    index = scan(tmp_path, training=False)
    caches = [
        build_cache(read_contents(index), spec=spec) for spec in (GRAY, COLOUR, ImageSpec(1, 8, 8, palette=((0,),)))
    ]
    assert len({cache.directory for cache in caches}) == 3
    assert len({cache.fingerprint for cache in caches}) == 1


def test_a_folder_of_colours_is_refused_in_one_line(tmp_path: Path) -> None:
    for number in range(30):
        tiny_data.image("ant", number, channels=3).save(tmp_path / f"{number:02}.png")
    with pytest.raises(InputError) as refused:
        build_cache(read_contents(scan(tmp_path, training=False)), spec=GRAY)
    assert "\n" not in str(refused.value)
    assert (
        "'00.png', '01.png', '02.png' and 27 more; convert them to gray, or use a colour model or colour real images"
        in str(refused.value)
    )
