"""Class weights in the cross-entropy, for classes with few images.

The weight of a class of n images is the inverse of its effective number of images,

    w = (1 - beta) / (1 - beta^n),

scaled to mean 1 over the classes that have images. A further image of a class overlaps with the others, so each counts
less than the one before. With beta = 0.9999 this matters from thousands of images on; with fewer the weight is close to
1 / n.

    Y. Cui, M. Jia, T.-Y. Lin, Y. Song, S. Belongie. Class-Balanced Loss Based on Effective Number of Samples.
    CVPR 2019.

Weights from the first step on disturb the learned features, so they may be deferred until the learning rate is low
(deferred re-weighting, DRW):

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
        start: fraction of the steps, in [0, 1], without weights.
    """

    values_K: NDArray[np.float64]
    start: float = 0.0

    def active_at(self, step: int, steps: int) -> bool:
        """Return whether the weights apply at a step, counted from 0."""
        return step >= round(self.start * steps)


def class_balanced_weights(counts_K: NDArray[np.int64], beta: float = BETA) -> NDArray[np.float64]:
    """Return the weight of each class; 0 if it has no images, and mean 1 over the others.

    `beta` is in [0, 1): 0 gives equal weights, near 1 the weight is the inverse of the count.
    """
    present_K = counts_K > 0
    weights_K = np.zeros(len(counts_K))
    weights_K[present_K] = 1 / (1 - beta ** counts_K[present_K].astype(np.float64))
    normalized_K: NDArray[np.float64] = weights_K / weights_K[present_K].mean()
    return normalized_K


def weighted_mean(losses_B: Tensor, targets_B: Tensor, weights_K: Tensor) -> Tensor:
    """Return the mean of the losses of a batch, each image weighted by its class.

    `cross_entropy(weight=..., label_smoothing=...)` of torch would also weigh the classes that the smoothed target is
    distributed over, and so pull every image towards the rare ones.
    """
    weights_B = weights_K[targets_B]
    return (weights_B * losses_B).sum() / weights_B.sum()
