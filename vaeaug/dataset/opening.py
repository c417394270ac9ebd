"""Open image files within the caller's own limits: megapixels, memory, and text of any length.

Pillow's process-wide limits belong to the application: files are opened by the format's own class, and text is removed
from PNG files first (`png_chunks.py`). The pixel limit is lifted only while a larger image is decoded.
"""

from __future__ import annotations

import io
import os
import stat
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from PIL import Image

from vaeaug.dataset.formats import NAMES, READABLE, install_for
from vaeaug.dataset.png_chunks import SIGNATURE, strip_text
from vaeaug.dataset.tiff_numbers import NumbersError, TiffNumbers, is_signed_8_bit

Factory = Callable[[IO[bytes], str], Image.Image]
Accept = Callable[[bytes], object]

PIXELS_IN_FLIGHT = 100_000_000
"""Pixels that all threads of a process decode at a time; a larger image is decoded while no other is.

Decoding takes up to twenty bytes per pixel: four in Pillow, and again for an upright, a converted and a composited
copy.
"""


class UnreadableImageError(Exception):
    """An image file cannot be decoded; the message is the reason, a few words."""


def read_file(path: Path) -> bytes:
    """Return a file's content; raise UnreadableImageError if it is missing, unreadable, empty or not a regular file."""
    try:
        with open(path, "rb", opener=_open_without_waiting) as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise UnreadableImageError("not a regular file")
            data = stream.read()
    except OSError as error:
        raise UnreadableImageError((error.strerror or str(error)).lower()) from error
    if not data:
        raise UnreadableImageError("the file is empty")
    return data


@contextmanager
def opened(data: bytes, max_megapixels: float) -> Iterator[Image.Image]:
    """Open an image without decoding its pixels, and without a PNG's text; failures become UnreadableImageError."""
    try:
        with _opened(data, max_megapixels) as image:
            yield image
    except UnreadableImageError:
        raise
    except MemoryError as error:
        raise UnreadableImageError("it needs more memory than is available") from error
    except Exception as error:  # Pillow's decoders raise nearly everything on broken content
        raise UnreadableImageError(_reason(error)) from error


@contextmanager
def room_for(image: Image.Image) -> Iterator[None]:
    """Wait until there is room for an image's pixels, and decode them without Pillow's size limit. Closes the image."""
    pixels = image.width * image.height
    with _IN_FLIGHT.reserved(pixels), _pillow_allows(pixels):
        try:
            yield
        finally:
            image.close()


class PixelBudget:
    """A budget of pixels shared by threads."""

    def __init__(self, max_pixels: int) -> None:
        self._max_pixels = max_pixels
        self._used = 0
        self._changed = threading.Condition()

    @contextmanager
    def reserved(self, pixels: int) -> Iterator[None]:
        """Take pixels for a while. More than the maximum wait until no other thread has any."""
        reserved_pixels = min(pixels, self._max_pixels)
        with self._changed:
            self._changed.wait_for(lambda: self._used + reserved_pixels <= self._max_pixels)
            self._used += reserved_pixels
        try:
            yield
        finally:
            with self._changed:
                self._used -= reserved_pixels
                self._changed.notify_all()


class _PillowLimit:
    """Lifts `Image.MAX_IMAGE_PIXELS` while at least one thread needs it."""

    def __init__(self) -> None:
        self._users = 0
        self._saved: int | None = None
        self._lock = threading.Lock()

    def lift(self) -> None:
        with self._lock:
            if self._users == 0:
                self._saved = Image.MAX_IMAGE_PIXELS
                Image.MAX_IMAGE_PIXELS = None
            self._users += 1

    def restore(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                Image.MAX_IMAGE_PIXELS = self._saved


_IN_FLIGHT = PixelBudget(PIXELS_IN_FLIGHT)
_LIMIT = _PillowLimit()


@contextmanager
def _pillow_allows(pixels: int | None) -> Iterator[None]:
    limit = Image.MAX_IMAGE_PIXELS
    if limit is None or (pixels is not None and pixels <= limit):
        yield
        return
    _LIMIT.lift()
    try:
        yield
    finally:
        _LIMIT.restore()


def _opened(data: bytes, max_megapixels: float) -> Image.Image:
    profile = None
    if data.startswith(SIGNATURE):
        data, profile = strip_text(data)
    reason = ""
    for name, factory in _openers(data[:64]):
        try:
            try:
                image = factory(io.BytesIO(data), "")
            except Image.DecompressionBombError:
                with _pillow_allows(None):
                    image = factory(io.BytesIO(data), "")
        except Exception as error:
            if "unknown pixel mode" in str(error):
                return _numbers(data, max_megapixels)
            reason = f"a {name} image that cannot be opened: {_reason(error)}"
            continue
        _check_size(image.size, max_megapixels)
        if is_signed_8_bit(image):
            return _numbers(data, max_megapixels)
        if profile is not None:
            image.info["icc_profile"] = profile
        if image.format == "PNG" and "transparency" in image.info:
            image.info["transparency"] = _eight_bit_key(image, bits=data[24])
        return image
    if reason:
        raise UnreadableImageError(reason)
    install = _install_command(data)
    if install is not None:
        raise UnreadableImageError(f"its format is not supported by this installation; {install}")
    raise UnreadableImageError(f"not a {NAMES} image")


def _install_command(data: bytes) -> str | None:
    """Return the command that installs support for content of a known but unreadable format, or None."""
    if data[4:8] == b"ftyp":
        brands = data[8:12] + data[16:64]
        return install_for(".avif" if b"avif" in brands else ".heic")
    if data[:12] == b"\x00\x00\x00\x0cjP  \r\n\x87\n" or data[:4] == b"\xff\x4f\xff\x51":
        return install_for(".jp2")
    return install_for(".webp") if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None


def _openers(prefix: bytes) -> Iterator[tuple[str, Factory]]:
    """Yield name and factory of each readable format that content with these first 64 bytes may have."""
    for name, factory, accept in _pillow_openers():
        accepted = accept(prefix)
        if accepted and not isinstance(accepted, str):  # a string says why it cannot be opened
            yield name, factory


def _is_heif(prefix: bytes) -> bool:
    return prefix[4:8] == b"ftyp" and bool(import_module("pillow_heif").get_file_mimetype(prefix))


@cache
def _pillow_openers() -> tuple[tuple[str, Factory, Accept], ...]:
    """Return Pillow's factories, which open what they are given whatever `Image.MAX_IMAGE_PIXELS` says."""
    Image.init()
    found: list[tuple[str, Factory, Accept]] = []
    for image_format in READABLE:
        if image_format.pillow == "HEIF":
            heif = import_module("pillow_heif")
            found.append((image_format.name, heif.HeifImageFile, _is_heif))
        else:
            factory, accept = Image.OPEN[image_format.pillow]
            found.append((image_format.name, factory, accept or bool))
    return tuple(found)


def _eight_bit_key(image: Image.Image, bits: int) -> Any:
    """Return a PNG's transparent colour as its decoded pixels have it: Pillow leaves it in the file's own bits."""
    key = image.info["transparency"]
    if image.mode == "L" and isinstance(key, int) and key < 1 << bits < 256:
        return key * 255 // ((1 << bits) - 1)
    if image.mode == "RGB" and isinstance(key, tuple) and bits == 16:
        return tuple(value >> 8 for value in key)
    return key


def _numbers(data: bytes, max_megapixels: float) -> Image.Image:
    """Open a TIFF that Pillow cannot open, or takes for another."""
    try:
        numbers = TiffNumbers(data)
    except NumbersError as error:
        raise UnreadableImageError(str(error)) from error
    except Exception as error:
        raise UnreadableImageError("a TIFF image that is truncated or damaged") from error
    _check_size(numbers.size, max_megapixels)
    width, height = numbers.size
    with _IN_FLIGHT.reserved(width * height):
        return numbers.decode()


def _check_size(size: tuple[int, int], max_megapixels: float) -> None:
    width, height = size
    if width * height > max_megapixels * 1_000_000:
        needed = -(-width * height // 1_000_000)
        raise UnreadableImageError(
            f"its {width}x{height} pixels exceed --max-megapixels {max_megapixels:g}; raise the limit with "
            f"--max-megapixels {needed}"
        )


def _open_without_waiting(path: str, flags: int) -> int:
    """Open a file so that a named pipe does not wait for a writer that never comes."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _reason(error: Exception) -> str:
    if isinstance(error, struct.error | EOFError | IndexError):
        return "the file is truncated or damaged"
    text = str(error).strip().splitlines()
    return text[0] if text else type(error).__name__
