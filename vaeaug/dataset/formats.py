"""The image formats that are read, their file suffixes, and the packages that add further ones."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec

from PIL import features


@dataclass(frozen=True, slots=True)
class ImageFormat:
    """An image format; `needs` is the module that decodes it (None for Pillow), `install` the command that adds it."""

    name: str
    pillow: str
    suffixes: tuple[str, ...]
    needs: str | None = None
    install: str = ""


FORMATS = (
    ImageFormat("PNG", "PNG", (".png", ".apng")),
    ImageFormat("JPEG", "JPEG", (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo")),  # MPO, of many phones, opens as JPEG
    ImageFormat("BMP", "BMP", (".bmp", ".dib")),
    ImageFormat("GIF", "GIF", (".gif",)),
    ImageFormat("WebP", "WEBP", (".webp",), "PIL._webp", "pip install -U pillow"),
    ImageFormat("TIFF", "TIFF", (".tif", ".tiff")),
    ImageFormat("PNM", "PPM", (".ppm", ".pgm", ".pbm", ".pnm", ".pfm")),
    ImageFormat("AVIF", "AVIF", (".avif",), "PIL._avif", "pip install -U pillow"),
    ImageFormat(
        "JPEG 2000", "JPEG2000", (".jp2", ".j2k", ".jpx", ".jpf", ".j2c", ".jpc"), install="pip install -U pillow"
    ),
    ImageFormat("HEIC", "HEIF", (".heic", ".heif", ".hif"), "pillow_heif", "pip install pillow-heif"),
)


def _is_readable(image_format: ImageFormat) -> bool:
    if image_format.pillow == "JPEG2000":
        return features.check_codec("jpg_2000")
    return image_format.needs is None or find_spec(image_format.needs) is not None


READABLE = tuple(image_format for image_format in FORMATS if _is_readable(image_format))
"""The formats that are read in this environment."""

IMAGE_SUFFIXES = frozenset(suffix for image_format in READABLE for suffix in image_format.suffixes)
"""Suffixes of the files that are taken for images in this environment, in lower case."""

NAMES = ", ".join(f.name for f in READABLE[:-1]) + f" or {READABLE[-1].name}"
"""The formats that are read in this environment, for messages: `PNG, JPEG, ... or HEIC`."""


def is_image_name(name: str) -> bool:
    """Return whether a file of this name is taken for an image."""
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES  # noqa: PTH122 (a Path a file costs more than the scan)


def install_for(suffix: str) -> str | None:
    """Return the command that makes files with a suffix readable; None if none is needed or they are not images."""
    for image_format in FORMATS:
        if suffix.lower() in image_format.suffixes:
            return None if image_format in READABLE else image_format.install
    return None
