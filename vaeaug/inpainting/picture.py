"""One page of an image file with holes: its samples as the file stores them, and what a model sees of them.

What is stored stays as it is, bit for bit, whatever its depth, colour space and transparency (`files.samples`). A model
sees it by the rules of `vaeaug.dataset.decode`: upright, in sRGB, over the background if it is transparent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaeaug.dataset.decode import decode_full
from vaeaug.dataset.levels import Levels
from vaeaug.dataset.opening import UnreadableImageError
from vaeaug.dataset.rules import DEFAULT_RULES, DecodeRules
from vaeaug.inpainting.files.opening import CompletedFile
from vaeaug.inpainting.files.samples import OPAQUE, Samples


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A page of an image file; `seen_HWC` is what a model gets: uint8, C = 1 or 3, upright."""

    samples: Samples
    seen_HWC: NDArray[np.uint8]
    page: int = 0
    pages: int = 1

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels, upright."""
        return self.seen_HWC.shape[0], self.seen_HWC.shape[1]

    def filled(self, missing_HW: NDArray[np.bool_], images_HWC: NDArray[np.float32]) -> NDArray[Any]:
        """Return the stored samples with the holes filled (`Samples.filled`)."""
        return self.samples.filled(missing_HW, images_HWC)


def read_picture(file: CompletedFile, page: int = 0, rules: DecodeRules = DEFAULT_RULES) -> Picture:
    """Decode a page of an image file; UnreadableImageError if it cannot be decoded or no hole could be filled."""
    full = decode_full(file.view(page), rules)
    samples = file.samples(page)
    if samples.table_K4 is not None and not (samples.table_K4[:, 3] >= OPAQUE).any():
        raise UnreadableImageError("none of its colours is opaque, so no hole in it can be filled")
    if not full.traits.profile:  # what is not applied in decoding is not applied in filling
        samples = replace(samples, profile=None)
    if full.levels is not None:
        samples = _with_levels(samples, full.levels)
    return Picture(samples, full.eight_bit(), page, file.pages)


def from_pixels(pixels: NDArray[np.uint8]) -> Picture:
    """Return an array as a picture: uint8 (H, W), or (H, W, C) with C = 1 (gray) or 3 (RGB)."""
    seen_HWC = pixels if pixels.ndim == 3 else pixels[..., None]
    return Picture(Samples(seen_HWC, "gray" if seen_HWC.shape[2] == 1 else "rgb"), seen_HWC)


def with_channels(channels: int, picture: Picture, missing_HW: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return the image with a model's number of channels, uint8 (H, W, C); colours do not fit a gray model."""
    seen_HWC = picture.seen_HWC
    if seen_HWC.shape[2] == channels:
        return seen_HWC
    if channels == 3:
        return np.repeat(seen_HWC, 3, axis=2)
    visible_NC = seen_HWC[~missing_HW]
    if not (visible_NC == visible_NC[:, :1]).all():
        raise UnreadableImageError("it is in colour, but the model was trained on gray images")
    return seen_HWC[..., :1]


def _with_levels(samples: Samples, levels: Levels) -> Samples:
    """Return samples of deep gray with the numbers that a model sees as black and white."""
    unsigned_16 = samples.values_HWS.dtype == np.uint16
    black, white = levels.stored if unsigned_16 else (levels.low, levels.high)
    if samples.black > samples.white:  # an inverted file, whose numbers count down from its white
        black, white = samples.black - black, samples.black - white
    return replace(samples, black=black, white=white)
