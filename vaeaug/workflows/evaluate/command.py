"""Tell whether synthetic images help a classifier, and what they are like beside the real ones."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vaeaug.dataset.albumentations_module import albumentations_module
from vaeaug.dataset.index import DatasetIndex
from vaeaug.dataset.scan import scan
from vaeaug.errors import InputError
from vaeaug.evaluation.arms import parse_arms
from vaeaug.evaluation.utility import Utility, utility
from vaeaug.finished import KEY as RESUME
from vaeaug.progress import SILENT, Progress
from vaeaug.staging import Staging, refuse_overlap
from vaeaug.workflows.device import choose_device, one_thread
from vaeaug.workflows.evaluate.classical import UNUSED, candidates_of, choose_classical
from vaeaug.workflows.evaluate.data import EvaluateData, read_evaluate_data
from vaeaug.workflows.evaluate.folds import folds, how_made, require_consent
from vaeaug.workflows.evaluate.found import Evaluated, shared_words
from vaeaug.workflows.evaluate.plan import plan
from vaeaug.workflows.evaluate.publish import RECORD, values_of, write_root, write_values
from vaeaug.workflows.evaluate.settings import EvaluateSettings
from vaeaug.workflows.evaluate.similarity import measure_similarity, named_embedding
from vaeaug.workflows.evaluate.task import Division
from vaeaug.workflows.evaluate.train import Trainings, predict, write_divisions
from vaeaug.workflows.finished import finished_record
from vaeaug.workflows.settings import AUTO, build, parse_size, real_path


@dataclass(frozen=True, slots=True)
class EvaluateResult:
    """What `evaluate` found.

    Attributes:
        out: the directory with `report.html` and `evaluation.json`, or None where none was asked for.
        decision: `helps`, `harms`, `does not help` or `undecided`.
        verdict: the same in a sentence, with the figures.
        utility: what every way of training came to; None if the run had finished before, whose figures are in `values`.
        values: everything, as in `evaluation.json`.
        remarks: what the user should know.
    """

    out: Path | None
    decision: str
    verdict: str
    utility: Utility | None
    values: dict[str, Any]
    remarks: tuple[str, ...]


@one_thread()
def evaluate(
    real: str | Path,
    synthetic: str | Path,
    out: str | Path | None = None,
    *,
    progress: Progress = SILENT,
    **settings: Any,
) -> EvaluateResult:
    """Tell whether synthetic images help a classifier, beside what classical augmentation does.

    Args:
        real: a dataset. Classifiers are trained on its training images and tested on its test split, or on its
            validation split; where it has neither, parts are held out in turn and the model is trained anew without
            them.
        synthetic: an output of `augment`, `sample` or `inpaint --random-holes`, or class folders of synthetic images.
        out: a directory to write the page and all figures to; nothing, or an empty directory, must be there.
        progress: hears how it goes.
        **settings: the fields of `EvaluateSettings`: `test`, `seeds`, `arms`, `metric`, `steps`, `share`, `flip`,
            `classical`, `folds`, `repeats`, `embedding`, `embedding_weights`, `embedding_layer`, `image_size`, `seed`,
            `skip_invalid`, `device`, `workers`, `resume`, `plugins_dirs`.

    Returns:
        What was found.

    Raises:
        InputError: the images, an option or the place is not usable, or test images are among the training images.
        VaeaugError: the work failed; with `out` and `resume=True` it goes on where it was.
    """
    chosen: EvaluateSettings = build(EvaluateSettings, settings, "vaeaug.evaluate")
    _check(chosen)
    device = choose_device(chosen.device)
    real, synthetic = real_path(real), real_path(synthetic)
    if out is None:
        if chosen.resume:
            raise InputError("work is kept beside the output, so --resume needs --out DIR")
        with tempfile.TemporaryDirectory(prefix="vaeaug-evaluate-") as scratch:
            data = read_evaluate_data(scan(real, options=chosen.label_options()), synthetic, chosen, progress)
            found = _find(data, synthetic, chosen, Path(scratch), device, progress)
        return _result(None, found, progress)
    out = real_path(out)
    for place in (real, synthetic, *([real_path(chosen.test)] if chosen.test else [])):
        if place.exists():
            refuse_overlap(place, out)
    request = {"real": str(real.resolve()), "synthetic": str(synthetic.resolve()), **chosen.request()}
    with Staging(out, request, resume=chosen.resume, record=RECORD) as staging:
        data = read_evaluate_data(scan(real, options=chosen.label_options()), synthetic, chosen, progress)
        staging.refuse_changed(**_identities(data))
        if (record := finished_record(staging, progress)) is not None:
            values = {name: value for name, value in record.items() if name != RESUME}
            remarks = tuple(record["remarks"])
            return EvaluateResult(staging.final, record["decision"], record["verdict"], None, values, remarks)
        found = _find(data, synthetic, chosen, staging.scratch, device, progress)
        write_root(found, staging.content, staging.final.name)
        staging.publish()
    return _result(staging.final, found, progress)


@one_thread()
def evaluate_into(
    real: DatasetIndex, synthetic: Path, out: Path, scratch: Path, settings: EvaluateSettings, progress: Progress
) -> Evaluated:
    """Write all figures into a directory under construction, and return what was found.

    Args:
        real: the files of REAL, with what is held out of it.
        synthetic: SYNTHETIC.
        out: the directory; it is made.
        scratch: where work is kept until all is done; it is made, and gone on with.
        settings: how.
        progress: hears how it goes.
    """
    for place in (out, scratch):
        place.mkdir(exist_ok=True)
    data = read_evaluate_data(real, synthetic, settings, progress)
    found = _find(data, synthetic, settings, scratch, choose_device(settings.device), progress)
    write_values(found, out)
    for remark in found.remarks:
        progress.say(remark)
    return found


def _check(settings: EvaluateSettings) -> None:
    """Refuse options that contradict each other, before any work.

    Raises:
        InputError: they do.
    """
    parse_size(settings.image_size)
    arms = None if settings.arms == AUTO else parse_arms(settings.arms)
    candidates_of(settings, indexed=False)
    if arms is None or any(arm.classical for arm in arms):
        albumentations_module()  # refused before the training and not after it
    if settings.repeats > settings.seeds:
        raise InputError(
            f"--repeats {settings.repeats} deals into parts more often than classifiers are trained, --seeds "
            f"{settings.seeds} times; give --repeats {settings.seeds} or --seeds {settings.repeats}"
        )
    if settings.embedding is None and (settings.embedding_weights or settings.embedding_layer):
        raise InputError("--embedding-weights and --embedding-layer are those of a network; name it with --embedding")


def _identities(data: EvaluateData) -> dict[str, str]:
    """Return what was read -> what identifies it: predictions are of images by their place, so order counts too."""
    return {
        "test images": "" if data.test is None else data.test.identity(),
        "real images": data.real.cache.directory.name,
        "synthetic images": data.synthetic.cache.directory.name,
    }


def _result(out: Path | None, found: Evaluated, progress: Progress) -> EvaluateResult:
    for remark in found.remarks:
        progress.say(remark)
    verdict = found.utility.verdict
    values = values_of(found)
    return EvaluateResult(out, verdict.decision, verdict.sentence, found.utility, values, tuple(found.remarks))


def _find(
    data: EvaluateData,
    directory: Path,
    settings: EvaluateSettings,
    scratch: Path,
    device: torch.device,
    progress: Progress,
) -> Evaluated:
    """Train the classifiers and compare the images."""
    named_embedding(settings, device)  # what is wrong with it is told before the training and not after
    made = {}
    if data.test is None:
        counts_K = np.bincount(data.real.labels_N, minlength=len(data.classes))
        made = how_made(directory, dict(zip(data.classes, counts_K.tolist(), strict=True)))
        require_consent(made, directory, settings)
    planned = plan(settings, data)
    divisions = write_divisions(_divisions(data, made, settings, scratch, progress), scratch)
    base = Trainings(len(data.classes), settings, planned.steps, device, scratch)
    used = any(arm.classical for arm in planned.arms)
    pipelines = choose_classical(base, divisions, planned.measure, progress) if used else [UNUSED] * len(divisions)
    true_N, predicted = predict(base, planned.arms, divisions, pipelines, progress)
    similarity = measure_similarity(data, settings, device, planned.steps, progress)
    return Evaluated(
        data=data,
        directory=directory,
        settings=settings,
        utility=utility(true_N, predicted, data.classes, planned.measure, shared_words(pipelines)),
        similarity=similarity,
        steps=planned.steps,
        pipelines=pipelines if used else (),
        remarks=(*data.remarks, *planned.remarks, *similarity.remarks(edited=data.edited)),
    )


def _divisions(
    data: EvaluateData, made: dict[str, Any], settings: EvaluateSettings, scratch: Path, progress: Progress
) -> Iterator[tuple[int, Division]]:
    """Yield the divisions into training and test images: one, or one a fold with the number of its repeat."""
    if data.test is not None:
        yield 0, Division(data.real, data.synthetic, data.test)
    else:
        yield from folds(data, made, settings, scratch, progress)
