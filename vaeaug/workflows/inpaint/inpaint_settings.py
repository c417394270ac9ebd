"""What users can set when holes are filled."""

from __future__ import annotations

from dataclasses import dataclass

from vaeaug.errors import InputError
from vaeaug.options import option
from vaeaug.workflows.settings import LabelSettings, UseSettings

METHODS = ("auto", "partial-encoder", "gibbs")
BLENDS = ("feather", "poisson", "none")
REGIONS = ("auto", "whole")
_FILES = ("masks", "coco", "data", "labels")


@dataclass(frozen=True, kw_only=True)
class InpaintSettings(LabelSettings, UseSettings):
    """Where the holes are, and how they are filled."""

    masks: str | None = option(
        None,
        "Folder of masks named like the images (1.png or 1_mask.png), or one mask. "
        "Missing pixels are white, or painted on a transparent canvas.",
    )
    alpha: bool = option(False, "Missing is what is transparent (alpha below 128).")
    missing_color: str | None = option(None, "Missing is what has exactly this colour, as '#ff00ff'.")
    coco: str | None = option(None, "COCO annotation file: what it outlines is missing (polygons, run lengths).")
    random_holes: bool = option(
        False, "Cut a hole into each training image of a dataset, and add what it is completed to."
    )
    samples: int = option(1, "Completions of each image; one is the best guess, several are draws.", minimum=1)
    label: str | None = option(None, "Class of all images; else that of their folder, or inferred where it has none.")
    method: str = option(
        "auto", "How latents are found that explain what is visible; gibbs needs no training.", choices=METHODS
    )
    draws: int = option(16, "Latents tried for each completion.", minimum=1, maximum=10_000)
    blend: str = option("feather", "How the seam inside the hole is treated.", choices=BLENDS)
    region: str = option(
        "auto",
        "What the model is shown: of images much larger than those it was trained on the surroundings of each hole; "
        "or always the whole, for images that show the same in more pixels.",
        choices=REGIONS,
    )
    data: str | None = option(
        None, "Real images to train the partial encoder on, where MODEL has none yet; else what the model decodes."
    )
    partial_steps: int | None = option(
        None,
        "Optimizer steps of the partial encoder, where MODEL has none yet; 4,000, some minutes, if none.",
        minimum=1,
    )
    skip_invalid: bool = option(False, "Leave out images that, or whose masks, cannot be read instead of stopping.")
    seed: int = option(0, "Seed of the completions and of random holes.", minimum=0)

    def check(self) -> None:
        """Check that exactly one option says where the holes are.

        Raises:
            InputError: if none or several are given, or if `label` is given with `random_holes`.
        """
        given = [name for name in ("masks", "alpha", "missing_color", "coco", "random_holes") if getattr(self, name)]
        flags = [f"--{name.replace('_', '-')}" for name in given]
        if not flags:
            raise InputError(
                "say where the holes are: --masks DIR, --alpha, --missing-color COLOR, --coco FILE or --random-holes"
            )
        if len(flags) > 1:
            raise InputError(f"{' and '.join(flags)} contradict each other; give one of them")
        if self.random_holes and self.label is not None:
            raise InputError("--random-holes keeps the classes of the dataset; leave out --label")
