"""What is made of predictions: figures by seed, differences, and their JSON."""

import json

import numpy as np
import pytest

from vaeaug.evaluation.arms import ARMS
from vaeaug.evaluation.chance import any_beats_chance
from vaeaug.evaluation.statistics import paired_difference
from vaeaug.evaluation.utility import as_json, utility

TRUE_N = np.array([0] * 30 + [1] * 10 + [2])
CLASSES = ("a", "b", "c", "none")


def predictions(wrong: float, seed: int) -> np.ndarray:
    """Predictions of four seeds, of which a share is wrong."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random((4, 41)) < wrong, (TRUE_N + 1) % 3, TRUE_N)


PREDICTED = {
    "classical+synthetic": predictions(0.1, 0),
    "real": predictions(0.5, 1),
    "classical": predictions(0.4, 2),
}


@pytest.mark.parametrize("metric", ["accuracy", "balanced-accuracy"])
def test_differences_are_those_to_the_arm_without_synthetic_images(metric: str) -> None:
    found = utility(TRUE_N, PREDICTED, CLASSES, metric)
    assert (found.with_synthetic.name, found.without.name) == ("classical+synthetic", "classical")
    assert [entry.arm.name for entry in found.arms] == ["real", "classical", "classical+synthetic"]
    assert found.of(ARMS["classical"]).difference is None
    figure = metric.replace("-", "_")
    for name in ("real", "classical+synthetic"):
        entry = found.of(ARMS[name])
        assert entry.difference is not None
        expected = entry.mean_over_seeds(figure)[0] - found.of(ARMS["classical"]).mean_over_seeds(figure)[0]
        assert entry.difference.mean == pytest.approx(expected)
    # The one image of class c has a third of the balanced accuracy, and nobody knows what another one would do.
    assert found.verdict.decision == ("helps" if metric == "accuracy" else "undecided")


def test_the_change_of_a_recall_is_that_of_the_accuracy_on_the_class() -> None:
    found = utility(TRUE_N, PREDICTED, CLASSES, "accuracy")
    right = [(PREDICTED[name][:, 30:40] == 1).astype(float) for name in ("classical", "classical+synthetic")]
    assert found.recall_K[1] == paired_difference(*right)
    assert found.recall_K[2] is None  # one image tells nothing of others
    two = utility(TRUE_N[28:], {name: seen_SN[:, 28:] for name, seen_SN in PREDICTED.items()}, CLASSES, "accuracy")
    assert two.recall_K[0] is not None  # two images of it are left
    assert found.recall_K[3] is None


def test_its_json_is_plain_and_has_every_seed() -> None:
    values = json.loads(json.dumps(as_json(utility(TRUE_N, PREDICTED, CLASSES, "accuracy")), allow_nan=False))
    assert values["test_images"] == {"a": 30, "b": 10, "c": 1, "none": 0}
    for name, arm in values["arms"].items():
        accuracy = [seed["accuracy"] for seed in arm["by_seed"]]
        np.testing.assert_allclose(accuracy, (PREDICTED[name] == TRUE_N).mean(axis=1))
        assert arm["recall"]["none"] is None
    difference = values["arms"]["classical+synthetic"]["difference"]
    assert difference["low"] < difference["mean"] < difference["high"]


def test_its_json_has_every_result_under_its_name() -> None:
    found = utility(TRUE_N, PREDICTED, CLASSES, "balanced-accuracy")
    values = as_json(found)
    assert (values["decision"], values["verdict"]) == (found.verdict.decision, found.verdict.sentence)
    assert values["metric"] == found.metric == "balanced-accuracy"
    assert values["arms"]["classical"]["difference"] is None
    for name, arm in values["arms"].items():
        entry = found.of(ARMS[name])
        for figure in ("accuracy", "balanced_accuracy", "macro_f1"):
            mean, half = entry.mean_over_seeds(figure)
            assert arm[figure] == {"mean": mean, "half_interval_over_seeds": half}
        recall = [[seed["recall"][label] for label in CLASSES[:3]] for seed in arm["by_seed"]]
        expected = [[(seen_N[label == TRUE_N] == label).mean() for label in range(3)] for seen_N in PREDICTED[name]]
        np.testing.assert_allclose(recall, expected)
        np.testing.assert_allclose([arm["recall"][label] for label in CLASSES[:3]], np.mean(expected, axis=0))
        if entry.difference is not None:
            assert arm["difference"] == {
                "mean": entry.difference.mean,
                "low": entry.difference.low,
                "high": entry.difference.high,
                "share_of_variance_from_seeds": entry.difference.seed_fraction,
            }


def test_a_balancing_arm_is_a_rival_that_the_synthetic_images_must_beat_too() -> None:
    """They beat classical augmentation by far, and oversampling makes half as many mistakes as they do."""
    before = utility(TRUE_N, PREDICTED, CLASSES, "accuracy")
    predicted = {**PREDICTED, "oversampled": predictions(0.05, 4)}
    found = utility(TRUE_N, predicted, CLASSES, "accuracy")
    assert (before.verdict.decision, found.verdict.decision) == ("helps", "does not help")
    assert found.verdict.baseline == ARMS["oversampled"]
    assert [comparison.baseline.name for comparison in found.comparisons] == ["classical", "oversampled"]
    right = [predicted[name] == TRUE_N for name in ("oversampled", "classical+synthetic")]
    assert found.comparisons[1].difference == paired_difference(*(each.astype(float) for each in right))
    # What is compared whatever the sizes of classes stays as it was.
    assert found.of(ARMS["classical+synthetic"]).difference == before.of(ARMS["classical+synthetic"]).difference
    values = as_json(found)
    assert values["compared"] == ["classical+synthetic", "classical"]
    assert values["decided_by"] == "oversampled"
    assert values["rivals"]["classical"]["mean"] == values["arms"]["classical+synthetic"]["difference"]["mean"]
    assert as_json(before)["rivals"].keys() == {"classical"}


def test_two_seeds_have_figures_and_no_intervals_anywhere() -> None:
    two = {name: predicted_SN[:2] for name, predicted_SN in PREDICTED.items()}
    found = utility(TRUE_N, two, CLASSES, "accuracy")
    assert found.verdict.decision == "undecided"
    assert "are too few for an interval" in found.verdict.sentence
    values = json.loads(json.dumps(as_json(found), allow_nan=False))
    for arm in values["arms"].values():
        assert arm["accuracy"]["half_interval_over_seeds"] is None
    for interval in (values["rivals"]["classical"], values["arms"]["classical+synthetic"]["difference"]):
        assert (interval["low"], interval["high"]) == (None, None)
        assert interval["mean"] > 0.1
    assert values["arms"]["classical+synthetic"]["difference"]["share_of_variance_from_seeds"] is None
    assert [change and change.half_width for change in found.recall_K] == [None] * 4


def test_there_is_no_verdict_without_two_arms_to_compare() -> None:
    with pytest.raises(ValueError, match=r"there is no verdict in classical, real$"):
        utility(TRUE_N, {name: PREDICTED[name] for name in ("classical", "real")}, CLASSES, "accuracy")


def test_the_constant_answer_does_not_beat_itself() -> None:
    assert not any_beats_chance(TRUE_N, [np.zeros((3, 41), np.int64)], "accuracy")
    assert any_beats_chance(TRUE_N, [np.zeros((3, 41), np.int64), np.repeat(TRUE_N[None], 3, axis=0)], "accuracy")


@pytest.mark.parametrize("seeds", [3, 4])
@pytest.mark.parametrize("gain", [0.0, 0.16])
def test_where_no_way_beats_the_commonest_class_no_help_is_claimed(gain: float, seeds: int) -> None:
    """Two classes of one size, and classifiers that are worse than a coin: a gain, though sure, says nothing."""
    rng = np.random.default_rng(0)
    true_N = np.repeat([0, 1], 200)
    right = {"real": 0.33, "synthetic": 0.33 + gain}
    predicted = {name: np.where(rng.random((seeds, 400)) < share, true_N, 1 - true_N) for name, share in right.items()}
    for measure, what in (("accuracy", "accuracy"), ("balanced-accuracy", "balanced accuracy")):
        found = utility(true_N, predicted, ("a", "b"), measure).verdict
        assert found.decision == "undecided"
        assert f"than always predicting the most common class (50.0 % {what})" in found.sentence
        assert "--steps" in found.sentence
    misled = {**predicted, "synthetic": 1 - true_N + np.zeros((seeds, 1), np.int64)}  # as by wrong labels
    assert utility(true_N, misled, ("a", "b"), "accuracy").verdict.decision == "harms"
    good = {**predicted, "mixup": np.where(rng.random((seeds, 400)) < 0.6, true_N, 1 - true_N)}
    assert "commonest" not in utility(true_N, good, ("a", "b"), "accuracy").verdict.sentence


def test_chance_is_the_share_of_the_commonest_class_and_one_of_the_classes_that_are_tested() -> None:
    chance = as_json(utility(TRUE_N, PREDICTED, CLASSES, "accuracy"))["chance"]
    assert chance["accuracy"] == pytest.approx(30 / 41)
    assert chance["balanced_accuracy"] == pytest.approx(1 / 3)
    assert chance["macro_f1"] == pytest.approx(2 * 30 / 71 / 3)  # precision 30 / 41 and recall 1, of one class of three


def test_the_verdict_names_the_pipeline_of_the_rival() -> None:
    predicted = {**PREDICTED, "oversampled": predictions(0.05, 4)}
    found = utility(TRUE_N, predicted, CLASSES, "accuracy", "TrivialAugment + mixup")
    assert "points of accuracy over TrivialAugment + mixup (" in found.verdict.sentence
    assert "but oversampling with TrivialAugment + mixup did better" in found.verdict.sentence
    assert found.of(ARMS["classical+synthetic"]).arm.description == "TrivialAugment + mixup and synthetic images"
    assert "classical augmentation" not in json.dumps([entry.arm.description for entry in found.arms])
