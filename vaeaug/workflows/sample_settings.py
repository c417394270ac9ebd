"""What users can set when synthetic images are made: of a dataset (`augment`), or of a trained model (`sample`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from vaeaug.errors import InputError
from vaeaug.options import option
from vaeaug.workflows.settings import AUTO, RunSettings
from vaeaug.workflows.train_settings import TrainSettings

LINKS = ("copy", "hard")
COPIES = ("auto", "exact")
FORMATS = ("auto", "png", "jpeg", "webp")


@dataclass(frozen=True, kw_only=True)
class SampleSettings:
    """How many synthetic images of each class are made, and how."""

    per_class: int | None = option(None, "Number of synthetic images per class.", minimum=0)
    balance: bool = option(False, "Fill every class up to the size of the largest class.")
    ratio: float | None = option(
        None, "Number of synthetic images per real image of the class.", minimum=0, maximum=1e6
    )
    sampler: str = option(
        "auto",
        "How the latents of new images are drawn: {names}; auto uses the sampler recommended for the model and the "
        "data.",
    )
    sampler_options: Mapping[str, Any] = field(default_factory=dict)
    format: str = option(
        AUTO,
        "Format of synthetic images; auto uses JPEG or PNG, like the source image or the class. Palette, 16-bit and "
        "transparent images are always PNG.",
        choices=FORMATS,
    )
    quality: int | None = option(
        None,
        "Quality of JPEG and WebP images, 1 to 100. By default JPEG uses the quality of the JPEG files in the data, "
        "or 95 if there are none; WebP uses 90.",
        minimum=1,
        maximum=100,
    )

    def check(self) -> None:
        """Check that the options do not contradict each other, before any work.

        Raises:
            InputError: if more than one of `per_class`, `ratio` and `balance` is set, or if `quality` is given with the
                format `png`.
        """
        amounts = {"--per-class": self.per_class, "--ratio": self.ratio, "--balance": self.balance or None}
        given = [flag for flag, value in amounts.items() if value is not None]
        if len(given) > 1:
            raise InputError(f"{' and '.join(given)} cannot be combined; give one of them")
        if self.quality is not None and self.format == "png":
            raise InputError("--quality applies to JPEG and WebP only; leave it out, or use another --format than png")


@dataclass(frozen=True, kw_only=True)
class AugmentSettings(SampleSettings, TrainSettings):
    """Settings of an extended dataset: how many images, how they are made, and how the model is trained."""

    # The same images are made with --evaluate, so a resumed run may leave it out or ask for it.
    _EXCLUDED_FROM_REQUEST: ClassVar[frozenset[str]] = frozenset({"evaluate"})

    model: str | None = option(
        None, "Trained model to use. If there is none in this directory yet, a model is trained and stored there."
    )
    filter: bool = option(
        True, "Drop samples that look like another class, lie far from the data, or nearly duplicate a real image."
    )
    synthetic_only: bool = option(
        False,
        "Leave out the real training images. This does not anonymize: by default synthetic images are edits of real "
        "ones and still resemble them.",
    )
    keep_alpha: bool = option(
        False,
        "Keep transparency in real and synthetic images instead of compositing it over the background. Requires a "
        "sampler that edits real images. The model is still trained on composited images.",
    )
    copy: str = option(
        AUTO,
        "How real images are copied. auto rewrites files that some readers would decode differently from the "
        "synthetic images (transparency, EXIF rotation, colour profiles, TIFF, ...); exact copies every file byte "
        "for byte.",
        choices=COPIES,
    )
    link: str = option(
        "copy",
        "Copy real images into OUT or hard-link them. Rewritten images are always new files.",
        choices=LINKS,
    )
    evaluate: bool = option(
        False,
        "Also evaluate whether the images help a classifier (see: vaeaug evaluate) and write the results to "
        "OUT/utility. This trains 30 classifiers or more and often takes longer than making the images. It cannot "
        "be combined with --time-budget; to limit the time, run vaeaug evaluate afterwards with --seeds, --arms or "
        "--steps.",
    )


@dataclass(frozen=True, kw_only=True)
class SampleModelSettings(SampleSettings, RunSettings):
    """Which images are made from a trained model."""

    _EXCLUDED_FROM_REQUEST: ClassVar[frozenset[str]] = frozenset(
        {"per_class", "balance", "ratio", "format", "quality", "variant_options", "classes"}
    )

    seed: int = option(0, "Random seed.", minimum=0)
    variant_options: Mapping[str, Any] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
