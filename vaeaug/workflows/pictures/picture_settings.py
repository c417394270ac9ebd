"""What users can set when a model is shown in pictures: paths between images, and what each latent dimension does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from vaeaug.options import option
from vaeaug.workflows.settings import UseSettings

PATHS = ("linear", "slerp")


@dataclass(frozen=True, kw_only=True)
class InterpolateSettings(UseSettings):
    """Which path, and how it is drawn."""

    _NOT_REQUESTED: ClassVar[frozenset[str]] = frozenset({"label"})

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


@dataclass(frozen=True, kw_only=True)
class TraverseSettings(UseSettings):
    """Which dimensions are moved, from where, and how far."""

    latents: int = option(10, "Dimensions to show, those that say most first.", minimum=1, maximum=4096)
    steps: int = option(7, "Images a dimension.", minimum=2, maximum=101)
    reach: float = option(3.0, "How far to go both ways, in standard deviations.", minimum=0.01, maximum=100)
    image: str | None = option(None, "Image file to start from; the mean of the class if none.")
    enlarge: int | None = option(
        None,
        "Whole factor that pictures are enlarged by; 1 is the model's size; chosen if none.",
        minimum=1,
        maximum=64,
    )
    classes: tuple[str, ...] = ()
