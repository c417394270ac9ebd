"""What a cache holds, and how it is built."""

import json
import multiprocessing
import tracemalloc
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
from dataset_files import build, build_in_a_process, class_folder, colour, gray, pixel_sum, save, shape_of
from hypothesis import given, settings
from hypothesis import strategies as st
from machine_faults import on_disk
from PIL import Image

from vaeaug.dataset.cache import UNSEEN, build_cache, open_cache
from vaeaug.dataset.contents import WINDOW, read_contents, thread_pool, windows
from vaeaug.dataset.scan import scan
from vaeaug.dataset.size import model_size
from vaeaug.errors import InputError
from vaeaug.export.class_format import NativeShape
from vaeaug.progress import Progress


def test_pixels_labels_and_splits(data, tmp_path):
    cache = build(data, tmp_path)
    assert cache.pixels_NHWC.shape == (10, 12, 10, 1)
    assert cache.pixels_NHWC.dtype == np.uint8
    assert cache.classes == ("cat", "dog")
    for i, file in enumerate(cache.files):
        with Image.open(data / file.file_name) as image:
            assert (cache.pixels_NHWC[i, :, :, 0] == np.asarray(image)).all()
        assert file.file_name.startswith(f"{cache.split_N[i]}/{file.label}/")
    assert [file.file_name for file in cache.files] == sorted(file.file_name for file in cache.files)
    assert cache.labels_N.tolist() == [1, 1, UNSEEN, 0, 0, 0, 0, 1, 1, 1]
    assert cache.invalid == ()
    assert not cache.temporary


def test_indices(data, tmp_path):
    cache = build(data, tmp_path)
    assert cache.indices("train").tolist() == [3, 4, 5, 6, 7, 8, 9]
    assert cache.indices("train", "dog").tolist() == [7, 8, 9]
    assert cache.indices("test", "cat").tolist() == []
    assert cache.indices("test", "eel").tolist() == [2]
    with pytest.raises(InputError, match="no class 'dogg': did you mean 'dog'"):
        cache.indices("train", "dogg")


def test_the_pixels_cannot_be_changed(data, tmp_path):
    cache = build(data, tmp_path)
    for array in (cache.pixels_NHWC, cache.labels_N, cache.split_N):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_a_worker_process_opens_it_by_path(data, tmp_path):
    cache = build(data, tmp_path)
    # An executor, not a Pool: it tells when a worker dies where a Pool waits for ever.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as workers:
        assert workers.submit(pixel_sum, cache.directory).result() == int(cache.pixels_NHWC.sum())


def test_opening_nothing_says_so(tmp_path):
    with pytest.raises(InputError, match="no usable image cache"):
        open_cache(tmp_path / "nothing")


@pytest.mark.parametrize("damage", ["pixels.bin", "meta.json", "lock"])
def test_a_damaged_entry_is_built_again(data, tmp_path, damage):
    first = build(data, tmp_path)
    pixels = np.array(first.pixels_NHWC)
    directory = first.directory
    del first
    if damage == "lock":
        (directory / damage).unlink()
    else:
        (directory / damage).write_bytes(b"{")
    second = build(data, tmp_path)
    assert second.directory == directory
    assert (second.pixels_NHWC == pixels).all()


def test_pixels_do_not_depend_on_the_number_of_workers(tmp_path):
    for i in range(40):
        save(tmp_path / "data" / "a" / f"{i:02}.png", colour(i, 20 + i, 30))
    entries = []
    for workers in (1, 2, 7):
        cache = build_cache(
            read_contents(scan(tmp_path / "data")), workers=workers, max_side=16, cache_dir=tmp_path / str(workers)
        )
        entries.append([(cache.directory / name).read_bytes() for name in ("pixels.bin", "meta.json")])
    assert entries[0] == entries[1] == entries[2]


def test_progress_counts_every_image_once(data, tmp_path):
    class Told(Progress):
        def __init__(self):
            self.done = []

        def tick(self, tick):
            self.done.append(tick.done)

    told = Told()
    build(data, tmp_path, progress=told)
    assert told.done == [1.0]
    build(data, tmp_path, progress=told)
    assert told.done == [1.0, 1.0]


def test_one_colour_image_makes_all_pixels_rgb(tmp_path):
    class_folder(tmp_path / "data" / "cat", 3)
    class_folder(tmp_path / "data" / "dog", 3, make=colour)
    cache = build(tmp_path / "data", tmp_path)
    assert cache.pixels_NHWC.shape[-1] == 3
    first = cache.pixels_NHWC[0]
    assert (first == first[..., :1]).all()
    assert shape_of(cache, "cat") == NativeShape(12, 10, "L")
    assert shape_of(cache, "dog") == NativeShape(12, 10, "RGB")


def test_rgb_files_that_are_gray_are_learned_in_gray_and_written_in_rgb(tmp_path):
    count = WINDOW + 3  # more than a window, so that rewriting runs twice
    for i in range(count):
        save(tmp_path / "data" / "cat" / f"{i:04}.png", gray(i, 8, 9).convert("RGB"))
    cache = build(tmp_path / "data", tmp_path)
    assert cache.pixels_NHWC.shape == (count, 8, 9, 1)
    for i in (0, WINDOW - 1, WINDOW, count - 1):
        assert (cache.pixels_NHWC[i, ..., 0] == np.asarray(gray(i, 8, 9))).all()
    assert {file.mode for file in cache.files} == {"RGB"}
    assert shape_of(cache, "cat").mode == "RGB"
    assert sorted(path.name for path in cache.directory.iterdir()) == ["lock", "meta.json", "pixels.bin"]


def test_one_coloured_pixel_keeps_three_channels(tmp_path):
    class_folder(tmp_path / "data" / "cat", 3, make=lambda seed: gray(seed).convert("RGB"))
    tinted = gray(7).convert("RGB")
    tinted.putpixel((9, 11), (1, 2, 3))
    save(tmp_path / "data" / "cat" / "x.png", tinted)
    cache = build(tmp_path / "data", tmp_path)
    assert cache.pixels_NHWC[-1, 11, 9].tolist() == [1, 2, 3]


def test_native_is_the_median_of_the_training_images(tmp_path):
    root = tmp_path / "data"
    for i, (height, width) in enumerate([(10, 20), (30, 21), (31, 90)]):
        save(root / "train" / "cat" / f"{i}.png", gray(i, height, width))
    class_folder(root / "test" / "cat", 5, height=200, width=200)
    class_folder(root / "test" / "new", 2, height=50, width=40)
    cache = build(root, tmp_path)
    assert shape_of(cache, "cat") == NativeShape(30, 21, "L")
    assert shape_of(cache, "new") == NativeShape(50, 40, "L")


def test_native_is_rgb_if_any_training_image_of_the_class_is(tmp_path):
    class_folder(tmp_path / "data" / "cat", 3)
    save(tmp_path / "data" / "cat" / "x.png", colour(1))
    assert shape_of(build(tmp_path / "data", tmp_path), "cat").mode == "RGB"


@pytest.mark.parametrize(
    ("sizes", "max_side", "expected"),
    [
        ([(28, 28)], 64, (28, 28)),
        ([(100, 50)], 64, (64, 32)),
        ([(50, 100), (52, 102), (54, 400)], 64, (33, 64)),
        ([(3, 3)], 64, (8, 8)),
        ([(1000, 10)], 64, (64, 8)),
        ([(4000, 3000)], 256, (256, 192)),
        ([(10, 20), (11, 20)], 64, (11, 20)),
        ([(9, 300)], 8, (8, 8)),
    ],
)
def test_the_size_of_a_model(sizes, max_side, expected):
    assert model_size(sizes, max_side) == expected


@given(
    sizes=st.lists(st.tuples(st.integers(1, 5000), st.integers(1, 5000)), min_size=1, max_size=9),
    max_side=st.integers(8, 256),
)
def test_the_size_of_a_model_is_always_within_bounds(sizes, max_side):
    height, width = model_size(sizes, max_side)
    assert 8 <= height <= max_side
    assert 8 <= width <= max_side


@pytest.mark.parametrize("size", [(8, 256), (256, 8), (9, 33), (31, 17)])
def test_any_size_can_be_asked_for(data, tmp_path, size):
    assert build(data, tmp_path, image_size=size).pixels_NHWC.shape[1:3] == size


@pytest.mark.parametrize(
    "options", [{"image_size": (7, 9)}, {"image_size": (9, 257)}, {"max_side": 7}, {"max_side": 257}]
)
def test_sizes_out_of_range_are_refused(data, tmp_path, options):
    with pytest.raises(InputError, match="8 to 256"):
        build(data, tmp_path, **options)


def test_the_size_is_that_of_the_rotated_images(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    for i in range(3):
        save(tmp_path / "data" / "cat" / f"{i}.jpg", colour(i, 16, 32), exif=exif)
    cache = build(tmp_path / "data", tmp_path)
    assert cache.pixels_NHWC.shape[1:3] == (32, 16)
    assert (cache.files[0].height, cache.files[0].width) == (32, 16)


def test_an_image_that_fails_late_does_not_decide_the_size(tmp_path):
    root = tmp_path / "data"
    class_folder(root / "cat", 2, height=10, width=10)
    for name in ("x.png", "y.png", "z.png"):
        whole = save(root / "cat" / name, gray(1, 60, 60)).read_bytes()
        (root / "cat" / name).write_bytes(whole[: len(whole) // 2])  # its header is fine
    with on_disk("write", "*/pixels.bin") as written:
        cache = build(root, tmp_path, skip_invalid=True)
    assert len(written) == 2  # once more, now that the size is known
    assert cache.pixels_NHWC.shape == (2, 10, 10, 1)
    assert [image.file_name for image in cache.invalid] == ["cat/x.png", "cat/y.png", "cat/z.png"]
    with Image.open(root / "cat" / "000.png") as image:
        assert (cache.pixels_NHWC[0, ..., 0] == np.asarray(image)).all()


def test_memory_does_not_grow_with_the_dataset(tmp_path):
    root = tmp_path / "data"
    first = save(root / "cat" / "0.png", Image.new("RGB", (64, 64), (1, 2, 3)))
    for i in range(1, 2048):
        (root / "cat" / f"{i}.png").hardlink_to(first)
    index = scan(root)
    tracemalloc.start()
    cache = build_cache(read_contents(index), workers=1, cache_dir=tmp_path / "cache")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert cache.pixels_NHWC.nbytes == 2048 * 64 * 64 * 3  # 25 MB
    assert peak < 0.6 * cache.pixels_NHWC.nbytes


def test_windows_are_in_order_and_hand_on_errors():
    with thread_pool(3) as pool:
        lists = list(windows(pool, lambda x: x * x, range(2 * WINDOW + 5)))
        assert [len(window) for window in lists] == [WINDOW, WINDOW, 5]
        assert [x for window in lists for x in window] == [x * x for x in range(2 * WINDOW + 5)]
        with pytest.raises(ZeroDivisionError):
            list(windows(pool, lambda x: 1 // x, range(3)))


@settings(max_examples=10, deadline=None)
@given(shapes=st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), min_size=2, max_size=5))
def test_any_mixture_of_sizes_is_cached_whole(tmp_path_factory, shapes):
    folder = tmp_path_factory.mktemp("mixture")
    for i, (height, width) in enumerate(shapes):
        save(folder / "data" / "a" / f"{i}.png", gray(i, height, width))
    cache = build_cache(read_contents(scan(folder / "data")), cache_dir=folder / "cache", max_side=32)
    assert [(file.height, file.width) for file in cache.files] == shapes
    assert cache.pixels_NHWC.shape[:3] == (len(shapes), *model_size(shapes, 32))


def test_threads_that_build_the_same_at_once_all_get_it(data, tmp_path):
    index = scan(data)
    with ThreadPoolExecutor(4) as pool:
        caches = list(
            pool.map(lambda _: build_cache(read_contents(index), cache_dir=tmp_path / "cache", workers=1), range(4))
        )
    assert len({cache.directory for cache in caches}) == 1
    assert all((cache.pixels_NHWC == caches[0].pixels_NHWC).all() for cache in caches)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [caches[0].directory.name]


def test_processes_that_build_the_same_at_once_all_get_it(data, tmp_path):
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as workers:
        results = list(workers.map(build_in_a_process, [(data, tmp_path / "cache")] * 6))
    assert len(set(results)) == 1
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_the_description_holds_no_path_of_this_machine(data, tmp_path):
    cache = build(data, tmp_path)
    text = (cache.directory / "meta.json").read_text()
    assert str(tmp_path) not in text
    assert json.loads(text)["classes"] == ["cat", "dog"]
