"""What a user can set when a path between two images is drawn."""

from __future__ import annotations

from dataclasses import dataclass

from vaeaug.options import option
from vaeaug.workflows.settings import UseSettings

PATHS = ("linear", "slerp")


@dataclass(frozen=True, kw_only=True)
class InterpolateSettings(UseSettings):
    """Which path, and how it is drawn."""

    steps: int = option(11, "Images of the path, both ends included.", minimum=2, maximum=1000)
    path: str = option("linear", "Straight, or along the great circle, as draws of N(0, I) lie.", choices=PATHS)
    label: str | None = option(
        None, "Class of both images; that of their folders, else the one that fits best, if none."
    )
    enlarge: int | None = option(
        None,
        "Whole factor that pictures are enlarged by; 1 is the model's size; chosen if none.",
        minimum=1,
        maximum=64,
    )
