"""What a user can set when a path between two images is drawn."""

from __future__ import annotations

from dataclasses import dataclass

from vaeaug.options import option
from vaeaug.workflows.settings import UseSettings

PATHS = ("linear", "slerp")


@dataclass(frozen=True, kw_only=True)
class InterpolateSettings(UseSettings):
    """Which path, and how it is drawn."""

    steps: int = option(11, "Number of images on the path, including both ends.", minimum=2, maximum=1000)
    path: str = option(
        "linear",
        "linear follows a straight line. slerp follows the great circle, for latents that are distributed like N(0, "
        "I).",
        choices=PATHS,
    )
    label: str | None = option(
        None,
        "Class of both images. By default the class of each image's folder, or the class that fits best if it "
        "has none.",
    )
    enlarge: int | None = option(
        None,
        "Integer factor to enlarge the pictures by; 1 keeps the model's size. By default chosen from the model's size.",
        minimum=1,
        maximum=64,
    )
