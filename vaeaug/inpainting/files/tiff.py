"""TIFF files (classic and BigTIFF): pixels are replaced and other pages and fields are kept.

Only strips and tiles with holes are rewritten, with the page's own compression, predictor and depth. A page whose
encoding cannot be written without loss (JPEG, WebP) is stored decoded, with Deflate. The previous content of a hole is
erased from the file, and so are smaller copies of a completed page (SubIFDs). Reduced copies and masks are not pages
(`NewSubfileType`). Source: TIFF 6.0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vaeaug.dataset.decode import UnreadableImageError
from vaeaug.dataset.rules import DEFAULT_RULES, DecodeRules
from vaeaug.inpainting.files import tiff_layout as tags
from vaeaug.inpainting.files.colour import Space
from vaeaug.inpainting.files.decoded import decoded_samples
from vaeaug.inpainting.files.directory import ORIENTATION, DamagedError, Directory, Structure
from vaeaug.inpainting.files.provenance import Provenance
from vaeaug.inpainting.files.samples import Samples
from vaeaug.inpainting.files.tiff_codec import DEFLATE, compressed
from vaeaug.inpainting.files.tiff_layout import layout_of
from vaeaug.inpainting.files.tiff_output import BYTE, LONG, LONG8, TiffOutput
from vaeaug.inpainting.files.xmp import merged

_SUBFILE, _SUB_DIRECTORIES, _XMP, _ICC = 254, 330, 700, 34675
_REDUCED_OR_MASK = 1 | 4
_OFFSETS = frozenset({LONG, 13, LONG8, 18})  # types of fields that point to directories

_SPACES: dict[int, tuple[Space, int]] = {
    0: ("gray", 1),
    1: ("gray", 1),
    2: ("rgb", 3),
    3: ("indexed", 1),
    5: ("cmyk", 4),
    8: ("lab", 3),
}
"""By PhotometricInterpretation: the space, and how many samples its colour has."""

_JPEG_TABLES = 347
_OLD_JPEG = range(512, 522)
_YCBCR = range(529, 533)
_ENCODING_FIELDS = frozenset(
    {tags.STRIP_OFFSETS, tags.STRIP_BYTES, tags.ROWS_PER_STRIP, tags.PLANAR, tags.PREDICTOR, tags.FILL_ORDER}
    | {tags.T4_OPTIONS, tags.T6_OPTIONS, tags.TILE_WIDTH, tags.TILE_HEIGHT, tags.TILE_OFFSETS, tags.TILE_BYTES}
    | {tags.SAMPLE_FORMAT, tags.EXTRA_SAMPLES, tags.COLOUR_MAP, _JPEG_TABLES, *_OLD_JPEG, *_YCBCR}
)
"""Fields that only the old codes of a page need."""


class TiffFile:
    """A TIFF file; UnreadableImageError if its structure is damaged."""

    suffixes = (".tif", ".tiff")
    changed = False

    def __init__(self, data: bytes, rules: DecodeRules = DEFAULT_RULES) -> None:
        self._rules = rules
        self._data = data
        try:
            self._structure = Structure(data)
            self._all = self._structure.chain()
            self._pages = [each for each in self._all if not self._number(each, _SUBFILE) & _REDUCED_OR_MASK]
        except DamagedError as error:
            raise UnreadableImageError(f"its TIFF structure is damaged: {error}") from error
        self._pages = self._pages or self._all[:1]
        if not self._pages:
            raise UnreadableImageError("it has no page")
        self.pages = self.frames = len(self._pages)

    def view(self, page: int) -> bytes:
        """Return a file that begins with another page."""
        if self._pages[page].link == self._structure.first_link:
            return self._data
        size = len(self._structure.offset(0))
        link = self._pages[page].link
        first = self._structure.first_link
        return self._data[:first] + self._data[link : link + size] + self._data[first + size :]

    def samples(self, page: int) -> Samples:
        """Return the pixels of a page as they are stored, or as decoded if they cannot be stored again."""
        try:
            orientation = self._number(self._pages[page], ORIENTATION, 1)
            orientation = orientation if 1 <= orientation <= 8 else 1
            direct = self._direct(page, orientation)
        except DamagedError as error:
            raise UnreadableImageError(f"its TIFF structure is damaged: {error}") from error
        samples = direct or decoded_samples(self.view(page), self._rules, orientation)
        if direct is None and samples.space == "indexed":
            raise UnreadableImageError("its palette page uses a compression that cannot be written; save it with LZW")
        return samples

    def rewritten(self, pages: Mapping[int, NDArray[Any]], provenance: Provenance) -> bytes:
        """Return the file with other pixels on some pages; these and the first one have the mark of vaeaug."""
        out = TiffOutput(self._structure)
        uses = Counter(offset for each in self._all for offset in self._chunk_offsets(each))
        for page in sorted({0, *pages}):
            directory = self._pages[page]
            fields = {tag: entry.raw for tag, entry in directory.entries.items()}
            if page in pages:
                self._store(out, page, pages[page], fields, uses)
                self._erase_copies(out, directory)
                fields.pop(_SUB_DIRECTORIES, None)
            old = directory.entries.get(_XMP)
            packet = None if old is None else self._structure.content(old)
            if old is not None:
                out.erase(old.offset, old.length)
            new = merged(packet, provenance.packet).encode()
            fields[_XMP] = out.field(_XMP, BYTE, new, len(new))
            out.append_directory(directory, fields)
        if not self._structure.big and len(out) >= 2**32:
            raise UnreadableImageError(
                "with its holes filled it would exceed the 4 GiB of a TIFF file; save it as BigTIFF"
            )
        return out.content()

    def _direct(self, page: int, orientation: int) -> Samples | None:
        """Return the samples as they are stored; None if they cannot be stored again."""
        directory = self._pages[page]
        photometric = self._number(directory, tags.PHOTOMETRIC, -1)
        layout = layout_of(self._structure, directory)
        if layout is None or photometric not in _SPACES:
            return None
        space, colours = _SPACES[photometric]
        whole = layout.kind[1] == "u"
        if layout.samples < colours or (space in ("cmyk", "lab") and layout.kind[1:] != "u1"):
            return None
        if space == "indexed" and layout.bits > 8:
            return None
        values_HWS = layout.read(self._data)
        if values_HWS is None:
            return None
        max_value = float(2**layout.bits - 1) if whole else 1.0
        extra = self._structure.values(directory.entries.get(tags.EXTRA_SAMPLES))
        transparent = [colours + number for number, kind in enumerate(extra) if kind in (1, 2)]
        inverted = photometric == 0 and whole
        icc = directory.entries.get(_ICC)
        return Samples(
            values_HWS,
            space,
            black=max_value if inverted else 0.0,
            white=0.0 if inverted else max_value,
            alpha=transparent[0] if transparent and transparent[0] < layout.samples else None,
            opaque=max_value,
            table_K4=self._table(directory, layout.bits) if space == "indexed" else None,
            orientation=orientation,
            profile=None if icc is None else self._structure.content(icc),
        )

    def _table(self, directory: Directory, bits: int) -> NDArray[np.uint8]:
        """Return the colour table, (K, 4); 16-bit colours by their high byte, as Pillow reads them."""
        colours = np.array(self._structure.values(directory.entries.get(tags.COLOUR_MAP)), dtype=np.uint16)
        if len(colours) != 3 * 2**bits:
            raise DamagedError("its colour table has the wrong size")
        table_K4 = np.full((2**bits, 4), 255, dtype=np.uint8)
        table_K4[:, :3] = (colours.reshape(3, -1).T >> 8).astype(np.uint8)
        return table_K4

    def _store(
        self, out: TiffOutput, page: int, values_HWS: NDArray[Any], fields: dict[int, bytes], uses: Counter[int]
    ) -> None:
        directory = self._pages[page]
        layout = layout_of(self._structure, directory)
        before_HWS = None if layout is None or self._direct(page, 1) is None else layout.read(self._data)
        if layout is None or before_HWS is None:
            self._store_deflate(out, directory, values_HWS, fields, uses)
            return
        offsets, lengths = [], []
        for chunk in layout.chunks:
            content = layout.encoded(chunk, before_HWS, values_HWS)
            offset, length = chunk.offset, chunk.length
            if content is not None:
                is_only_user = uses[offset] == 1
                if is_only_user:
                    out.erase(offset, length)
                length = len(content)
                if is_only_user and length <= chunk.length:
                    out.replace(offset, content)
                else:
                    offset = out.append(content)
            offsets.append(offset)
            lengths.append(length)
        where, size = (tags.TILE_OFFSETS, tags.TILE_BYTES) if layout.tiled else (tags.STRIP_OFFSETS, tags.STRIP_BYTES)
        fields[where] = out.numbers(where, offsets)
        fields[size] = out.numbers(size, lengths)

    def _store_deflate(
        self,
        out: TiffOutput,
        directory: Directory,
        values_HWS: NDArray[Any],
        fields: dict[int, bytes],
        uses: Counter[int],
    ) -> None:
        """Write a page as one Deflate strip of 8- or 16-bit samples in place of an encoding that cannot be written."""
        self._erase(out, directory, uses)
        height, width, samples = values_HWS.shape
        for tag in _ENCODING_FIELDS:
            fields.pop(tag, None)
        depth = 8 * values_HWS.dtype.itemsize
        order: Literal["<", ">"] = "<" if self._structure.order == "<" else ">"
        rows = np.ascontiguousarray(values_HWS.astype(values_HWS.dtype.newbyteorder(order)))
        content = compressed(rows.tobytes(), DEFLATE, rows.nbytes // height, height, width, {})
        for tag, numbers in {
            tags.WIDTH: [width],
            tags.HEIGHT: [height],
            tags.BITS: [depth] * samples,
            tags.COMPRESSION: [DEFLATE],
            tags.PHOTOMETRIC: [{1: 1, 2: 1, 3: 2, 4: 5 if self._is_cmyk(directory) else 2}[samples]],
            tags.STRIP_OFFSETS: [out.append(content)],
            tags.SAMPLES: [samples],
            tags.ROWS_PER_STRIP: [height],
            tags.STRIP_BYTES: [len(content)],
        }.items():
            fields[tag] = out.numbers(tag, numbers)
        if samples == 2 or (samples == 4 and not self._is_cmyk(directory)):
            fields[tags.EXTRA_SAMPLES] = out.numbers(tags.EXTRA_SAMPLES, [2])

    def _is_cmyk(self, directory: Directory) -> bool:
        return self._number(directory, tags.PHOTOMETRIC) == 5

    def _erase(self, out: TiffOutput, directory: Directory, uses: Counter[int]) -> None:
        """Overwrite the strips and tiles of a directory that no other one uses."""
        for where, size in ((tags.STRIP_OFFSETS, tags.STRIP_BYTES), (tags.TILE_OFFSETS, tags.TILE_BYTES)):
            offsets = self._structure.values(directory.entries.get(where))
            lengths = self._structure.values(directory.entries.get(size))
            for offset, length in zip(offsets, lengths, strict=False):
                if uses[offset] <= 1:
                    out.erase(offset, length)

    def _erase_copies(self, out: TiffOutput, directory: Directory) -> None:
        entry = directory.entries.get(_SUB_DIRECTORIES)
        if entry is None or entry.kind not in _OFFSETS:
            return
        size = entry.length // max(entry.count, 1)
        for number in range(entry.count):
            try:
                for copy in self._structure.chain(entry.offset + number * size):
                    self._erase(out, copy, Counter())
            except DamagedError:
                continue

    def _chunk_offsets(self, directory: Directory) -> Iterable[int]:
        try:
            for tag in (tags.STRIP_OFFSETS, tags.TILE_OFFSETS):
                yield from self._structure.values(directory.entries.get(tag))
        except DamagedError:
            return

    def _number(self, directory: Directory, tag: int, default: int = 0) -> int:
        values = self._structure.values(directory.entries.get(tag))
        return values[0] if values else default
