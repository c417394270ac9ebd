"""Augmentation policies of torchvision, applied to batches of uint8 images: one random stream per image.

S. G. Müller, F. Hutter. TrivialAugment: Tuning-free Yet State-of-the-Art Data Augmentation. ICCV 2021.
E. D. Cubuk, B. Zoph, J. Shlens, Q. V. Le. RandAugment: Practical Automated Data Augmentation with a Reduced Search
Space. NeurIPS 2020.
Z. Zhong, L. Zheng, G. Kang, S. Li, Y. Yang. Random Erasing Data Augmentation. AAAI 2020.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.transforms import v2

Transform = Callable[[Tensor], Tensor]
"""Takes and returns an image, uint8 (C, H, W)."""


class PerImage:
    """A torchvision pipeline with one seed per image; it keeps shape and type, and is not thread-safe."""

    def __init__(self, transforms: Sequence[Transform]) -> None:
        self._transforms = tuple(transforms)

    def __call__(self, pixels_BHWC: NDArray[np.uint8], seeds: Sequence[int]) -> NDArray[np.uint8]:
        """Transform a uint8 batch, C = 1 or 3, with one seed per image."""
        x_BCHW = torch.from_numpy(np.ascontiguousarray(pixels_BHWC.transpose(0, 3, 1, 2)))
        generator = torch.default_generator
        state = generator.get_state()
        try:
            out = []
            for x_CHW, seed in zip(x_BCHW, seeds, strict=True):
                generator.manual_seed(int(seed))  # torch.manual_seed also looks for devices, which takes far longer
                for transform in self._transforms:
                    x_CHW = transform(x_CHW)  # noqa: PLW2901 (one image, changed step by step)
                out.append(x_CHW)
        finally:
            generator.set_state(state)
        return np.ascontiguousarray(torch.stack(out).permute(0, 2, 3, 1).numpy())


def trivial_augment(fill: Sequence[int]) -> Transform:
    """Return TrivialAugment (wide): one operation per image, of random strength; `fill` is the value of gaps."""
    transform: Transform = v2.TrivialAugmentWide(fill=list(fill))
    return transform


def rand_augment(fill: Sequence[int]) -> Transform:
    """Return RandAugment: two operations per image at magnitude 9 of 30 (torchvision's defaults)."""
    transform: Transform = v2.RandAugment(fill=list(fill))
    return transform


def crop(height: int, width: int) -> Transform:
    """Return a random crop of the image padded by a sixteenth of its sides with its own edge."""
    down, across = (max(1, side // 16) for side in (height, width))
    transform: Transform = v2.RandomCrop((height, width), padding=[across, down], padding_mode="edge")
    return transform


def flip() -> Transform:
    """Return a horizontal flip of half of the images."""
    transform: Transform = v2.RandomHorizontalFlip()
    return transform


def erasing(value: Sequence[int]) -> Transform:
    """Return random erasing of half of the images, of 2 to 33 % of the area each (torchvision's defaults)."""
    transform: Transform = v2.RandomErasing(value=list(value))
    return transform
