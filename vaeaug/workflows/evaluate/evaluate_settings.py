"""What users can set when synthetic images are evaluated."""

from __future__ import annotations

from dataclasses import dataclass

from vaeaug.options import option
from vaeaug.workflows.settings import AUTO, LabelSettings, ReadSettings

SMALL = "small"
FLIPS = (AUTO, "yes", "no")
METRICS = ("accuracy", "balanced-accuracy")

MIN_IMAGES = 3
"""Images that a class needs if some are held out: two to train on, and one to test on."""


@dataclass(frozen=True, kw_only=True)
class EvaluateSettings(LabelSettings, ReadSettings):
    """Which classifiers are trained, how often, and what they are tested on."""

    test: str | None = option(
        None,
        "Test images in class folders. By default the test split of REAL, or its validation split if it has no test "
        "split. The validation split is less reliable, because it decided when training of the model stopped.",
    )
    classifier: str = option(
        SMALL,
        "Classifier to train. small is a network of three convolutions. torchvision:NAME, timm:NAME or "
        "package.module:callable fine-tunes that network. With embedding: before the name (embedding:timm:NAME), only "
        "a linear layer on its frozen features is trained, which is much faster.",
    )
    classifier_weights: str | None = option(
        None,
        "Weights of --classifier: a state dict file, or the word random. By default the published weights, which are "
        "downloaded on first use.",
    )
    classifier_size: int | None = option(
        None,
        "Pixels per side of the images that --classifier receives. By default twice the size of the images, at least "
        "96, and at most the size that its weights were trained on.",
        minimum=8,
        maximum=1024,
    )
    seeds: int = option(
        5,
        "How many times to train each classifier, each time from different initial weights. Fewer than 3 give no "
        "interval and no verdict.",
        minimum=2,
        maximum=1000,
    )
    arms: str = option(
        AUTO,
        "Training methods to compare, separated by commas: real, classical, mixup, oversampled, smote, weighted, "
        "deferred, synthetic, classical+synthetic, synthetic-only. auto leaves out oversampled, smote, weighted and "
        "deferred if the classes have about the same size.",
    )
    metric: str = option(
        AUTO,
        "Metric that the verdict is based on. balanced-accuracy gives every class the same weight. auto uses "
        "accuracy if the classes have about the same size, and balanced-accuracy otherwise.",
        choices=(AUTO, *METRICS),
    )
    steps: int | None = option(
        None, "Optimizer steps per classifier; by default chosen from the number of real images.", minimum=1
    )
    share: float | None = option(
        None,
        "Fraction of synthetic images in each batch; by default their fraction of all training images.",
        minimum=0.01,
        maximum=0.99,
    )
    flip: str = option(
        AUTO,
        "Whether classical augmentation mirrors images; auto decides on held-out real training images.",
        choices=FLIPS,
    )
    classical: str = option(
        AUTO,
        "Classical augmentation that the synthetic images must beat: mild or full (crop and affine), trivialaugment "
        "or randaugment, optionally with +erasing and +mixup, for example trivialaugment+mixup. auto chooses on "
        "held-out real training images.",
    )
    folds: int = option(
        5, "Number of cross-validation folds, used if there are no test images.", minimum=2, maximum=100
    )
    repeats: int = option(
        1,
        "Number of times to repeat the cross-validation with different folds, used if there are no test images. "
        "At most --seeds.",
        minimum=1,
    )
    embedding: str | None = option(
        None,
        "Network whose features measure how similar images are: a torchvision model, timm:NAME, or "
        "package.module:callable. By default the network of --classifier embedding:NAME if there is one, otherwise a "
        "classifier trained on REAL.",
    )
    embedding_weights: str | None = option(None, "File with the weights of --embedding.")
    embedding_layer: str | None = option(
        None,
        "Layer of --embedding whose output is used. By default the input of the last layer for a torchvision model, "
        "and the output of the module for a callable.",
    )
    image_size: str | None = option(
        None,
        "Size at which images are read and compared, N or HxW. By default chosen from REAL: at most 64, or at most "
        "--classifier-size if --classifier names a network.",
    )
    background: str | None = option(
        None,
        "Colour that transparent pixels are composited over: a name, '#rrggbb' or 'red,green,blue'. By default the "
        "colour that SYNTHETIC was made with, or white.",
    )
    seed: int = option(0, "Random seed.", minimum=0)
    skip_invalid: bool = option(False, "Skip unreadable images instead of stopping.")
    allow_imports: bool = option(
        False, "If the model is retrained, allow its loss to import the code named in SYNTHETIC's vaeaug.json."
    )

    def _files(self) -> list[str]:
        return [self.classifier_weights] if self.classifier_weights else []
