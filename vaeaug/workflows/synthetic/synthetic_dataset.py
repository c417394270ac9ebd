"""A dataset with synthetic images: while it is made by `augment` or `sample`, and the result of these commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vaeaug.contracts import Sampler
from vaeaug.dataset.image_cache import InvalidImage
from vaeaug.dataset.passed_over import PassedOver
from vaeaug.dataset.rules import DecodeRules
from vaeaug.export.card import ClassCount
from vaeaug.export.class_format import ClassFormat
from vaeaug.export.manifest import Sources
from vaeaug.export.real import RealImage
from vaeaug.export.synthesis_method import Edited
from vaeaug.models.store import StoredModel
from vaeaug.plugins import Provided
from vaeaug.synthesis.pixel_limits import PixelLimits
from vaeaug.workflows.run import Run
from vaeaug.workflows.samplers import sampler_config
from vaeaug.workflows.settings import RunSettings
from vaeaug.workflows.synthetic.sample_filter import SampleFilter


@dataclass(frozen=True, slots=True)
class SyntheticDataset:
    """A dataset with synthetic images under construction.

    Attributes:
        counts: class -> number of synthetic images.
        kinds: class -> the format that its images are written in.
        real: the images of DATA that were copied: real ones, and synthetic ones of earlier runs.
        first: class -> number of the first chunk of samples, if earlier runs made samples before it.
        originals: `file_name` in the data -> file of each real training image; empty for `sample`.
        examples: class -> `file_name` of some real training images, to show beside the synthetic ones.
        settings: the settings that decide the result.
        sample_filter: decides which samples are kept; None to keep all.
        limits: class -> limits of pixel changes of its real images; classes without limits are missing.
        class_options: class -> its sampler options, if they are not `sampler_options`.
        held_out: a sentence about the images that were held out of the data; empty if none were.
    """

    command: str
    run: Run[RunSettings]
    model: StoredModel
    counts: Mapping[str, int]
    kinds: Mapping[str, ClassFormat]
    decoding: DecodeRules
    real: Sequence[RealImage]
    sources: Sources
    first: Mapping[str, int]
    originals: Mapping[str, Path]
    examples: Mapping[str, Sequence[str]]
    settings: Mapping[str, Any]
    sampler: Provided[Sampler]
    sampler_options: Mapping[str, Any]
    seed: int
    passed_over: Sequence[PassedOver] = ()
    sample_filter: SampleFilter | None = None
    limits: Mapping[str, PixelLimits] = field(default_factory=dict)
    class_options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    invalid: Sequence[InvalidImage] = ()
    held_out: str = ""

    @property
    def out(self) -> Path:
        """The dataset directory while it is being built."""
        return self.run.content

    @property
    def edited(self) -> Edited | None:
        """What the card says about edited real images; None if the sampler draws new ones."""
        sampler = self.sampler.cls
        if not sampler.edits:
            return None
        others = sampler.shares_detail_of(sampler_config(sampler, self.sampler_options))
        return Edited(others, deformed=sampler.deforms, trained=sampler.trains)

    @property
    def journal(self) -> Path:
        """The journal of the synthetic images that are written."""
        return self.run.scratch / "synthetic.jsonl"

    @property
    def rejected(self) -> Path:
        """The directory of dropped samples that the report shows."""
        return self.run.scratch / "rejected"


@dataclass(frozen=True, slots=True)
class WrittenSamples:
    """The synthetic images of a dataset.

    Attributes:
        counts: class -> number of images.
        dropped: class -> reason -> number of dropped samples; classes without dropped samples are missing.
        examples: class -> names of its first images, relative to `train`.
    """

    counts: Mapping[str, int]
    dropped: Mapping[str, Mapping[str, int]]
    examples: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class AugmentResult:
    """The result of `augment` and of `sample`.

    Attributes:
        out: the dataset directory.
        counts: numbers of images by class and kind.
        sampler: the sampler that drew the synthetic images.
        warnings: the warnings (posterior collapse, images left out).
        dropped: class -> reason -> number of dropped samples.
        verdict: a sentence on whether the synthetic images help a classifier; None if that was not evaluated.
    """

    out: Path
    counts: tuple[ClassCount, ...]
    sampler: str
    warnings: tuple[str, ...]
    dropped: Mapping[str, Mapping[str, int]]
    verdict: str | None = None

    @classmethod
    def from_record(cls, out: Path, record: Mapping[str, Any], verdict: str | None = None) -> AugmentResult:
        """Return the result of a finished run from its `vaeaug.json`, with the verdict of its evaluation, if any."""
        counts = tuple(ClassCount(**entry) for entry in record["counts"].values())
        return cls(out, counts, record["sampler"], tuple(record["remarks"]), record["dropped"], verdict)
