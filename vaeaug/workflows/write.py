"""Synthetic images of a model into a dataset directory that is being built: shared by `augment` and `sample`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path

import vaeaug
from vaeaug.dataset.image_cache import NativeShape
from vaeaug.export.writer import SampleSpan, missing_spans, spans, write_samples
from vaeaug.models.store import StoredModel
from vaeaug.progress import Progress, Tick
from vaeaug.synthesis.chunk import SampleChunk
from vaeaug.synthesis.generate import CHUNK, generate
from vaeaug.workflows.device import one_thread

JOURNAL = "synthetic.jsonl"


@one_thread()
def write_synthetic(
    model: StoredModel,
    counts: Mapping[str, int],
    out: Path,
    scratch: Path,
    *,
    sampler: str,
    seed: int,
    threads: int | None,
    progress: Progress,
) -> None:
    """Draw, decode and write the synthetic images that are not there yet, encoding in threads while decoding.

    Args:
        model: the trained model.
        counts: class -> number of images.
        out: the dataset directory.
        scratch: where the journal of what is done lies.
        sampler: name of the sampler (not `auto`).
        seed: of the samples.
        threads: how many encode; chosen from the size of the images if None.
        progress: hears of every image.
    """
    progress.stage("Writing synthetic images")
    train = out / "train"
    missing = missing_spans(spans(counts, CHUNK), train, scratch / JOURNAL)
    total, left = sum(counts.values()), sum(span.count for span in missing)
    done = total - left

    def count(images: int) -> None:
        nonlocal done
        done += images
        progress.tick(Tick(done / total))

    write_samples(
        _chunks(model, missing, counts, sampler, seed),
        train,
        scratch / JOURNAL,
        shapes={
            entry.name: NativeShape(entry.height, entry.width, "RGB" if entry.mode == "RGB" else "L")
            for entry in model.record.classes
            if counts.get(entry.name)  # no folder for a class that gets nothing: torchvision refuses empty ones
        },
        provenance={
            "Software": f"vaeaug {vaeaug.__version__}",
            "vaeaug:model": model.record.fingerprint,
            "vaeaug:seed": str(seed),
        },
        threads=threads,
        progress=count,
    )


def _chunks(
    model: StoredModel, missing: list[SampleSpan], counts: Mapping[str, int], sampler: str, seed: int
) -> Iterator[SampleChunk]:
    """Generate the missing spans, a class after the other."""
    for label, group in groupby(missing, key=lambda span: span.label):
        numbers = [span.start // CHUNK for span in group]
        yield from generate(model, label, numbers, sampler=sampler, seed=seed, count=counts[label])
