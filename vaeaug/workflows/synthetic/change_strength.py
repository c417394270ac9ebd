"""The strength of the changes to real images of a class: as strong as the filter classifiers accept.

A first chunk of samples is drawn at the sampler's default strength. If the classifiers drop more than one sample in
five as another class or far from the data, the strength is halved, down to a quarter. The chunk is that of sample 0, so
the choice depends only on the data, the model and the seed, and a resumed run repeats it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from vaeaug.progress import Tick
from vaeaug.synthesis.chunk import SampleChunk
from vaeaug.synthesis.filters.classifier_filter import COPY_CAUSE
from vaeaug.synthesis.generate import CHUNK
from vaeaug.workflows.device import one_thread
from vaeaug.workflows.samplers import sampler_config
from vaeaug.workflows.synthetic.sample_files import drawn_chunks
from vaeaug.workflows.synthetic.sample_filter import SampleFilter
from vaeaug.workflows.synthetic.synthetic_dataset import SyntheticDataset

PROBES = 32
"""Samples of a class that are tested for each strength."""

MIN_ACCEPTED = 0.8
"""Fraction of these that must be accepted. Near copies count as accepted: weaker changes would only make more."""

FACTORS = (1.0, 0.5, 0.25)
"""Factors of the default strength, tried in this order; the last one is not tested."""


@one_thread()
def reduced_strength_options(dataset: SyntheticDataset) -> dict[str, dict[str, Any]]:
    """Return class -> sampler options, for classes with another strength than the default.

    It is empty without a filter, if the sampler has no strength, or if the user has set one.
    """
    option = dataset.sampler.cls.strength_option
    if dataset.sample_filter is None or option is None or option in dataset.sampler_options:
        return {}
    default = getattr(sampler_config(dataset.sampler.cls, dataset.sampler_options), option)
    labels = [label for label, count in dataset.counts.items() if count]
    dataset.run.progress.stage("Choosing the strength of the changes")
    reduced = {}
    for number, label in enumerate(labels):
        for factor in FACTORS:
            options = {**dataset.sampler_options, option: factor * default}
            if factor == FACTORS[-1] or _accepted(dataset, dataset.sample_filter, label, options) >= MIN_ACCEPTED:
                break
        if factor != 1:
            reduced[label] = options
        dataset.run.progress.tick(Tick((number + 1) / len(labels)))
    return reduced


def strength_warnings(dataset: SyntheticDataset) -> Iterator[str]:
    """Yield a warning if images of some classes are changed less than by default."""
    option = dataset.sampler.cls.strength_option
    if option is None:
        return
    default = getattr(sampler_config(dataset.sampler.cls, dataset.sampler_options), option)
    weaker = {label: options[option] for label, options in dataset.class_options.items() if options[option] < default}
    if weaker:
        classes = ", ".join(f"{label} {value:g}" for label, value in weaker.items())
        yield (
            f"images of some classes are changed less than by default, because the filter's classifiers rejected more "
            f"than {1 - MIN_ACCEPTED:.0%} of the first samples; {option} of the sampler '{dataset.sampler.name}': "
            f"{classes}; to set it for all classes: --sampler {dataset.sampler.name} --set-sampler {option}=VALUE"
        )


def _accepted(dataset: SyntheticDataset, sample_filter: SampleFilter, label: str, options: Mapping[str, Any]) -> float:
    """Return the fraction of the first samples of a class that are of the class and near the data."""
    chunk = next(drawn_chunks(dataset, label, [0], CHUNK, options))
    verdicts = sample_filter.verdicts(_first(chunk, PROBES))
    return float(np.mean([verdict in (None, COPY_CAUSE) for verdict in verdicts]))


def _first(chunk: SampleChunk, count: int) -> SampleChunk:
    return dataclasses.replace(
        chunk,
        pixels_BHWC=chunk.pixels_BHWC[:count],
        sources=chunk.sources[:count],
        edits=None if chunk.edits is None else chunk.edits[:count],
    )
