"""Measure whether synthetic images help a classifier, and how similar they are to the real ones."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vaeaug.dataset.albumentations_module import albumentations_module
from vaeaug.dataset.index import DatasetIndex
from vaeaug.dataset.scan import scan
from vaeaug.errors import InputError
from vaeaug.evaluation.arms import parse_arms
from vaeaug.evaluation.utility import Utility, utility
from vaeaug.finished import KEY as RESUME
from vaeaug.progress import SILENT, Progress
from vaeaug.workflows.device import one_thread
from vaeaug.workflows.evaluate.classical_choice import UNUSED, candidates_of, choose_classical
from vaeaug.workflows.evaluate.classifier_choice import choose_classifier, ready_classifier
from vaeaug.workflows.evaluate.classifier_task import TrainTestSplit
from vaeaug.workflows.evaluate.classifier_trainings import Trainings, predict, save_splits
from vaeaug.workflows.evaluate.evaluate_settings import SMALL, EvaluateSettings
from vaeaug.workflows.evaluate.evaluation import Evaluation, pipelines_description
from vaeaug.workflows.evaluate.evaluation_data import EvaluateData, read_evaluate_data
from vaeaug.workflows.evaluate.evaluation_output import RECORD, values_of, write_root, write_values
from vaeaug.workflows.evaluate.evaluation_plan import plan_evaluation
from vaeaug.workflows.evaluate.folds import augment_settings, check_plugins, folds
from vaeaug.workflows.evaluate.similarity import measure_similarity, named_embedding
from vaeaug.workflows.run import Run, begin_run
from vaeaug.workflows.settings import AUTO, build, expand_user, parse_size


@dataclass(frozen=True, slots=True)
class EvaluateResult:
    """The result of `evaluate`.

    Attributes:
        out: the directory with `report.html` and `evaluation.json`, or None if none was requested.
        decision: `helps`, `harms`, `does not help` or `undecided`.
        verdict: the same as a sentence with figures.
        utility: the results of every training method; None if the run had finished before (`values` has the figures).
        values: everything, as in `evaluation.json`.
        warnings: the warnings.
    """

    out: Path | None
    decision: str
    verdict: str
    utility: Utility | None
    values: dict[str, Any]
    warnings: tuple[str, ...]

    @classmethod
    def from_record(cls, out: Path, record: Mapping[str, Any]) -> EvaluateResult:
        """Return the result of a finished run from its `evaluation.json`."""
        values = {name: value for name, value in record.items() if name != RESUME}
        return cls(out, record["decision"], record["verdict"], None, values, tuple(record["remarks"]))


@one_thread()
def evaluate(
    real: str | Path,
    synthetic: str | Path,
    out: str | Path | None = None,
    *,
    progress: Progress = SILENT,
    **settings: Any,
) -> EvaluateResult:
    """Measure whether synthetic images help a classifier more than classical augmentation does.

    Args:
        real: a dataset. Classifiers are trained on its training images and tested on its test split, or on its
            validation split. If it has neither, parts are held out in turn and the model is trained again without
            them.
        synthetic: an output of `augment`, `sample` or `inpaint --random-holes`, or class folders of synthetic images.
        out: the output directory for the page and all figures: a path that does not exist, or an empty directory.
        **settings: the options of `vaeaug evaluate`, with underscores; the fields of `EvaluateSettings`.

    Raises:
        InputError: if the images, an option or the output directory cannot be used, or if test images are among the
            training images.
        VaeaugError: if the work failed; with `out`, `resume=True` continues it.
    """
    chosen: EvaluateSettings = build(EvaluateSettings, settings, "vaeaug.evaluate")
    _check(chosen)
    run = begin_run(chosen, progress)
    real, synthetic = expand_user(real), expand_user(synthetic)
    if out is None:
        if chosen.resume:
            raise InputError("--resume requires --out DIR, because unfinished work is stored next to the output")
        with tempfile.TemporaryDirectory(prefix="vaeaug-evaluate-") as scratch:
            data = read_evaluate_data(run, scan(real, options=chosen.label_options()), synthetic)
            evaluation = _evaluate(run, data, synthetic, Path(scratch))
        run.report_warnings()
        return _result(None, evaluation)
    out = expand_user(out)
    inputs = [real, synthetic, *([expand_user(chosen.test)] if chosen.test else [])]
    resolved = {"real": str(real.resolve()), "synthetic": str(synthetic.resolve())}
    with run.writing(out, resolved, inputs=inputs, record=RECORD) as run:
        data = read_evaluate_data(run, scan(real, options=chosen.label_options()), synthetic)
        if (record := run.finished_record(**_identities(data))) is not None:
            return EvaluateResult.from_record(run.staging.final, record)
        evaluation = _evaluate(run, data, synthetic, run.scratch)
        write_root(evaluation, run.content, run.title)
        run.publish()
    return _result(run.staging.final, evaluation)


@one_thread()
def evaluate_into(
    run: Run[EvaluateSettings], real: DatasetIndex, synthetic: Path, out: Path, scratch: Path
) -> Evaluation:
    """Write all figures into a directory under construction, and return the evaluation.

    `real` are the files of REAL with held-out images in their splits. Work in `scratch` is continued.
    """
    for directory in (out, scratch):
        directory.mkdir(exist_ok=True)
    evaluation = _evaluate(run, read_evaluate_data(run, real, synthetic), synthetic, scratch)
    write_values(evaluation, out)
    run.report_warnings()
    return evaluation


def _check(settings: EvaluateSettings) -> None:
    parse_size(settings.image_size)
    arms = None if settings.arms == AUTO else parse_arms(settings.arms)
    candidates_of(settings, indexed=False)
    choose_classifier(settings)  # an error before anything is read
    if arms is None or any(arm.classical for arm in arms):
        albumentations_module()  # an error before the training, not after it
    if settings.repeats > settings.seeds:
        raise InputError(
            f"--repeats must be at most --seeds ({settings.seeds}), not {settings.repeats}; "
            f"give --repeats {settings.seeds} or --seeds {settings.repeats}"
        )
    if settings.embedding is None and (settings.embedding_weights or settings.embedding_layer):
        raise InputError("--embedding-weights and --embedding-layer require --embedding, which names the network")


def _identities(data: EvaluateData) -> dict[str, str]:
    """Return input -> hash. Predictions are stored by the positions of the images, so their order counts too."""
    return {
        "test images": "" if data.test is None else data.test.identity(),
        "real images": data.real.cache.directory.name,
        "synthetic images": data.synthetic.cache.directory.name,
    }


def _result(out: Path | None, evaluation: Evaluation) -> EvaluateResult:
    utility, warnings = evaluation.utility, tuple(evaluation.run.warnings)
    values = values_of(evaluation)
    return EvaluateResult(out, utility.verdict.decision, utility.verdict.sentence, utility, values, warnings)


def _evaluate(run: Run[EvaluateSettings], data: EvaluateData, directory: Path, scratch: Path) -> Evaluation:
    named_embedding(run)  # an error before the training, not after it
    shape = data.real.cache.pixels_NHWC.shape[1:]
    images = len(data.real) + len(data.synthetic)
    classifier = ready_classifier(data.classifier, run.settings, shape, len(data.classes), images, run.device)
    augment_options = {}
    if data.test is None:
        counts_K = np.bincount(data.real.labels_N, minlength=len(data.classes))
        augment_options = augment_settings(directory, dict(zip(data.classes, counts_K.tolist(), strict=True)))
        check_plugins(run, augment_options, directory)
    plan = plan_evaluation(run, data)
    splits = save_splits(_splits(run, data, augment_options, scratch), scratch)
    trainings = Trainings(run, classifier, len(data.classes), plan.steps, scratch)
    uses_classical = any(arm.classical for arm in plan.arms)
    pipelines = choose_classical(trainings, splits, plan.metric) if uses_classical else [UNUSED] * len(splits)
    true_N, predicted = predict(trainings, plan.arms, splits, pipelines)
    similarity = measure_similarity(run, data, classifier, plan.steps)
    run.warn(*similarity.warnings(edited=data.edited))
    return Evaluation(
        run=run,
        data=data,
        directory=directory,
        classifier=classifier,
        utility=utility(
            true_N,
            predicted,
            data.classes,
            plan.metric,
            pipelines_description(pipelines),
            None if classifier.kind == SMALL else classifier.name,
        ),
        similarity=similarity,
        steps=plan.steps,
        pipelines=pipelines if uses_classical else (),
    )


def _splits(
    run: Run[EvaluateSettings], data: EvaluateData, augment_options: dict[str, Any], scratch: Path
) -> Iterator[tuple[int, TrainTestSplit]]:
    """Yield the train-test splits, one or one per fold, with the number of its repeat."""
    if data.test is not None:
        yield 0, TrainTestSplit(data.real, data.synthetic, data.test)
    else:
        yield from folds(run, data, augment_options, scratch)
