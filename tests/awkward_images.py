"""Small datasets of two classes whose files are of the kinds that readers disagree about."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

SIDE = 32
CLASSES = ("ant", "bee")
IMAGES = 6
"""Of each class."""


def shapes(label: str, number: int) -> NDArray[np.uint8]:
    """A picture in colour: a bright disc on a dark ground, at a place and in a colour of its class; (H, W, 3)."""
    rng = np.random.default_rng([number, *label.encode()])
    rows, columns = np.mgrid[:SIDE, :SIDE]
    row, column = (10, 21) if label == "ant" else (21, 10)
    disc = (rows - row) ** 2 + (columns - column) ** 2 < 40
    pixels_HWC = rng.integers(20, 50, (SIDE, SIDE, 3))
    pixels_HWC[disc] += np.array([170, 120, 60] if label == "ant" else [60, 150, 170])
    return pixels_HWC.astype(np.uint8)


def disc_alpha(label: str) -> NDArray[np.uint8]:
    """The opacity of a picture whose ground is transparent; (H, W)."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    row, column = (10, 21) if label == "ant" else (21, 10)
    return np.where((rows - row) ** 2 + (columns - column) ** 2 < 80, 255, 0).astype(np.uint8)


def colour(label: str, number: int) -> Image.Image:
    return Image.fromarray(shapes(label, number))


def gray(label: str, number: int) -> Image.Image:
    return colour(label, number).convert("L")


def deep(label: str, number: int, bits: int = 16) -> NDArray[np.uint16]:
    """A gray picture of more than 8 bits; (H, W)."""
    values = np.asarray(gray(label, number)).astype(np.uint16) << (bits - 8)
    return values + np.random.default_rng(number).integers(0, 1 << (bits - 8), values.shape).astype(np.uint16)


def transparent(label: str, number: int) -> Image.Image:
    image = colour(label, number)
    image.putalpha(Image.fromarray(disc_alpha(label)))
    return image


def wide_gamut() -> bytes:
    """A colour profile with other primaries than sRGB has."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    red, green = (srgb.index(tag) for tag in (b"rXYZ", b"gXYZ"))
    offsets = [int.from_bytes(srgb[at + 4 : at + 8], "big") for at in (red, green)]
    one, other = (srgb[offset : offset + 20] for offset in offsets)
    swapped = bytearray(srgb)  # red and green exchanged: nobody overlooks it
    swapped[offsets[0] : offsets[0] + 20], swapped[offsets[1] : offsets[1] + 20] = other, one
    return bytes(swapped)


def turned(label: str, number: int) -> dict[str, Any]:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Camera"
    return {"exif": exif}


Writer = Callable[[Path, str, int], None]


def saved(make: Callable[[str, int], Image.Image], suffix: str, **options: Any) -> Writer:
    def write(folder: Path, label: str, number: int) -> None:
        image = make(label, number)
        image.save(
            folder / f"{number}{suffix}", **{k: v(label, number) if callable(v) else v for k, v in options.items()}
        )

    return write


def _pages(label: str, number: int) -> list[Image.Image]:
    return [colour(label, number + 50)]


def _with_exif(folder: Path, label: str, number: int) -> None:
    image = colour(label, number).transpose(Image.Transpose.ROTATE_90) if number % 2 else colour(label, number)
    image.save(folder / f"{number}.jpg", quality=92, **(turned(label, number) if number % 2 else {}))


def _sixteen(bits: int, suffix: str = ".png") -> Writer:
    def write(folder: Path, label: str, number: int) -> None:
        Image.fromarray(deep(label, number, bits)).save(folder / f"{number}{suffix}")

    return write


def _float(folder: Path, label: str, number: int) -> None:
    Image.fromarray(deep(label, number).astype(np.float32) / 65535 - np.float32(0.25)).save(folder / f"{number}.tif")


def _mixed(*writers: Writer) -> Writer:
    def write(folder: Path, label: str, number: int) -> None:
        writers[number % len(writers)](folder, label, number)

    return write


def _jfif(folder: Path, label: str, number: int) -> None:
    stream = io.BytesIO()
    colour(label, number).save(stream, "JPEG", quality=90)
    (folder / f"{number}.jfif").write_bytes(stream.getvalue())


def _transparent_palette(folder: Path, label: str, number: int) -> None:
    image = colour(label, number).quantize(8)
    image.save(folder / f"{number}.png", transparency=int(np.asarray(image)[0, 0]))


png, jpg = saved(colour, ".png"), saved(colour, ".jpg", quality=88)
KINDS: dict[str, Writer] = {
    "rgb png": png,
    "gray png": saved(gray, ".png"),
    "jpeg": jpg,
    "jfif": _jfif,
    "rgba": saved(transparent, ".png"),
    "rgba beside rgb": _mixed(saved(transparent, ".png"), png),
    "gray with alpha": saved(lambda label, number: transparent(label, number).convert("LA"), ".png"),
    "palette": saved(lambda label, number: colour(label, number).quantize(6), ".png"),
    "palette with transparency": _transparent_palette,
    "palette beside rgb": _mixed(saved(lambda label, number: colour(label, number).quantize(6), ".png"), png),
    "bilevel": saved(lambda label, number: gray(label, number).convert("1"), ".png"),
    "16 bits": _sixteen(16),
    "12 bits": _sixteen(12),
    "16 bits tiff": _sixteen(16, ".tif"),
    "16 beside 8 bits": _mixed(_sixteen(16), saved(gray, ".png")),
    "float tiff": _float,
    "exif": _with_exif,
    "wide gamut": saved(colour, ".png", icc_profile=lambda *_: wide_gamut()),
    "cmyk": saved(lambda label, number: colour(label, number).convert("CMYK"), ".jpg", quality=90),
    "tiff": saved(colour, ".tif"),
    "bmp": saved(colour, ".bmp"),
    "webp": saved(colour, ".webp", quality=90),
    "lossless webp": saved(colour, ".webp", lossless=True),
    "gif": saved(colour, ".gif"),
    "animated png": saved(colour, ".png", save_all=True, append_images=_pages),
    "pages": saved(colour, ".tif", save_all=True, append_images=_pages),
    "gray beside rgb": _mixed(jpg, saved(gray, ".jpg", quality=88)),
}

COPIES: dict[str, tuple[tuple[str, ...], str, str]] = {
    "rgb png": ((), "RGB", "PNG"),
    "gray png": ((), "L", "PNG"),
    "jpeg": ((), "RGB", "JPEG"),
    "jfif": ((), "RGB", "JPEG"),
    "rgba": (("transparency",), "RGB", "PNG"),
    "rgba beside rgb": ((), "RGB", "PNG"),
    "gray with alpha": (("transparency",), "L", "PNG"),
    "palette": ((), "P", "PNG"),
    "palette with transparency": (("transparency",), "P", "PNG"),
    "palette beside rgb": ((), "RGB", "PNG"),
    "bilevel": (("mode",), "L", "PNG"),
    "16 bits": ((), "I;16", "PNG"),
    "12 bits": ((), "I;16", "PNG"),
    "16 bits tiff": (("format",), "I;16", "PNG"),
    "16 beside 8 bits": (("depth",), "I;16", "PNG"),
    "float tiff": (("format",), "I;16", "PNG"),
    "exif": (("orientation",), "RGB", "JPEG"),
    "wide gamut": (("profile",), "RGB", "PNG"),
    "cmyk": (("mode",), "RGB", "JPEG"),
    "tiff": (("format",), "RGB", "PNG"),
    "bmp": (("format",), "RGB", "PNG"),
    "webp": (("format",), "RGB", "JPEG"),
    "lossless webp": (("format",), "RGB", "PNG"),
    "gif": (("format",), "RGB", "PNG"),
    "animated png": (("frames",), "RGB", "PNG"),
    "pages": (("frames", "format"), "RGB", "PNG"),
    "gray beside rgb": (("mode",), "RGB", "JPEG"),
}
"""Kind -> why the copy of the second image of each class is rewritten, and mode and format of all copies."""


def write_kind(root: Path, kind: str, split: str | None = None) -> Path:
    """Write a dataset of one kind: `root/<class>/` with `IMAGES` files each, or `root/<split>/<class>/`."""
    for label in CLASSES:
        folder = root / label if split is None else root / split / label
        folder.mkdir(parents=True, exist_ok=True)
        first = 0 if split in (None, "train") else 20  # no image is in two splits
        for number in range(first, first + IMAGES):
            KINDS[kind](folder, label, number)
    return root
