"""Encoders and decoders chosen from the image size."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def _mlp(inputs: int, hidden: int, depth: int, outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for _ in range(depth):
        layers += [nn.Linear(inputs, hidden), nn.SiLU()]
        inputs = hidden
    return nn.Sequential(*layers, nn.Linear(inputs, outputs))


class Encoder(nn.Module):
    """Images (B, C, H, W) and labels (B,) to features (B, F)."""

    def __init__(
        self, *, channels: int, height: int, width: int, features: int, num_classes: int = 0,
        hidden: int | None = None, depth: int = 2,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.net = _mlp(channels * height * width + num_classes, hidden or 512, depth, features)

    def forward(self, x_BCHW: Tensor, y_B: Tensor) -> Tensor:
        """Return the features."""
        parts = [2 * x_BCHW.flatten(1) - 1]
        if self.num_classes:
            parts.append(nn.functional.one_hot(y_B, self.num_classes).to(x_BCHW.dtype))
        out: Tensor = self.net(torch.cat(parts, 1))
        return out


class Decoder(nn.Module):
    """Features (B, F) and labels (B,) to raw output (B, R, H, W)."""

    def __init__(
        self, *, features: int, channels: int, height: int, width: int, num_classes: int = 0,
        hidden: int | None = None, depth: int = 2,
    ) -> None:
        super().__init__()
        self.num_classes, self.shape = num_classes, (channels, height, width)
        self.net = _mlp(features + num_classes, hidden or 512, depth, channels * height * width)

    def forward(self, z_BF: Tensor, y_B: Tensor) -> Tensor:
        """Return the raw output."""
        parts = [z_BF]
        if self.num_classes:
            parts.append(nn.functional.one_hot(y_B, self.num_classes).to(z_BF.dtype))
        out: Tensor = self.net(torch.cat(parts, 1)).unflatten(1, self.shape)
        return out
