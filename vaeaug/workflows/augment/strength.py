"""How strongly real images of a class are changed: as strongly as the filter's classifiers accept.

A first chunk of samples is drawn at the sampler's default strength. If the
classifiers drop more than one sample in five as another class or far from the data, the strength is halved, down to a
quarter of the default. The chunk is that of sample 0, so the choice depends on the data, the model and the seed only,
and a resumed run makes it again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from vaeaug.progress import Progress, Tick
from vaeaug.synthesis.chunk import SampleChunk
from vaeaug.synthesis.filters.judge import COPY_CAUSE
from vaeaug.synthesis.generate import CHUNK
from vaeaug.workflows.augment.filtering import SampleFilter
from vaeaug.workflows.augment.made import Made
from vaeaug.workflows.augment.write import drawn_chunks
from vaeaug.workflows.device import one_thread
from vaeaug.workflows.samplers import sampler_config

PROBES = 32
"""Samples of a class that are looked at for each strength."""

LEAST_ACCEPTED = 0.8
"""Fraction of these that must be accepted, near copies being no objection: a weaker change would only make more."""

FACTORS = (1.0, 0.5, 0.25)
"""Of the default strength, tried in this order; the last is taken without a look."""


@one_thread()
def bounded_options(made: Made, progress: Progress) -> dict[str, dict[str, Any]]:
    """Return the sampler's options of each class whose images are changed by another strength than the default.

    Nothing is bounded without a filter, if the sampler has no strength, or if the user has set one.
    """
    option = made.sampler.cls.strength_option
    if made.keep is None or option is None or option in made.sampler_options:
        return {}
    default = getattr(sampler_config(made.sampler.cls, made.sampler_options), option)
    wanted = [label for label, count in made.counts.items() if count]
    progress.stage("Choosing the strength of the changes")
    bounded = {}
    for number, label in enumerate(wanted):
        for factor in FACTORS:
            options = {**made.sampler_options, option: factor * default}
            if factor == FACTORS[-1] or _accepted(made, made.keep, label, options) >= LEAST_ACCEPTED:
                break
        if factor != 1:
            bounded[label] = options
        progress.tick(Tick((number + 1) / len(wanted)))
    return bounded


def remarks_on_strength(made: Made) -> Iterator[str]:
    """Yield what the user should know of classes whose images are changed less than by default."""
    option = made.sampler.cls.strength_option
    if option is None:
        return
    default = getattr(sampler_config(made.sampler.cls, made.sampler_options), option)
    weaker = {label: options[option] for label, options in made.class_options.items() if options[option] < default}
    if weaker:
        classes = ", ".join(f"{label} {value:g}" for label, value in weaker.items())
        yield (
            f"images of some classes are changed less than by default, because the filter's classifiers rejected more "
            f"than {1 - LEAST_ACCEPTED:.0%} of a first draw; {option} of the sampler '{made.sampler.name}': {classes}; "
            f"to set it for all classes: --sampler {made.sampler.name} --set-sampler {option}=VALUE"
        )


def _accepted(made: Made, keep: SampleFilter, label: str, options: Mapping[str, Any]) -> float:
    """Return the fraction of the first samples of a class that are of the class and near the data."""
    chunk = next(drawn_chunks(made, label, [0], CHUNK, options))
    verdicts = keep.verdicts(_first(chunk, PROBES))
    return float(np.mean([verdict in (None, COPY_CAUSE) for verdict in verdicts]))


def _first(chunk: SampleChunk, count: int) -> SampleChunk:
    """Return the first samples of a chunk."""
    return dataclasses.replace(
        chunk,
        pixels_BHWC=chunk.pixels_BHWC[:count],
        sources=chunk.sources[:count],
        edits=None if chunk.edits is None else chunk.edits[:count],
    )
