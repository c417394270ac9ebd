"""The best guess of missing pixels from several: what the model decodes, and what a Gaussian over pixels expects.

A model knows shapes; a Gaussian knows how neighbouring pixels vary together, and is the better guess near visible
pixels and for images that the model decodes badly. So the weights of the guesses depend on the distance to the nearest
visible pixel. They are convex, and fitted by least squares on completed images, so that on average the blend is at
least as good as each of its parts (Wolpert, Stacked Generalization, 1992; convex as in Breiman, Stacked Regressions,
1996).
"""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaeaug.models.pixel_gaussians import PixelGaussians

GUESSES = ("decoded", "decoded and residual", "gaussian")
"""What the model decodes; the same and the residual expected from that of the visible pixels; and what the Gaussian of
all training images expects."""

KNOTS = (1.0, 2.0, 4.0, 8.0)  # distances in pixels, between which the weights are interpolated on a logarithmic scale
THIN = 3.0  # pixels: the greatest distance in holes that have weights of their own (strokes, single pixels)
MIN_WEIGHT = 0.05  # less is nothing, so what is not needed is not computed
PENALTY = 1e3  # keeps the sum of the weights at 1


def guesses(
    decoded_CHW: Tensor, x_CHW: Tensor, visible_1HW: Tensor, gaussians: PixelGaussians, needed_EHW: Tensor | None = None
) -> Tensor:
    """Return the guesses of one image, (3, C, H, W), in the order of `GUESSES`; the last two keep visible pixels.

    Args:
        decoded_CHW: what the model decodes.
        x_CHW: the image; the content of the hole is ignored.
        visible_1HW: 1 where a pixel is visible, 0 where it is missing.
        needed_EHW: their weights; a guess that has none anywhere is not computed. None: all are.
    """
    with_residual_1CHW = expected_1CHW = decoded_CHW[None]
    if needed_EHW is None or bool(needed_EHW[1].any()):
        with_residual_1CHW = gaussians.residuals.complete(x_CHW[None], visible_1HW[None], decoded_CHW[None])
    if needed_EHW is None or bool(needed_EHW[2].any()):
        expected_1CHW = gaussians.images.complete(x_CHW[None], visible_1HW[None])
    return torch.cat([decoded_CHW[None], with_residual_1CHW, expected_1CHW])


def decoded_only() -> Tensor:
    """Return the weights of what the model decodes alone: (2, len(KNOTS), 3), thin holes first."""
    weights_FKE = torch.zeros(2, len(KNOTS), len(GUESSES))
    weights_FKE[..., 0] = 1
    return weights_FKE


def gaussian_only() -> Tensor:
    """Return the weights of the Gaussian of all training images alone."""
    return decoded_only().flip(-1)


def weight_maps(weights_FKE: Tensor, visible_1HW: Tensor) -> Tensor:
    """Return the weight of each guess at each pixel, (3, H, W); at a visible one it is that next to one."""
    distance_HW = _distance(visible_1HW[0].cpu().numpy() == 0)
    thick, hats_KHW = int(distance_HW.max() > THIN), torch.from_numpy(_hats(distance_HW)).to(weights_FKE)
    return torch.einsum("khw,ke->ehw", hats_KHW, weights_FKE[thick])


def fit_weights(completed: Iterable[tuple[Tensor, Tensor, Tensor]]) -> Tensor:
    """Fit the weights, (2, len(KNOTS), 3), to completed images.

    Args:
        completed: of each image its guesses (3, C, H, W), the true image (C, H, W) and what is visible (1, H, W). Each
            counts alike, whatever its errors: it is weighted by the reciprocal of the least mean square error of its
            guesses.
    """
    size = len(KNOTS) * len(GUESSES)
    gram_FQQ = np.zeros((2, size, size))
    moment_FQ = np.zeros((2, size))
    for guesses_ECHW, x_CHW, visible_1HW in completed:
        missing_HW = visible_1HW[0].numpy() == 0
        distance_HW = _distance(missing_HW)
        hats_KM = _hats(distance_HW)[:, missing_HW]
        guesses_ECM = guesses_ECHW.double().numpy()[:, :, missing_HW]
        true_CM = x_CHW.double().numpy()[:, missing_HW]
        weight = 1 / (np.square(guesses_ECM - true_CM).mean(axis=(1, 2)).min() * true_CM.size + 1e-6)
        columns = np.einsum("km,ecm->kecm", hats_KM, guesses_ECM).reshape(size, -1)
        thick = int(distance_HW.max() > THIN)
        gram_FQQ[thick] += weight * (columns @ columns.T)
        moment_FQ[thick] += weight * (columns @ true_CM.reshape(-1))
    return torch.from_numpy(np.stack([_convex(*pair) for pair in zip(gram_FQQ, moment_FQ, strict=True)])).float()


def _convex(gram: NDArray[np.float64], moment: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the convex weights (len(KNOTS), 3) with the least squared error; knots without data take the nearest's."""
    from scipy.optimize import nnls  # type: ignore[import-untyped]  # noqa: PLC0415 (a second, and few runs fit a blend)

    num_guesses = len(GUESSES)
    weights_KE = np.full((len(KNOTS), num_guesses), np.nan)
    seen_K = gram.diagonal().reshape(-1, num_guesses).sum(axis=1) > 0
    if not seen_K.any():
        return decoded_only()[0].double().numpy()
    keep = np.repeat(seen_K, num_guesses)
    values, vectors = np.linalg.eigh(gram[np.ix_(keep, keep)])
    root = np.sqrt(values.clip(min=0))
    system = root[:, None] * vectors.T
    target = np.divide(vectors.T @ moment[keep], root, out=np.zeros_like(root), where=root > root.max() * 1e-9)
    sums = np.kron(np.eye(int(seen_K.sum())), np.ones(num_guesses)) * PENALTY * root.max()
    solution, _ = nnls(np.vstack([system, sums]), np.concatenate([target, np.full(len(sums), PENALTY * root.max())]))
    found_KE = solution.reshape(-1, num_guesses)
    found_KE = np.where(found_KE < MIN_WEIGHT, 0, found_KE)
    weights_KE[seen_K] = found_KE / found_KE.sum(axis=1, keepdims=True)
    known = np.flatnonzero(seen_K)
    nearest = known[np.abs(known[None] - np.arange(len(KNOTS))[:, None]).argmin(axis=1)]
    nearest_KE: NDArray[np.float64] = weights_KE[nearest]
    return nearest_KE


def _distance(missing_HW: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the distance of each missing pixel to the nearest visible one, in pixels; 0 at a visible pixel."""
    if missing_HW.all():
        return np.full(missing_HW.shape, KNOTS[-1])
    distance_HW = cv2.distanceTransform(missing_HW.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return distance_HW.astype(np.float64)


def _hats(distance_HW: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of each knot at each pixel, (len(KNOTS), H, W): linear in the logarithm of the distance."""
    position_HW = np.log(distance_HW.clip(KNOTS[0], KNOTS[-1]))
    return np.stack([np.interp(position_HW, np.log(KNOTS), row) for row in np.eye(len(KNOTS))])
