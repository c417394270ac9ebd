"""What a user can set when latent dimensions are looked at."""

from __future__ import annotations

from dataclasses import dataclass

from vaeaug.options import option
from vaeaug.workflows.settings import UseSettings


@dataclass(frozen=True, kw_only=True)
class TraverseSettings(UseSettings):
    """Which dimensions are moved, from where, and how far."""

    latents: int = option(
        10, "Number of latent dimensions to show, the most informative first.", minimum=1, maximum=4096
    )
    steps: int = option(7, "Images per dimension.", minimum=2, maximum=101)
    reach: float = option(3.0, "How far to move in each direction, in standard deviations.", minimum=0.01, maximum=100)
    image: str | None = option(None, "Image file to start from. By default the mean of the class.")
    enlarge: int | None = option(
        None,
        "Integer factor to enlarge the pictures by; 1 keeps the model's size. By default chosen from the model's size.",
        minimum=1,
        maximum=64,
    )
    classes: tuple[str, ...] = ()
