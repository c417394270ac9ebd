"""A completed image of a dataset, written in the form of its class, without metadata of its source file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vaeaug.dataset.decode import decode_full
from vaeaug.dataset.traits import read_traits
from vaeaug.export.class_format import as_class_format, encode_in_class_format
from vaeaug.inpainting.files.samples import Samples

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from vaeaug.dataset.rules import DecodeRules
    from vaeaug.export.class_format import ClassFormat
    from vaeaug.inpainting.files.provenance import Provenance


class ClassFormatFile:
    """The first page of an image file, in the format of its class (`vaeaug.inpainting.files.opening.CompletedFile`)."""

    pages = 1
    changed = True

    def __init__(self, data: bytes, rules: DecodeRules, kind: ClassFormat) -> None:
        self._data, self._rules, self._kind = data, rules, kind
        traits = read_traits(data, rules.max_megapixels)
        self._encoding = kind.encoding_like(traits)
        self.frames = traits.frames
        self.suffixes = (self._encoding.suffix,)

    def view(self, page: int) -> bytes:  # noqa: ARG002 (there is one)
        """Return the file."""
        return self._data

    def samples(self, page: int) -> Samples:  # noqa: ARG002 (there is one)
        """Return the upright pixels in the format of the class."""
        pixels_HWC = as_class_format(decode_full(self._data, self._rules), self._kind)
        black, white = (0.0, 255.0) if self._kind.levels is None else self._kind.levels.stored
        return Samples(pixels_HWC, "gray" if pixels_HWC.shape[2] == 1 else "rgb", black, white)

    def rewritten(self, pages: Mapping[int, NDArray[Any]], provenance: Provenance) -> bytes:
        """Return a file in the format of its source with other pixels and the mark of vaeaug."""
        return encode_in_class_format(pages[0], self._kind, self._encoding, provenance.text)
