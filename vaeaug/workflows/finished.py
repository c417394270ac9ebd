"""A command that is to be resumed and has finished already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vaeaug.progress import Progress
from vaeaug.staging import Staging


def finished_record(staging: Staging, progress: Progress) -> Mapping[str, Any] | None:
    """Return the record of the run that has finished and was asked for the same, after a line about it; else None.

    Args:
        staging: of the command, after its input was compared.
        progress: progress callback.
    """
    if staging.finished is not None:
        progress.say(f"{staging.final} is complete already, so there is nothing to resume")
    return staging.finished
