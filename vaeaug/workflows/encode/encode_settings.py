"""What users can set when images are encoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from vaeaug.options import option
from vaeaug.workflows.settings import LabelSettings, UseSettings

FORMATS = ("parquet", "npz", "npy-tree")
METHODS = ("one", "own", "inferred")


@dataclass(frozen=True, kw_only=True)
class EncodeSettings(LabelSettings, UseSettings):
    """How images are encoded, and what is written."""

    _EXCLUDED_FROM_REQUEST: ClassVar[frozenset[str]] = frozenset(
        {"skip_invalid", "labels", "file_column", "label_column"}
    )

    encode_as: str = option(
        "one",
        "Class label given to a conditional encoder: one (the same for all images, so that features do not leak "
        "labels), own (each image's own class), or inferred (the class that explains the image best).",
        choices=METHODS,
    )
    label: str | None = option(None, "Class label for --encode-as one; by default the largest class.")
    format: str = option("parquet", "Output format.", choices=FORMATS)
    skip_invalid: bool = option(False, "Skip unreadable images instead of stopping.")
