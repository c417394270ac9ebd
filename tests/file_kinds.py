"""Image files of all kinds, made of random pixels, and a colour profile that is not sRGB."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, TiffImagePlugin

Rng = np.random.Generator
Maker = Callable[[Rng, int, int], bytes]


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The bytes of an image in a format."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def noise(rng: Rng, height: int, width: int, channels: int = 3) -> Image.Image:
    """Random pixels in mode L, LA, RGB or RGBA."""
    pixels = rng.integers(0, 256, (height, width, channels), dtype=np.uint8)
    return Image.fromarray(pixels[..., 0] if channels == 1 else pixels)


def indexed(rng: Rng, height: int, width: int, colours: int = 4) -> Image.Image:
    """Random indices of a few colours that are far from each other."""
    image = Image.frombytes("P", (width, height), rng.integers(0, colours, height * width, dtype=np.uint8).tobytes())
    image.putpalette([0, 0, 0, 250, 10, 10, 10, 250, 10, 30, 30, 250][: 3 * colours])
    return image


def deep(rng: Rng, height: int, width: int) -> Image.Image:
    """Random 16-bit gray."""
    return Image.fromarray(rng.integers(0, 65536, (height, width), dtype=np.uint16))


@cache
def swapped_profile() -> bytes:
    """The profile of sRGB with red and green swapped."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    (count,) = struct.unpack_from(">I", data, 128)
    places = {bytes(data[132 + 12 * n : 136 + 12 * n]): 136 + 12 * n for n in range(count)}
    red, green = places[b"rXYZ"], places[b"gXYZ"]
    data[red : red + 8], data[green : green + 8] = data[green : green + 8], data[red : red + 8]
    return bytes(data)


def exif(orientation: int) -> Image.Exif:
    """EXIF with a maker and an orientation."""
    made = Image.Exif()
    made[0x010F] = "Maker"
    made[0x0112] = orientation
    return made


def png(samples_HWS: NDArray[Any], bits: int, colour_type: int) -> bytes:
    """A PNG file of samples, its rows unfiltered."""
    height, width = samples_HWS.shape[:2]
    flags = (samples_HWS.reshape(height, -1, 1).astype(np.uint16) >> np.arange(bits - 1, -1, -1, dtype=np.uint16)) & 1
    packed = np.packbits(flags.reshape(height, -1).astype(np.uint8), axis=1)
    rows = zlib.compress(b"".join(b"\0" + row.tobytes() for row in packed))
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )


def tiff(pages: list[dict[int, tuple[str, list[int]]]], chunks: list[list[bytes]], order: str = "<") -> bytes:
    """A classic TIFF file of pages: their fields (tag -> type letter and values) and their strips or tiles.

    The fields of offsets and lengths are those of strips (273, 279), or if tag 322 is there of tiles (324, 325).
    """
    out = bytearray((b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 0))
    link = 4
    for fields, parts in zip(pages, chunks, strict=True):
        offsets = []
        for part in parts:
            offsets.append(len(out))
            out += part + b"\0" * (len(part) % 2)
        where = (324, 325) if 322 in fields else (273, 279)
        whole = fields | {where[0]: ("I", offsets), where[1]: ("I", [len(part) for part in parts])}
        entries = b""
        for tag, (letter, values) in sorted(whole.items()):
            content = struct.pack(f"{order}{len(values)}{letter}", *values)
            if len(content) > 4:
                place = len(out)
                out += content + b"\0" * (len(content) % 2)
                content = struct.pack(order + "I", place)
            kind = {"B": 1, "H": 3, "I": 4}[letter]
            entries += struct.pack(order + "HHI", tag, kind, len(values)) + content.ljust(4, b"\0")
        struct.pack_into(order + "I", out, link, len(out))
        out += struct.pack(order + "H", len(whole)) + entries
        link = len(out)
        out += bytes(4)
    return bytes(out)


def _raw_tiff(values_HWS: NDArray[Any], photometric: int, order: str, layout: str = "strips", **more: Any) -> bytes:
    """An uncompressed page of samples: in strips of three rows, in tiles of 16x16, or a plane per sample."""
    height, width, samples = values_HWS.shape
    bits = 8 * values_HWS.dtype.itemsize
    form = {"u": 1, "i": 2, "f": 3}[values_HWS.dtype.kind]
    fields: dict[int, tuple[str, list[int]]] = {
        256: ("I", [width]),
        257: ("I", [height]),
        258: ("H", [bits] * samples),
        259: ("H", [1]),
        262: ("H", [photometric]),
        277: ("H", [samples]),
        339: ("H", [form] * samples),
    }
    stored = values_HWS.astype(values_HWS.dtype.newbyteorder(order))
    if layout == "tiles":
        fields |= {322: ("I", [16]), 323: ("I", [16])}
        padded = np.pad(stored, ((0, -height % 16), (0, -width % 16), (0, 0)))
        rows, columns = (range(0, side, 16) for side in padded.shape[:2])
        parts = [padded[top : top + 16, left : left + 16].tobytes() for top in rows for left in columns]
    else:
        fields[278] = ("I", [3])
        planes = [stored]
        if layout == "planes":
            fields[284] = ("H", [2])
            planes = [stored[..., sample] for sample in range(samples)]
        parts = [plane[top : top + 3].tobytes() for plane in planes for top in range(0, height, 3)]
    fields |= {tag: ("H", values) for tag, values in more.get("extra", {}).items()}
    return tiff([fields], [parts], order)


def _mirrored(rng: Rng, height: int, width: int, codes: str) -> bytes:
    """A bilevel page with the bits of each byte in reverse."""
    with Image.open(io.BytesIO(saved(noise(rng, height, width, 1).convert("1"), "TIFF", compression=codes))) as image:
        assert isinstance(image, TiffImagePlugin.TiffImageFile)
        assert image.fp is not None
        image.fp.seek(image.tag_v2[273][0])
        content = image.fp.read(image.tag_v2[279][0])
        kept = {tag: ("H", [image.tag_v2[tag]]) for tag in (256, 257, 259, 262, 278) if tag in image.tag_v2}
    reversed_bits = bytes(int(f"{byte:08b}"[::-1], 2) for byte in content)
    return tiff([kept | {258: ("H", [1]), 266: ("H", [2]), 277: ("H", [1])}], [[reversed_bits]])


def _tiff_kinds() -> dict[str, Maker]:
    kinds: dict[str, Maker] = {}
    for channels, mode in ((1, "L"), (2, "LA"), (3, "RGB"), (4, "RGBA")):
        for codes in ("raw", "tiff_lzw", "packbits", "tiff_adobe_deflate"):
            kinds[f"tiff {mode} {codes}"] = lambda rng, h, w, c=channels, k=codes: saved(
                noise(rng, h, w, c), "TIFF", compression=k
            )
    for codes in ("raw", "group3", "group4", "tiff_ccitt"):
        kinds[f"tiff 1 {codes}"] = lambda rng, h, w, k=codes: saved(
            noise(rng, h, w, 1).convert("1"), "TIFF", compression=k, dpi=(300, 300)
        )
    for order in "<>":
        for letter in ("u2", "i2", "f4") if order == ">" else ("u2", "i2", "u4", "f4"):  # Pillow reads no other
            kinds[f"tiff gray {order}{letter}"] = lambda rng, h, w, o=order, t=letter: _raw_tiff(
                rng.integers(0, 256, (h, w, 1)).astype(t), 1, o
            )
        kinds[f"tiff 48 bits {order}"] = lambda rng, h, w, o=order: _raw_tiff(
            rng.integers(0, 65536, (h, w, 3)).astype("u2"), 2, o
        )
    for codes in ("raw", "group4"):
        kinds[f"tiff 1 {codes} mirrored"] = lambda rng, h, w, k=codes: _mirrored(rng, h, w, k)
    rgb: Maker = lambda rng, h, w: _raw_tiff(rng.integers(0, 256, (h, w, 3)).astype("u1"), 2, "<", "tiles")  # noqa: E731
    return kinds | {
        "tiff P": lambda rng, h, w: saved(indexed(rng, h, w), "TIFF"),
        "tiff CMYK": lambda rng, h, w: saved(noise(rng, h, w, 3).convert("CMYK"), "TIFF"),
        "tiff LAB": lambda rng, h, w: saved(noise(rng, h, w, 3).convert("LAB"), "TIFF"),
        "tiff jpeg": lambda rng, h, w: saved(noise(rng, h, w), "TIFF", compression="jpeg"),
        "tiff float lzw": lambda rng, h, w: saved(
            Image.fromarray(rng.random((h, w), dtype=np.float32)), "TIFF", compression="tiff_lzw", tiffinfo={317: 3}
        ),
        "tiff big": lambda rng, h, w: saved(noise(rng, h, w), "TIFF", big_tiff=True),
        "tiff turned": lambda rng, h, w: saved(noise(rng, h, w), "TIFF", exif=exif(6)),
        "tiff predictor": lambda rng, h, w: saved(
            noise(rng, h, w), "TIFF", compression="tiff_lzw", tiffinfo={TiffImagePlugin.PREDICTOR: 2}
        ),
        "tiff white is zero": lambda rng, h, w: _raw_tiff(rng.integers(0, 256, (h, w, 1)).astype("u1"), 0, "<"),
        "tiff tiles": rgb,
        "tiff planes": lambda rng, h, w: _raw_tiff(rng.integers(0, 256, (h, w, 3)).astype("u1"), 2, ">", "planes"),
        "tiff pages": lambda rng, h, w: saved(
            noise(rng, h, w),
            "TIFF",
            save_all=True,
            append_images=[noise(rng, h + 3, w, 1), indexed(rng, 2 * h, w + 1)],
            compression="tiff_lzw",
        ),
    }


def _png_kinds() -> dict[str, Maker]:
    kinds: dict[str, Maker] = {
        f"png {mode}": lambda rng, h, w, c=channels: saved(noise(rng, h, w, c), "PNG", dpi=(200, 100))
        for channels, mode in ((1, "L"), (2, "LA"), (3, "RGB"), (4, "RGBA"))
    }
    for bits in (1, 2, 4):
        kinds[f"png P {bits} bits"] = lambda rng, h, w, b=bits: saved(indexed(rng, h, w, min(4, 2**b)), "PNG", bits=b)
    for bits in (2, 4):
        kinds[f"png gray {bits} bits"] = lambda rng, h, w, b=bits: png(rng.integers(0, 2**b, (h, w, 1)), b, 0)
    kinds["png LA 16 bits"] = lambda rng, h, w: png(rng.integers(0, 65536, (h, w, 2)), 16, 4)
    for channels in (3, 4):
        kinds[f"png {16 * channels} bits"] = lambda rng, h, w, c=channels: cv2.imencode(
            ".png", rng.integers(0, 65536, (h, w, c)).astype(np.uint16)
        )[1].tobytes()
    return kinds | {
        "png 1": lambda rng, h, w: saved(noise(rng, h, w, 1).convert("1"), "PNG"),
        "png I;16": lambda rng, h, w: saved(deep(rng, h, w), "PNG"),
        "png P transparent": lambda rng, h, w: saved(indexed(rng, h, w), "PNG", transparency=bytes([255, 0, 255, 255])),
        "png L key": lambda rng, h, w: saved(noise(rng, h, w, 1), "PNG", transparency=7),
        "png RGB key": lambda rng, h, w: saved(noise(rng, h, w), "PNG", transparency=(128, 128, 128)),
        "png profile": lambda rng, h, w: saved(noise(rng, h, w), "PNG", icc_profile=swapped_profile()),
        "png turned": lambda rng, h, w: saved(noise(rng, h, w), "PNG", exif=exif(8)),
        "apng": lambda rng, h, w: saved(
            noise(rng, h, w, 4), "PNG", save_all=True, append_images=[noise(rng, h, w, 4) for _ in range(2)]
        ),
    }


def _other_kinds() -> dict[str, Maker]:
    return {
        "webp lossless": lambda rng, h, w: saved(noise(rng, h, w), "WEBP", lossless=True, exact=True, exif=exif(3)),
        "webp lossless alpha": lambda rng, h, w: saved(noise(rng, h, w, 4), "WEBP", lossless=True, exact=True),
        "webp animation": lambda rng, h, w: saved(
            noise(rng, h, w), "WEBP", save_all=True, append_images=[noise(rng, h, w)], duration=40
        ),
        "gif": lambda rng, h, w: saved(indexed(rng, h, w), "GIF"),
        "gif transparent": lambda rng, h, w: saved(indexed(rng, h, w), "GIF", transparency=1),
        "jpeg": lambda rng, h, w: saved(noise(rng, h, w), "JPEG", exif=exif(6), icc_profile=swapped_profile()),
        "jpeg gray": lambda rng, h, w: saved(noise(rng, h, w, 1), "JPEG", comment=b"a note"),
        "jpeg CMYK": lambda rng, h, w: saved(noise(rng, h, w).convert("CMYK"), "JPEG", dpi=(300, 300)),
        "webp lossy": lambda rng, h, w: saved(noise(rng, h, w), "WEBP", exif=exif(1)),
        "bmp": lambda rng, h, w: saved(noise(rng, h, w), "BMP"),
        "bmp P": lambda rng, h, w: saved(indexed(rng, h, w), "BMP"),
        "mpo": lambda rng, h, w: saved(noise(rng, h, w), "MPO", save_all=True, append_images=[noise(rng, h, w)]),
        "pgm 16 bits": lambda rng, h, w: saved(deep(rng, h, w).convert("I"), "PPM"),
    }


_KEEPING = ("gif", "webp lossless", "webp animation")

KEPT = _png_kinds() | _tiff_kinds() | {kind: make for kind, make in _other_kinds().items() if kind.startswith(_KEEPING)}
"""Kinds that are completed in their own format."""

CHANGED = {kind: maker for kind, maker in _other_kinds().items() if kind not in KEPT}
"""Kinds that become PNG files, and CMYK JPEG, which becomes TIFF."""
