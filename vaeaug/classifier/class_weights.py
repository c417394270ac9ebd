"""Class weights in the cross-entropy: how much an error costs for a class with few images.

The weight of a class of n images is the inverse of its effective number of images,

    w = (1 - beta) / (1 - beta^n),

scaled so that the classes that have images have weights of mean 1. A further image of a class overlaps with those that
are there, so each counts less than the one before; with beta = 0.9999 that is felt from thousands of images on, and
with fewer the weight is close to 1 / n.

    Y. Cui, M. Jia, T.-Y. Lin, Y. Song, S. Belongie. Class-Balanced Loss Based on Effective Number of Samples.
    CVPR 2019.

Weights that hold from the first step on disturb what the network learns of images; so they may be deferred until the
learning rate is low (deferred re-weighting, DRW):

    K. Cao, C. Wei, A. Gaidon, N. Arechiga, T. Ma. Learning Imbalanced Datasets with Label-Distribution-Aware Margin
    Loss. NeurIPS 2019.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

BETA = 0.9999
"""What Cui et al. found best on long-tailed CIFAR-10, and what Cao et al. take."""

DEFERRED_FRACTION = 0.8
"""Fraction of the steps after which deferred weights hold: Cao et al. change over at epoch 160 of 200.

Their learning rate falls to a hundredth there; on the one cycle of `fit_classifier` it is at a fifth of its peak.
"""


@dataclass(frozen=True, slots=True)
class ClassWeights:
    """Factors of the cross-entropy per class, and when they apply.

    Attributes:
        values_K: at least 0; only their ratios matter.
        start: fraction of the steps, in [0, 1], that are taken without them.
    """

    values_K: NDArray[np.float64]
    start: float = 0.0

    def active_at(self, step: int, steps: int) -> bool:
        """Return whether they hold at a step, counted from 0, of so many."""
        return step >= round(self.start * steps)


def class_balanced_weights(counts_K: NDArray[np.int64], beta: float = BETA) -> NDArray[np.float64]:
    """Return the weight of each class; 0 if it has no images, and mean 1 over the others.

    Args:
        counts_K: images of each class, of at least one class any.
        beta: in [0, 1); 0 weighs all alike, near 1 it is the inverse of the count.
    """
    present_K = counts_K > 0
    weights_K = np.zeros(len(counts_K))
    weights_K[present_K] = 1 / (1 - beta ** counts_K[present_K].astype(np.float64))
    normalized_K: NDArray[np.float64] = weights_K / weights_K[present_K].mean()
    return normalized_K


def weighted_mean(losses_B: Tensor, targets_B: Tensor, weights_K: Tensor) -> Tensor:
    """Return the mean of the costs of a batch, each weighted as its class.

    The weight is the image's. `cross_entropy(weight=..., label_smoothing=...)` of torch would also weigh the classes
    that the smoothed target is spread over, and so pull every image towards the rare ones.
    """
    weights_B = weights_K[targets_B]
    return (weights_B * losses_B).sum() / weights_B.sum()
