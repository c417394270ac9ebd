"""The scale of a likelihood at its optimum, which is a mean error (Rybkin et al. 2021, sec. 4)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

MOMENTUM = 0.05  # short trainings take a few hundred steps: the start must be forgotten by then


class RunningError(nn.Module):
    """The mean error of a value: the best variance of a Gaussian for squared errors, of a Laplace for absolute ones.

    In training it is the batch's error, but at least that on held-out images, because a few training images are soon
    reconstructed far better than any others. In eval mode it is the running mean, so that an image's likelihood does
    not depend on its batch.
    """

    kept: Tensor
    held_out: Tensor

    def __init__(self, initial: float, minimum: float) -> None:
        super().__init__()
        self.minimum = minimum
        self.register_buffer("kept", torch.tensor(initial))
        self.register_buffer("held_out", torch.tensor(minimum))

    def forward(self, error_B: Tensor) -> Tensor:
        """Return the scale to use, without a gradient, from the mean error of each image."""
        if not self.training:
            return self.kept
        scale = torch.maximum(error_B.detach().mean(), self.held_out)
        self.kept.lerp_(scale, MOMENTUM)
        return scale

    def calibrate(self, error_B: Tensor) -> None:
        """Take the mean error on held-out images as the least scale."""
        self.held_out.copy_(error_B.mean().clamp(min=self.minimum))
