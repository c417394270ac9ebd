"""An extended dataset that is to be resumed and is complete already."""

from __future__ import annotations

from pathlib import Path

from vaeaug.dataset.cache import ImageCache
from vaeaug.errors import InputError
from vaeaug.models.record import read_record
from vaeaug.progress import Progress
from vaeaug.staging import Staging
from vaeaug.workflows.augment.made import AugmentResult, result_of
from vaeaug.workflows.evaluate.augmented import verdict_of
from vaeaug.workflows.finished import finished_record
from vaeaug.workflows.settings import AugmentSettings
from vaeaug.workflows.train.command import identity


def finished_run(
    data: Path, chosen: AugmentSettings, staging: Staging, cache: ImageCache, model: Path | None, progress: Progress
) -> AugmentResult | None:
    """Return the result of an earlier run that was asked for the same, or None if none has finished.

    Args:
        data: DATA.
        chosen: the settings.
        staging: of the command.
        cache: the images of DATA.
        model: the directory of a trained model that is named, if there is one.
        progress: progress callback.

    Raises:
        InputError: if the data or the model have changed since, or if the images are to be evaluated and were not.
    """
    if staging.finished is None:
        return None
    identities = identity(cache) if model is None else {**identity(cache), "model": read_record(model).fingerprint}
    staging.refuse_changed(**identities)
    verdict = verdict_of(staging.final)
    if chosen.evaluate and verdict is None:
        out = staging.final
        raise InputError(f"{out} is complete, without --evaluate; to evaluate it, run: vaeaug evaluate {data} {out}")
    record = finished_record(staging, progress)
    return None if record is None else result_of(staging.final, record, verdict)
