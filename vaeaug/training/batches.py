"""Batches sliced from the image cache: of a training, where they depend only on (seed, step), and to encode images."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaeaug.contracts import Encoded, Latent, Latents, Variant, leaves
from vaeaug.contracts.latent import tree_like
from vaeaug.seeds import seed_of

CHUNK_VALUES = 2**23
"""Values of the images of a chunk at most: 42 colour images of 256x256 pixels."""

Augment = Callable[[NDArray[np.uint8], Sequence[int]], NDArray[np.uint8]]


@dataclass
class Batches:
    """Training images in a new order each epoch, without worker processes.

    Attributes:
        pixels_NHWC: all images; usually a memory map.
        size: images per batch. Every batch is full, so an epoch leaves out the remainder.
        augment: applied to a batch of uint8 images with one seed per image.
        copy_augment: likewise, makes the augmented copies of `augmented`.
    """

    pixels_NHWC: NDArray[np.uint8]
    labels_N: NDArray[np.int64]
    indices: NDArray[np.int64]
    size: int
    seed: int
    device: torch.device
    augment: Augment | None = None
    copy_augment: Augment | None = None
    _order: tuple[int, NDArray[np.int64]] = field(default=(-1, np.empty(0, np.int64)), repr=False)

    @property
    def per_epoch(self) -> int:
        """Batches per epoch."""
        return max(1, len(self.indices) // self.size)

    def get(self, step: int) -> tuple[Tensor, Tensor]:
        """Return the images (B, C, H, W) in [0, 1] and labels (B,) of a step."""
        epoch, position = divmod(step, self.per_epoch)
        if self._order[0] != epoch:
            order = np.random.default_rng(seed_of(self.seed, "order", epoch)).permutation(self.indices)
            self._order = (epoch, order)
        chosen = self._order[1][position * self.size : (position + 1) * self.size]
        pixels_BHWC = self.pixels_NHWC[chosen]
        if self.augment is not None:
            seeds = [seed_of(self.seed, "augment", epoch, index) % 2**32 for index in chosen]
            pixels_BHWC = self.augment(pixels_BHWC, seeds)
        return as_images(pixels_BHWC, self.device), torch.from_numpy(self.labels_N[chosen]).to(self.device)

    def augmented(self, x_BCHW: Tensor, *names: str | int) -> Tensor:
        """Return copies of images (B, C, H, W) in [0, 1], augmented by `copy_augment`.

        Args:
            names: of the random streams, with the image's position in the batch.

        Raises:
            ValueError: if there is no `copy_augment`.
        """
        if self.copy_augment is None:
            raise ValueError("these batches have no `copy_augment`")
        seeds = [seed_of(self.seed, "augmented copy", *names, position) % 2**32 for position in range(len(x_BCHW))]
        return as_images(self.copy_augment(as_pixels(x_BCHW), seeds), self.device)


def as_images(pixels_BHWC: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Turn uint8 images (B, H, W, C) into floats (B, C, H, W) in [0, 1] on a device."""
    x_BCHW = torch.from_numpy(np.ascontiguousarray(pixels_BHWC)).to(device).permute(0, 3, 1, 2).contiguous()
    return x_BCHW.float().div_(255)


def as_pixels(images_BCHW: Tensor) -> NDArray[np.uint8]:
    """Undo `as_images`: images (B, C, H, W) in [0, 1] to uint8 (B, H, W, C), rounded to the nearest level."""
    scaled = (images_BCHW.clamp(0, 1) * 255).round().to(torch.uint8)
    pixels_BHWC: NDArray[np.uint8] = scaled.permute(0, 2, 3, 1).contiguous().cpu().numpy()
    return pixels_BHWC


def in_chunks(
    pixels_NHWC: NDArray[np.uint8],
    labels_N: NDArray[np.int64],
    indices: NDArray[np.int64],
    device: torch.device,
    size: int | None = None,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield images and labels of `indices` in order, `size` at a time, by default 256 or fewer if images are large."""
    size = size or min(256, max(1, CHUNK_VALUES // math.prod(pixels_NHWC.shape[1:])))
    for start in range(0, len(indices), size):
        chosen = indices[start : start + size]
        yield as_images(pixels_NHWC[chosen], device), torch.from_numpy(labels_N[chosen]).to(device)


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


def _stack(like: Encoded, parts: list[list[Tensor]]) -> Latent:
    """Concatenate leaf by leaf."""
    return tree_like(like.latent, [torch.cat(column).cpu() for column in zip(*parts, strict=True)])
