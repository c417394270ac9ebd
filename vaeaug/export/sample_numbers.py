"""Synthetic images of earlier runs together with new ones: names do not collide, and no sample is made twice."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from vaeaug.export.layout import synthetic_number
from vaeaug.export.real import RealImage
from vaeaug.synthesis.generate import CHUNK


def first_numbers(placed: Iterable[RealImage]) -> dict[str, int]:
    """Return class -> first number unused by copied synthetic images; the same number would draw the same sample."""
    first: dict[str, int] = {}
    for image in placed:
        provenance = image.provenance
        if provenance is None or not image.synthetic:
            continue
        number_in_name = synthetic_number(image.label, PurePosixPath(image.file_name).name)
        number_in_provenance = (
            int(provenance.index) if provenance.index.isascii() and provenance.index.isdigit() else -1
        )
        following = 1 + max(number_in_provenance, -1 if number_in_name is None else number_in_name)
        first[image.label] = max(following, first.get(image.label, 0))
    return first


def first_chunks(placed: Iterable[RealImage]) -> dict[str, int]:
    """Return class -> number of the first chunk of samples that starts after all copied synthetic images."""
    return {label: -(-number // CHUNK) for label, number in first_numbers(placed).items()}
