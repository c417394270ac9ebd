"""A small convolutional discriminator, for any image from 8x8 to 256x256 pixels.

Its first layer sees blocks of pixels (space to depth); each further layer halves the resolution. Spectral normalization
(Miyato et al. 2018) limits its gradients if real and fake are easy to distinguish. The class enters by projection
(Miyato & Koyama 2018): the inner product of its embedding and the last features is added to the score.
"""

from __future__ import annotations

import math
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu
from torch.nn.utils.parametrizations import spectral_norm

SLOPE = 0.2  # of the leaky rectifiers
GAIN = 1.5  # of a layer: about what one of norm 1 takes from the spread of images, so that scores are not all alike
MIN_SIDE = 4  # the resolution is halved until a side is no longer than this
INITIAL_SCALE = 3.0  # how many times as slowly the weights turn as others do at the same learning rate

Layer = TypeVar("Layer", nn.Conv2d, nn.Linear, nn.Embedding)


class Discriminator(nn.Module):
    """Images (B, C, H, W) and labels (B,) to features (B, L, h, w) and scores (B,): the logit of being real.

    The first layer has `hidden` channels; they double with each layer, up to four times as many.
    """

    def __init__(self, *, channels: int, height: int, width: int, num_classes: int = 0, hidden: int = 16) -> None:
        super().__init__()
        block = block_size(height, width)
        self.blocks = nn.Sequential(
            nn.ReplicationPad2d((0, -width % block, 0, -height % block)), nn.PixelUnshuffle(block)
        )
        layers = [nn.Conv2d(channels * block**2, hidden, 3, padding=1)]
        rows, columns = math.ceil(height / block), math.ceil(width / block)
        while len(layers) == 1 or min(rows, columns) > MIN_SIDE:
            inputs = layers[-1].out_channels
            layers.append(nn.Conv2d(inputs, min(2 * inputs, 4 * hidden), 4, stride=2, padding=1))
            rows, columns = rows // 2, columns // 2
        outputs = layers[-1].out_channels * rows * columns
        self.feature_channels = layers[-1].in_channels
        self.layers = nn.ModuleList(_spectrally_normalized(layer) for layer in layers)
        self.score = _spectrally_normalized(nn.Linear(outputs, 1))
        self.classes = _spectrally_normalized(nn.Embedding(num_classes, outputs)) if num_classes else None

    def forward(self, x_BCHW: Tensor, y_B: Tensor) -> tuple[Tensor, Tensor]:
        """Return the features of the last layer but one (L = `feature_channels`), and the scores."""
        h_BLHW = self.blocks(2 * x_BCHW - 1).contiguous(memory_format=torch.channels_last)  # faster on a CPU
        features_BLHW = h_BLHW
        for layer in self.layers:
            features_BLHW, h_BLHW = h_BLHW, GAIN * leaky_relu(layer(h_BLHW), SLOPE)
        h_BF = h_BLHW.flatten(1)
        score_B: Tensor = self.score(h_BF)[:, 0]
        if self.classes is not None:
            score_B = score_B + (self.classes(y_B) * h_BF).sum(dim=1)
        return features_BLHW, score_B


def block_size(height: int, width: int) -> int:
    """Return the side in pixels of the blocks that the first layer sees as one: 2, 4 or 8."""
    side = math.sqrt(height * width)
    return 2 if side <= 48 else 4 if side <= 128 else 8


def _spectrally_normalized(layer: Layer) -> Layer:
    """Apply spectral normalization, and slow the layer's training down.

    Only the direction of a normalized weight matters, and Adam's steps do not depend on its length, so a weight that
    starts `INITIAL_SCALE` times as long turns that much more slowly.
    """
    with torch.no_grad():
        layer.weight.mul_(INITIAL_SCALE)
    spectral_norm(layer)  # in place
    return layer
