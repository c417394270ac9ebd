"""The small values that pass between the host and a plugin.

Shape legend, here and in all tensor code: B batch, C image channels, R raw channels (what a decoder puts out),
H height, W width, D latent dimensions, N images of a dataset.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from vaeaug.contracts.latent import Latent


@dataclass(frozen=True, slots=True)
class ImageSpec:
    """The images a model works on.

    Attributes:
        channels: C, 1 (gray) or 3 (RGB).
        height: H in pixels, 8 to 256; any number, not only powers of two.
        width: W in pixels, 8 to 256.
        num_classes: how many classes labels run over; labels are 0 ... num_classes - 1.
        raw_channels: R, the channels a decoder must put out; the loss decides (`ReconstructionLoss.raw_channels`).
        palette: the colours of indexed images, each of C values from 0 to 255, or None where images are not indexed.
            Every pixel of an image is one of them, divided by 255.
    """

    channels: int
    height: int
    width: int
    num_classes: int = 1
    raw_channels: int = 1
    palette: tuple[tuple[int, ...], ...] | None = None

    @property
    def pixels(self) -> int:
        """C * H * W, the number of values of an image."""
        return self.channels * self.height * self.width


@dataclass(frozen=True, slots=True)
class Encoded:
    """What `Variant.encode` returns for a batch.

    Attributes:
        latent: what `Variant.decode` takes; a tree of tensors with the batch first.
        features_BD: one feature vector an image, deterministic (a posterior mean, a pooled code): the latent features
            that are exported, and what posterior collapse is measured on.
        penalties: the terms of the objective besides the reconstruction: name -> (B,), one value per image, unweighted.
            A Kullback-Leibler divergence is named `kl`, or `kl/<group>` if there are several, or declared as annealed
            (`Variant.terms`): these are annealed and given free bits by the training loop, and their sum is the KL part
            of the ELBO. In nats. An anomaly score is made of them, so a term over the batch is never among them.
        scale: the posterior's standard deviation, of the same structure as `latent`, where the posterior is a diagonal
            Gaussian around the mode; None where it is not. Samplers that draw around real images need it.
        log_ratio: log q(z|x) - log p(z) of the latent that was drawn, (B,), in nats: its mean over draws is the KL, and
            exp(-reconstruction - log_ratio) is an importance weight (Burda et al. 2016). None where it is not known.
    """

    latent: Latent
    features_BD: Tensor
    penalties: dict[str, Tensor] = field(default_factory=dict)
    scale: Latent | None = None
    log_ratio: Tensor | None = None


@dataclass(frozen=True, slots=True)
class ImageStatistics:
    """What a loss is told of the training images, to say whether it suits them (`ReconstructionLoss.suits`).

    Attributes:
        channels: C, 1 (gray) or 3 (RGB).
        palette: as `ImageSpec.palette`.
        binarity: the variance of all values over mean (1 - mean), in [0, 1]: 1 where every value is 0 or 1. It is 0.84
            for MNIST, 0.6 for Fashion-MNIST, 0.25 for CIFAR-10.
    """

    channels: int
    palette: tuple[tuple[int, ...], ...] | None
    binarity: float


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """The images that one network is trained on (`Variant.begin_training`).

    Attributes:
        labels_N: class indices, int64, on the CPU, one per training image: its length is the size of the training set.
            Images held out for validation are not included.
    """

    labels_N: Tensor


@dataclass(frozen=True, slots=True)
class Latents:
    """The training set as a trained model encodes it: what samplers and learned priors are fitted on.

    Attributes:
        latent: posterior modes; every leaf has N as its first axis.
        labels_N: class indices, int64.
        scale: posterior standard deviations, structured as `latent`, or None (see `Encoded.scale`).
        seconds: time that fitting a prior to them may take (`Variant.prior_share`); None for no limit.
    """

    latent: Latent
    labels_N: Tensor
    scale: Latent | None = None
    seconds: float | None = None
