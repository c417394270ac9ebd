"""Write synthetic images from a stream of chunks to files, encoded in threads while the next chunk is decoded.

Finished chunks are recorded in a journal, one JSON line each. A resumed run skips them, and the manifest is written
from the journal.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vaeaug.disk import write_atomic
from vaeaug.export.encoding import PNG, Encoding, encode_image, is_complete
from vaeaug.export.layout import make_class_folders, synthetic_name
from vaeaug.export.png import sixteen_bit_pixels, with_alpha
from vaeaug.export.pool import run_bounded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from vaeaug.export.class_format import ClassFormat
    from vaeaug.synthesis.chunk import SampleChunk

_LARGE = 128 * 128
"""Pixels from which on encoding in several threads pays."""


@dataclass(frozen=True, slots=True)
class SampleSpan:
    """Samples `start` ... `start + count - 1` of a class: the content of one `SampleChunk`."""

    label: str
    start: int
    count: int


@dataclass(frozen=True, slots=True)
class WrittenSpan:
    """A chunk with all its files written.

    Attributes:
        sources: for each sample the real image it was generated from; None if there is none for any.
        kept: indices of the samples that were kept, from the first of the span.
        dropped: cause -> number of samples.
        suffixes: of the files of the kept samples, one for each; or one for all.
    """

    span: SampleSpan
    sampler: str
    sources: tuple[str | None, ...] | None
    kept: Sequence[int]
    dropped: Mapping[str, int]
    suffixes: tuple[str, ...]

    def suffix(self, offset: int) -> str:
        """Return the suffix of the file of sample `span.start + offset`, which is kept."""
        return self.suffixes[0] if len(self.suffixes) == 1 else self.suffixes[list(self.kept).index(offset)]

    def source(self, offset: int) -> str | None:
        """Return the source of sample `span.start + offset`."""
        return None if self.sources is None else self.sources[offset]


def spans(counts: Mapping[str, int], size: int) -> Iterator[SampleSpan]:
    """Divide the requested samples into spans of one fixed size (the last one of a class may be shorter)."""
    for label, total in counts.items():
        for start in range(0, total, size):
            yield SampleSpan(label, start, min(size, total - start))


def complete_spans(train: Path, journal: Path) -> dict[SampleSpan, WrittenSpan]:
    """Return the journal entries of the spans with all files present; the journal may be missing."""
    written = {entry.span: entry for entry in read_journal(journal)}
    folders = make_class_folders(train, {span.label for span in written})
    # After a power cut a file may be empty although it was written: look at the ends.
    return {span: entry for span, entry in written.items() if _files_complete(entry, folders[span.label])}


def write_samples(
    chunks: Iterable[SampleChunk],
    train: Path,
    journal: Path,
    *,
    kinds: Mapping[str, ClassFormat],
    provenance: Mapping[str, str],
    threads: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Write every kept sample to `train/<class>/synthetic-<class>-<index>.<suffix>`; return their number.

    Args:
        journal: where finished chunks are appended.
        provenance: fields shared by all images (`Software`, `vaeaug:model`, `vaeaug:seed`).
        threads: by default one per CPU core, or one for images smaller than 128x128 pixels.
        progress: called with the number of images written since the last call.
    """
    folders = make_class_folders(train, kinds)
    if threads is None and all(kind.height * kind.width < _LARGE for kind in kinds.values()):
        threads = 1

    def write(chunk: SampleChunk) -> tuple[SampleChunk, list[str]]:
        kind, folder = kinds[chunk.label], folders[chunk.label]
        suffixes = []
        for offset in chunk.kept:
            encoding = sample_encoding(chunk, offset, kind)
            data = sample_file(chunk, offset, kind, encoding, provenance)
            name = synthetic_name(chunk.label, chunk.start + offset, encoding.suffix)
            write_atomic(folder / name, data, durable=False)
            suffixes.append(encoding.suffix)
        return chunk, suffixes

    total = 0
    with journal.open("ab") as log, contextlib.closing(run_bounded(write, chunks, threads)) as finished:
        if log.tell() and not _ends_with_newline(journal):
            log.write(b"\n")  # the last run was stopped in the middle of a line
        for chunk, suffixes in finished:
            log.write(_entry(chunk, suffixes))
            log.flush()
            total += len(chunk.kept)
            if progress is not None:
                progress(len(chunk.kept))
    return total


def sample_encoding(chunk: SampleChunk, offset: int, kind: ClassFormat) -> Encoding:
    """Return the encoding of a sample's file: that of its source if it is an edited real image."""
    if chunk.edits is None or kind.always_png:
        return kind.encoding
    return kind.encoding_like(chunk.edits[offset].source().traits)


def sample_file(
    chunk: SampleChunk,
    offset: int,
    kind: ClassFormat,
    encoding: Encoding = PNG,
    provenance: Mapping[str, str] | None = None,
) -> bytes:
    """Return the file of a sample, whether or not it was kept; an edited real image keeps its own size."""
    source = chunk.sources[offset]
    text = {
        **(provenance or {}),
        "vaeaug:class": chunk.label,
        "vaeaug:index": str(chunk.start + offset),
        "vaeaug:sampler": chunk.sampler,
        **({} if source is None else {"vaeaug:source": source}),
    }
    if chunk.edits is not None:
        pixels_HWC = chunk.edits[offset].pixels()
        height, width, channels = pixels_HWC.shape
        if kind.transparent:
            kept = channels in (2, 4)
            colours_HWC, alpha_HW = (pixels_HWC[..., :-1], pixels_HWC[..., -1]) if kept else (pixels_HWC, None)
            pixels_HWC = with_alpha(colours_HWC, alpha_HW, kind.mode)
        return encode_image(pixels_HWC, height, width, kind.mode, encoding, text)
    size = kind.height, kind.width
    if kind.levels is not None and kind.value_range is not None:
        exact = chunk.pixels_BHWC[offset] if chunk.floats_BHWC is None else chunk.floats_BHWC[offset]
        sixteen_HWC = sixteen_bit_pixels(exact, *size, kind.levels, kind.value_range)
        return encode_image(sixteen_HWC, *size, kind.mode, encoding, text)
    return encode_image(chunk.pixels_BHWC[offset], *size, kind.mode, encoding, text, kind.colours)


def read_journal(journal: Path) -> Iterator[WrittenSpan]:
    """Yield what `write_samples` noted, in the order of writing; a line that was cut off is left out."""
    if not journal.exists():
        return
    with journal.open("rb") as log:
        for line in log:
            entry = _parsed(line)
            if entry is not None:
                yield entry


def _entry(chunk: SampleChunk, suffixes: Sequence[str]) -> bytes:
    sources = list(chunk.sources) if any(source is not None for source in chunk.sources) else None
    dropped = Counter(verdict for verdict in chunk.verdicts or () if verdict is not None)
    kept = None if chunk.verdicts is None else chunk.kept
    listed = suffixes if len(set(suffixes)) > 1 else suffixes[:1]
    values = [chunk.label, chunk.start, len(chunk.pixels_BHWC), chunk.sampler, sources, kept, dropped, listed]
    return json.dumps(values).encode() + b"\n"


def _parsed(line: bytes) -> WrittenSpan | None:
    if not line.endswith(b"\n"):
        return None
    try:
        values: list[Any] = json.loads(line)
    except ValueError:
        return None
    label, start, number, sampler, sources, kept, dropped, suffixes = values
    return WrittenSpan(
        SampleSpan(label, start, number),
        sampler,
        None if sources is None else tuple(sources),
        range(number) if kept is None else kept,
        dropped,
        tuple(suffixes),
    )


def _ends_with_newline(journal: Path) -> bool:
    with journal.open("rb") as log:
        log.seek(-1, os.SEEK_END)
        return log.read(1) == b"\n"


def _files_complete(entry: WrittenSpan, folder: Path) -> bool:
    names = (synthetic_name(entry.span.label, entry.span.start + n, entry.suffix(n)) for n in entry.kept)
    return all(is_complete(folder / name) for name in names)
