"""Synthetic images of a model into a dataset directory that is being built: shared by `augment` and `sample`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import vaeaug
from vaeaug.export.writer import SampleSpan, missing_spans, spans, write_samples
from vaeaug.progress import Progress, Tick
from vaeaug.synthesis.chunk import SampleChunk
from vaeaug.synthesis.generate import CHUNK, generate
from vaeaug.workflows.device import one_thread
from vaeaug.workflows.made import Made


@one_thread()
def write_synthetic(made: Made, *, threads: int | None, progress: Progress) -> None:
    """Draw, decode and write the synthetic images that are not there yet, encoding in threads while decoding.

    Args:
        made: what to make.
        threads: how many encode; chosen from the size of the images if None.
        progress: hears of every image.
    """
    progress.stage("Writing synthetic images")
    train = made.out / "train"
    missing = missing_spans(spans(made.counts, CHUNK), train, made.journal)
    total, left = sum(made.counts.values()), sum(span.count for span in missing)
    done = total - left

    def add(images: int) -> None:
        nonlocal done
        done += images
        progress.tick(Tick(done / total))

    write_samples(
        _chunks(made, missing),
        train,
        made.journal,
        # No folder for a class that gets nothing: torchvision refuses empty ones.
        shapes={label: made.shapes[label] for label, count in made.counts.items() if count},
        provenance={
            "Software": f"vaeaug {vaeaug.__version__}",
            "vaeaug:model": made.model.record.fingerprint,
            "vaeaug:seed": str(made.seed),
        },
        threads=threads,
        progress=add,
    )


def _chunks(made: Made, missing: list[SampleSpan]) -> Iterator[SampleChunk]:
    """Generate the missing spans, a class after the other."""
    for label, group in groupby(missing, key=lambda span: span.label):
        numbers = [span.start // CHUNK for span in group]
        yield from generate(
            made.model,
            label,
            numbers,
            sampler=made.sampler,
            options=made.sampler_options,
            originals=made.originals,
            seed=made.seed,
            count=made.counts[label],
        )
