"""The values that pass between the host and a plugin.

Shape legend, here and in all tensor code: B batch, C image channels, R raw channels (decoder output), H height, W
width, D latent dimensions, N images of a dataset.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from vaeaug.contracts.latent import Latent


@dataclass(frozen=True, slots=True)
class ImageSpec:
    """The format of a model's images.

    Attributes:
        channels: C, 1 (gray) or 3 (RGB).
        height: H in pixels, 8 to 256, not only powers of two.
        width: W in pixels, 8 to 256.
        raw_channels: R, the decoder's output channels (`ReconstructionLoss.raw_channels`).
        palette: colours of indexed images, C values from 0 to 255 each, or None. Every pixel is one of them, divided by
            255.
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
    """The result of `Variant.encode` for a batch.

    Attributes:
        latent: the input of `Variant.decode`; a tree of tensors with the batch first.
        features_BD: one deterministic feature vector per image (a posterior mean, a pooled code), for export and for
            measuring posterior collapse.
        penalties: the terms of the objective other than the reconstruction: name -> (B,), one unweighted value per
            image, in nats. Terms named `kl` or `kl/<group>`, or declared as annealed (`Variant.terms`), are annealed
            and given free bits; their sum is the KL part of the ELBO. Never a term over the batch, because anomaly
            scores are made of them.
        scale: the posterior's standard deviation, structured as `latent`, if the posterior is a diagonal Gaussian
            around the mode. Samplers that draw around real images and `--consistency` need it.
        log_ratio: log q(z|x) - log p(z) of the drawn latent, (B,), in nats, if known: its mean over draws is the KL,
            and exp(-reconstruction - log_ratio) is an importance weight (Burda et al. 2016).
    """

    latent: Latent
    features_BD: Tensor
    penalties: dict[str, Tensor] = field(default_factory=dict)
    scale: Latent | None = None
    log_ratio: Tensor | None = None


@dataclass(frozen=True, slots=True)
class ImageStatistics:
    """Statistics of the training images, by which a loss can recommend itself (`ReconstructionLoss.suits`).

    Attributes:
        channels: C, 1 (gray) or 3 (RGB).
        binarity: variance of all values over mean (1 - mean), in [0, 1]: 1 if every value is 0 or 1. MNIST has 0.84,
            Fashion-MNIST 0.6, CIFAR-10 0.25.
    """

    channels: int
    palette: tuple[tuple[int, ...], ...] | None
    binarity: float


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """The images that one network is trained on (`Variant.begin_training`).

    Attributes:
        labels_N: class indices, int64, on the CPU, one per training image, without those held out for validation.
    """

    labels_N: Tensor


@dataclass(frozen=True, slots=True)
class Latents:
    """The encoded training set, on which samplers and learned priors are fitted.

    Attributes:
        latent: posterior modes; the first axis of every leaf is N.
        labels_N: class indices, int64.
        scale: posterior standard deviations, structured as `latent` (see `Encoded.scale`).
        seconds: time limit for fitting a prior (`Variant.prior_share`).
    """

    latent: Latent
    labels_N: Tensor
    scale: Latent | None = None
    seconds: float | None = None
