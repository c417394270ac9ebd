"""sRGB colours as numbers of another colour space: that of an ICC profile, CMYK, CIELAB, gray."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from vaeaug.dataset.colour import LUMA

Space = Literal["gray", "rgb", "cmyk", "lab", "indexed"]
_MODES: dict[str, str] = {"gray": "L", "rgb": "RGB", "cmyk": "CMYK", "lab": "LAB"}


def in_file_space(values_NC: NDArray[np.float32], space: Space, profile: bytes | None) -> NDArray[np.float32]:
    """Return sRGB values (N, C) as values of the file's colour space, in [0, 1].

    A profile is applied with 8 bits per channel (relative colorimetric); a profile that is damaged or cannot be written
    to is ignored. `cmyk` without a profile is the complement of RGB without black; `lab` is relative to D50 in the
    encoding of 8-bit TIFF.
    """
    transform = _from_srgb(space, profile) if profile is not None or space == "lab" else None
    if transform is not None:
        levels_N3 = np.floor(_as_rgb(values_NC) * 255 + 0.5).astype(np.uint8)
        image = Image.fromarray(np.ascontiguousarray(levels_N3[None]))
        converted = ImageCms.applyTransform(image, transform)
        assert converted is not None  # noqa: S101 (it is only in place that nothing is returned)
        numbers_NS = np.asarray(converted)[0].reshape(len(values_NC), -1)
        fractions_NS: NDArray[np.float32] = numbers_NS.astype(np.float32) / np.float32(255)
        return fractions_NS
    if space == "gray":
        gray_N1: NDArray[np.float32] = values_NC if values_NC.shape[1] == 1 else values_NC @ LUMA[:, None]
        return gray_N1
    rgb_N3 = _as_rgb(values_NC)
    if space == "cmyk":
        return np.concatenate([1 - rgb_N3, np.zeros_like(rgb_N3[:, :1])], axis=1)
    return rgb_N3


@lru_cache(maxsize=16)
def _from_srgb(space: Space, profile: bytes | None) -> ImageCms.ImageCmsTransform | None:
    """Return the conversion from 8-bit sRGB, or None if there is none."""
    try:
        target = (
            ImageCms.createProfile("LAB") if profile is None else ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile
        )
        source = ImageCms.createProfile("sRGB")
        intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
        return ImageCms.buildTransform(source, target, "RGB", _MODES[space], renderingIntent=intent)
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return None


def _as_rgb(values_NC: NDArray[np.float32]) -> NDArray[np.float32]:
    return values_NC if values_NC.shape[1] == 3 else np.repeat(values_NC, 3, axis=1)
