"""The Gaussians of a trained model over pixels: of its training images, and of what its decoder leaves out of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor

from vaeaug.contracts import tree_map
from vaeaug.errors import InputError
from vaeaug.models.store import StoredModel
from vaeaug.models.tensor_file import write_tensors
from vaeaug.nn.pixel_gaussian import PixelGaussian
from vaeaug.seeds import seed_of
from vaeaug.training.batches import as_images, encode_images

FILE = "gaussians.safetensors"
MODEL = "model"  # of the metadata: the fingerprint of the weights
MAX_IMAGES, MAX_VALUES = 4096, 2**24
DECODED_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class PixelGaussians:
    """Gaussians over pixels in [0, 1].

    Attributes:
        images: of the training images of all classes.
        residuals: of the training images less what the model decodes from their latents.
    """

    images: PixelGaussian
    residuals: PixelGaussian

    def to(self, device: torch.device) -> PixelGaussians:
        """Return them on a device."""
        return PixelGaussians(self.images.to(device), self.residuals.to(device))


@torch.no_grad()
def fit_pixel_gaussians(
    model: StoredModel, pixels_NHWC: NDArray[np.uint8], labels_N: NDArray[np.int64], training_T: NDArray[np.int64]
) -> PixelGaussians:
    """Estimate the Gaussians from training images, of which at most a few thousand are read.

    Args:
        pixels_NHWC: uint8, at the model's size; usually a memory map.
        training_T: indices of the training images.
    """
    rng = np.random.default_rng(seed_of(model.record.seed, "pixel-gaussians"))
    count = max(1, min(MAX_IMAGES, MAX_VALUES // model.spec.pixels))
    chosen = rng.permutation(training_T)[:count]
    x_parts, residual_parts = [], []
    for label in np.unique(labels_N[chosen]):
        indices = chosen[labels_N[chosen] == label]
        reconstructed_NCHW = _reconstructed(model, pixels_NHWC, labels_N, indices, int(label))
        x_NCHW = as_images(pixels_NHWC[indices], torch.device("cpu"))
        x_parts.append(x_NCHW)
        residual_parts.append(x_NCHW - reconstructed_NCHW)
    return PixelGaussians(PixelGaussian.fit(torch.cat(x_parts)), PixelGaussian.fit(torch.cat(residual_parts)))


def _reconstructed(
    model: StoredModel,
    pixels_NHWC: NDArray[np.uint8],
    labels_N: NDArray[np.int64],
    indices: NDArray[np.int64],
    label: int,
) -> Tensor:
    """Return what a class's network decodes from the posterior modes of images, (N, C, H, W) on the CPU."""
    network = model.network(label)
    latent = encode_images(network.variant, pixels_NHWC, labels_N, indices).latent
    parts = []
    for start in range(0, len(indices), DECODED_AT_ONCE):
        rows = slice(start, start + DECODED_AT_ONCE)
        y_B = torch.full((len(indices[rows]),), label, device=model.device)
        part = tree_map(lambda leaf, rows=rows: leaf[rows].to(model.device), latent)
        parts.append(network.loss.image(network.variant.decode(part, y_B)).cpu())
    return torch.cat(parts)


def save_pixel_gaussians(model: StoredModel, gaussians: PixelGaussians) -> None:
    """Write the Gaussians into the directory of a model."""
    tensors = {
        f"{part}/{name}": tensor.cpu().contiguous()
        for part in ("images", "residuals")
        for name, tensor in getattr(gaussians, part).tensors().items()
    }
    write_tensors(model.directory / FILE, tensors, {MODEL: model.record.fingerprint})


def load_pixel_gaussians(model: StoredModel) -> PixelGaussians | None:
    """Return the Gaussians of a model, on its device; None if it has none for these weights.

    Raises:
        InputError: if the file is damaged.
    """
    path = model.directory / FILE
    if not path.is_file():
        return None
    channels, height, width = model.spec.channels, model.spec.height, model.spec.width
    try:
        with safe_open(path, framework="pt") as file:
            if (file.metadata() or {})[MODEL] != model.record.fingerprint:
                return None
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        parts = {
            part: PixelGaussian(
                **{name.partition("/")[2]: tensor for name, tensor in tensors.items() if name.startswith(f"{part}/")}
            )
            for part in ("images", "residuals")
        }
        for gaussian in parts.values():
            if gaussian.mean_CHW.shape != (channels, height, width) or gaussian.power_CHW.shape != (
                channels,
                2 * height,
                width + 1,
            ):
                raise ValueError("it is for images of another size")
        return PixelGaussians(**parts).to(model.device)
    except (OSError, SafetensorError, LookupError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path} cannot be read ({reason}); train the model again, or delete the file") from None
