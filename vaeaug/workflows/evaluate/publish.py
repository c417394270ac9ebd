"""What an evaluation found, as JSON and as a page."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import vaeaug
from vaeaug.evaluation.evaluation_page import (
    ArmRow,
    EvaluationPage,
    PairPicture,
    RecallRow,
    Score,
    write_evaluation_page,
)
from vaeaug.evaluation.strip import ContactRow
from vaeaug.evaluation.utility import ArmResult, Utility, as_json
from vaeaug.export.card import ClassCount
from vaeaug.export.record import write_record
from vaeaug.workflows.evaluate.data import EvaluateData
from vaeaug.workflows.evaluate.settings import EvaluateSettings
from vaeaug.workflows.evaluate.similarity import Similarity
from vaeaug.workflows.evaluate.task import Classical

RECORD, PAGE = "evaluation.json", "report.html"


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What was found, and how.

    Attributes:
        data: the images.
        directory: SYNTHETIC.
        settings: what was asked for.
        utility: whether they help.
        similarity: what they are like.
        steps: optimizer steps of each classifier.
        classical: how classical augmentation was done, in each division into training and test images; empty
            where no arm has it.
        remarks: what the user should know.
    """

    data: EvaluateData
    directory: Path
    settings: EvaluateSettings
    utility: Utility
    similarity: Similarity
    steps: int
    classical: Sequence[Classical]
    remarks: Sequence[str]

    @property
    def method(self) -> str:
        """How it was found out, in a sentence or two."""
        if self.data.test is not None:
            tested = f"Tested on {self.data.tested_on}."
        else:
            times = f", {self.settings.repeats} times" if self.settings.repeats > 1 else ""
            tested = (
                f"REAL has no test images, so each of {self.settings.folds} parts of it was held out in turn{times}, "
                "and the model was trained anew without it."
            )
        return (
            f"{tested} Every classifier took {self.steps:,} steps; those of one seed began with the same weights. "
            "The interval counts seeds and test images as samples; the training images are taken as given."
        )

    @property
    def mirrored(self) -> str:
        """Whether classical augmentation mirrored images."""
        return _shared(["yes" if way.flip else "no" for way in self.classical])

    @property
    def strength(self) -> str:
        """How much classical augmentation changed images."""
        return _shared([way.strength for way in self.classical])


def values_of(found: Evaluated) -> dict[str, Any]:
    """Return everything as JSON values, what matters most first."""
    similarity = found.similarity
    memorisation = dataclasses.asdict(similarity.memorisation)
    del memorisation["samples"]  # drawn to be looked at
    memorisation["pairs"] = [
        {"synthetic": synthetic, "real": real, "distance": pair.distance}
        for pair, (synthetic, real) in zip(similarity.memorisation.pairs, _pair_names(found), strict=True)
    ]
    return {
        "vaeaug": vaeaug.__version__,
        **as_json(found.utility),
        "tested_on": found.data.tested_on or f"{found.settings.folds} folds of REAL",
        "method": found.method,
        "classical_augmentation": {"mirrored": found.mirrored, "strength": found.strength},
        "fidelity": dataclasses.asdict(similarity.fidelity),
        "memorisation": memorisation,
        "images": {
            name: {"real": count.real, "synthetic": count.synthetic, "test": count.test}
            for name, count in zip(found.data.classes, _counts(found), strict=True)
        },
        "data_fingerprint": found.data.real.cache.fingerprint,
        "synthetic_fingerprint": found.data.synthetic.cache.fingerprint,
        "settings": {
            **found.settings.request(),
            "steps": found.steps,
            "test": _name(found.settings.test),
            "embedding_weights": _name(found.settings.embedding_weights),
        },
        "remarks": list(found.remarks),
    }


def write_root(found: Evaluated, content: Path, title: str) -> None:
    """Write the record and the page. The same work gives the same bytes."""
    write_record(content / RECORD, values_of(found))
    write_evaluation_page(content / PAGE, _page(found, title))


def _page(found: Evaluated, title: str) -> EvaluationPage:
    """Gather what the page shows."""
    result = found.utility
    counts = _counts(found)
    pair = (result.without, result.with_synthetic)
    return EvaluationPage(
        title=title,
        verdict=result.verdict.sentence,
        decision=result.verdict.decision,
        method=found.method,
        facts={
            "real images": f"{len(found.data.real):,}",
            "synthetic images": f"{len(found.data.synthetic):,}",
            "test images": f"{int(result.tested_K.sum()):,}",
            "seeds": found.settings.seeds,
        },
        arms=[_arm_row(entry, result, compared=entry.arm in pair) for entry in result.arms],
        recall=_recall_rows(result),
        recall_of=(_words(result.without.words), _words(result.with_synthetic.words)),
        fidelity=found.similarity.fidelity,
        memorisation=found.similarity.memorisation,
        pairs=_pairs(found),
        samples=_samples(found),
        map=found.similarity.map,
        counts=counts,
        dropped=_dropped(found.directory),
        settings={
            "classifier": f"three convolutions, {found.steps:,} steps of 64 images",
            "classical augmentation": "crop, shift, scale, turn"
            + (", brightness and contrast" if found.data.real.cache.pixels_NHWC.shape[3] == 3 else "")
            + f"; mirrored: {found.mirrored}, strength: {found.strength}",
            "size of images": "{} x {} x {}".format(*found.data.real.cache.pixels_NHWC.shape[1:]),
            "share of synthetic images in a batch": found.settings.share or "as many as there are",
            "seed": found.settings.seed,
            "vaeaug": vaeaug.__version__,
        },
        warnings=found.remarks,
    )


def _arm_row(entry: ArmResult, result: Utility, *, compared: bool) -> ArmRow:
    """Return a way of training; the measure that the verdict is about comes first."""
    names = {"accuracy": "accuracy", "balanced-accuracy": "balanced accuracy", "macro-f1": "macro F1"}
    first = {result.measure: names.pop(result.measure), **names}
    field = {name: name.replace("-", "_") for name in first}
    scores = {words: Score(*entry.over_seeds(field[name])) for name, words in first.items()}
    runs = [getattr(figures, field[result.measure]) for figures in entry.by_seed]
    return ArmRow(_words(entry.arm.words), scores, runs, compared=compared)


def _recall_rows(result: Utility) -> list[RecallRow]:
    before_K, after_K = (result.of(arm).recall() for arm in (result.without, result.with_synthetic))
    return [
        RecallRow(name, int(images), float(before), float(after), 0.0 if change is None else change.half)
        for name, images, before, after, change in zip(
            result.classes, result.tested_K, before_K, after_K, result.recall_K, strict=True
        )
        if images
    ]


def _counts(found: Evaluated) -> list[ClassCount]:
    """Return how many images each class has."""
    data = found.data
    parts = [data.real.labels_N, data.synthetic.labels_N]
    real_K, synthetic_K = (np.bincount(labels_N, minlength=len(data.classes)) for labels_N in parts)
    test_K = np.zeros(len(data.classes), int) if data.test is None else found.utility.tested_K
    return [
        ClassCount(name, int(real), int(synthetic), test=int(test))
        for name, real, synthetic, test in zip(data.classes, real_K, synthetic_K, test_K, strict=True)
    ]


def _pair_names(found: Evaluated) -> list[tuple[str, str]]:
    """Return the files of each near pair: the synthetic and the real one."""
    synthetic, real = found.data.synthetic, found.data.real
    return [
        (
            synthetic.cache.files[synthetic.rows_N[pair.synthetic]].file_name,
            real.cache.files[real.rows_N[pair.real]].file_name,
        )
        for pair in found.similarity.memorisation.pairs
    ]


def _pairs(found: Evaluated) -> list[PairPicture]:
    similarity, classes = found.similarity, found.data.classes
    return [
        PairPicture(
            label=classes[similarity.synthetic.labels_N[pair.synthetic]],
            synthetic_HWC=similarity.synthetic.pixels_NHWC[pair.synthetic],
            real_HWC=similarity.real.pixels_NHWC[pair.real],
            real_name=real_name,
            distance=pair.distance,
        )
        for pair, (_, real_name) in zip(similarity.memorisation.pairs, _pair_names(found), strict=True)
    ]


def _samples(found: Evaluated) -> list[ContactRow]:
    real_NHWC, synthetic_NHWC = found.similarity.real.pixels_NHWC, found.similarity.synthetic.pixels_NHWC
    return [
        ContactRow(label, [real_NHWC[pair.real] for pair in pairs], [synthetic_NHWC[pair.synthetic] for pair in pairs])
        for label, pairs in found.similarity.memorisation.samples.items()
    ]


def _dropped(directory: Path) -> Mapping[str, Mapping[str, int]]:
    """Return why samples were dropped when the synthetic images were made, where that is told."""
    try:
        dropped = json.loads((directory / "vaeaug.json").read_text(encoding="utf-8"))["dropped"]
        return {str(label): {str(cause): int(n) for cause, n in causes.items()} for label, causes in dropped.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _name(path: str | None) -> str | None:
    """Return the last part of a path: what is written has no places of this machine in it."""
    return None if path is None else Path(path).name


def _shared(words: Sequence[str]) -> str:
    """Return what all divisions have, or how many have what."""
    counts = Counter(words)
    if not counts:
        return "not used"
    return (
        words[0]
        if len(counts) == 1
        else ", ".join(f"{word} in {n} of {len(words)} folds" for word, n in sorted(counts.items()))
    )


def _words(text: str) -> str:
    return text.removeprefix("the ")
