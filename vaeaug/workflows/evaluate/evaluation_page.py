"""An evaluation as a part of a report, and as a report of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import vaeaug
from vaeaug.evaluation.utility import ArmResult, Utility
from vaeaug.pages.class_samples import SampleRow
from vaeaug.pages.dataset_report import ReportData
from vaeaug.pages.embedded_images import PageImage
from vaeaug.pages.evaluation_results import ArmRow, EvaluationResults, PairPicture, RecallRow, Score
from vaeaug.workflows.evaluate.classifier_choice import EMBEDDING, VIEWS
from vaeaug.workflows.evaluate.evaluate_settings import SMALL
from vaeaug.workflows.evaluate.evaluation import Evaluation, pipelines_description
from vaeaug.workflows.evaluate.image_subset import ImageSubset
from vaeaug.workflows.evaluate.synthetic_record import dropped_of, units_of
from vaeaug.workflows.settings import AUTO

Link = Callable[[Path], str]
"""Returns the address of a file relative to the page, or an empty string if it is not beside the page."""


def report_data(evaluation: Evaluation, title: str, record: str) -> ReportData:
    """Return the page of `evaluate`, including what SYNTHETIC records about how it was made."""
    directory = evaluation.directory
    linked_files = {record: "contains every figure"}
    if (directory / "report.html").exists() and (directory / "vaeaug.json").exists():
        linked_files[f"{directory.name}/report.html"] = "shows how the images were made and the training curves"
    return ReportData(
        title=title,
        summary=evaluation.utility.verdict.sentence,
        counts=evaluation.counts,
        units=units_of(directory),
        dropped=dropped_of(directory),
        linked_files=linked_files,
        evaluation=evaluation_results(evaluation),
    )


def evaluation_results(evaluation: Evaluation, link: Link = lambda _: "") -> EvaluationResults:
    """Return the part of a report about an evaluation."""
    result = evaluation.utility
    compared_arms = (result.without, result.verdict.baseline, result.with_synthetic)
    return EvaluationResults(
        verdict=result.verdict.sentence,
        decision=result.verdict.decision,
        method=evaluation.method,
        facts={"Test images": f"{int(result.test_counts_K.sum()):,}", "Seeds": evaluation.run.settings.seeds},
        chance=getattr(result.chance, result.metric.replace("-", "_")),
        arms=[_arm_row(entry, result, compared=entry.arm in compared_arms) for entry in result.arms],
        recall=_recall_rows(result),
        recall_of=(_words(result.without.description), _words(result.with_synthetic.description)),
        samples=_samples(evaluation, link),
        fidelity=evaluation.similarity.fidelity,
        memorisation=evaluation.similarity.memorisation,
        pairs=_pairs(evaluation, link),
        edited=evaluation.data.edited,
        map=evaluation.similarity.map,
        settings={
            "classifier": _classifier(evaluation),
            "classical augmentation": _classical(evaluation),
            "size of images": "{} x {} x {}".format(*evaluation.data.real.cache.pixels_NHWC.shape[1:]),
            "fraction of synthetic images in a batch": evaluation.run.settings.share or "as in the training set",
            "seed": evaluation.run.settings.seed,
            "vaeaug": vaeaug.__version__,
        },
        warnings=evaluation.run.warnings,
    )


def _classifier(evaluation: Evaluation) -> str:
    choice = evaluation.classifier
    name = "three convolutions" if choice.kind == SMALL else choice.description
    views = f"; {VIEWS} views of each real image for classical augmentation" if choice.kind == EMBEDDING else ""
    return f"{name}, {evaluation.steps:,} steps of 64 images{views}"


def _classical(evaluation: Evaluation) -> str:
    if not evaluation.pipelines:
        return "not used"
    description = pipelines_description(evaluation.pipelines)
    if evaluation.run.settings.classical != AUTO:
        return f"{description}, as given"
    return f"{description}, chosen on held-out real training images"


def _arm_row(entry: ArmResult, result: Utility, *, compared: bool) -> ArmRow:
    """Return the row of a training method; the metric of the verdict comes first."""
    names = {"accuracy": "accuracy", "balanced-accuracy": "balanced accuracy", "macro-f1": "macro F1"}
    first = {result.metric: names.pop(result.metric), **names}
    field = {name: name.replace("-", "_") for name in first}
    scores = {words: Score(*entry.mean_over_seeds(field[name])) for name, words in first.items()}
    runs = [getattr(figures, field[result.metric]) for figures in entry.by_seed]
    return ArmRow(_words(entry.arm.description), scores, runs, compared=compared)


def _recall_rows(result: Utility) -> list[RecallRow]:
    before_K, after_K = (result.of(arm).recall() for arm in (result.without, result.with_synthetic))
    return [
        RecallRow(name, int(images), float(before), float(after), None if change is None else change.half_width)
        for name, images, before, after, change in zip(
            result.classes, result.test_counts_K, before_K, after_K, result.recall_K, strict=True
        )
        if images
    ]


def _pairs(evaluation: Evaluation, link: Link) -> list[PairPicture]:
    page_images = _PageImages(evaluation, link)
    return [
        PairPicture(
            label=evaluation.data.classes[evaluation.similarity.synthetic.labels_N[pair.synthetic]],
            synthetic=page_images.synthetic(pair.synthetic),
            real=page_images.real(pair.real),
            real_name=real_name,
            distance=pair.distance,
        )
        for pair, (_, real_name) in zip(evaluation.similarity.memorisation.pairs, evaluation.pair_names, strict=True)
    ]


def _samples(evaluation: Evaluation, link: Link) -> list[SampleRow]:
    page_images = _PageImages(evaluation, link)
    counts = {count.label: count for count in evaluation.counts}
    return [
        SampleRow(
            label,
            [page_images.synthetic(pair.synthetic) for pair in pairs],
            [page_images.real(pair.real) for pair in pairs],
            counts[label].synthetic,
            counts[label].real,
        )
        for label, pairs in evaluation.similarity.memorisation.samples.items()
    ]


class _PageImages:
    """The images of an evaluation as a page shows them: from their files, at their own proportions."""

    def __init__(self, evaluation: Evaluation, link: Link) -> None:
        self._data, self._link = evaluation.data, link
        self._real, self._synthetic = (
            {file.file_name: file.path for file in index.files}
            for index in (evaluation.data.index, evaluation.data.synthetic_index)
        )

    def real(self, position: int) -> PageImage:
        return self._image(self._data.real, position, self._real)

    def synthetic(self, position: int) -> PageImage:
        return self._image(self._data.synthetic, position, self._synthetic)

    def _image(self, images: ImageSubset, position: int, paths: Mapping[str, Path]) -> PageImage:
        name = images.cache.files[images.rows_N[position]].file_name
        return PageImage(paths[name], self._link(paths[name]), name, images.cache.rules)


def _words(text: str) -> str:
    return text.removeprefix("the ")
