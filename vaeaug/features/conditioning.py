"""The class label given to a conditional encoder: features must not leak the label they will be used to predict.

A conditional encoder q(z|x, y) needs some class. If it is the true one, its features leak the label into models trained
on them, and a classifier looks better, or worse, than on images of unknown class. There are three settings:

    one         every image is encoded as the same class: features contain no label, and all are in one space.
    own         each as its own class; classes that the model does not know as `inferred`. For work within classes.
    inferred    each as the class that explains it best. No label is used, but a wrong class moves an image elsewhere.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from vaeaug.models.evidence import class_evidence
from vaeaug.models.store import StoredModel
from vaeaug.training.batches import as_images, in_chunks

METHODS = ("one", "own", "inferred")
ONE, OWN, INFERRED = METHODS

TOLERANCE = 1e-4
"""Relative difference of features that rounding may make: rows of a batch are not always summed in one order."""


def network_count(model: StoredModel) -> int:
    """Return the number of networks of a model: one, or one per class."""
    return len({entry.weights for entry in model.record.classes})


@torch.no_grad()
def is_conditional(model: StoredModel, image_HWC: NDArray[np.uint8]) -> bool:
    """Return whether the encoder of a model depends on the class, by encoding any uint8 image as every class."""
    if network_count(model) > 1:
        return True
    count = len(model.classes)
    x_BCHW = as_images(np.array(image_HWC)[None], model.device).repeat(count, 1, 1, 1)
    features_BD = model.network(0).variant.encode(x_BCHW, torch.arange(count, device=model.device)).features_BD
    difference = (features_BD - features_BD[:1]).abs().max()
    return bool(difference > TOLERANCE * features_BD.abs().max())


def inferred_labels(
    model: StoredModel, pixels_NHWC: NDArray[np.uint8], indices: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the class that explains each image of `indices` best (`class_evidence`); deterministic."""
    unused_labels = np.zeros(len(pixels_NHWC), np.int64)
    chunks = in_chunks(pixels_NHWC, unused_labels, indices, model.device)
    parts = [class_evidence(model, x_BCHW).argmax(dim=1).cpu().numpy() for x_BCHW, _ in chunks]
    return np.concatenate(parts) if parts else np.empty(0, np.int64)
