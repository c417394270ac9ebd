"""What users can set when synthetic images are evaluated."""

from __future__ import annotations

from dataclasses import dataclass

from vaeaug.options import option
from vaeaug.workflows.settings import AUTO, LabelSettings, ReadSettings

FLIPS = (AUTO, "yes", "no")
METRICS = ("accuracy", "balanced-accuracy")

MIN_IMAGES = 3
"""Images that a class needs if some are held out: two to train on, and one to test on."""


@dataclass(frozen=True, kw_only=True)
class EvaluateSettings(LabelSettings, ReadSettings):
    """Which classifiers are trained, how often, and what they are tested on."""

    test: str | None = option(
        None,
        "Images to test on, in class folders; if not given, REAL's own test split, or its validation split, which is a "
        "lesser judge: it decided when the model's training ended.",
    )
    seeds: int = option(
        5,
        "Times that each classifier is trained, from other initial weights; fewer than 3 give no interval and no "
        "verdict.",
        minimum=2,
        maximum=1000,
    )
    arms: str = option(
        AUTO,
        "Ways of training to compare, with commas: real, classical, mixup, oversampled, smote, weighted, deferred, "
        "synthetic, classical+synthetic, synthetic-only; auto leaves out oversampled, smote, weighted and deferred "
        "where classes are of about one size.",
    )
    metric: str = option(
        AUTO,
        "What the verdict is about; auto is accuracy where classes are of about one size, else balanced-accuracy, in "
        "which each class counts alike.",
        choices=(AUTO, *METRICS),
    )
    steps: int | None = option(
        None, "Optimizer steps of every classifier; chosen from the number of real images if not given.", minimum=1
    )
    share: float | None = option(
        None,
        "Share of synthetic images in a batch; as many as there are among all images if not given.",
        minimum=0.01,
        maximum=0.99,
    )
    flip: str = option(
        AUTO,
        "Whether classical augmentation mirrors images; auto chooses on held-out real training images.",
        choices=FLIPS,
    )
    classical: str = option(
        AUTO,
        "The classical augmentation that synthetic images must beat: mild or full (crop and affine), trivialaugment or "
        "randaugment, with +erasing and +mixup added where wanted, such as trivialaugment+mixup; auto chooses on "
        "held-out real training images.",
    )
    folds: int = option(5, "Where there are no test images: parts that are held out in turn.", minimum=2, maximum=100)
    repeats: int = option(
        1, "Where there are no test images: divisions into parts that are tried; at most --seeds.", minimum=1
    )
    embedding: str | None = option(
        None,
        "Network whose features tell how alike images are: a torchvision model, or package.module:callable; a "
        "classifier trained on REAL if not given.",
    )
    embedding_weights: str | None = option(None, "File with the weights of --embedding.")
    embedding_layer: str | None = option(
        None,
        "Layer of --embedding; if not given, what the last layer of a torchvision model is given, or what the "
        "callable's module returns.",
    )
    image_size: str | None = option(
        None, "Size that images are compared at, N or HxW; chosen from REAL, at most 64, if none."
    )
    background: str | None = option(
        None,
        "Colour that transparent pixels are composited over: a name, '#rrggbb' or 'red,green,blue'; by default the one "
        "that SYNTHETIC was made with, or white.",
    )
    seed: int = option(0, "Seed of everything random.", minimum=0)
    skip_invalid: bool = option(False, "Leave unreadable images out instead of stopping.")
    allow_imports: bool = option(
        False, "Where the model is trained anew: let its loss import the code that SYNTHETIC's vaeaug.json names."
    )
