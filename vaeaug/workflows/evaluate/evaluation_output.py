"""The output of an evaluation: its record and its page."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from vaeaug.evaluation.utility import as_json
from vaeaug.export.record import command_record, write_record
from vaeaug.pages.dataset_report import write_report
from vaeaug.workflows.evaluate.evaluation import Evaluation
from vaeaug.workflows.evaluate.evaluation_page import report_data
from vaeaug.workflows.settings import public_settings

RECORD, PAGE = "evaluation.json", "report.html"


def values_of(evaluation: Evaluation) -> dict[str, Any]:
    """Return all figures as JSON values, the most important first."""
    similarity = evaluation.similarity
    memorisation = dataclasses.asdict(similarity.memorisation)
    del memorisation["samples"]  # for the page only
    memorisation["pairs"] = [
        {"synthetic": synthetic, "real": real, "distance": pair.distance}
        for pair, (synthetic, real) in zip(similarity.memorisation.pairs, evaluation.pair_names, strict=True)
    ]
    return command_record(
        "evaluate",
        {**public_settings(evaluation.run.settings), "steps": evaluation.steps},
        model=None,
        **as_json(evaluation.utility),
        tested_on=evaluation.data.tested_on or f"{evaluation.run.settings.folds} folds of REAL",
        method=evaluation.method,
        classifier={**evaluation.classifier.values, "description": evaluation.classifier.description},
        classical_augmentation={"pipeline": evaluation.pipeline, "mirrored": evaluation.mirrored},
        fidelity=dataclasses.asdict(similarity.fidelity),
        memorisation=memorisation,
        images={
            name: {"real": count.real, "synthetic": count.synthetic, "test": count.test}
            for name, count in zip(evaluation.data.classes, evaluation.counts, strict=True)
        },
        data_fingerprint=evaluation.data.real.cache.fingerprint,
        synthetic_fingerprint=evaluation.data.synthetic.cache.fingerprint,
        passed_over=evaluation.data.passed_over,
        invalid=(*evaluation.data.real.cache.invalid, *evaluation.data.synthetic.cache.invalid),
        warnings=evaluation.run.warnings,
    )


def write_values(evaluation: Evaluation, content: Path) -> None:
    """Write the record. The same work gives the same bytes."""
    write_record(content / RECORD, values_of(evaluation))


def write_root(evaluation: Evaluation, content: Path, title: str) -> None:
    """Write the record and a page of its own, likewise."""
    write_values(evaluation, content)
    write_report(content / PAGE, report_data(evaluation, title, RECORD))
