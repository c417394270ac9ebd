"""Real and synthetic images of each class in strips, as they stand in a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vaeaug.evaluation.fitted_strips import Strip, form_for
from vaeaug.evaluation.strip import ContactRow

IMAGE_BYTES = 600_000
"""Most bytes of all images of the section together. With more classes each shows fewer images."""


@dataclass(frozen=True, slots=True)
class ContactEntry:
    """One class on the contact sheet."""

    label: str
    real: Strip | None
    synthetic: Strip | None


def contact_entries(rows: Sequence[ContactRow]) -> Iterator[ContactEntry]:
    """Yield the classes with as many images as the page has room for."""
    if not rows:
        return
    form = form_for([(row.real, row.synthetic) for row in rows], IMAGE_BYTES)
    for row in rows:
        yield ContactEntry(
            row.label, form.strip(row.real, "real", row.label), form.strip(row.synthetic, "synthetic", row.label)
        )
