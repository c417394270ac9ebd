"""What users can set when a model is shown in pictures: paths between images, and what each latent dimension does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from vaeaug.options import option
from vaeaug.workflows.settings import UseSettings

PATHS = ("linear", "slerp")


def _enlarge() -> Any:
    return option(
        None,
        "Integer factor to enlarge the pictures by; 1 keeps the model's size. By default chosen from the model's size.",
        minimum=1,
        maximum=64,
    )


@dataclass(frozen=True, kw_only=True)
class InterpolateSettings(UseSettings):
    """Which path, and how it is drawn."""

    _EXCLUDED_FROM_REQUEST: ClassVar[frozenset[str]] = frozenset({"label"})

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
    enlarge: int | None = _enlarge()


@dataclass(frozen=True, kw_only=True)
class TraverseSettings(UseSettings):
    """Which dimensions are moved, from where, and how far."""

    latents: int = option(
        10, "Number of latent dimensions to show, the most informative first.", minimum=1, maximum=4096
    )
    steps: int = option(7, "Images per dimension.", minimum=2, maximum=101)
    reach: float = option(3.0, "How far to move in each direction, in standard deviations.", minimum=0.01, maximum=100)
    image: str | None = option(None, "Image file to start from. By default the mean of the class.")
    enlarge: int | None = _enlarge()
    classes: tuple[str, ...] = ()
