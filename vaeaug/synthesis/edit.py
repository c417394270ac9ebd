"""A real image changed by the difference of two decoded ones, at its own size and in its own colours."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vaeaug.dataset.colour import LUMA
from vaeaug.synthesis.pixel_limits import PixelLimits
from vaeaug.synthesis.source_images import SourceImage, SourceImages

BLUR = 1 / 56
"""Standard deviation of the blur of the change, as a fraction of the image's longer side."""


@dataclass(frozen=True, slots=True, eq=False)
class AddedDetail:
    """Fine detail of other real images, weighted: what a decoder cannot show of them.

    Attributes:
        weights: one for each, which add up to 0.
        decoded_HWC: the weighted sum of what the decoder makes of their latents, float32, as `Edit.before_HWC`.
    """

    paths: tuple[Path, ...]
    weights: tuple[float, ...]
    decoded_HWC: NDArray[np.float32]

    def sum(self, shape: tuple[int, ...], images: SourceImages) -> NDArray[np.float32]:
        """Return the sum of w_j (x_j - decode(z_j)), float32 of a shape (H, W, 1 or 3).

        Raises:
            VaeaugError: a file has changed since it was read.
        """
        weighted = zip(self.paths, self.weights, strict=True)
        parts = (
            weight * _fitted(images.read(path).composited(images.rules.background), shape) for path, weight in weighted
        )
        total_HWC: NDArray[np.float32] = sum(parts, start=-_fitted(self.decoded_HWC, shape))
        return total_HWC


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Edit:
    """What is to become of a real image.

    Attributes:
        before_HWC: what the decoder makes of its latent, float32 in [0, 1], at the model's size, C = 1 or 3.
        after_HWC: what it makes of the changed latent.
        fade: the change of brightness, 0 to 1, at which the image's own detail is gone; 0 keeps it always.
        detail: what is added of other images, or None.
        limits: how far the pixels of its class may be changed; any distance if None.
        images: decodes the files, and keeps what several edits read.
    """

    path: Path
    before_HWC: NDArray[np.float32]
    after_HWC: NDArray[np.float32]
    fade: float
    detail: AddedDetail | None = None
    limits: PixelLimits | None = None
    images: SourceImages = field(default_factory=SourceImages)

    def source(self) -> SourceImage:
        """Return the real image.

        Raises:
            VaeaugError: its file has changed since it was read.
        """
        return self.images.read(self.path)

    def pixels(self, *, keep: bool = False) -> NDArray[Any]:
        """Return the changed image at the file's own size.

        With x the image and d = after - before, it is x + d where little changes. What a decoder cannot show of x (its
        detail, x - before) belongs to a place in the image; where d is large, that is no longer there, and the detail
        would stay as a ghost. So it fades: x' = x + d - m (x - before), m from 0 to 1 with the blurred |d|.

        Args:
            keep: keep the result, because the same edit is requested again, if there is room.

        Returns:
            uint8 (H, W, 1 or 3); with the source's alpha as the last channel (C = 2 or 4) where that is kept; uint16
            (H, W, 1) in a class of deep gray images.

        Raises:
            VaeaugError: if a file has changed since it was read.
        """
        return self.images.result(self, self._changed, keep=keep)

    def eight_bit(self) -> NDArray[np.uint8]:
        """Return the changed image as a model sees it before resizing, uint8 (H, W, 1 or 3).

        Raises:
            VaeaugError: if a file has changed since it was read.
        """
        return self.images.eight_bit(self.pixels(keep=True))

    def _changed(self) -> NDArray[Any]:
        source = self.source()
        x_HWC, deep = source.floats(), self.images.deep
        before_HWC, after_HWC = (_fitted(part, x_HWC.shape) for part in (self.before_HWC, self.after_HWC))
        changed_HWC = x_HWC + after_HWC - before_HWC
        if self.fade:
            change_HW = np.abs(after_HWC - before_HWC).mean(axis=2)
            blurred_HW = cv2.GaussianBlur(change_HW, (0, 0), max(x_HWC.shape) * BLUR)
            m_HW1 = _smoothstep(np.clip(blurred_HW / self.fade, 0, 1))[..., None]
            changed_HWC -= m_HW1 * (_fitted(source.composited(self.images.rules.background), x_HWC.shape) - before_HWC)
        if self.detail is not None:
            changed_HWC += self.detail.sum(x_HWC.shape, self.images)
        if self.limits is not None:
            changed_HWC = self.limits.apply(x_HWC, changed_HWC)
        if deep is not None:
            return deep.levels.from_shades(changed_HWC, deep.value_range)
        pixels_HWC: NDArray[np.uint8] = np.round(np.clip(changed_HWC, 0, 1) * 255).astype(np.uint8)
        if source.alpha_HW is None:
            return pixels_HWC
        return np.concatenate([pixels_HWC, source.alpha_HW[..., None]], axis=2)


def _fitted(image_HWC: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return an image at the size (bicubic, or by areas where it shrinks) and in the channels of another one."""
    height, width, channels = shape
    if image_HWC.shape[:2] != (height, width):
        shrinks = image_HWC.shape[0] > height and image_HWC.shape[1] > width
        interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
        resized = cv2.resize(image_HWC, (width, height), interpolation=interpolation)  # drops an axis of one channel
        image_HWC = np.asarray(resized, np.float32).reshape(height, width, -1)
    if channels == 1 and image_HWC.shape[2] == 3:
        image_HWC = image_HWC @ LUMA[:, None]
    return np.broadcast_to(image_HWC, shape)


def _smoothstep(t: NDArray[np.float32]) -> NDArray[np.float32]:
    return t * t * (3 - 2 * t)
