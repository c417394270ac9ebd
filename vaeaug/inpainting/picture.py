"""An image file with holes: its pixels as the file stores them, what a model sees of them, and the two put together.

What is kept as it is, bit for bit: 8-bit gray, gray with alpha, RGB, RGBA, palette indices, 16-bit gray. Everything
else (CMYK, float, bilevel, ...) is converted by the rules of `vaeaug.dataset.decode` first. A transparent colour
becomes an alpha channel, which says the same; that of a 16-bit gray file is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vaeaug.dataset.decode import UnreadableImageError, decode_upright, eight_bit
from vaeaug.dataset.palette import MOST_COLOURS, nearest_entries

StoredMode = Literal["L", "LA", "RGB", "RGBA", "P", "I;16"]

OPAQUE = 128
"""Least alpha of a pixel that counts as there."""

_ALPHA_OF = {"L": "LA", "RGB": "RGBA", "La": "LA", "RGBa": "RGBA", "PA": "RGBA"}
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""ITU-R 601, as Pillow converts."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """The pixels of an image file.

    Attributes:
        stored: as the file has them: uint8 (H, W) in modes `L` and `P`, (H, W, 2) in `LA`, (H, W, 3) in `RGB`,
            (H, W, 4) in `RGBA`; uint16 (H, W) in `I;16`.
        mode: the mode it is written in again.
        seen_HWC: what a model sees of them: uint8, C = 1 or 3, over white where transparent.
        table_K4: the colour table of mode `P`, uint8 RGBA, else None.
    """

    stored: NDArray[Any]
    mode: StoredMode
    seen_HWC: NDArray[np.uint8]
    table_K4: NDArray[np.uint8] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.seen_HWC.shape[0], self.seen_HWC.shape[1]

    def alpha(self) -> NDArray[np.uint8] | None:
        """Return the opacity of every pixel, 255 where opaque; None for a file without transparency."""
        if self.table_K4 is not None:
            transparent = bool((self.table_K4[:, 3] < 255).any())
            return self.table_K4[self.stored, 3] if transparent else None
        alpha_HW: NDArray[np.uint8] | None = self.stored[..., -1] if self.mode in ("LA", "RGBA") else None
        return alpha_HW

    def colours(self) -> NDArray[np.uint8]:
        """Return the stored colour of every pixel as 8-bit RGB, whatever its opacity."""
        if self.table_K4 is not None:
            return self.table_K4[self.stored, :3]
        if self.mode == "I;16":
            return np.broadcast_to(self.seen_HWC, (*self.size, 3))
        colours_HWC = self.stored[..., None] if self.mode == "L" else self.stored
        return np.broadcast_to(colours_HWC[..., : 1 if self.mode in ("L", "LA") else 3], (*self.size, 3))

    def filled(self, missing_HW: NDArray[np.bool_], images_HWC: NDArray[np.float32]) -> NDArray[Any]:
        """Return the stored pixels with the holes filled; all others are bit for bit what they were.

        Filled pixels are opaque. In mode `P` each takes the nearest opaque colour of the file's table.

        Args:
            missing_HW: the holes.
            images_HWC: values in [0, 1], C = 1 or 3; only those in the holes are looked at.

        Returns:
            As `stored`.
        """
        values_NC = images_HWC[missing_HW].clip(0, 1)
        result = self.stored.copy()
        if self.table_K4 is not None:
            opaque_K = np.flatnonzero(self.table_K4[:, 3] >= OPAQUE)
            palette = tuple(map(tuple, self.table_K4[opaque_K, :3].tolist()))
            result[missing_HW] = opaque_K[nearest_entries(_levels(values_NC, 255), palette)]
            return result
        values_NC = _in_channels(values_NC, 3 if self.mode in ("RGB", "RGBA") else 1)
        if self.mode == "I;16":
            result[missing_HW] = _levels(values_NC, 65535)[:, 0]
        elif self.mode == "L":
            result[missing_HW] = _levels(values_NC, 255)[:, 0]
        else:
            result[..., : values_NC.shape[1]][missing_HW] = _levels(values_NC, 255)
            if self.mode in ("LA", "RGBA"):
                result[..., -1][missing_HW] = 255
        return result


def read_picture(data: bytes) -> Picture:
    """Decode an image file.

    Raises:
        UnreadableImageError: the content cannot be decoded; says why.
    """
    image = decode_upright(data)
    file_format = image.format or ""
    if image.mode == "P":
        return _indexed(image)
    if image.mode.startswith("I;16") or (image.mode == "I" and file_format == "PNG"):
        return Picture(np.asarray(image).astype(np.uint16), "I;16", _seen(eight_bit(image, file_format)))
    seen_HWC = _seen(eight_bit(image, file_format))
    transparent = "transparency" in image.info or image.mode in _ALPHA_OF.values()
    wanted = _ALPHA_OF.get(image.mode, image.mode) if transparent else image.mode
    if wanted in ("L", "LA", "RGB", "RGBA"):
        mode: StoredMode = wanted  # type: ignore[assignment]  # mypy narrows no str to literals
        stored = np.asarray(image if image.mode == mode else image.convert(mode))
        return Picture(stored, mode, seen_HWC)
    stored = seen_HWC[..., 0] if seen_HWC.shape[2] == 1 else seen_HWC
    return Picture(stored, "L" if stored.ndim == 2 else "RGB", seen_HWC)


def from_pixels(pixels: NDArray[np.uint8]) -> Picture:
    """Return an array as a picture: uint8 (H, W), or (H, W, C) with C = 1 (gray) or 3 (RGB)."""
    seen_HWC = pixels if pixels.ndim == 3 else pixels[..., None]
    gray = seen_HWC.shape[2] == 1
    return Picture(seen_HWC[..., 0] if gray else seen_HWC, "L" if gray else "RGB", seen_HWC)


def seen_by(channels: int, picture: Picture, missing_HW: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return what a model of so many channels sees: uint8 (H, W, C).

    Gray is repeated for a model of colours. A model of grays takes a file in colours whose visible pixels are all gray,
    as a gray image with holes marked in a colour is.

    Raises:
        UnreadableImageError: visible pixels are in colour, and the model knows gray alone.
    """
    seen_HWC = picture.seen_HWC
    if seen_HWC.shape[2] == channels:
        return seen_HWC
    if channels == 3:
        return np.repeat(seen_HWC, 3, axis=2)
    visible_NC = seen_HWC[~missing_HW]
    if not (visible_NC == visible_NC[:, :1]).all():
        raise UnreadableImageError("it is in colour, and the model knows gray images only")
    return seen_HWC[..., :1]


def _indexed(image: Image.Image) -> Picture:
    """Return a palette file; its table is as long as its pixels need at the least."""
    indices_HW = np.asarray(image)
    ramp = Image.frombytes("P", (MOST_COLOURS, 1), bytes(range(MOST_COLOURS)))
    listed = image.getpalette() or []
    ramp.putpalette(listed)
    if "transparency" in image.info:
        ramp.info["transparency"] = image.info["transparency"]
    length = max(len(listed) // 3, 1 + int(indices_HW.max()))
    table_K4 = np.asarray(ramp.convert("RGBA"))[0, :length]
    if not (table_K4[:, 3] >= OPAQUE).any():
        raise UnreadableImageError("none of its colours is opaque, so no hole in it can be filled")
    return Picture(indices_HW, "P", _seen(eight_bit(image, "")), table_K4)


def _seen(image: Image.Image) -> NDArray[np.uint8]:
    return np.asarray(image, dtype=np.uint8).reshape(image.height, image.width, -1)


def _in_channels(values_NC: NDArray[np.float32], channels: int) -> NDArray[np.float32]:
    """Return gray values repeated, or colours as gray."""
    if values_NC.shape[1] == channels:
        return values_NC
    if channels == 3:
        return np.repeat(values_NC, 3, axis=1)
    gray_N1: NDArray[np.float32] = values_NC @ _LUMA[:, None]
    return gray_N1


def _levels(values: NDArray[np.float32], most: int) -> NDArray[Any]:
    """Return values in [0, 1] as whole levels, rounded to the nearest."""
    kind = np.uint8 if most == 255 else np.uint16
    return np.floor(values.astype(np.float64) * most + 0.5).clip(0, most).astype(kind)
