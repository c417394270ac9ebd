"""Images that cannot be read: all of them are named before anything starts, and can be left out."""

import os
import warnings

import pytest
from dataset_files import class_folder, colour, gray, save
from machine_faults import closed, on_disk
from PIL import Image

from vaeaug.dataset.cache import InvalidImage, build_cache
from vaeaug.dataset.contents import read_contents
from vaeaug.dataset.formats import NAMES
from vaeaug.dataset.rules import DecodeRules
from vaeaug.dataset.scan import scan
from vaeaug.errors import InputError


@pytest.fixture
def data(tmp_path):
    root = tmp_path / "data"
    class_folder(root / "train" / "cat", 3)
    class_folder(root / "test" / "cat", 2)
    return root


def build(data, **options):
    return build_cache(read_contents(scan(data)), cache_dir=data.parent / "cache", **options)


def test_all_unreadable_images_of_all_splits_are_named_at_once(data):
    cat = data / "train" / "cat"
    (cat / "empty.png").write_bytes(b"")
    (cat / "text.jpg").write_text("I am no image")
    whole = save(cat / "cut.png", colour(1, 40, 40)).read_bytes()
    (cat / "cut.png").write_bytes(whole[: len(whole) // 2])
    (cat / "gone.png").symlink_to(cat / "nowhere")
    (data / "test" / "cat" / "bad\nname.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(InputError) as caught:
        build(data)
    lines = str(caught.value).splitlines()
    assert lines[0] == "5 images cannot be read; fix or remove them, or skip them with --skip-invalid:"
    assert lines[1].startswith("  'test/cat/bad\\nname.png': ")
    assert lines[2].startswith("  'train/cat/cut.png': image file is truncated")
    assert lines[3] == "  'train/cat/empty.png': the file is empty"
    assert lines[4] == "  'train/cat/gone.png': no such file or directory"
    assert lines[5] == f"  'train/cat/text.jpg': not a {NAMES} image"
    assert len(lines) == 6


def test_they_can_be_left_out_and_are_listed(data):
    (data / "train" / "cat" / "empty.png").write_bytes(b"")
    for _ in range(2):  # decoded, and from the cache
        cache = build(data, skip_invalid=True)
        assert cache.invalid == (InvalidImage("train/cat/empty.png", "the file is empty"),)
        assert len(cache) == len(cache.pixels_NHWC) == 5
        assert "train/cat/empty.png" not in {file.file_name for file in cache.files}


def test_a_cache_without_them_does_not_hide_them_later(data):
    (data / "train" / "cat" / "empty.png").write_bytes(b"")
    build(data, skip_invalid=True)
    with pytest.raises(InputError, match="1 image cannot be read; fix or remove it"):
        build(data)


def test_the_pixels_of_the_others_stay_in_step_with_their_names(data):
    (data / "train" / "cat" / "000.png").write_bytes(b"")
    cache = build(data, skip_invalid=True)
    for i, file in enumerate(cache.files):
        with Image.open(data / file.file_name) as image:
            assert image.tobytes() == cache.pixels_NHWC[i].tobytes()


def test_a_class_that_keeps_fewer_than_two_is_refused(data):
    class_folder(data / "train" / "dog", 2)
    (data / "train" / "dog" / "000.png").write_bytes(b"")
    with pytest.raises(InputError, match="'dog' has 1"):
        build(data, skip_invalid=True)


@pytest.mark.filterwarnings("error")
def test_a_large_image_is_refused_without_a_warning_and_without_changing_pillow(data, monkeypatch):
    save(data / "train" / "cat" / "wide.png", gray(1, 10, 120))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    filters = list(warnings.filters)
    with pytest.raises(InputError, match=r"'train/cat/wide.png': its 120x10 pixels exceed --max-megapixels 0.001;"):
        build(data, rules=DecodeRules(max_megapixels=0.001))
    assert warnings.filters == filters
    assert len(build(data)) == 6
    assert Image.MAX_IMAGE_PIXELS == 100


def test_a_file_that_changes_while_it_is_read_is_refused(data):
    index = scan(data)
    first = index.files[0].path

    def change(seen):
        if len(seen) == 3:  # content and header are known, and it is about to be decoded
            save(first, gray(77))

    with (
        on_disk("read", str(first), change),
        pytest.raises(InputError, match="changed while it was being read; run the command again"),
    ):
        build_cache(read_contents(index), cache_dir=data.parent / "cache")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_that_took_the_place_of_an_image_does_not_hang(data):
    index = scan(data)
    index.files[0].path.unlink()
    os.mkfifo(index.files[0].path)
    with pytest.raises(InputError, match="not a regular file"):
        build_cache(read_contents(index), cache_dir=data.parent / "cache")


def test_a_file_that_may_not_be_read(data):
    with (
        closed(data / "train/cat/000.png", 0o000),
        pytest.raises(InputError, match=r"'train/cat/000.png': permission denied"),
    ):
        build(data)
