"""Synthetic images of a model into a dataset directory that is being built: shared by `augment` and `sample`."""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import vaeaug
from vaeaug.export.layout import folder_name, synthetic_name
from vaeaug.export.writer import SampleSpan, WrittenSpan, complete_spans, read_journal, spans, write_samples
from vaeaug.progress import Progress, Tick
from vaeaug.synthesis.chunk import SampleChunk
from vaeaug.synthesis.generate import CHUNK, generate
from vaeaug.synthesis.source_images import DeepRange, SourceImages
from vaeaug.workflows.augment.filtering import SampleFilter
from vaeaug.workflows.augment.made import Made, Written
from vaeaug.workflows.augment.rejected import keep_rejected
from vaeaug.workflows.device import one_thread
from vaeaug.workflows.samplers import sampler_config

EXAMPLES = 8
"""Images of a class in the report, of each kind."""

MOST_TRIES = 4
"""Samples drawn at most for each that is wanted, where some are dropped."""


@one_thread()
def write_synthetic(made: Made, *, threads: int | None, progress: Progress) -> Written:
    """Draw, decode and write the synthetic images that are not there yet, encoding in threads while decoding.

    Args:
        made: what to make.
        threads: how many encode; chosen from the size of the images if None.
        progress: hears of every image.

    Returns:
        What is there in the end.
    """
    progress.stage("Writing synthetic images")
    train = made.out / "train"
    there = complete_spans(train, made.journal)
    total, done = max(1, sum(made.counts.values())), sum(len(entry.kept) for entry in there.values())

    def add(images: int) -> None:
        nonlocal done
        done += images
        progress.tick(Tick(done / total))

    write_samples(
        _chunks(made, there),
        train,
        made.journal,
        # No folder for a class that gets nothing: torchvision refuses empty ones.
        kinds={label: made.kinds[label] for label, count in made.counts.items() if count},
        provenance={
            "Software": f"vaeaug {vaeaug.__version__}",
            "vaeaug:model": made.model.record.fingerprint,
            "vaeaug:seed": str(made.seed),
        },
        threads=threads,
        progress=add,
    )
    written = _written(made)
    for label, count in written.counts.items():
        folder = train / folder_name(label)
        if not count and folder.is_dir() and not any(folder.iterdir()):  # every sample of the class was dropped
            folder.rmdir()
    return written


def _chunks(made: Made, there: dict[SampleSpan, WrittenSpan]) -> Iterator[SampleChunk]:
    """Generate what is missing, a class after the other."""
    for label, count in made.counts.items():
        if made.keep is None:
            start = made.first.get(label, 0) * CHUNK
            wanted = (SampleSpan(label, start + span.start, span.count) for span in spans({label: count}, CHUNK))
            missing = [span.start // CHUNK for span in wanted if span not in there]
            yield from drawn_chunks(made, label, missing, start + count)
        else:
            yield from _filtered(made, made.keep, label, {s: e for s, e in there.items() if s.label == label})


def drawn_chunks(
    made: Made, label: str, numbers: list[int], count: int, options: Mapping[str, Any] | None = None
) -> Iterator[SampleChunk]:
    """Generate chunks of a class by their numbers; with the run's options of the sampler if none are given."""
    if options is None:
        options = made.class_options.get(label, made.sampler_options)
    kind = made.kinds[label]
    deep = None if kind.levels is None or kind.value_range is None else DeepRange(kind.levels, kind.value_range)
    return generate(
        made.model,
        label,
        numbers,
        sampler=made.sampler.cls,
        config=sampler_config(made.sampler.cls, options),
        originals=made.originals,
        limits=made.limits.get(label),
        images=SourceImages(made.decoding, deep),
        floats=deep is not None,
        seed=made.seed,
        count=count,
    )


def _filtered(
    made: Made, keep: SampleFilter, label: str, there: dict[SampleSpan, WrittenSpan]
) -> Iterator[SampleChunk]:
    """Generate chunks of a class until enough samples are kept, or it is plain that there never will be enough.

    The first samples that are kept are those of the output, so what is there does not depend on an interruption.
    """
    kept = {span.start // CHUNK: len(entry.kept) for span, entry in there.items()}
    wanted, first = made.counts[label], made.first.get(label, 0)
    numbers = range(first, first - (-MOST_TRIES * wanted // CHUNK))
    drawn = drawn_chunks(made, label, [number for number in numbers if number not in kept], numbers.stop * CHUNK)
    for number in numbers:
        if wanted <= 0:
            return
        if number not in kept:
            chunk = next(drawn)  # not before it is wanted; the sampler is fitted once
            chunk = _cut(chunk, keep.verdicts(chunk), wanted)
            keep_rejected(made.rejected, chunk, made.kinds[label])  # before the journal says that the chunk is done
            kept[number] = len(chunk.kept)
            yield chunk
        wanted -= kept[number]


def _cut(chunk: SampleChunk, verdicts: list[str | None], wanted: int) -> SampleChunk:
    """Return the chunk with its verdicts, cut after the last sample that is wanted."""
    offsets = [offset for offset, verdict in enumerate(verdicts) if verdict is None]
    end = offsets[wanted - 1] + 1 if len(offsets) >= wanted else len(verdicts)
    return dataclasses.replace(
        chunk,
        pixels_BHWC=chunk.pixels_BHWC[:end],
        sources=chunk.sources[:end],
        edits=None if chunk.edits is None else chunk.edits[:end],
        floats_BHWC=None if chunk.floats_BHWC is None else chunk.floats_BHWC[:end],
        verdicts=tuple(verdicts[:end]),
    )


def _written(made: Made) -> Written:
    """Read from the journal what was written."""
    entries = {entry.span: entry for entry in read_journal(made.journal)}  # a chunk made twice counts once
    counts: dict[str, int] = dict.fromkeys(made.counts, 0)
    dropped: defaultdict[str, Counter[str]] = defaultdict(Counter)
    names: dict[str, list[str]] = {label: [] for label in made.counts}
    for span, entry in sorted(entries.items(), key=lambda item: (item[0].label, item[0].start)):
        counts[span.label] += len(entry.kept)
        dropped[span.label].update(entry.dropped)
        folder = folder_name(span.label)
        room = max(0, EXAMPLES - len(names[span.label]))
        names[span.label] += [
            f"{folder}/{synthetic_name(span.label, span.start + offset, entry.suffix(offset))}"
            for offset in entry.kept[:room]
        ]
    return Written(counts, {label: dict(causes) for label, causes in dropped.items() if causes}, names)
