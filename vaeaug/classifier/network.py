"""The classifier network: three convolutions on at most 32 x 32 positions, for a few hundred images and one thread."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, pixel_unshuffle

MAX_SIDE = 32
"""Places along the longer side at which the first convolution works; larger images are cut into patches for it."""

POOL_SIZE = 3
"""Places along each side of the last features."""


class ClassifierNetwork(nn.Module):
    """Images (B, C, H, W) in [0, 1] to logits (B, K): features, then one linear layer, `head`.

    Attributes:
        chunk: images that it receives at a time when it is applied; None if any number will do.
    """

    head: nn.Linear
    chunk: int | None = None

    def embed(self, x_BCHW: Tensor) -> Tensor:
        """Return the last features, (B, F)."""
        raise NotImplementedError

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return the logits."""
        logits_BK: Tensor = self.head(self.embed(x_BCHW))
        return logits_BK

    def parameter_groups(self) -> list[tuple[list[nn.Parameter], float]]:
        """Return groups of parameters, each with its learning rate as a fraction of that of the training."""
        return [(list(self.parameters()), 1.0)]


class ConvClassifier(ClassifierNetwork):
    """Images (B, C, H, W) in [0, 1] to logits (B, K).

    3 x 3 convolutions, each followed by 2 x 2 max pooling and batch norm (Ioffe & Szegedy 2015), then average pooling
    to 3 x 3 positions, dropout (Srivastava et al. 2014) and one linear layer. Pooling comes first, so that what follows
    works on a quarter of the positions. Weights and images are channels-last, which is faster on a CPU.

    Args:
        features: of the first convolution; the second has twice and the third three times as many.
    """

    def __init__(
        self, *, channels: int, height: int, width: int, classes: int, features: int = 32, dropout: float = 0.3
    ) -> None:
        super().__init__()
        self.patch = math.ceil(max(height, width) / MAX_SIDE)
        self.padding = (0, -width % self.patch, 0, -height % self.patch)
        layers: list[nn.Module] = []
        inputs = channels * self.patch**2
        for outputs in (features, 2 * features, 3 * features):
            layers += [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.MaxPool2d(2, ceil_mode=True)]
            layers += [nn.BatchNorm2d(outputs), nn.ReLU()]
            inputs = outputs
        self.body = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(POOL_SIZE), nn.Flatten())
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(inputs * POOL_SIZE**2, classes)
        self.to(memory_format=torch.channels_last)

    def embed(self, x_BCHW: Tensor) -> Tensor:
        """Return the last features, (B, 27 * features)."""
        centred_BCHW = pad(2 * x_BCHW - 1, self.padding, mode="replicate")
        patches_BCHW = pixel_unshuffle(centred_BCHW, self.patch).contiguous(memory_format=torch.channels_last)
        features_BF: Tensor = self.body(patches_BCHW)
        return features_BF

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return the logits."""
        logits_BK: Tensor = self.head(self.dropout(self.embed(x_BCHW)))
        return logits_BK
