"""What a user can set when latent dimensions are looked at."""

from __future__ import annotations

from dataclasses import dataclass

from vaeaug.options import option
from vaeaug.workflows.settings import UseSettings


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
