"""A Gaussian over the pixels of images, of which missing pixels and whole images can be drawn.

Its covariance is the sum of a few principal components and a stationary part:

    y = Q x,    y = mean + U s + scale * e,    s ~ N(0, I),    e stationary, independent in each of the rotated channels

where Q rotates the channels so that they are uncorrelated (of natural images: about lightness and two colour
differences), and the scale differs from pixel to pixel (for photographs of objects it is small in the background). The
stationary part is a power spectrum on a torus of twice the image's size, so it does not wrap around,
and products with the covariance cost one fast Fourier transform each way (Dietrich and Newsam, Fast and Exact
Simulation of Stationary Gaussian Processes through Circulant Embedding, 1997).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import torch
from torch import Tensor

from vaeaug.nn.gaussian import standard_normal

COMPONENTS = 32
IMAGES_PER_COMPONENT = 16
COMPONENT_FRACTION = 0.95  # of a component's variance; the rest counts as stationary, since few images overstate it
MIN_POWER = 1e-3  # of the variance, at each frequency
MIN_VARIANCE, MIN_VARIANCE_FRACTION = 2e-5, 0.01  # of a pixel: absolute, and of the mean over pixels
SVD_STEPS = 3
NUGGET = 3e-4  # variance of noise in visible pixels, which keeps the system of equations well conditioned
MAX_STEPS, TOLERANCE = 80, 1e-3  # of the conjugate gradients; the tolerance is relative to the right-hand side
AT_ONCE = 256  # images whose spectra are computed together
MAX_DENSE = 4096  # values of an image, whose covariance takes 64 MiB then


@dataclass(frozen=True, eq=False)
class PixelGaussian:
    """A Gaussian over images with C channels, H x W pixels.

    Attributes:
        rotation_CC: Q, orthonormal.
        mean_CHW: in the rotated channels, like all that follows.
        components_KCHW: the columns of U, each scaled by its standard deviation; there may be none.
        scale_CHW: standard deviation of the stationary part at each pixel.
        power_CHW: power spectrum of the stationary part, whose variance is about 1: non-negative, (C, 2H, W + 1), the
            half that `rfft2` returns.
    """

    rotation_CC: Tensor
    mean_CHW: Tensor
    components_KCHW: Tensor
    scale_CHW: Tensor
    power_CHW: Tensor

    @classmethod
    @torch.no_grad()
    def fit(cls, x_NCHW: Tensor) -> Self:
        """Estimate it from images.

        Args:
            x_NCHW: float, at least one image. Values may be of any range; the noise supposed is that of [0, 1].
        """
        count, _, height, width = x_NCHW.shape
        mean_CHW = x_NCHW.mean(dim=0)
        y_NCHW = x_NCHW - mean_CHW
        flat_CM = y_NCHW.transpose(0, 1).flatten(1)
        rotation_CC = torch.linalg.eigh(flat_CM @ flat_CM.T)[1].flip(1).T.contiguous()
        y_NCHW = _rotated(rotation_CC, y_NCHW)
        components_KCHW = _components(y_NCHW)
        variance_CHW = y_NCHW.square().mean(dim=0) - components_KCHW.square().sum(dim=0)
        least_C11 = variance_CHW.mean(dim=(1, 2), keepdim=True) * MIN_VARIANCE_FRACTION + MIN_VARIANCE
        scale_CHW = variance_CHW.clamp(min=0).add(least_C11).sqrt()
        pairs_HW = _pairs(height, width).to(x_NCHW)
        power_CHW = _power(y_NCHW / scale_CHW) / count - _power(components_KCHW / scale_CHW)
        covariance_CHW = torch.fft.irfft2(power_CHW, s=(2 * height, 2 * width)) / pairs_HW.clamp(min=1)
        covariance_CHW = torch.where(pairs_HW > 0, covariance_CHW, 0.0)
        power_CHW = torch.fft.rfft2(covariance_CHW).real.clamp(min=MIN_POWER).contiguous()
        return cls(rotation_CC, _rotated(rotation_CC, mean_CHW[None])[0], components_KCHW, scale_CHW, power_CHW)

    @torch.no_grad()
    def complete(self, x_BCHW: Tensor, visible_B1HW: Tensor, centre_BCHW: Tensor | None = None) -> Tensor:
        """Return E[x | visible pixels] (simple kriging), (B, C, H, W); visible pixels stay but for rounding errors.

        Args:
            x_BCHW: the content of the holes is ignored.
            visible_B1HW: 1 where a pixel is visible, 0 where it is missing.
            centre_BCHW: the mean of each image, if not that of the images it was fitted on.
        """
        mean_BCHW = self.mean_CHW if centre_BCHW is None else _rotated(self.rotation_CC, centre_BCHW)
        offset_BCHW = (_rotated(self.rotation_CC, x_BCHW) - mean_BCHW) * visible_B1HW
        y_BCHW = mean_BCHW + self._covary(self._solve(offset_BCHW, visible_B1HW))
        return torch.where(visible_B1HW > 0, x_BCHW, _rotated(self.rotation_CC.T, y_BCHW))

    @torch.no_grad()
    def deviations(self, visible_1HW: Tensor, count: int, generator: torch.Generator) -> Tensor:
        """Draw x - E[x | visible pixels], (count, C, H, W): zero where a pixel is visible.

        An image is drawn, completed from its own visible pixels, and compared with itself (Matheron's rule: Chiles and
        Delfiner, Geostatistics, 2012, sec. 7.3.1). Only the components vary: a draw of the stationary part is grain,
        because images are not Gaussian, and their detail is edges.
        """
        noise_SCHW = self._draw_components(count, generator)
        completed_SCHW = self.complete(noise_SCHW, visible_1HW.expand(count, -1, -1, -1), torch.zeros_like(noise_SCHW))
        return noise_SCHW - completed_SCHW

    @torch.no_grad()
    def log_density(self, x_BCHW: Tensor) -> Tensor:
        """Return log p(x) of each image, (B,), in nats. Pixels have the noise of `NUGGET` as well.

        The covariance is decomposed once, as a dense matrix, so images must be small.

        Raises:
            ValueError: if an image has more than `MAX_DENSE` values.
        """
        factor_DD = self._dense_factor
        offset_BD = (_rotated(self.rotation_CC, x_BCHW) - self.mean_CHW).flatten(1)
        white_DB = torch.linalg.solve_triangular(factor_DD, offset_BD.T, upper=False)
        constant = 0.5 * len(factor_DD) * math.log(2 * math.pi) + factor_DD.diagonal().log().sum()
        log_density_B: Tensor = -0.5 * white_DB.square().sum(dim=0) - constant
        return log_density_B

    @torch.no_grad()
    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Draw images less their mean, (count, C, H, W)."""
        channels, height, width = self.mean_CHW.shape
        white_SCHW = standard_normal((count, channels, 2 * height, 2 * width), generator)
        spectrum_SCHW = torch.fft.rfft2(white_SCHW) * self.power_CHW.sqrt()
        y_SCHW = self.scale_CHW * torch.fft.irfft2(spectrum_SCHW, s=(2 * height, 2 * width))[..., :height, :width]
        return _rotated(self.rotation_CC.T, y_SCHW) + self._draw_components(count, generator)

    def _draw_components(self, count: int, generator: torch.Generator) -> Tensor:
        weights_SK = standard_normal((count, len(self.components_KCHW)), generator)
        y_SCHW = torch.einsum("sk,kchw->schw", weights_SK, self.components_KCHW)
        return _rotated(self.rotation_CC.T, y_SCHW)

    def to(self, device: torch.device) -> PixelGaussian:
        """Return it on a device."""
        return PixelGaussian(**{name: tensor.to(device) for name, tensor in self.tensors().items()})

    def tensors(self) -> dict[str, Tensor]:
        """Return the tensors that it consists of, by the names of the attributes."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def _covary(self, y_BCHW: Tensor) -> Tensor:
        """Return the product with the covariance."""
        flat_KD = self.components_KCHW.flatten(1)
        low_rank_BD = (y_BCHW.flatten(1) @ flat_KD.T) @ flat_KD
        return self.scale_CHW * _filtered(self.scale_CHW * y_BCHW, self.power_CHW) + low_rank_BD.view_as(y_BCHW)

    def _solve(self, offset_BCHW: Tensor, visible_B1HW: Tensor) -> Tensor:
        """Solve (covariance of the visible pixels + NUGGET) a = offset by preconditioned conjugate gradients.

        The preconditioner is the inverse of the covariance without a mask, on the torus.
        """
        residual_BCHW = offset_BCHW
        solution_BCHW = torch.zeros_like(offset_BCHW)
        step_BCHW = preconditioned_BCHW = visible_B1HW * self._precondition(residual_BCHW)
        product_B = _dot(residual_BCHW, preconditioned_BCHW)
        enough_B = TOLERANCE**2 * _dot(offset_BCHW, offset_BCHW)
        for _ in range(MAX_STEPS):
            if bool((_dot(residual_BCHW, residual_BCHW) <= enough_B).all()):
                break
            along_BCHW = visible_B1HW * self._covary(step_BCHW) + NUGGET * step_BCHW
            length_B = product_B / _dot(step_BCHW, along_BCHW).clamp(min=1e-30)
            solution_BCHW = solution_BCHW + length_B * step_BCHW
            residual_BCHW = residual_BCHW - length_B * along_BCHW
            preconditioned_BCHW = visible_B1HW * self._precondition(residual_BCHW)
            before_B, product_B = product_B, _dot(residual_BCHW, preconditioned_BCHW)
            step_BCHW = preconditioned_BCHW + product_B / before_B.clamp(min=1e-30) * step_BCHW
        return solution_BCHW

    def _precondition(self, y_BCHW: Tensor) -> Tensor:
        whitened_KD = self._subtracted
        low_rank_BD = (y_BCHW.flatten(1) @ whitened_KD.T) @ whitened_KD
        return self._unscaled(y_BCHW) - low_rank_BD.view_as(y_BCHW)

    def _unscaled(self, y_BCHW: Tensor) -> Tensor:
        """Return the product with the inverse of the covariance without components."""
        noise = NUGGET / self.scale_CHW.square().mean(dim=(1, 2), keepdim=True)
        return _filtered(y_BCHW / self.scale_CHW, 1 / (self.power_CHW + noise)) / self.scale_CHW

    @cached_property
    def _dense_factor(self) -> Tensor:
        """The Cholesky factor of the covariance of the rotated values, (D, D)."""
        size = self.mean_CHW.numel()
        if size > MAX_DENSE:
            raise ValueError(f"the density of images with more than {MAX_DENSE:,} values is not computed")
        unit_DD = torch.eye(size).to(self.mean_CHW)
        parts = [
            self._covary(unit_DD[start : start + AT_ONCE].view(-1, *self.mean_CHW.shape))
            for start in range(0, size, AT_ONCE)
        ]
        covariance_DD = torch.cat(parts).flatten(1)
        factor_DD: Tensor = torch.linalg.cholesky((covariance_DD + covariance_DD.T) / 2 + NUGGET * unit_DD)
        return factor_DD

    @cached_property
    def _subtracted(self) -> Tensor:
        """The components that the inverse of the covariance subtracts (Woodbury's identity)."""
        flat_KD = self.components_KCHW.flatten(1)
        if not len(flat_KD):
            return flat_KD
        filtered_KD = self._unscaled(self.components_KCHW).flatten(1)
        inner_KK = torch.eye(len(flat_KD)).to(flat_KD) + flat_KD @ filtered_KD.T
        factor_KK = torch.linalg.cholesky((inner_KK + inner_KK.T) / 2)
        subtracted_KD: Tensor = torch.linalg.solve_triangular(factor_KK, filtered_KD, upper=False)
        return subtracted_KD


def _rotated(rotation_CC: Tensor, x_BCHW: Tensor) -> Tensor:
    return torch.einsum("cd,bdhw->bchw", rotation_CC, x_BCHW)


def _components(y_NCHW: Tensor) -> Tensor:
    """Return principal components of centred images, scaled by their standard deviations, (K, C, H, W)."""
    count, *shape = y_NCHW.shape
    flat_ND = y_NCHW.flatten(1)
    rank = min(COMPONENTS, count // IMAGES_PER_COMPONENT, flat_ND.shape[1])
    if rank == 0:
        return y_NCHW.new_zeros((0, *shape))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # of the random projection
        _, singular_Q, right_DQ = torch.svd_lowrank(flat_ND, q=min(rank + 16, *flat_ND.shape), niter=SVD_STEPS)
    scale_K = (COMPONENT_FRACTION / count) ** 0.5 * singular_Q[:rank]
    components_KD: Tensor = (right_DQ[:, :rank] * scale_K).T
    return components_KD.reshape(rank, *shape).contiguous()


def _power(y_NCHW: Tensor) -> Tensor:
    """Return the sum of the power spectra of images with as many zeros around them, (C, 2H, W + 1)."""
    channels, height, width = y_NCHW.shape[1:]
    total_CHW = y_NCHW.new_zeros((channels, 2 * height, width + 1))
    for start in range(0, len(y_NCHW), AT_ONCE):
        part_BCHW = y_NCHW[start : start + AT_ONCE]
        total_CHW += torch.fft.rfft2(part_BCHW, s=(2 * height, 2 * width)).abs().square().sum(dim=0)
    return total_CHW


def _pairs(height: int, width: int) -> Tensor:
    """Return how many pairs of pixels of an image are so far apart, for each distance on the torus, (2H, 2W)."""
    rows, columns = ((side - torch.arange(2 * side).sub(side).abs().sub(side).abs()) for side in (height, width))
    return rows[:, None] * columns[None]


def _filtered(y_BCHW: Tensor, power_CHW: Tensor) -> Tensor:
    """Return the product with the stationary covariance of a power spectrum."""
    height, width = y_BCHW.shape[-2:]
    size = (2 * height, 2 * width)
    filtered_BCHW: Tensor = torch.fft.irfft2(torch.fft.rfft2(y_BCHW, s=size) * power_CHW, s=size)
    return filtered_BCHW[..., :height, :width]


def _dot(a_BCHW: Tensor, b_BCHW: Tensor) -> Tensor:
    """Return the inner product of each pair of images, (B, 1, 1, 1)."""
    return (a_BCHW * b_BCHW).sum(dim=(1, 2, 3), keepdim=True)
