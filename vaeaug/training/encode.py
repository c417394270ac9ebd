"""The training images as the trained model encodes them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from vaeaug.contracts import Encoded, Latent, Latents, Variant, leaves
from vaeaug.contracts.latent import tree_like
from vaeaug.training.batches import in_chunks


@torch.no_grad()
def encode_images(
    variant: Variant, pixels_NHWC: NDArray[np.uint8], labels_N: NDArray[np.int64], indices: NDArray[np.int64]
) -> Latents:
    """Return the posterior modes (and scales) of `indices`, in that order, on the CPU."""
    variant.eval()
    device = next(variant.parameters()).device
    encoded = [variant.encode(x_BCHW, y_B) for x_BCHW, y_B in in_chunks(pixels_NHWC, labels_N, indices, device)]
    scales = [leaves(part.scale) for part in encoded if part.scale is not None]
    return Latents(
        latent=_stack(encoded[0], [leaves(part.latent) for part in encoded]),
        labels_N=torch.from_numpy(labels_N[indices]),
        scale=_stack(encoded[0], scales) if scales else None,
    )


def _stack(like: Encoded, parts: list[list[torch.Tensor]]) -> Latent:
    """Concatenate leaf by leaf."""
    return tree_like(like.latent, [torch.cat(column).cpu() for column in zip(*parts, strict=True)])
