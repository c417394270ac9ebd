"""Multi-scale structural similarity mixed with the absolute error (Zhao et al. 2017, eq. 14), for images from 8x8 up.

Loss, per image of P values:  P [alpha (1 - MS-SSIM(x, m)) + (1 - alpha) mean |x - m|],  m = sigmoid(raw),
MS-SSIM = prod_{j < M} c_j^{w_j} * (l c)_M^{w_M}   per channel, averaged over channels (Wang et al. 2003, eq. 7),
l = (2 mu_x mu_m + C1) / (mu_x^2 + mu_m^2 + C1),  c = (2 cov_xm + C2) / (var_x + var_m + C2)

under a Gaussian window, averaged over its positions; each scale halves the previous one.

The paper's 11x11 window on five scales requires 176 pixels. Here the window is the largest odd one up to 11 that fits
twice into the shorter side, on two to five scales: 3x3 on two scales at 8x8, 11x11 on two at 28x28, on three at 64x64,
on five from 176 on. The weights w_j are normalized to sum to 1. Unlike in the paper, the absolute error is not weighted
by the coarsest window, which would leave out the image's border.

It is no likelihood, so a KL weight (`beta-vae`) may need tuning.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from vaeaug import ImageSpec, ReconstructionLoss, hookimpl, option

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang et al. 2003, sec. 3.2, the finest scale first
WINDOW, WINDOW_STD = 11, 1.5  # pixels
C1, C2 = 0.01**2, 0.03**2  # for values in [0, 1]
MIN_FACTOR = 1e-4  # of a factor: an average below 0 has no real power, and the power's slope at 0 is infinite


class MSSSIM(ReconstructionLoss):
    """Structural similarity at several scales, mixed with the absolute error: edges and texture before brightness."""

    name = "ms-ssim"
    reference = (
        "Wang, Simoncelli & Bovik, Multiscale Structural Similarity for Image Quality Assessment, Asilomar 2003; "
        "Zhao et al., Loss Functions for Image Restoration with Neural Networks, IEEE TCI 3(1), 2017, arXiv:1511.08861"
    )

    @dataclass(frozen=True)
    class Config:
        """The mixture."""

        alpha: float = option(
            0.84, "Weight of MS-SSIM; the rest is the weight of the absolute error.", minimum=0, maximum=1
        )

    config: Config
    weights_M: Tensor

    def __init__(self, spec: ImageSpec, config: Config) -> None:
        super().__init__(spec, config)
        window, scales = window_and_scales(min(spec.height, spec.width))
        weights_M = torch.tensor(WEIGHTS[:scales])
        self.register_buffer("weights_M", weights_M / weights_M.sum(), persistent=False)
        for scale in range(scales):
            for side in ("height", "width"):
                length = math.ceil(getattr(spec, side) / 2**scale)
                self.register_buffer(f"{side}_{scale}", sliding_window(length, window), persistent=False)

    def forward(self, raw_BRHW: Tensor, x_BCHW: Tensor) -> Tensor:
        """Return the loss of each image, shape (B,)."""
        m_BCHW = self.image(raw_BRHW)
        dissimilarity_B = (1 - self.similarity(m_BCHW, x_BCHW)).sum(dim=1) * x_BCHW[0, 0].numel()
        error_B = (m_BCHW - x_BCHW).abs().sum(dim=(1, 2, 3))
        return self.config.alpha * dissimilarity_B + (1 - self.config.alpha) * error_B

    def image(self, raw_BRHW: Tensor) -> Tensor:
        """Return m."""
        return raw_BRHW.sigmoid()

    def similarity(self, m_BCHW: Tensor, x_BCHW: Tensor) -> Tensor:
        """Return MS-SSIM of each channel, in [0, 1], shape (B, C)."""
        factors: list[Tensor] = []
        for scale in range(len(self.weights_M)):
            if scale:
                m_BCHW, x_BCHW = (avg_pool2d(image, 2, ceil_mode=True) for image in (m_BCHW, x_BCHW))
            luminance, contrast = self._terms(m_BCHW, x_BCHW, scale)
            coarsest = scale == len(self.weights_M) - 1
            factors.append((luminance * contrast if coarsest else contrast).mean(dim=(2, 3)))
        return torch.stack(factors, dim=-1).clamp(min=MIN_FACTOR).pow(self.weights_M).prod(dim=-1)

    def _terms(self, m_BCHW: Tensor, x_BCHW: Tensor, scale: int) -> tuple[Tensor, Tensor]:
        """Return l and c at each place of the window: (B, C, columns, rows)."""
        mean_m, square_m, product = self._blurred(torch.stack([m_BCHW, m_BCHW.square(), m_BCHW * x_BCHW]), scale)
        mean_x, square_x = self._blurred(torch.stack([x_BCHW, x_BCHW.square()]), scale)  # apart: needs no gradient
        squares, cross = mean_m.square() + mean_x.square(), mean_m * mean_x
        luminance = (2 * cross + C1) / (squares + C1)
        contrast = (2 * (product - cross) + C2) / (square_m + square_x - squares + C2)
        return luminance, contrast

    def _blurred(self, images: Tensor, scale: int) -> Tensor:
        """Return the window's averages at each of its places: (..., H, W) to (..., columns, rows)."""
        across = images @ self.get_buffer(f"width_{scale}")
        return across.mT @ self.get_buffer(f"height_{scale}")


def window_and_scales(side: int) -> tuple[int, int]:
    """Return the window's size and the number of scales for images whose shorter side has so many pixels."""
    window = min(WINDOW, (side // 2 - 1) // 2 * 2 + 1)
    return window, min(len(WEIGHTS), 1 + int(math.log2(side // window)))


def sliding_window(length: int, window: int) -> Tensor:
    """Return the matrix (length, positions) whose columns are a Gaussian window at each position.

    On a CPU two products with it are faster than a convolution with so few channels.
    """
    offset_K = torch.arange(window) - (window - 1) / 2
    gaussian_K = torch.exp(-0.5 * (offset_K / (WINDOW_STD * window / WINDOW)).square())
    matrix = torch.zeros(length, length - window + 1)
    for position in range(matrix.shape[1]):
        matrix[position : position + window, position] = gaussian_K / gaussian_K.sum()
    return matrix


@hookimpl
def vaeaug_losses() -> Iterable[type[ReconstructionLoss]]:
    """Bring MS-SSIM."""
    return [MSSSIM]
