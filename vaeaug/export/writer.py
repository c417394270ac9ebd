"""Synthetic images from a stream of chunks to PNG files: encoded in threads while the next chunk is decoded.

Every file is written in full or not at all, and a chunk whose files are all there is noted in a journal, one JSON line
a chunk: what a resumed run leaves out, and what the manifest is written from. Nothing is held in memory but the chunks
that are being encoded.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vaeaug.disk import write_atomic
from vaeaug.export.layout import make_class_folders, synthetic_name
from vaeaug.export.png import Mode, encode_png, is_complete_png
from vaeaug.export.pool import run_bounded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from vaeaug.dataset.cache import NativeShape
    from vaeaug.synthesis.chunk import SampleChunk

_TAIL = 12
"""Bytes of the chunk that ends a PNG file."""

_LARGE = 128 * 128
"""Pixels from which on encoding in several threads pays."""


@dataclass(frozen=True, slots=True)
class SampleSpan:
    """Samples `start` ... `start + count - 1` of a class: what a `SampleChunk` is to hold."""

    label: str
    start: int
    count: int


@dataclass(frozen=True, slots=True)
class WrittenSpan:
    """A chunk whose files are all there.

    Attributes:
        span: which samples.
        sampler: the name of the sampler that drew them.
        sources: for each sample the real image it was drawn around or changed from; None if there is none for any.
        kept: which of them are there, counted from the first of the span; the others were dropped.
        dropped: why -> how many.
    """

    span: SampleSpan
    sampler: str
    sources: tuple[str | None, ...] | None
    kept: Sequence[int]
    dropped: Mapping[str, int]

    def source(self, offset: int) -> str | None:
        """Return the source of sample `span.start + offset`."""
        return None if self.sources is None else self.sources[offset]


def spans(counts: Mapping[str, int], size: int) -> Iterator[SampleSpan]:
    """Cut the samples wanted into spans of one fixed size (the last of a class may be shorter).

    Args:
        counts: label -> how many samples.
        size: samples a span.
    """
    for label, total in counts.items():
        for start in range(0, total, size):
            yield SampleSpan(label, start, min(size, total - start))


def complete_spans(train: Path, journal: Path) -> dict[SampleSpan, WrittenSpan]:
    """Return what `write_samples` noted of the spans whose files are all there.

    Args:
        train: `OUT/train`.
        journal: what `write_samples` noted; it need not exist.
    """
    written = {entry.span: entry for entry in read_journal(journal)}
    folders = make_class_folders(train, {span.label for span in written})
    # After a power cut a file may be empty although it was written: look at the ends.
    return {span: entry for span, entry in written.items() if _is_there(entry, folders[span.label])}


def write_samples(
    chunks: Iterable[SampleChunk],
    train: Path,
    journal: Path,
    *,
    shapes: Mapping[str, NativeShape],
    provenance: Mapping[str, str],
    threads: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Write every sample that is kept to `train/<class>/synthetic-<class>-<index>.png`; return how many these are.

    Args:
        chunks: the samples; a generator is advanced in the calling thread while others encode.
        train: `OUT/train`, or where it is built.
        journal: where finished chunks are noted; appended to.
        shapes: label -> height, width, mode and colours of the files, but for those of changed real images, which have
            their own.
        provenance: text chunks that all images share (`Software`, `vaeaug:model`, `vaeaug:seed`).
        threads: how many encode; by default one a CPU core for images of 128x128 pixels and more, one for smaller ones
            (they take more time in the interpreter, which threads share, than in zlib: two were no faster than one).
        progress: called with the number of images written since it was last called.

    Raises:
        OSError: the disk is full, or the place cannot be written to. What was written stays and is not made again.
    """
    folders = make_class_folders(train, shapes)
    if threads is None and all(shape.height * shape.width < _LARGE for shape in shapes.values()):
        threads = 1

    def write(chunk: SampleChunk) -> SampleChunk:
        shape, folder = shapes[chunk.label], folders[chunk.label]
        for offset in chunk.kept:
            data = sample_png(chunk, offset, shape, provenance)
            write_atomic(folder / synthetic_name(chunk.label, chunk.start + offset), data, durable=False)
        return chunk

    total = 0
    with journal.open("ab") as log, contextlib.closing(run_bounded(write, chunks, threads)) as finished:
        if log.tell() and not _ends_with_newline(journal):
            log.write(b"\n")  # the last run was stopped in the middle of a line
        for chunk in finished:
            log.write(_entry(chunk))
            log.flush()
            total += len(chunk.kept)
            if progress is not None:
                progress(len(chunk.kept))
    return total


def sample_png(chunk: SampleChunk, offset: int, shape: NativeShape, provenance: Mapping[str, str]) -> bytes:
    """Return the PNG file of a sample, kept or not.

    Args:
        chunk: the samples.
        offset: which one, counted from the first of the chunk.
        shape: height, width, mode and colours of the file; a changed real image has its own instead.
        provenance: text chunks beside those of the sample.

    Raises:
        VaeaugError: the real image that is changed is no longer there.
    """
    source = chunk.sources[offset]
    text = {
        **provenance,
        "vaeaug:class": chunk.label,
        "vaeaug:index": str(chunk.start + offset),
        "vaeaug:sampler": chunk.sampler,
        **({} if source is None else {"vaeaug:source": source}),
    }
    if chunk.edits is None:
        return encode_png(chunk.pixels_BHWC[offset], shape.height, shape.width, shape.mode, text, shape.colours)
    pixels_HWC = chunk.edits[offset].pixels()
    height, width, channels = pixels_HWC.shape
    mode: Mode = "L" if channels == 1 else "RGB"
    return encode_png(pixels_HWC, height, width, mode, text)


def read_journal(journal: Path) -> Iterator[WrittenSpan]:
    """Yield what `write_samples` noted, in the order of writing; a line that was cut off is left out."""
    if not journal.exists():
        return
    with journal.open("rb") as log:
        for line in log:
            entry = _parsed(line)
            if entry is not None:
                yield entry


def _entry(chunk: SampleChunk) -> bytes:
    sources = list(chunk.sources) if any(source is not None for source in chunk.sources) else None
    dropped = Counter(verdict for verdict in chunk.verdicts or () if verdict is not None)
    kept = None if chunk.verdicts is None else chunk.kept
    values = [chunk.label, chunk.start, len(chunk.pixels_BHWC), chunk.sampler, sources, kept, dropped]
    return json.dumps(values).encode() + b"\n"


def _parsed(line: bytes) -> WrittenSpan | None:
    if not line.endswith(b"\n"):
        return None
    try:
        values: list[Any] = json.loads(line)
    except ValueError:
        return None
    label, start, number, sampler, sources, kept, dropped = values
    return WrittenSpan(
        SampleSpan(label, start, number),
        sampler,
        None if sources is None else tuple(sources),
        range(number) if kept is None else kept,
        dropped,
    )


def _ends_with_newline(journal: Path) -> bool:
    with journal.open("rb") as log:
        log.seek(-1, os.SEEK_END)
        return log.read(1) == b"\n"


def _is_there(entry: WrittenSpan, folder: Path) -> bool:
    """Tell whether all files of a span are complete."""
    for offset in entry.kept:
        try:
            with (folder / synthetic_name(entry.span.label, entry.span.start + offset)).open("rb") as file:
                file.seek(-_TAIL, os.SEEK_END)
                if not is_complete_png(file.read(_TAIL)):
                    return False
        except OSError:
            return False
    return True
