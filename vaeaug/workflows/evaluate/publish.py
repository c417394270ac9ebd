"""What an evaluation found, as JSON and as a page."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from vaeaug.evaluation.utility import as_json
from vaeaug.export.record import command_record, write_record
from vaeaug.pages.dataset_report import write_report
from vaeaug.workflows.evaluate.found import Evaluated
from vaeaug.workflows.evaluate.page import page_of
from vaeaug.workflows.settings import public_settings

RECORD, PAGE = "evaluation.json", "report.html"


def values_of(found: Evaluated) -> dict[str, Any]:
    """Return everything as JSON values, what matters most first."""
    similarity = found.similarity
    memorisation = dataclasses.asdict(similarity.memorisation)
    del memorisation["samples"]  # drawn to be looked at
    memorisation["pairs"] = [
        {"synthetic": synthetic, "real": real, "distance": pair.distance}
        for pair, (synthetic, real) in zip(similarity.memorisation.pairs, found.pair_names, strict=True)
    ]
    return command_record(
        "evaluate",
        {**public_settings(found.settings), "steps": found.steps},
        model=None,
        **as_json(found.utility),
        tested_on=found.data.tested_on or f"{found.settings.folds} folds of REAL",
        method=found.method,
        classical_augmentation={"pipeline": found.pipeline, "mirrored": found.mirrored},
        fidelity=dataclasses.asdict(similarity.fidelity),
        memorisation=memorisation,
        images={
            name: {"real": count.real, "synthetic": count.synthetic, "test": count.test}
            for name, count in zip(found.data.classes, found.counts, strict=True)
        },
        data_fingerprint=found.data.real.cache.fingerprint,
        synthetic_fingerprint=found.data.synthetic.cache.fingerprint,
        passed_over=found.data.passed_over,
        invalid=(*found.data.real.cache.invalid, *found.data.synthetic.cache.invalid),
        remarks=found.remarks,
    )


def write_values(found: Evaluated, content: Path) -> None:
    """Write the record. The same work gives the same bytes."""
    write_record(content / RECORD, values_of(found))


def write_root(found: Evaluated, content: Path, title: str) -> None:
    """Write the record and a page about it alone, likewise."""
    write_values(found, content)
    write_report(content / PAGE, page_of(found, title, RECORD))
