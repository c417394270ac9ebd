"""A real image changed by the difference of two decoded images, at its own size and in its own colours."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vaeaug.dataset.colour import LUMA
from vaeaug.synthesis.image_deformation import ImageDeformation
from vaeaug.synthesis.pixel_limits import PixelLimits
from vaeaug.synthesis.source_images import SourceImage, SourceImages, composited

BLUR = 1 / 56
"""Standard deviation of the blur of the change, as a fraction of the image's longer side."""


@dataclass(frozen=True, slots=True, eq=False)
class AddedDetail:
    """Weighted fine detail of other real images, which a decoder cannot reproduce; the weights sum to 0.

    Attributes:
        decoded_HWC: the sum of w_j decode(z_j), which is subtracted; None if the images are added as a whole.
    """

    paths: tuple[Path, ...]
    weights: tuple[float, ...]
    decoded_HWC: NDArray[np.float32] | None

    def sum(self, shape: tuple[int, ...], images: SourceImages) -> NDArray[np.float32]:
        """Return the sum of w_j (x_j - decode(z_j)), or of w_j x_j, float32 of a shape (H, W, 1 or 3)."""
        weighted = zip(self.paths, self.weights, strict=True)
        parts = (
            weight * _fitted(images.read(path).composited(images.rules.background), shape) for path, weight in weighted
        )
        start_HWC = np.zeros(shape, np.float32) if self.decoded_HWC is None else -_fitted(self.decoded_HWC, shape)
        total_HWC: NDArray[np.float32] = sum(parts, start=start_HWC)
        return total_HWC


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Edit:
    """A change of a real image.

    Attributes:
        before_HWC: the decoded latent of the image, in [0, 1], at the model's size, C = 1 or 3.
        after_HWC: the decoded changed latent.
        fade: change of brightness, 0 to 1, at which the image's own detail has faded out; 0 keeps it.
        deformation: how the image is deformed before anything is added; None for not at all.
    """

    path: Path
    before_HWC: NDArray[np.float32]
    after_HWC: NDArray[np.float32]
    fade: float
    detail: AddedDetail | None = None
    deformation: ImageDeformation | None = None
    limits: PixelLimits | None = None
    images: SourceImages = field(default_factory=SourceImages)

    def source(self) -> SourceImage:
        """Return the real image; raise VaeaugError if its file has changed."""
        return self.images.read(self.path)

    def pixels(self, *, keep: bool = False) -> NDArray[Any]:
        """Return the edited image at the file's own size, with alpha if that is kept; uint16 in a deep gray class.

        With x the image and d = after - before, it is x + d where little changes. Where d is large, the detail that a
        decoder cannot reproduce, x - before, would remain as a ghost, so it fades: x' = x + d - m (x - before), with m
        from 0 to 1 with the blurred |d|.

        Args:
            keep: cache the result for another call, if there is room.
        """
        return self.images.result(self, self._changed, keep=keep)

    def eight_bit(self) -> NDArray[np.uint8]:
        """Return the edited image as a model sees it before resizing, uint8 (H, W, 1 or 3)."""
        return self.images.eight_bit(self.pixels(keep=True))

    def _changed(self) -> NDArray[Any]:
        source = self.source()
        x_HWC, alpha_HW, deep = source.floats(), source.alpha_HW, self.images.deep
        changed_HWC = x_HWC
        if self.deformation is not None:
            x_HWC, alpha_HW = self.deformation.moved(x_HWC, alpha_HW)
            is_near_binary = self.limits is not None and self.limits.levels is not None
            if self.limits is not None:
                x_HWC = self.limits.sharpened(x_HWC, source.floats())
            changed_HWC = x_HWC if is_near_binary else self.deformation.gained(x_HWC)
        changed_HWC = self._added(changed_HWC, x_HWC, alpha_HW)
        if self.limits is not None and not np.array_equal(changed_HWC, x_HWC):
            changed_HWC = self.limits.apply(x_HWC, changed_HWC)
        if deep is not None:
            return deep.levels.from_shades(changed_HWC, deep.value_range)
        pixels_HWC: NDArray[np.uint8] = np.round(np.clip(changed_HWC, 0, 1) * 255).astype(np.uint8)
        if alpha_HW is None:
            return pixels_HWC
        return np.concatenate([pixels_HWC, alpha_HW[..., None]], axis=2)

    def _added(
        self, changed_HWC: NDArray[np.float32], x_HWC: NDArray[np.float32], alpha_HW: NDArray[np.uint8] | None
    ) -> NDArray[np.float32]:
        """Return what the image `x_HWC` was changed to so far, with the decoded change and the detail added."""
        if not np.array_equal(self.before_HWC, self.after_HWC):
            before_HWC, after_HWC = (_fitted(part, x_HWC.shape) for part in (self.before_HWC, self.after_HWC))
            changed_HWC = changed_HWC + after_HWC - before_HWC
            if self.fade:
                change_HW = np.abs(after_HWC - before_HWC).mean(axis=2)
                blurred_HW = cv2.GaussianBlur(change_HW, (0, 0), max(x_HWC.shape) * BLUR)
                m_HW1 = _smoothstep(np.clip(blurred_HW / self.fade, 0, 1))[..., None]
                seen_HWC = composited(x_HWC, alpha_HW, self.images.rules.background)
                changed_HWC -= m_HW1 * (_fitted(seen_HWC, x_HWC.shape) - before_HWC)
        return changed_HWC if self.detail is None else changed_HWC + self.detail.sum(x_HWC.shape, self.images)


def _fitted(image_HWC: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return an image at a size (bicubic, or area interpolation if it shrinks) and number of channels."""
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
