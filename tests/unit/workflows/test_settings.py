"""What a user sets, as numbers: how many images, sizes, times, and what a resumed run must have in common."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaeaug.errors import InputError
from vaeaug.training.config import TrainingConfig
from vaeaug.workflows.sample_settings import AugmentSettings, SampleModelSettings, SampleSettings
from vaeaug.workflows.settings import ReadSettings, build, parse_seconds, parse_size
from vaeaug.workflows.synthetic.class_counts import class_counts
from vaeaug.workflows.train_settings import TrainSettings

REAL = {"ant": 12, "bee": 3, "cow": 7}
COUNTS = st.dictionaries(st.text(max_size=3), st.integers(1, 10_000), min_size=1)


@pytest.mark.parametrize(
    ("settings", "counts"),
    [
        ({}, {"ant": 12, "bee": 3, "cow": 7}),
        ({"per_class": 5}, {"ant": 5, "bee": 5, "cow": 5}),
        ({"per_class": 0}, {"ant": 0, "bee": 0, "cow": 0}),
        ({"balance": True}, {"ant": 0, "bee": 9, "cow": 5}),
        ({"ratio": 0.5}, {"ant": 6, "bee": 2, "cow": 4}),
        ({"ratio": 2.0}, {"ant": 24, "bee": 6, "cow": 14}),
        ({"ratio": 0.0}, {"ant": 0, "bee": 0, "cow": 0}),
    ],
)
def test_how_many_images_a_class_gets(settings: dict[str, object], counts: dict[str, int]) -> None:
    assert class_counts(SampleSettings(**settings), REAL) == counts  # type: ignore[arg-type]


@given(COUNTS)
def test_balanced_classes_are_equally_large(real: dict[str, int]) -> None:
    made = class_counts(SampleSettings(balance=True), real)
    assert {real[label] + made[label] for label in real} == {max(real.values())}
    assert min(made.values()) == 0


@pytest.mark.parametrize(
    "settings",
    [
        {"per_class": 1, "balance": True},
        {"per_class": 0, "ratio": 1.0},
        {"balance": True, "ratio": 0.0},
        {"per_class": 2, "ratio": 3.0, "balance": True},
    ],
)
def test_only_one_number_of_images_can_be_asked_for(settings: dict[str, object]) -> None:
    with pytest.raises(InputError, match="cannot be combined"):
        SampleSettings(**settings).check()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "size"), [("32", (32, 32)), ("9x13", (9, 13)), ("9X13", (9, 13)), (64, (64, 64)), (None, None)]
)
def test_sizes(text: str, size: tuple[int, int] | None) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "x", "7", "257", "8x", "8x8x8", "-8", "8.5", "8,8", "big", "300x8"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(InputError, match=r"image_size must be N or HxW with sides from 8 to 256"):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("60", 60), ("60s", 60), ("1.5m", 90), ("2h", 7200), (" 10 S ", 10), (90, 90), (0.5, 0.5)]
)
def test_times(text: str | float, seconds: float) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "-1s", "0", "5sm", "5 minutes", "nan", "inf", "infm", "1d", "1:30"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(InputError, match=r"time_budget must be a time such as 60s, 10m or 1\.5h"):
        parse_seconds(text)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"step": 5}, r"has no option 'step'; did you mean 'steps'"),
        ({"steps": 0}, r"steps must be at least 1, not 0"),
        ({"steps": "many"}, r"steps must be int or none, not 'many'"),
        ({"steps": 2.5}, r"steps must be int or none"),
        ({"seed": -1}, r"seed must be at least 0"),
        ({"scope": "each"}, r"scope must be one of per-class, shared, not 'each'"),
        ({"link": "soft"}, r"link must be one of copy, hard"),
        ({"learning_rate": float("nan")}, r"learning_rate must be at least 0"),
        ({"ema": 1.0}, r"ema must be at most"),
        ({"ratio": float("inf")}, r"ratio must be at most"),
        ({"per_class": -1}, r"per_class must be at least 0"),
        ({"batch_size": None}, r"batch_size must be int"),
    ],
)
def test_what_is_no_setting(values: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build(AugmentSettings, values, "vaeaug.augment")


def test_values_are_converted_as_they_are_declared() -> None:
    settings = build(AugmentSettings, {"steps": "7", "ratio": 2, "balance": "no", "time_budget": 3}, "x")
    assert (settings.steps, settings.ratio, settings.balance, settings.time_budget) == (7, 2.0, False, 3.0)


def test_the_request_holds_all_that_decides_the_result_and_nothing_else() -> None:
    request = AugmentSettings().request()
    every = {field.name for field in dataclasses.fields(AugmentSettings)}
    where_and_how = {field.name for field in dataclasses.fields(ReadSettings)}
    assert where_and_how == {"device", "workers", "resume", "plugins_dirs", "max_megapixels"}
    assert set(request) == every - where_and_how - {"evaluate"}  # the same images are made with it


def test_the_knobs_of_the_loop_are_passed_on() -> None:
    settings = TrainSettings(steps=3, ema=0.5, variant="vae")
    assert settings.training() == TrainingConfig(steps=3, ema=0.5)


@pytest.mark.parametrize("cls", [TrainingConfig, TrainSettings, AugmentSettings, SampleModelSettings])
def test_every_setting_has_a_line_of_help_and_a_default_in_its_range(cls: type) -> None:
    from vaeaug.options import parse_options

    declared = [field for field in dataclasses.fields(cls) if field.metadata]
    assert declared
    assert all(field.metadata["help"].endswith(".") for field in declared)
    parse_options(cls, {field.name: field.default for field in declared}, "x")


def test_a_time_budget_is_the_same_in_words_and_in_seconds() -> None:
    assert build(TrainSettings, {"time_budget": "1.5m"}, "train").time_budget == 90
    assert build(TrainSettings, {"time_budget": 90}, "train").time_budget == 90


@pytest.mark.parametrize(
    "option", [lambda file: {"train_augment": file}, lambda file: {"loss_options": {"weights": str(file)}}]
)
def test_a_changed_file_is_another_request(tmp_path: Path, option: Callable[[Path], dict[str, object]]) -> None:
    file = tmp_path / "file"
    file.write_text("{}")
    settings = build(TrainSettings, option(file), "train")
    before = settings.request()
    assert settings.request() == before
    file.write_text("{ }")
    assert settings.request() != before


def test_what_a_trained_model_ignores_is_named() -> None:
    assert build(TrainSettings, {"seed": 3, "workers": 2, "loss": "x"}, "train").ignored_by_a_model() == []
    changed = build(TrainSettings, {"steps": 3, "scope": "shared"}, "train")
    assert changed.ignored_by_a_model() == ["--scope", "--steps"]
