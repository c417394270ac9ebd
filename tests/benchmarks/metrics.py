"""How alike two sets of images are, on the features of a classifier; shared by the benchmarks."""

from __future__ import annotations

import fashion_mnist as fashion
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from vaeaug.evaluation import fidelity

frechet = fidelity.frechet_distance


@torch.inference_mode()
def features(model: nn.Sequential, images_NHWC: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the classifier's last hidden features (N, 864), pooled to (N, 96)."""
    parts = [model[:-3](fashion.as_input(images_NHWC[i : i + 1000])) for i in range(0, len(images_NHWC), 1000)]
    return torch.cat(parts).mean(dim=(2, 3)).double().numpy()


def prdc(real_ND: NDArray[np.float64], fake_ND: NDArray[np.float64], k: int = 5) -> dict[str, float]:
    """Return precision, recall, density and coverage by name (`vaeaug.evaluation.fidelity`)."""
    return dict(zip(("precision", "recall", "density", "coverage"), fidelity.prdc(real_ND, fake_ND, k), strict=True))


def psnr(a_NHWC: NDArray[np.uint8], b_NHWC: NDArray[np.uint8]) -> float:
    """Return the peak signal-to-noise ratio in decibels, the mean over images."""
    error_N = ((a_NHWC.astype(np.float64) - b_NHWC) ** 2).reshape(len(a_NHWC), -1).mean(axis=1)
    return float((10 * np.log10(255**2 / np.maximum(error_N, 1e-2))).mean())
