"""The strength of changed images is lowered where the filter's classifiers reject too many of a first draw."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tiny_data
from hypothesis import given, settings
from hypothesis import strategies as st

import vaeaug
from vaeaug import plugins
from vaeaug.progress import Progress
from vaeaug.synthesis.chunk import SampleChunk
from vaeaug.workflows.synthetic import change_strength as strength
from vaeaug.workflows.synthetic.sample_filter import SampleFilter

SAMPLERS = plugins.load(environ={}).samplers
DEFAULT = SAMPLERS["residual"].cls.Config().strength


def made(rejected: dict[str, dict[float, int]], **changes: Any) -> Any:
    """Return what is being made, with classifiers that reject so many of 32 samples of a class at each strength."""

    def verdicts(chunk: SampleChunk) -> list[str | None]:
        assert len(chunk.pixels_BHWC) == strength.PROBES
        count = rejected[chunk.label][float(chunk.sampler)]
        causes = ["another class", "far from data"] * 16
        return [*causes[:count], *["near copy"] * 5, *[None] * 32][:32]

    values = {
        "sample_filter": SimpleNamespace(verdicts=verdicts),
        "sampler": SAMPLERS["residual"],
        "sampler_options": {},
        "counts": dict.fromkeys(rejected, 10),
        "limits": {},
        "run": SimpleNamespace(progress=Progress()),
    }
    return SimpleNamespace(**{**values, **changes})


def drawn(made: Any, label: str, chunks: list[int], count: int, options: dict[str, float]) -> Any:
    assert (chunks, count) == ([0], 64)
    pixels_BHWC = np.zeros((64, 4, 4, 1), np.uint8)
    yield SampleChunk(label, 0, pixels_BHWC, (None,) * 64, str(options["strength"]))


@settings(deadline=None)
@given(st.lists(st.integers(0, 32), min_size=2, max_size=2))
def test_the_greatest_strength_of_which_four_in_five_are_accepted_is_taken(counts: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strength, "drawn_chunks", drawn)
        found = strength.reduced_strength_options(made({"a": {DEFAULT: counts[0], DEFAULT / 2: counts[1]}}))
    accepted = [count <= 0.2 * 32 for count in counts]
    expected = DEFAULT if accepted[0] else DEFAULT / 2 if accepted[1] else DEFAULT / 4
    assert found == ({} if expected == DEFAULT else {"a": {"strength": expected}})


def test_what_is_weakened_is_said_with_the_remedy() -> None:
    warnings = [*strength.strength_warnings(made({}, class_options={"a": {"strength": DEFAULT / 2}}))]
    assert len(warnings) == 1
    assert "less than by default" in warnings[0]
    assert "--sampler residual --set-sampler strength=VALUE" in warnings[0]
    assert not [*strength.strength_warnings(made({}, class_options={}))]


@pytest.mark.parametrize(
    "changes",
    [
        {"sampler_options": {"strength": 1.0}},
        {"sampler": SAMPLERS["mixture"]},
        {"sample_filter": None},
        {"counts": {"a": 0}},
    ],
)
def test_what_the_user_set_or_no_classifier_sees_is_not_bounded(
    changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strength, "drawn_chunks", drawn)
    assert strength.reduced_strength_options(made({"a": {DEFAULT: 32, DEFAULT / 2: 32}}, **changes)) == {}


def test_a_run_uses_and_records_the_lower_strength_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With classifiers that reject every bee of a first draw, the run is that of a quarter of the strength for bees."""
    data = tiny_data.write_dataset(tmp_path / "data", {"ant": 6, "bee": 6})
    settings = {**tiny_data.QUICK, "per_class": 3, "sampler": "residual", "model": tmp_path / "model"}
    weak = vaeaug.augment(
        data, tmp_path / "weak", sampler_options={"strength": DEFAULT / 4}, **{**settings, "filter": False}
    )

    def verdicts(self: SampleFilter, chunk: SampleChunk) -> list[str | None]:
        first_draw = len(chunk.pixels_BHWC) == strength.PROBES
        return ["far from data" if first_draw and chunk.label == "bee" else None] * len(chunk.pixels_BHWC)

    monkeypatch.setattr(SampleFilter, "verdicts", verdicts)
    bounded = vaeaug.augment(data, tmp_path / "bounded", **{**settings, "filter": True})
    record = json.loads((bounded.out / "vaeaug.json").read_text())
    assert record["class_sampler_options"] == {"bee": {"strength": DEFAULT / 4}}
    assert any("strength of the sampler 'residual': bee 0.125; to set it for all" in text for text in bounded.warnings)
    files = [tiny_data.files(result.out / "train") for result in (weak, bounded)]
    same = {name for name in files[0] if "synthetic" in name and files[0][name] == files[1].get(name)}
    assert {name.split("/")[0] for name in same} == {"bee"}
    assert len(same) == 3
