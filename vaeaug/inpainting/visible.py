"""How well raw output explains the visible pixels alone, under any reconstruction loss."""

from __future__ import annotations

import torch
from torch import Tensor

from vaeaug.contracts import ReconstructionLoss


def visible_loss(loss: ReconstructionLoss, raw_BRHW: Tensor, x_BCHW: Tensor, visible_B1HW: Tensor) -> Tensor:
    """Return the loss of each image's visible pixels, shape (B,).

    In the hole, the raw output is set to zero and the image to the value that zero represents; the known cost of these
    pixels is subtracted. This is exact for losses that are a sum over pixels (-log p(visible pixels | z) for a
    likelihood).
    If pixels are scored together (`ms-ssim`, `perceptual`), the hole counts as a match.

    Args:
        x_BCHW: images in [0, 1]; the content of the holes is ignored.
        visible_B1HW: 1 where a pixel is visible, 0 where it is missing.
    """
    nothing_1RHW = torch.zeros_like(raw_BRHW[:1])
    neutral_1CHW = loss.image(nothing_1RHW)
    seen_B1HW = visible_B1HW > 0
    whole_B = loss(torch.where(seen_B1HW, raw_BRHW, 0.0), torch.where(seen_B1HW, x_BCHW, neutral_1CHW))
    missing_B = 1 - visible_B1HW.mean(dim=(1, 2, 3))
    visible_B: Tensor = whole_B - missing_B * loss(nothing_1RHW, neutral_1CHW)
    return visible_B


def composite(x_BCHW: Tensor, image_BCHW: Tensor, visible_B1HW: Tensor) -> Tensor:
    """Return images with the visible pixels of `x_BCHW` and the hole of `image_BCHW`."""
    return torch.where(visible_B1HW > 0, x_BCHW, image_BCHW)
