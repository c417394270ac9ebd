"""Perceptual distance: images are compared by the features of a pretrained network (Zhang et al. 2018).

Loss, per image of P values:  P/2 [log(2 pi v) + e / v],  e = mean (x - m)^2 + w d(x, m),  v* = mean e,
m = sigmoid(raw),  d = mean over layers and positions of |f(x)/|f(x)| - f(m)/|f(m)||^2,  f: the features of a layer.

Feature vectors are compared by direction, as in LPIPS without learned channel weights (sec. 3, "cos"), so that d is in
[0, 4] for any network and layer. The scale v is at its optimum, as in the sigma-VAE (Rybkin et al. 2021). For w = 0
this is a Gaussian likelihood; otherwise exp(-loss) is no density, so bounds in nats cannot be compared to other losses.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from vaeaug import ImageSpec, ReconstructionLoss, hookimpl, option
from vaeaug.nn import RunningError, pretrained_features

MIN_ERROR = (1 / 255) ** 2 / 12  # that of rounding to 8 bits: no image is known better
EPSILON = 1e-6  # squared length of a feature vector that is taken for nothing: a flat region of a dead layer
RANGES = {  # mean and standard deviation of red, green and blue
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "signed": ((127 / 255,) * 3, (128 / 255,) * 3),  # (255 x - 127) / 128
}


class Perceptual(ReconstructionLoss):
    """Squared error of pixels and of normalized features, with one shared scale.

    The network is not part of the loss's state, so a trained model draws images without it.
    """

    name = "perceptual"
    reference = (
        "Zhang et al., The Unreasonable Effectiveness of Deep Features as a Perceptual Metric, CVPR 2018; "
        "Hou et al., Deep Feature Consistent Variational Autoencoder, WACV 2017"
    )
    small_options: ClassVar = {"network": "torchvision.models:squeezenet1_1"}  # without weights: nothing is downloaded

    @dataclass(frozen=True)
    class Config:
        """Options of the perceptual loss."""

        network: str = option(
            "squeezenet1_1", "torchvision classifier, timm:NAME, or package.module:callable.", imports=True
        )
        weights: str | None = option(
            None, "File with its state dict; by default the weights of torchvision, or of the callable."
        )
        layers: str | None = option(
            None, "Names of its layers, separated by commas; by default the last layer of each resolution."
        )
        normalize: str = option(
            "imagenet", "Input range of the network: imagenet, or signed for -1 to 1.", choices=tuple(RANGES)
        )
        weight: float = option(0.1, "Weight w of the feature distance relative to the squared pixel error.", minimum=0)
        side: int = option(32, "Size that smaller images are enlarged to.", minimum=8, maximum=256)

    config: Config

    def __init__(self, spec: ImageSpec, config: Config) -> None:
        super().__init__(spec, config)
        self.scale = RunningError(0.1, MIN_ERROR)

    def forward(self, raw_BRHW: Tensor, x_BCHW: Tensor) -> Tensor:
        """Return the loss of each image, (B,).

        Raises:
            InputError: on the first call, if the network or its weights are not available.
        """
        error_B = self.error(self.image(raw_BRHW), x_BCHW)
        scale = self.scale(error_B)
        return 0.5 * x_BCHW[0].numel() * (math.log(2 * math.pi) + scale.log() + error_B / scale)

    def image(self, raw_BRHW: Tensor) -> Tensor:
        """Return the mean m."""
        return raw_BRHW.sigmoid()

    def calibrate(self, raw_BRHW: Tensor, x_BCHW: Tensor) -> None:
        """Take the mean error on held-out images as the least scale."""
        self.scale.calibrate(self.error(self.image(raw_BRHW), x_BCHW))

    def error(self, m_BCHW: Tensor, x_BCHW: Tensor) -> Tensor:
        """Return e of each image, shape (B,)."""
        return (m_BCHW - x_BCHW).square().mean(dim=(1, 2, 3)) + self.config.weight * self.distance(m_BCHW, x_BCHW)

    def distance(self, m_BCHW: Tensor, x_BCHW: Tensor) -> Tensor:
        """Return the perceptual distance d of each pair of images in [0, 1], shape (B,), in [0, 4]."""
        options = self.config
        features = pretrained_features(options.network, options.weights, options.layers, x_BCHW.device)
        with torch.no_grad():
            targets = features(self._network_input(x_BCHW))
        pairs = zip(features(self._network_input(m_BCHW)), targets, strict=True)
        distances = [
            (unit(reconstructed) - unit(real)).square().sum(dim=1).mean(dim=(1, 2)) for reconstructed, real in pairs
        ]
        return torch.stack(distances).mean(dim=0)

    def _network_input(self, x_BCHW: Tensor) -> Tensor:
        """Return images as the network wants them: three channels, its range, and large enough to see something."""
        height, width = x_BCHW.shape[2:]
        factor = self.config.side / min(height, width)
        if factor > 1:
            size = (round(factor * height), round(factor * width))
            x_BCHW = interpolate(x_BCHW, size=size, mode="bilinear", align_corners=False)
        mean, std = (x_BCHW.new_tensor(values).view(1, 3, 1, 1) for values in RANGES[self.config.normalize])
        return (x_BCHW - mean) / std  # one channel becomes three


def unit(features_BFHW: Tensor) -> Tensor:
    """Return feature vectors of length 1, or 0 where there is nothing."""
    return features_BFHW * (features_BFHW.square().sum(dim=1, keepdim=True) + EPSILON).rsqrt()


@hookimpl
def vaeaug_losses() -> Iterable[type[ReconstructionLoss]]:
    """Bring the perceptual loss."""
    return [Perceptual]
