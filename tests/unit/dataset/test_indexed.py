"""Which datasets are indexed, with which colours, and what their pixels are."""

import io
import tracemalloc

import numpy as np
import pytest
from dataset_files import class_folder, colour, gray, save, shape_of
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from vaeaug.dataset.cache import build_cache, open_cache
from vaeaug.dataset.contents import read_contents
from vaeaug.dataset.decode import decode, read_colour_table
from vaeaug.dataset.palette import IndexedColours, nearest_colours, nearest_entries
from vaeaug.dataset.scan import scan
from vaeaug.export.class_format import NativeShape

RED, GREEN, BLUE, SAND, WHITE = (200, 10, 20), (10, 180, 30), (0, 0, 250), (190, 180, 120), (255, 255, 255)
BLACK, MIDDLE = (0, 0, 0), (128, 128, 128)


def indexed(indices, table, seed=0, height=12, width=10):
    """A palette image: blocks of the given indices, each of which has a pixel."""
    values = np.random.default_rng(seed).choice(indices, (height, width)).astype(np.uint8)
    values.flat[: len(indices)] = indices
    image = Image.frombytes("P", (width, height), values.tobytes())
    image.putpalette([value for entry in table for value in entry])
    return image


def write(folder, indices, table, count=3, **shape):
    for i in range(count):
        save(folder / f"{i:03}.png", indexed(indices, table, seed=i, **shape))


def build(data, tmp_path, **options):
    return build_cache(read_contents(scan(data)), cache_dir=tmp_path / "cache", **options)


def table_of(image):
    listed = image.getpalette()
    return tuple(zip(listed[::3], listed[1::3], listed[2::3], strict=True))


def test_a_table_that_all_files_have_is_kept_in_its_order(tmp_path):
    table = [SAND, RED, BLACK, GREEN, BLUE, WHITE]
    write(tmp_path / "data/cat", [3, 0], table)
    write(tmp_path / "data/dog", [1, 3], table)
    cache = build(tmp_path / "data", tmp_path)
    assert cache.palette == (SAND, RED, GREEN)  # those in use
    assert cache.table == (SAND, RED, BLACK, GREEN)  # cut behind the last in use
    places = IndexedColours(cache.palette, cache.table).table_indices()
    for pixels_HWC, file in zip(cache.pixels_NHWC, cache.files, strict=True):
        with Image.open(tmp_path / "data" / file.file_name) as image:
            assert (places[nearest_entries(pixels_HWC, cache.palette)] == np.asarray(image)).all()
            assert (pixels_HWC == np.asarray(image.convert("RGB"))).all()


def test_tables_of_which_one_begins_with_the_other_are_one(tmp_path):
    write(tmp_path / "data/cat", [0, 1], [SAND, RED])
    write(tmp_path / "data/dog", [0, 3], [SAND, RED, GREEN, BLUE, WHITE])
    cache = build(tmp_path / "data", tmp_path)
    assert cache.palette == (SAND, RED, BLUE)
    assert cache.table == (SAND, RED, GREEN, BLUE)


def test_other_tables_give_the_sorted_union_of_what_is_used(tmp_path):
    write(tmp_path / "data/cat", [0, 2], [RED, WHITE, BLUE])
    write(tmp_path / "data/dog", [0, 1], [SAND, RED, GREEN])
    cache = build(tmp_path / "data", tmp_path)
    assert cache.palette == cache.table == tuple(sorted([RED, BLUE, SAND]))
    assert {tuple(pixel) for pixel in cache.pixels_NHWC.reshape(-1, 3).tolist()} == set(cache.palette)


@pytest.mark.parametrize(("colours", "is_indexed"), [(256, True), (257, False)])
def test_at_most_256_colours_together(tmp_path, colours, is_indexed):
    every = [(i // 2, 7, 200 * (i % 2)) for i in range(colours)]
    write(tmp_path / "data/cat", range(200), every[:200], height=24, width=20)
    write(tmp_path / "data/dog", range(200), every[-200:], height=24, width=20)
    cache = build(tmp_path / "data", tmp_path, image_size=(9, 10))
    assert (cache.palette is not None) == is_indexed
    if is_indexed:
        assert len(cache.palette) == 256
        return
    assert cache.table is None
    assert shape_of(cache, "cat") == NativeShape(24, 20, "RGB")
    for pixels_HWC, file in zip(
        cache.pixels_NHWC, cache.files, strict=True
    ):  # resized by averaging, as photographs are
        assert (pixels_HWC == decode((tmp_path / "data" / file.file_name).read_bytes(), 9, 10).pixels_HWC).all()


@pytest.mark.parametrize("other", [colour(1), gray(1), Image.new("1", (10, 12))])
def test_one_training_image_of_another_kind_is_enough_for_none_to_be_indexed(tmp_path, other):
    write(tmp_path / "data/cat", [0, 1], [RED, BLUE])
    save(tmp_path / "data/cat/x.png", other)
    cache = build(tmp_path / "data", tmp_path)
    assert cache.palette is None
    assert shape_of(cache, "cat").mode == "RGB"


def test_a_colour_of_val_or_test_that_train_lacks_becomes_the_nearest(tmp_path):
    write(tmp_path / "data/train/cat", [0, 1], [RED, BLUE])
    save(tmp_path / "data/val/cat/a.png", Image.new("RGB", (10, 12), (150, 90, 90)))
    save(tmp_path / "data/test/cat/b.png", indexed([0], [(30, 30, 240)]))
    save(tmp_path / "data/test/cat/c.png", Image.new("L", (10, 12), 5))
    cache = build(tmp_path / "data", tmp_path)
    assert cache.palette == (RED, BLUE)
    found = {file.file_name: cache.pixels_NHWC[i] for i, file in enumerate(cache.files)}
    assert (found["val/cat/a.png"] == RED).all()
    assert (found["test/cat/b.png"] == BLUE).all()
    assert (found["test/cat/c.png"] == RED).all()  # 195^2 + 5^2 + 15^2 against 5^2 + 5^2 + 245^2


def test_a_gray_palette_has_one_channel_whatever_else_the_table_holds(tmp_path):
    write(tmp_path / "data/cat", [0, 2], [MIDDLE, RED, BLACK])
    save(tmp_path / "data/cat/x.png", indexed([2], [MIDDLE, RED, BLACK]))
    cache = build(tmp_path / "data", tmp_path)
    assert cache.palette == ((128,), (0,))
    assert cache.table == (MIDDLE, RED, BLACK)
    assert cache.pixels_NHWC.shape == (4, 12, 10, 1)
    assert (cache.pixels_NHWC[-1].reshape(-1)[1:] == 0).all()


def test_resizing_takes_the_nearest_pixel_and_mixes_no_colours(tmp_path):
    write(tmp_path / "data/cat", [0, 1, 2], [RED, GREEN, BLUE], height=40, width=30)
    cache = build(tmp_path / "data", tmp_path, image_size=(8, 10))
    with Image.open(tmp_path / "data/cat/000.png") as image:
        every = np.asarray(image.convert("RGB"))
    assert (cache.pixels_NHWC[0] == every[2::5, 1::3]).all()
    assert shape_of(cache, "cat") == NativeShape(40, 30, "P", IndexedColours(cache.palette, cache.table))


def test_a_colour_that_resizing_drops_is_still_of_the_palette(tmp_path):
    write(tmp_path / "data/cat", [0], [RED, GREEN], height=40, width=30)
    rare = indexed([0], [RED, GREEN], height=40, width=30)
    rare.putpixel((0, 0), 1)
    save(tmp_path / "data/cat/x.png", rare)
    cache = build(tmp_path / "data", tmp_path, image_size=(8, 10))
    assert cache.palette == (RED, GREEN)
    assert (cache.pixels_NHWC == RED).all()


def test_a_transparent_entry_is_what_it_is_over_white_and_equal_colours_are_the_first(tmp_path):
    table = [WHITE, RED, RED, BLUE]
    for i in range(3):
        save(tmp_path / f"data/cat/{i}.png", indexed([1, 2, 3], table, seed=i), transparency=bytes([255, 255, 255, 0]))
    cache = build(tmp_path / "data", tmp_path)
    assert cache.palette == (WHITE, RED)  # blue is transparent, so white
    assert cache.table == (WHITE, RED)


def test_an_opened_cache_knows_its_colours(tmp_path):
    write(tmp_path / "data/cat", [0, 2], [RED, GREEN, BLUE])
    cache = build(tmp_path / "data", tmp_path)
    for again in (open_cache(cache.directory), build(tmp_path / "data", tmp_path)):
        assert (again.palette, again.table) == ((RED, BLUE), (RED, GREEN, BLUE))
        assert shape_of(again, "cat") == shape_of(cache, "cat")


@pytest.mark.parametrize("file_format", ["PNG", "BMP", "TIFF"])
def test_every_format_with_colour_tables(tmp_path, file_format):
    image = indexed([0, 1, 2], [RED, GREEN, SAND])
    for i in range(2):
        save(tmp_path / f"data/cat/{i}.{file_format.lower()}", image)
    cache = build(tmp_path / "data", tmp_path)
    assert cache.palette == cache.table == (RED, GREEN, SAND)
    assert (cache.pixels_NHWC[0] == np.asarray(image.convert("RGB"))).all()


def test_rotated_by_exif(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    image = indexed([0, 1], [RED, GREEN], height=20, width=10)
    for i in range(2):
        save(tmp_path / f"data/cat/{i}.png", image, exif=exif)
    cache = build(tmp_path / "data", tmp_path)
    assert (cache.pixels_NHWC[0] == np.rot90(np.asarray(image.convert("RGB")), -1)).all()


@pytest.mark.parametrize("broken", [colour(1, 60, 60), indexed(range(200), [(i, 0, 9) for i in range(200)], 1, 60, 60)])
def test_a_file_that_cannot_be_decoded_decides_nothing(tmp_path, broken):
    write(tmp_path / "data/cat", [0, 1], [RED, GREEN], count=2)
    for name in ("x", "y", "z"):
        whole = save(tmp_path / f"data/cat/{name}.png", broken).read_bytes()
        (tmp_path / f"data/cat/{name}.png").write_bytes(whole[: len(whole) // 2])  # its header is fine
    cache = build(tmp_path / "data", tmp_path, skip_invalid=True)
    assert cache.palette == cache.table == (RED, GREEN)
    assert cache.pixels_NHWC.shape == (2, 12, 10, 3)
    assert len(cache.invalid) == 3


def test_the_cache_does_not_depend_on_the_number_of_workers(tmp_path):
    write(tmp_path / "data/cat", [0, 1], [RED, GREEN], count=40)
    write(tmp_path / "data/dog", [0, 1], [BLUE, SAND], count=40)
    entries = []
    for workers in (1, 4):
        cache = build_cache(read_contents(scan(tmp_path / "data")), workers=workers, cache_dir=tmp_path / str(workers))
        entries.append([(cache.directory / name).read_bytes() for name in ("pixels.bin", "meta.json")])
    assert entries[0] == entries[1]


def test_memory_does_not_grow_with_an_indexed_dataset(tmp_path):
    first = save(tmp_path / "data/cat/0.png", indexed(range(3), [RED, GREEN, BLUE], height=64, width=64))
    for i in range(1, 2048):
        (tmp_path / f"data/cat/{i}.png").hardlink_to(first)
    index = scan(tmp_path / "data")
    tracemalloc.start()
    cache = build_cache(read_contents(index), workers=1, cache_dir=tmp_path / "cache")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(cache.palette) == 3
    assert peak < 0.6 * cache.pixels_NHWC.nbytes


@settings(deadline=None)
@given(
    table=arrays.arrays(np.uint8, st.tuples(st.integers(1, 256), st.just(3))),
    values=st.data(),
    transparency=st.one_of(st.none(), st.integers(0, 255), st.binary(min_size=1, max_size=256)),
)
def test_the_colour_table_has_the_colours_that_decoding_gives(table, values, transparency):
    indices = values.draw(arrays.arrays(np.uint8, (5, 4), elements=st.integers(0, len(table) - 1)))
    image = Image.frombytes("P", (4, 5), indices.tobytes())
    image.putpalette(table.tobytes())
    stream = io.BytesIO()
    image.save(stream, "PNG", **({} if transparency is None else {"transparency": transparency}))
    found = read_colour_table(stream.getvalue())
    expected = np.broadcast_to(decode(stream.getvalue(), 5, 4).pixels_HWC, (5, 4, 3))
    assert (found.colours_K3[indices] == expected).all()
    assert np.flatnonzero(found.used_K).tolist() == sorted(set(indices.ravel().tolist()))
    if transparency is None:
        assert (found.colours_K3 == table[: len(found.colours_K3)]).all()


def test_files_without_a_colour_table_have_none(tmp_path):
    for image in (gray(1), colour(1)):
        assert read_colour_table(save(tmp_path / "x.png", image).read_bytes()) is None


@settings(deadline=None)
@given(
    pixels=arrays.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3]))),
    palette=arrays.arrays(np.uint8, st.tuples(st.integers(1, 256), st.sampled_from([1, 3]))),
)
def test_the_nearest_entry_is_the_first_of_least_distance(pixels, palette):
    colours = tuple(map(tuple, palette.tolist()))
    wide, entries = (np.broadcast_to(x, (*x.shape[:-1], 3)).astype(int) for x in (pixels, palette))
    expected = ((wide[:, :, None] - entries) ** 2).sum(axis=-1).argmin(axis=-1)
    assert (nearest_entries(pixels, colours) == expected).all()
    assert (nearest_colours(pixels, colours) == palette[expected]).all()


def test_a_folder_of_gray_files_is_not_indexed(tmp_path):
    class_folder(tmp_path / "data/cat", 3)
    assert build(tmp_path / "data", tmp_path).palette is None
