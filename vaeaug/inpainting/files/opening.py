"""Open an image file so that its pixels can be replaced."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, Protocol

from numpy.typing import NDArray

from vaeaug.dataset.opening import UnreadableImageError
from vaeaug.dataset.rules import DEFAULT_RULES, DecodeRules
from vaeaug.inpainting.files.gif import GifFile
from vaeaug.inpainting.files.other import OtherFile
from vaeaug.inpainting.files.png import SIGNATURE, PngFile
from vaeaug.inpainting.files.provenance import Provenance
from vaeaug.inpainting.files.samples import Samples
from vaeaug.inpainting.files.tiff import TiffFile
from vaeaug.inpainting.files.webp import WebpFile, is_lossless_or_animated


class CompletedFile(Protocol):
    """An image file whose pixels can be replaced. Its methods raise UnreadableImageError.

    Attributes:
        suffixes: of the files that `rewritten` returns; the first is the usual one.
        pages: number of pages that can be completed; 1 for all formats but TIFF.
        changed: whether `rewritten` returns a file of another format.
    """

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Of the files that `rewritten` returns."""

    @property
    def pages(self) -> int:
        """That can be completed."""

    @property
    def frames(self) -> int:
        """That the source has."""

    @property
    def changed(self) -> bool:
        """Whether `rewritten` returns a file of another format."""

    def view(self, page: int) -> bytes:
        """Return an image file that begins with a certain page."""

    def samples(self, page: int) -> Samples:
        """Return the stored pixels of a page."""

    def rewritten(self, pages: Mapping[int, NDArray[Any]], provenance: Provenance) -> bytes:
        """Return the file with new samples on some pages and the mark of vaeaug; repeatable byte for byte."""


def open_completed(data: bytes, rules: DecodeRules = DEFAULT_RULES) -> CompletedFile:
    """Open an image file by its content; UnreadableImageError if it cannot be decoded."""
    try:
        if data.startswith(SIGNATURE):
            return PngFile(data, rules)
        if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            return TiffFile(data, rules)
        if data[:6] in (b"GIF87a", b"GIF89a"):
            return GifFile(data, rules)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP" and is_lossless_or_animated(data):
            return WebpFile(data, rules)
        return OtherFile(data, rules)
    except (ValueError, IndexError, KeyError, OverflowError, struct.error) as error:
        raise UnreadableImageError(f"it is damaged ({type(error).__name__}: {error})") from error
