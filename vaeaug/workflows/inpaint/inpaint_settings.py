"""What users can set when holes are filled."""

from __future__ import annotations

from dataclasses import dataclass

from vaeaug.errors import InputError
from vaeaug.options import option
from vaeaug.workflows.settings import LabelSettings, UseSettings

METHODS = ("auto", "blend", "partial-encoder", "gaussian", "gibbs")
BLENDS = ("feather", "poisson", "none")
REGIONS = ("auto", "whole")
_FILES = ("masks", "coco", "data", "labels")


@dataclass(frozen=True, kw_only=True)
class InpaintSettings(LabelSettings, UseSettings):
    """Where the holes are, and how they are filled."""

    masks: str | None = option(
        None,
        "Folder of masks with the same names as the images (1.png or 1_mask.png), or a single mask. Missing pixels "
        "are white, or painted on a transparent canvas.",
    )
    alpha: bool = option(False, "Treat transparent pixels (alpha below 128) as missing.")
    missing_color: str | None = option(None, "Treat pixels of exactly this colour as missing, for example '#ff00ff'.")
    coco: str | None = option(
        None, "COCO annotation file; the regions it annotates (polygons or run-length encodings) are missing."
    )
    random_holes: bool = option(
        False, "Cut a random hole into each training image of a dataset, fill it, and add the result to the dataset."
    )
    samples: int = option(1, "Completions per image. 1 writes the best guess; more write random draws.", minimum=1)
    label: str | None = option(
        None, "Class of all images. By default the class of each image's folder, or inferred if it has none."
    )
    method: str = option(
        "auto",
        "partial-encoder decodes latents that the inpainting encoder proposes. gaussian predicts the missing pixels "
        "from the visible ones, by a Gaussian fitted to the training images; it needs no encoder. blend combines both. "
        "gibbs finds latents without an encoder. auto uses blend where possible.",
        choices=METHODS,
    )
    draws: int = option(16, "Number of latents to try per completion.", minimum=1, maximum=10_000)
    blend: str = option("feather", "How to blend the seam inside the hole.", choices=BLENDS)
    region: str = option(
        "auto",
        "What the model sees. auto shows it only the surroundings of each hole if the image is much larger than the "
        "training images. whole always shows it the whole image, for images with the same content at a higher "
        "resolution.",
        choices=REGIONS,
    )
    data: str | None = option(
        None,
        "Real images to train the inpainting encoder on, if MODEL has none yet. By default it is trained on "
        "images that the model decodes.",
    )
    partial_steps: int | None = option(
        None,
        "Optimizer steps of the inpainting encoder, if MODEL has none yet. By default 4,000, which take a few minutes.",
        minimum=1,
    )
    skip_invalid: bool = option(
        False, "Skip images that cannot be read, or whose mask cannot be read, instead of stopping."
    )
    seed: int = option(0, "Random seed.", minimum=0)

    def check(self) -> None:
        """Check that exactly one option says where the holes are.

        Raises:
            InputError: if none or several are given, or if `label` is given with `random_holes`.
        """
        given = [name for name in ("masks", "alpha", "missing_color", "coco", "random_holes") if getattr(self, name)]
        flags = [f"--{name.replace('_', '-')}" for name in given]
        if not flags:
            raise InputError(
                "specify the holes with --masks DIR, --alpha, --missing-color COLOR, --coco FILE or --random-holes"
            )
        if len(flags) > 1:
            raise InputError(f"{' and '.join(flags)} cannot be combined; give one of them")
        if self.random_holes and self.label is not None:
            raise InputError("--random-holes keeps the classes of the dataset; leave out --label")
