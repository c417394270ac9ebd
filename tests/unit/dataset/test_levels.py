"""Gray values of more than 8 bits: one range for a dataset, stated rules for every type."""

import io
from pathlib import Path

import numpy as np
import pytest
import tiff_files
from dataset_files import build, shape_of
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from vaeaug.dataset.cache import build_cache, open_cache
from vaeaug.dataset.contents import read_contents
from vaeaug.dataset.decode import decode, decode_full
from vaeaug.dataset.levels import DeepValues, Levels, LevelsFinder
from vaeaug.dataset.rules import DecodeRules
from vaeaug.dataset.scan import scan
from vaeaug.errors import InputError

U16 = arrays.arrays(np.uint16, (4, 5))


def encoded(values: np.ndarray, file_format: str = "TIFF") -> bytes:
    stream = io.BytesIO()
    Image.fromarray(values).save(stream, file_format)
    return stream.getvalue()


def write(root: Path, label: str, number: int, values: np.ndarray, suffix: str = ".tif") -> None:
    (root / label).mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(root / label / f"{number}{suffix}")


def dataset(root: Path, images: dict[str, list[np.ndarray]], suffix: str = ".tif") -> Path:
    for label, arrays_of_class in images.items():
        for number, values in enumerate(arrays_of_class):
            write(root, label, number, values, suffix)
    return root


def noise(low: float, high: float, dtype: object, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).uniform(low, high, (16, 16))
    values[0, :2] = low, high
    return values.astype(dtype)


@pytest.mark.parametrize(
    ("low", "high", "dtype", "raw"),
    [
        (0, 4095, np.uint16, True),  # 12-bit data
        (2000, 50000, np.uint16, True),
        (-1000, 3000, np.int16, False),  # computed tomography
        (-2000, 900_000, np.int32, False),
        (0, 1, np.float32, False),
        (-1, 1, np.float32, False),
        (0, 4000, np.float32, False),
    ],
)
def test_a_dataset_has_the_range_of_its_training_images(low, high, dtype, raw, tmp_path):
    images = {
        "ant": [noise(low, high, dtype, i) for i in range(3)],
        "bee": [noise(low, high, dtype, i + 9) for i in range(3)],
    }
    for label, values in images.items():
        for number, each in enumerate(values):
            (tmp_path / "data" / label).mkdir(parents=True, exist_ok=True)
            (tmp_path / "data" / label / f"{number}.tif").write_bytes(tiff_files.tiff(each))
    cache = build(tmp_path / "data", tmp_path)
    assert cache.levels == Levels(low, high, raw)
    for pixels_HWC, (label, number) in zip(cache.pixels_NHWC, [(c, i) for c in images for i in range(3)], strict=True):
        scaled = (images[label][number].astype(np.float64) - low) / (high - low) * 255
        assert np.abs(pixels_HWC[..., 0] - scaled).max() <= 0.51
    assert open_cache(cache.directory).rules == cache.rules


def test_differences_in_brightness_between_classes_survive(tmp_path):
    images = {
        "dark": [noise(0, 500, np.uint16, i) for i in range(3)],
        "light": [noise(3000, 4095, np.uint16, i) for i in range(3)],
    }
    cache = build(dataset(tmp_path / "data", images, ".png"), tmp_path)
    dark, light = (cache.pixels_NHWC[cache.indices("train", label)].mean() for label in ("dark", "light"))
    assert (dark < 32) & (light > 180)
    assert shape_of(cache, "dark").value_range == (0, 500)
    assert shape_of(cache, "light").value_range == (3000, 4095)
    assert shape_of(cache, "light").levels == Levels(0, 4095, raw=True)


def test_images_that_are_not_trained_on_do_not_change_the_range_and_are_clipped(tmp_path):
    dataset(tmp_path / "data" / "train", {"ant": [noise(100, 200, np.uint16, i) for i in range(3)]}, ".png")
    dataset(tmp_path / "data" / "test", {"ant": [np.full((16, 16), 60_000, np.uint16)]}, ".png")
    cache = build(tmp_path / "data", tmp_path)
    assert cache.levels == Levels(100, 200, raw=True)
    assert (cache.pixels_NHWC[cache.indices("test")] == 255).all()


def test_8_bit_images_are_read_on_their_own_scale_beside_deep_ones(tmp_path):
    eight = np.tile(np.arange(16, dtype=np.uint8) * 17, (16, 1))
    dataset(tmp_path / "data", {"ant": [noise(0, 4095, np.uint16, i) for i in range(2)]}, ".png")
    write(tmp_path / "data", "ant", 9, eight, ".png")
    cache = build(tmp_path / "data", tmp_path)
    assert cache.levels == Levels(0, 4095, raw=True)
    assert (cache.pixels_NHWC[2, ..., 0] == eight).all()
    assert cache.levels is not None
    assert (cache.levels.to_8_bits(cache.levels.to_16_bits(eight)) == eight).all()


def test_unsigned_16_bit_images_beside_floats_are_on_the_scale_of_written_files(tmp_path):
    dataset(tmp_path / "data", {"ant": [noise(-1, 1, np.float32, i) for i in range(2)]})
    write(tmp_path / "data", "ant", 9, np.full((16, 16), 32768, np.uint16), ".png")
    cache = build(tmp_path / "data", tmp_path)
    assert cache.levels == Levels(-1, 1, raw=False)
    assert (cache.pixels_NHWC[2] == 128).all()


def test_what_a_cache_says_of_8_bit_images(tmp_path):
    cache = build(dataset(tmp_path / "data", {"ant": [noise(0, 255, np.uint8, i) for i in range(2)]}), tmp_path)
    assert cache.levels is None
    assert (shape_of(cache, "ant").levels, shape_of(cache, "ant").value_range) == (None, None)


def test_few_hot_pixels_do_not_decide_and_one_in_ten_thousand_is_few():
    finder = LevelsFinder(40_000)
    rng = np.random.default_rng(0)
    for number in range(4):
        values = rng.integers(100, 200, (100, 100)).astype(np.uint16)
        values[:1, :2] = 100, 199
        values[50, 50] = 65_535 if number else 0
        finder.add(DeepValues(values, unsigned_16=True))
    assert finder.levels() == Levels(100, 199, raw=True)


@settings(max_examples=30, deadline=None)
@given(arrays.arrays(np.int32, (3, 40), elements=st.integers(-1000, 1000)), st.permutations(range(3)))
def test_the_levels_do_not_depend_on_the_order_of_the_images(values, order):
    found = []
    for places in (range(3), order):
        finder = LevelsFinder(25_000)  # two are left out
        for place in places:
            finder.add(DeepValues(values[place][None], unsigned_16=False))
        found.append(finder.levels())
    ordered = np.sort(values.reshape(-1))
    assert found[0] == found[1] == Levels(float(ordered[2]), float(ordered[-3]), raw=False)


@settings(max_examples=60, deadline=None)
@given(U16, st.integers(0, 60_000), st.integers(1, 5000))
def test_raw_values_are_kept_and_what_a_model_sees_is_linear_and_clipped(values, low, span):
    levels = Levels(low, low + span, raw=True)
    full = decode_full(encoded(values, "PNG"), DecodeRules(levels=levels))
    assert (full.pixels_HWC[..., 0] == values).all()
    exact = (values.astype(np.float64) - low) / span * 255
    assert np.abs(full.eight_bit()[..., 0] - exact.clip(0, 255)).max() <= 0.51


@settings(max_examples=60, deadline=None)
@given(arrays.arrays(np.float32, (4, 5), elements=st.floats(-100, 100, width=32)))
def test_other_values_are_stored_from_black_to_white(values):
    levels = Levels(-50, 50, raw=False)
    full = decode_full(encoded(values), DecodeRules(levels=levels))
    exact = (values.astype(np.float64) + 50) / 100 * 65535
    assert np.abs(full.pixels_HWC[..., 0] - exact.clip(0, 65535)).max() <= 0.51
    normalized = decode_full(encoded(full.pixels_HWC[..., 0], "PNG"), DecodeRules(levels=levels))
    assert (normalized.eight_bit() == full.eight_bit()).all()  # a model sees the same of the file that is written


def test_decode_agrees_with_decode_full():
    values = noise(0, 4095, np.uint16)
    rules = DecodeRules(levels=Levels(10, 4000, raw=True))
    full, small = decode_full(encoded(values, "PNG"), rules), decode(encoded(values, "PNG"), 16, 16, rules=rules)
    assert (full.eight_bit() == small.pixels_HWC).all()
    assert small.value_range == (values.min(), values.max())


def test_one_value_throughout_is_black():
    data = encoded(np.full((4, 4), 77, np.uint16), "PNG")
    assert (decode(data, 4, 4, rules=DecodeRules(levels=Levels(77, 77, raw=True))).pixels_HWC == 0).all()


def test_a_transparent_gray_of_16_bits_shows_the_background():
    stream = io.BytesIO()
    Image.fromarray(np.array([[5, 300]], np.uint16)).save(stream, "PNG", transparency=5)
    levels = Levels(0, 4095, raw=True)
    assert decode_full(stream.getvalue(), DecodeRules(levels=levels)).pixels_HWC.reshape(-1).tolist() == [4095, 300]
    black = DecodeRules(levels=levels, background=(0, 0, 0))
    assert decode_full(stream.getvalue(), black).pixels_HWC.reshape(-1).tolist() == [0, 300]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_deep_images_are_set_upright_as_8_bit_ones(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    eight = np.arange(6, dtype=np.uint8).reshape(2, 3)
    found = []
    for values in (eight, eight.astype(np.uint16)):
        stream = io.BytesIO()
        Image.fromarray(values).save(stream, "PNG", exif=exif)
        found.append(decode_full(stream.getvalue()).pixels_HWC)
    assert (found[0] == found[1]).all()


@pytest.mark.parametrize(
    "dtype", ["<u4", ">u4", "<i4", ">i4", "<i2", ">i2", "<f4", ">f4", "<f8", ">f8", "<i8", "<u8", "i1"]
)
def test_tiffs_of_every_type_of_number_are_read_by_their_values(dtype):
    top = 3_000_000_000 if dtype[1:] == "u4" else 100
    low = 0 if "u" in dtype else -100
    values = np.linspace(low, top, 12).reshape(3, 4).astype(dtype)
    full = decode_full(tiff_files.tiff(values), DecodeRules(levels=Levels(low, top, raw=False)))
    exact = (values.astype(np.float64) - low) / (top - low) * 65535
    assert np.abs(full.pixels_HWC[..., 0] - exact).max() <= 1


def test_where_0_is_white_values_are_inverted():
    values = np.array([[0, 1000, 65535]], "<u2")
    full = decode_full(tiff_files.tiff(values, white_is_zero=True))
    assert full.pixels_HWC.reshape(-1).tolist() == [65535, 64535, 0]


def test_values_that_are_no_numbers_are_refused_by_name(tmp_path):
    dataset(tmp_path / "data", {"ant": [noise(-1, 1, np.float32, i) for i in range(3)]})
    write(tmp_path / "data", "ant", 7, np.full((16, 16), np.nan, np.float32))
    with pytest.raises(InputError, match=r"'ant/7\.tif': some of its values are not numbers \(NaN or infinity\)"):
        build(tmp_path / "data", tmp_path)
    assert build(tmp_path / "data", tmp_path, skip_invalid=True).levels == Levels(-1, 1, raw=False)


def test_the_levels_of_a_trained_model_are_taken_as_they_are(tmp_path):
    dataset(tmp_path / "data", {"ant": [noise(0, 100, np.uint16, i) for i in range(3)]}, ".png")
    index, levels = scan(tmp_path / "data"), Levels(0, 200, raw=True)
    assert build_cache(read_contents(index), cache_dir=tmp_path / "cache").levels == Levels(0, 100, raw=True)
    cache = build_cache(read_contents(index), rules=DecodeRules(levels=levels), cache_dir=tmp_path / "cache")
    assert cache.levels == levels
    assert cache.pixels_NHWC.max() == 128
    unknown = build_cache(read_contents(index), find_levels=False, cache_dir=tmp_path / "cache")
    assert (unknown.levels, unknown.pixels_NHWC.max()) == (None, 0)
