"""How many synthetic images a class gets, and which amounts are refused."""

import re
from pathlib import Path
from typing import Any

import pytest
import tiny_data
from hypothesis import given
from hypothesis import strategies as st

from vaeaug.dataset.cache import ImageCache
from vaeaug.dataset.scan import scan
from vaeaug.errors import InputError
from vaeaug.progress import SILENT
from vaeaug.workflows.image_data import read_for_training
from vaeaug.workflows.sample_settings import AugmentSettings, SampleSettings
from vaeaug.workflows.synthetic.class_counts import check_counts, class_counts, count_warnings, requested_counts


def _cache(folder: Path, real: dict[str, int], **shape: Any) -> ImageCache:
    tiny_data.write_dataset(folder, real, **shape)
    return read_for_training(scan(folder), AugmentSettings(workers=1), SILENT).cache


def test_ten_for_each_real_one_up_to_500_and_no_fewer_than_these(tmp_path: Path) -> None:
    cache = _cache(tmp_path, {"ant": 2, "bee": 51, "cow": 501})
    assert requested_counts(AugmentSettings(), cache) == {"ant": 20, "bee": 500, "cow": 501}


@pytest.mark.parametrize(("height", "width", "count"), [(128, 128, 30), (64, 256, 30), (128, 129, 3)])
def test_one_for_each_where_ten_would_fill_a_disk(tmp_path: Path, height: int, width: int, count: int) -> None:
    cache = _cache(tmp_path, {"ant": 3}, height=height, width=width)
    assert requested_counts(AugmentSettings(), cache) == {"ant": count}


def test_some_large_images_are_enough_and_count_for_every_class(tmp_path: Path) -> None:
    tiny_data.image("ant", 99, 600, 400).save(tiny_data.write_dataset(tmp_path, {"ant": 4, "bee": 4}) / "ant/large.png")
    cache = read_for_training(scan(tmp_path), AugmentSettings(workers=1), SILENT).cache
    assert requested_counts(AugmentSettings(), cache) == {"ant": 5, "bee": 4}


@pytest.mark.parametrize(
    ("settings", "ant", "bee"),
    [({"ratio": 1.0}, 4, 3), ({"ratio": 20.0}, 80, 60), ({"per_class": 7}, 7, 7), ({"balance": True}, 0, 1)],
)
def test_what_is_asked_for_is_made(tmp_path: Path, settings: dict[str, Any], ant: int, bee: int) -> None:
    cache = _cache(tmp_path, {"ant": 4, "bee": 3})
    assert requested_counts(AugmentSettings(**settings), cache) == {"ant": ant, "bee": bee}


REAL = st.dictionaries(st.sampled_from("abcd"), st.integers(2, 5000), min_size=1)
AMOUNT = st.one_of(
    st.fixed_dictionaries({"per_class": st.integers(0, 3)}),
    st.fixed_dictionaries({"ratio": st.floats(0, 2) | st.floats(0, 0.01)}),
    st.just({"balance": True}),
    st.just({}),
)


@given(real=REAL, amount=AMOUNT)
def test_an_amount_is_refused_where_it_gives_no_class_an_image(real: dict[str, int], amount: dict[str, Any]) -> None:
    settings = SampleSettings(**amount)
    counts = class_counts(settings, real)
    try:
        check_counts(settings, real)
    except InputError as error:
        refusal = str(error)
    else:
        refusal = ""
    assert refusal.startswith("nothing to make: ") == (not any(counts.values()))
    suggested = re.search(r"a ratio of at least (\S+),", refusal)
    assert bool(suggested) == (bool(refusal) and "ratio" in amount)
    if suggested:
        check_counts(SampleSettings(ratio=float(suggested[1])), real)
    if not refusal:
        named = re.findall(r"'(.)'", "".join(count_warnings(settings, counts)))
        assert named == ([label for label, count in counts.items() if not count] if "ratio" in amount else [])


@given(real=REAL)
def test_only_the_classes_that_are_drawn_count(real: dict[str, int]) -> None:
    settings = SampleSettings(balance=True)
    counts = class_counts(settings, real)
    largest = max(real, key=lambda label: real[label])
    with pytest.raises(InputError, match=f"the class '{largest}' is as large as the largest"):
        check_counts(settings, real, {largest: counts[largest]})
