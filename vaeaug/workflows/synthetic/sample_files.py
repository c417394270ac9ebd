"""Draw, decode and write the synthetic images of a dataset; a journal records which ones exist."""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import vaeaug
from vaeaug.export.layout import folder_name, synthetic_name
from vaeaug.export.writer import SampleSpan, WrittenSpan, complete_spans, read_journal, spans
from vaeaug.export.writer import write_samples as write_chunks
from vaeaug.progress import Tick
from vaeaug.synthesis.chunk import SampleChunk
from vaeaug.synthesis.generate import CHUNK, generate
from vaeaug.synthesis.source_images import DeepRange, SourceImages
from vaeaug.workflows.device import one_thread
from vaeaug.workflows.samplers import sampler_config
from vaeaug.workflows.synthetic.rejected_samples import keep_rejected
from vaeaug.workflows.synthetic.sample_filter import SampleFilter
from vaeaug.workflows.synthetic.synthetic_dataset import SyntheticDataset, WrittenSamples

EXAMPLES = 8
"""Images per class and kind in the report."""

MAX_ATTEMPTS = 4
"""Samples that are drawn at most per requested image, if some are dropped."""


@one_thread()
def write_samples(dataset: SyntheticDataset) -> WrittenSamples:
    """Draw, decode and write the synthetic images that do not exist yet, and return all that exist then.

    Images are encoded in threads while others are decoded.
    """
    progress = dataset.run.progress
    progress.stage("Writing synthetic images")
    train = dataset.out / "train"
    written_spans = complete_spans(train, dataset.journal)
    total, done = max(1, sum(dataset.counts.values())), sum(len(entry.kept) for entry in written_spans.values())

    def report(images: int) -> None:
        nonlocal done
        done += images
        progress.tick(Tick(done / total))

    write_chunks(
        _chunks(dataset, written_spans),
        train,
        dataset.journal,
        # No folder for a class without images: torchvision refuses empty ones.
        kinds={label: dataset.kinds[label] for label, count in dataset.counts.items() if count},
        provenance={
            "Software": f"vaeaug {vaeaug.__version__}",
            "vaeaug:model": dataset.model.record.fingerprint,
            "vaeaug:seed": str(dataset.seed),
        },
        threads=dataset.run.settings.workers,
        progress=report,
    )
    written = _written(dataset)
    for label, count in written.counts.items():
        folder = train / folder_name(label)
        if not count and folder.is_dir() and not any(folder.iterdir()):  # every sample of the class was dropped
            folder.rmdir()
    return written


def _chunks(dataset: SyntheticDataset, written_spans: dict[SampleSpan, WrittenSpan]) -> Iterator[SampleChunk]:
    for label, count in dataset.counts.items():
        if dataset.sample_filter is None:
            start = dataset.first.get(label, 0) * CHUNK
            requested = (SampleSpan(label, start + span.start, span.count) for span in spans({label: count}, CHUNK))
            missing = [span.start // CHUNK for span in requested if span not in written_spans]
            yield from drawn_chunks(dataset, label, missing, start + count)
        else:
            yield from _filtered(
                dataset, dataset.sample_filter, label, {s: e for s, e in written_spans.items() if s.label == label}
            )


def drawn_chunks(
    dataset: SyntheticDataset, label: str, numbers: list[int], count: int, options: Mapping[str, Any] | None = None
) -> Iterator[SampleChunk]:
    """Generate chunks of a class by their numbers, by default with the sampler options of the dataset."""
    if options is None:
        options = dataset.class_options.get(label, dataset.sampler_options)
    kind = dataset.kinds[label]
    deep = None if kind.levels is None or kind.value_range is None else DeepRange(kind.levels, kind.value_range)
    return generate(
        dataset.model,
        label,
        numbers,
        sampler=dataset.sampler.cls,
        config=sampler_config(dataset.sampler.cls, options),
        originals=dataset.originals,
        limits=dataset.limits.get(label),
        images=SourceImages(dataset.decoding, deep),
        floats=deep is not None,
        seed=dataset.seed,
        count=count,
    )


def _filtered(
    dataset: SyntheticDataset, sample_filter: SampleFilter, label: str, written_spans: dict[SampleSpan, WrittenSpan]
) -> Iterator[SampleChunk]:
    """Generate chunks until enough samples are kept, or until the maximum of attempts is reached.

    The output has the first samples that are kept, so it does not depend on interruptions.
    """
    kept = {span.start // CHUNK: len(entry.kept) for span, entry in written_spans.items()}
    requested, first = dataset.counts[label], dataset.first.get(label, 0)
    numbers = range(first, first - (-MAX_ATTEMPTS * requested // CHUNK))
    drawn = drawn_chunks(dataset, label, [number for number in numbers if number not in kept], numbers.stop * CHUNK)
    for number in numbers:
        if requested <= 0:
            return
        if number not in kept:
            chunk = next(drawn)  # only when it is needed; the sampler is fitted once
            chunk = _truncated(chunk, sample_filter.verdicts(chunk), requested)
            keep_rejected(
                dataset.rejected, chunk, dataset.kinds[label]
            )  # before the journal says that the chunk is done
            kept[number] = len(chunk.kept)
            yield chunk
        requested -= kept[number]


def _truncated(chunk: SampleChunk, verdicts: list[str | None], requested: int) -> SampleChunk:
    """Return the chunk with its verdicts, cut after the last requested sample."""
    offsets = [offset for offset, verdict in enumerate(verdicts) if verdict is None]
    end = offsets[requested - 1] + 1 if len(offsets) >= requested else len(verdicts)
    return dataclasses.replace(
        chunk,
        pixels_BHWC=chunk.pixels_BHWC[:end],
        sources=chunk.sources[:end],
        edits=None if chunk.edits is None else chunk.edits[:end],
        floats_BHWC=None if chunk.floats_BHWC is None else chunk.floats_BHWC[:end],
        verdicts=tuple(verdicts[:end]),
    )


def _written(dataset: SyntheticDataset) -> WrittenSamples:
    entries = {entry.span: entry for entry in read_journal(dataset.journal)}  # a chunk made twice counts once
    counts: dict[str, int] = dict.fromkeys(dataset.counts, 0)
    dropped: defaultdict[str, Counter[str]] = defaultdict(Counter)
    names: dict[str, list[str]] = {label: [] for label in dataset.counts}
    for span, entry in sorted(entries.items(), key=lambda item: (item[0].label, item[0].start)):
        counts[span.label] += len(entry.kept)
        dropped[span.label].update(entry.dropped)
        folder = folder_name(span.label)
        limit = max(0, EXAMPLES - len(names[span.label]))
        names[span.label] += [
            f"{folder}/{synthetic_name(span.label, span.start + offset, entry.suffix(offset))}"
            for offset in entry.kept[:limit]
        ]
    return WrittenSamples(counts, {label: dict(causes) for label, causes in dropped.items() if causes}, names)
