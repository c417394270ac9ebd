"""Encode images in blocks, so that memory does not grow with their number."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from vaeaug.features.columns import Layout
from vaeaug.models.store import StoredModel
from vaeaug.training.batches import as_images, in_chunks

Arrays = dict[str, NDArray[np.float32] | NDArray[np.int32]]
"""Columns by name, each (N, width)."""

MAX_BLOCK_VALUES = 2**22
"""Numbers of a block at most: 16 MB."""

MAX_ROWS = 4096


@torch.no_grad()
def layout_of(model: StoredModel, image_HWC: NDArray[np.uint8], label: int) -> Layout:
    """Return the columns of a model's features, by encoding one uint8 image as a class."""
    y_B = torch.tensor([label], device=model.device)
    return Layout.of(model.network(label).variant.encode(as_images(np.array(image_HWC)[None], model.device), y_B))


def rows_per_block(layout: Layout) -> int:
    """Return how many images to encode before their features are written; it depends only on the size of a row."""
    return max(1, min(MAX_ROWS, MAX_BLOCK_VALUES // sum(column.width for column in layout.columns)))


@torch.no_grad()
def encode_block(
    model: StoredModel,
    pixels_NHWC: NDArray[np.uint8],
    labels_N: NDArray[np.int64],
    indices: NDArray[np.int64],
    layout: Layout,
) -> Arrays:
    """Return the features of the images of `indices`, in that order; each network is opened once.

    Args:
        pixels_NHWC: uint8; usually a memory map.
        labels_N: the class that each image is encoded as; only those of `indices` matter.
    """
    features: Arrays = {
        column.name: np.empty((len(indices), column.width), np.dtype(column.dtype)) for column in layout.columns
    }
    weights_B = np.array([model.record.classes[label].weights for label in labels_N[indices]])
    for weights in np.unique(weights_B):
        positions = np.flatnonzero(weights_B == weights)
        network = model.network(int(labels_N[indices[positions[0]]]))
        start = 0
        for x_BCHW, y_B in in_chunks(pixels_NHWC, labels_N, indices[positions], model.device):
            rows = positions[start : start + len(y_B)]
            for name, values in layout.arrays(network.variant.encode(x_BCHW, y_B)).items():
                features[name][rows] = values
            start += len(y_B)
    return features


def encode_array(
    model: StoredModel, pixels_NHWC: NDArray[np.uint8], labels_N: NDArray[np.int64]
) -> dict[str, NDArray[np.float32]]:
    """Return `mean` (N, D), and `logvar` (N, D) if there is one, of uint8 images in memory."""
    # The columns do not depend on which image is asked for them.
    blank_HWC = np.zeros((model.spec.height, model.spec.width, model.spec.channels), np.uint8)
    layout = layout_of(model, blank_HWC, 0)
    features = encode_block(model, pixels_NHWC, labels_N, np.arange(len(pixels_NHWC)), layout)
    return {name: np.asarray(features[name], np.float32) for name in ("mean", "logvar") if name in features}
