"""The warning about a training that was too short counts the networks that are used, and not what they started from."""

from __future__ import annotations

import pytest

from vaeaug.models.record import ClassRecord, ModelRecord, PluginRecord
from vaeaug.workflows.model_warnings import too_short


def training(steps: int, *, improving: bool) -> dict[str, object]:
    return {"stopped": f"all {steps} steps done", "steps": steps, "still_improving": improving}


def record(shared: dict[str, object], *classes: dict[str, object], scope: str = "per-class") -> ModelRecord:
    plugin = PluginRecord("vae", {})
    entries = tuple(
        ClassRecord(f"class-{number}", 9, "w", 8, 8, "L", metrics) for number, metrics in enumerate(classes)
    )
    numbers = {"channels": 1, "height": 8, "width": 8, "seed": 0}
    rest = {"training": {}, "versions": {}, "loss_reason": "", "palette": None, "table": None}
    marks = {"fingerprint": "", "data_fingerprint": ""}
    return ModelRecord(plugin, plugin, scope, classes=entries, metrics=shared, **numbers, **rest, **marks)  # type: ignore[arg-type]


def test_a_common_start_that_was_still_improving_is_no_reason_to_warn() -> None:
    assert too_short(record(training(40, improving=True), *[training(30, improving=False)] * 2)) is None


def test_classes_whose_own_training_was_too_short_are_named() -> None:
    classes = [training(30, improving=True), training(30, improving=False)]
    warning = too_short(record(training(40, improving=False), *classes))
    assert warning is not None
    assert "1 of 2 classes (class-0)" in warning
    assert "40 steps done" not in warning  # the number of steps that the user gave is another


def test_a_class_without_a_training_of_its_own_has_that_of_the_common_start() -> None:
    classes = [training(0, improving=False), training(30, improving=False)]
    warning = too_short(record(training(40, improving=True), *classes))
    assert warning is not None
    assert "1 of 2 classes (class-0)" in warning


@pytest.mark.parametrize("improving", [True, False])
def test_one_network_for_all_classes(improving: bool) -> None:
    warning = too_short(record(training(40, improving=improving), {}, {}, scope="shared"))
    assert (warning is not None) == improving
    if warning is not None:
        assert warning.startswith("training stopped (all 40 steps done) while the loss was still falling fast")
