"""Pictures of the first dropped samples, kept in the scratch directory for the report.

A sample is written if fewer than `SHOWN` samples come before it, and only the first ones are read, so the result does
not depend on interruptions.
"""

from __future__ import annotations

from pathlib import Path

from vaeaug.export.class_format import ClassFormat
from vaeaug.export.layout import folder_name
from vaeaug.export.writer import sample_file
from vaeaug.staging import write_atomic
from vaeaug.synthesis.chunk import SampleChunk

SHOWN = 4
"""Dropped samples that are shown at most, per class and reason."""


def keep_rejected(directory: Path, chunk: SampleChunk, kind: ClassFormat) -> None:
    """Write the dropped samples of a chunk, as PNG, that may be among the first of their class and cause."""
    for offset, cause in enumerate(chunk.verdicts or ()):
        if cause is None:
            continue
        index, folder = chunk.start + offset, _folder(directory, chunk.label, cause)
        if sum(before < index for before in _indices(folder)) < SHOWN:
            folder.mkdir(parents=True, exist_ok=True)
            write_atomic(folder / _name(index), sample_file(chunk, offset, kind), durable=False)


def first_rejected(directory: Path, label: str, cause: str) -> list[Path]:
    """Return the files of the first dropped samples of a class and cause, by their index."""
    folder = _folder(directory, label, cause)
    return [folder / _name(index) for index in _indices(folder)[:SHOWN]]


def _folder(directory: Path, label: str, cause: str) -> Path:
    return directory / folder_name(label) / folder_name(cause)


def _name(index: int) -> str:
    return f"{index}.png"


def _indices(folder: Path) -> list[int]:
    return sorted(int(path.stem) for path in folder.glob("*.png")) if folder.is_dir() else []
