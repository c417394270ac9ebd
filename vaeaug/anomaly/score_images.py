"""Scores of images: each under its own class, or under the most likely class if its class is unknown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from vaeaug.anomaly.columns import MEASURED
from vaeaug.anomaly.measure import Measurements, measure
from vaeaug.models.evidence import class_evidence
from vaeaug.models.store import StoredModel
from vaeaug.training.batches import as_images, in_chunks

UNKNOWN = -1
"""The label of an image with no class, or with a class that the model does not know."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of N images.

    Attributes:
        measured_NP: float32, one column for each of `MEASURED`; NaN if the variant does not have it.
        measured_as_N: int64, the class of each measurement: the label if the model knows it, otherwise the most likely.
        evidence_NK: float32, an estimate of log p(x|y) of each class in nats; NaN if it was not requested.
        features_ND: float32, encoded without the label (`features_of`).
        error_NHW: float32, the absolute error of the reconstruction, averaged over channels, in [0, 1].
    """

    measured_NP: NDArray[np.float32]
    measured_as_N: NDArray[np.int64]
    evidence_NK: NDArray[np.float32]
    features_ND: NDArray[np.float32]
    error_NHW: NDArray[np.float32]


def distinguishes_classes(model: StoredModel) -> bool:
    """Return whether the likelihood of an image under a model depends on the class."""
    return len(model.classes) > 1 and (model.variant.conditional or model.record.scope == "per-class")


def score_images(
    model: StoredModel,
    pixels_NHWC: NDArray[np.uint8],
    labels_N: NDArray[np.int64],
    *,
    seed: int,
    draws: int,
    evidence: bool,
) -> Scores:
    """Score images; takes several times their memory.

    Args:
        labels_N: as the model counts classes; -1 if the class is not known.
        draws: K of the importance-weighted bound.
        evidence: whether to compute the evidence of each class also for images of known class.
    """
    evidence_NK = np.full((len(pixels_NHWC), len(model.classes)), np.nan, np.float32)
    if distinguishes_classes(model):
        requested = np.arange(len(labels_N)) if evidence else np.flatnonzero(labels_N == UNKNOWN)
        for positions, x_BCHW in _chunks(pixels_NHWC, requested, model.device):
            evidence_NK[positions] = class_evidence(model, x_BCHW).cpu()
    likeliest_N = np.nan_to_num(evidence_NK, nan=-np.inf).argmax(axis=1)
    measured_as_N = np.where(labels_N == UNKNOWN, likeliest_N, labels_N)
    measured_NP = np.empty((len(pixels_NHWC), len(MEASURED)), np.float32)
    error_NHW = np.empty(pixels_NHWC.shape[:3], np.float32)
    for label in np.unique(measured_as_N):
        network = model.network(label)
        for positions, x_BCHW in _chunks(pixels_NHWC, np.flatnonzero(measured_as_N == label), model.device):
            y_B = torch.full((len(x_BCHW),), int(label), device=model.device)
            measures = measure(network, x_BCHW, y_B, seed=seed, draws=draws)
            measured_NP[positions], error_NHW[positions] = _row(measures), measures.error_BHW
    return Scores(measured_NP, measured_as_N, evidence_NK, features_of(model, pixels_NHWC), error_NHW)


@torch.no_grad()
def features_of(model: StoredModel, pixels_NHWC: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the latent features of images, (N, D), encoded as the largest class by its network.

    One network with one class label encodes all images, so features are comparable and do not leak labels.
    """
    label = model.largest_class
    variant, parts = model.network(label).variant, []
    for _, x_BCHW in _chunks(pixels_NHWC, np.arange(len(pixels_NHWC)), model.device):
        y_B = torch.full((len(x_BCHW),), label, device=model.device)
        parts.append(variant.encode(x_BCHW, y_B).features_BD.float().cpu().numpy())
    return np.concatenate(parts) if parts else np.empty((0, 0), np.float32)


def reconstruct(model: StoredModel, pixels_HWC: NDArray[np.uint8], label: int) -> Measurements:
    """Measure one image as one of a class, for its picture; a single draw, so it is cheap."""
    y_1 = torch.tensor([label], device=model.device)
    return measure(model.network(label), as_images(pixels_HWC[None].copy(), model.device), y_1, seed=0, draws=1)


def _chunks(
    pixels_NHWC: NDArray[np.uint8], positions_M: NDArray[np.int64], device: torch.device
) -> Iterator[tuple[NDArray[np.int64], torch.Tensor]]:
    """Yield some of the images, a few hundred at a time, with their indices."""
    done = 0
    for x_BCHW, _ in in_chunks(pixels_NHWC, np.zeros(len(pixels_NHWC), np.int64), positions_M, device):
        yield positions_M[done : done + len(x_BCHW)], x_BCHW
        done += len(x_BCHW)


def _row(measures: Measurements) -> NDArray[np.float32]:
    values = {
        "scaled_error": measures.scaled_error,
        "absolute_error": measures.error_BHW.mean(dim=(1, 2)),
        "negative_elbo": measures.negative_elbo,
        "reconstruction_error": measures.reconstruction_error,
        "kl": measures.kl,
        "iwae_bound": measures.iwae_bound,
    }
    nan_B = torch.full_like(measures.reconstruction_error, torch.nan)
    columns = [nan_B if values[column.name] is None else values[column.name] for column in MEASURED]
    row_BP: NDArray[np.float32] = torch.stack(columns, dim=1).float().numpy()  # type: ignore[arg-type] # no None left
    return row_BP
