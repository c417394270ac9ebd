"""An evaluation as a part of a report, and as a report of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import vaeaug
from vaeaug.evaluation.utility import ArmResult, Utility
from vaeaug.pages.class_samples import SampleRow
from vaeaug.pages.dataset_report import ReportData
from vaeaug.pages.embedded_images import PageImage
from vaeaug.pages.evaluation_results import ArmRow, EvaluationPart, PairPicture, RecallRow, Score
from vaeaug.workflows.evaluate.evaluation import Evaluation, shared_words
from vaeaug.workflows.evaluate.images import Images
from vaeaug.workflows.evaluate.synthetic_record import dropped_of, units_of
from vaeaug.workflows.settings import AUTO

Link = Callable[[Path], str]
"""Returns the address of a file relative to the page, or an empty string if it is not beside the page."""


def page_of(evaluation: Evaluation, title: str, record: str) -> ReportData:
    """Return the page of `evaluate`, including what SYNTHETIC records about how it was made.

    Args:
        evaluation: the evaluation.
        title: of the page.
        record: name of the file that contains every figure.
    """
    made = evaluation.directory
    beside = {record: "contains every figure"}
    if (made / "report.html").exists() and (made / "vaeaug.json").exists():
        beside[f"{made.name}/report.html"] = "shows how the images were made and the training curves"
    return ReportData(
        title=title,
        summary=evaluation.utility.verdict.sentence,
        counts=evaluation.counts,
        units=units_of(made),
        dropped=dropped_of(made),
        beside=beside,
        evaluation=part_of(evaluation),
    )


def part_of(evaluation: Evaluation, link: Link = lambda _: "") -> EvaluationPart:
    """Return the part of a report about an evaluation.

    Args:
        evaluation: the evaluation.
        link: the addresses of the images that are shown.
    """
    result = evaluation.utility
    told = (result.without, result.verdict.rival, result.with_synthetic)
    return EvaluationPart(
        verdict=result.verdict.sentence,
        decision=result.verdict.decision,
        method=evaluation.method,
        facts={"Test images": f"{int(result.tested_K.sum()):,}", "Seeds": evaluation.run.settings.seeds},
        chance=getattr(result.chance, result.measure.replace("-", "_")),
        arms=[_arm_row(entry, result, compared=entry.arm in told) for entry in result.arms],
        recall=_recall_rows(result),
        recall_of=(_words(result.without.words), _words(result.with_synthetic.words)),
        samples=_samples(evaluation, link),
        fidelity=evaluation.similarity.fidelity,
        memorisation=evaluation.similarity.memorisation,
        pairs=_pairs(evaluation, link),
        edited=evaluation.data.edited,
        map=evaluation.similarity.map,
        settings={
            "classifier": f"three convolutions, {evaluation.steps:,} steps of 64 images",
            "classical augmentation": _classical(evaluation),
            "size of images": "{} x {} x {}".format(*evaluation.data.real.cache.pixels_NHWC.shape[1:]),
            "fraction of synthetic images in a batch": evaluation.run.settings.share or "as many as there are",
            "seed": evaluation.run.settings.seed,
            "vaeaug": vaeaug.__version__,
        },
        warnings=evaluation.run.warnings,
    )


def _classical(evaluation: Evaluation) -> str:
    """Return the pipeline, and how it was chosen."""
    if not evaluation.pipelines:
        return "not used"
    words = shared_words(evaluation.pipelines)
    if evaluation.run.settings.classical != AUTO:
        return f"{words}, as given"
    return f"{words}, chosen on held-out real training images"


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
        RecallRow(name, int(images), float(before), float(after), None if change is None else change.half)
        for name, images, before, after, change in zip(
            result.classes, result.tested_K, before_K, after_K, result.recall_K, strict=True
        )
        if images
    ]


def _pairs(evaluation: Evaluation, link: Link) -> list[PairPicture]:
    shown = _Shown(evaluation, link)
    return [
        PairPicture(
            label=evaluation.data.classes[evaluation.similarity.synthetic.labels_N[pair.synthetic]],
            synthetic=shown.synthetic(pair.synthetic),
            real=shown.real(pair.real),
            real_name=real_name,
            distance=pair.distance,
        )
        for pair, (_, real_name) in zip(evaluation.similarity.memorisation.pairs, evaluation.pair_names, strict=True)
    ]


def _samples(evaluation: Evaluation, link: Link) -> list[SampleRow]:
    shown = _Shown(evaluation, link)
    counts = {count.label: count for count in evaluation.counts}
    return [
        SampleRow(
            label,
            [shown.synthetic(pair.synthetic) for pair in pairs],
            [shown.real(pair.real) for pair in pairs],
            counts[label].synthetic,
            counts[label].real,
        )
        for label, pairs in evaluation.similarity.memorisation.samples.items()
    ]


class _Shown:
    """The images of an evaluation as a page shows them: from their files, at their own proportions."""

    def __init__(self, evaluation: Evaluation, link: Link) -> None:
        self._data, self._link = evaluation.data, link
        self._real, self._synthetic = (
            {file.file_name: file.path for file in index.files}
            for index in (evaluation.data.index, evaluation.data.made)
        )

    def real(self, place: int) -> PageImage:
        return self._image(self._data.real, place, self._real)

    def synthetic(self, place: int) -> PageImage:
        return self._image(self._data.synthetic, place, self._synthetic)

    def _image(self, images: Images, place: int, paths: Mapping[str, Path]) -> PageImage:
        name = images.cache.files[images.rows_N[place]].file_name
        return PageImage(paths[name], self._link(paths[name]), name, images.cache.rules)


def _words(text: str) -> str:
    return text.removeprefix("the ")
