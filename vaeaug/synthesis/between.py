"""The images that a model decodes between two images."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from vaeaug.models.store import StoredModel
from vaeaug.synthesis.paths import latent_path
from vaeaug.training.batches import as_images, as_pixels


@torch.no_grad()
def images_between(
    model: StoredModel,
    first_HWC: NDArray[np.uint8],
    second_HWC: NDArray[np.uint8],
    labels: tuple[int, int],
    steps: int,
    path: str,
) -> NDArray[np.uint8]:
    """Return the images of a path, (steps, H, W, C); the first and the last are reconstructions of the two images.

    An image has a different latent under each class. So between two classes both images are encoded as each class, both
    paths are decoded, and the images are cross-faded: (1 - t) x_1(t) + t x_2(t). Each end is the reconstruction under
    its own class.
    """
    x_2CHW = as_images(np.stack([first_HWC, second_HWC]), model.device)
    t_T = torch.linspace(0, 1, steps, device=model.device)
    decoded = []
    for label in dict.fromkeys(labels):
        network = model.network(label)
        y_1 = _labels(label, 1, model)
        start, end = (network.variant.encode(x_2CHW[rows], y_1).latent for rows in (slice(0, 1), slice(1, 2)))
        raw_TRHW = network.variant.decode(latent_path(start, end, t_T, path), _labels(label, steps, model))
        decoded.append(network.loss.image(raw_TRHW))
    return as_pixels(torch.lerp(decoded[0], decoded[-1], t_T.view(-1, 1, 1, 1)))


def _labels(label: int, count: int, model: StoredModel) -> torch.Tensor:
    return torch.full((count,), label, device=model.device)
