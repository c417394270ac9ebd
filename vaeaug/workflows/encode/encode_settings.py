"""What users can set when images are encoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from vaeaug.options import option
from vaeaug.workflows.settings import LabelSettings, UseSettings

FORMATS = ("parquet", "npz", "npy-tree")
WAYS = ("one", "own", "inferred")


@dataclass(frozen=True, kw_only=True)
class EncodeSettings(LabelSettings, UseSettings):
    """How images are encoded, and what is written."""

    _NOT_REQUESTED: ClassVar[frozenset[str]] = frozenset({"skip_invalid", "labels", "file_column", "label_column"})

    encode_as: str = option(
        "one",
        "Class the encoder is told: one for all images, so that no feature knows a label; each image's own; or the one "
        "that explains it best.",
        choices=WAYS,
    )
    label: str | None = option(None, "The class that all images are encoded as; the largest one if none.")
    format: str = option("parquet", "What is written.", choices=FORMATS)
    skip_invalid: bool = option(False, "Leave unreadable images out instead of stopping.")
