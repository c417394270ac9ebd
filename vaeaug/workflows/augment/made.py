"""What `augment` and `sample` make: while it is being built, and when it is there."""

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
from vaeaug.export.kind import ClassKind
from vaeaug.export.manifest import Sources
from vaeaug.export.origin import Edited
from vaeaug.export.real import RealImage
from vaeaug.models.store import StoredModel
from vaeaug.plugins import Provided
from vaeaug.staging import Staging
from vaeaug.synthesis.pixel_limits import PixelLimits
from vaeaug.workflows.augment.filtering import SampleFilter
from vaeaug.workflows.samplers import sampler_config


@dataclass(frozen=True, slots=True)
class Made:
    """What was made, and how.

    Attributes:
        command: `augment` or `sample`.
        staging: where it is being built.
        model: the model they were drawn from.
        counts: class -> number of synthetic images.
        kinds: class -> what its images are written as.
        decoding: how real images are decoded where they are edited.
        real: the images of DATA that were copied: real ones, and synthetic ones of earlier runs.
        sources: names the real image that each image shows.
        first: class -> number of the first chunk of samples, where earlier runs made samples before it.
        originals: every real training image's file by its `file_name` in the data; empty where they are not at hand.
        examples: class -> `file_name` in the data of some real training images, to show beside the synthetic ones.
        settings: what decided the result, for the record and the card.
        sampler: the sampler that drew them.
        sampler_options: its options that are not the defaults.
        seed: of the samples.
        remarks: what the user should know.
        passed_over: what DATA contains and is not used.
        keep: which samples are kept; all if None.
        limits: class -> how far pixels of its real images may be changed; classes without limits are missing.
        class_options: class -> the sampler's options for it, where they are not `sampler_options`.
        invalid: unreadable images that were left out.
        held_out: what was held out of the data for validation or test, in a sentence; empty if nothing was.
    """

    command: str
    staging: Staging
    model: StoredModel
    counts: Mapping[str, int]
    kinds: Mapping[str, ClassKind]
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
    remarks: Sequence[str]
    passed_over: Sequence[PassedOver] = ()
    keep: SampleFilter | None = None
    limits: Mapping[str, PixelLimits] = field(default_factory=dict)
    class_options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    invalid: Sequence[InvalidImage] = ()
    held_out: str = ""

    @property
    def out(self) -> Path:
        """The dataset directory while it is being built."""
        return self.staging.content

    @property
    def edited(self) -> Edited | None:
        """What the card says about edited real images; None if the sampler draws new ones."""
        sampler = self.sampler.cls
        if not sampler.edits:
            return None
        return Edited(sampler.shares_detail_of(sampler_config(sampler, self.sampler_options)))

    @property
    def journal(self) -> Path:
        """The journal of the synthetic images that are written."""
        return self.staging.scratch / "synthetic.jsonl"

    @property
    def rejected(self) -> Path:
        """Where pictures of dropped samples are kept for the report."""
        return self.staging.scratch / "rejected"


@dataclass(frozen=True, slots=True)
class Written:
    """What synthetic images there are in the end.

    Attributes:
        counts: class -> how many.
        dropped: class -> why samples were dropped -> how many; classes of which none was are missing.
        examples: class -> names of its first ones, relative to `train`.
    """

    counts: Mapping[str, int]
    dropped: Mapping[str, Mapping[str, int]]
    examples: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class AugmentResult:
    """What `augment` made.

    Attributes:
        out: the dataset directory.
        counts: images by class and kind.
        sampler: the sampler that drew the synthetic ones.
        remarks: what the user should know (posterior collapse, images left out).
        dropped: class -> why samples were dropped -> how many.
        verdict: whether the synthetic images help a classifier, in a sentence; None where that was not asked.
    """

    out: Path
    counts: tuple[ClassCount, ...]
    sampler: str
    remarks: tuple[str, ...]
    dropped: Mapping[str, Mapping[str, int]]
    verdict: str | None = None


def result_of(out: Path, record: Mapping[str, Any], verdict: str | None = None) -> AugmentResult:
    """Return the result of a run that has finished.

    Args:
        out: the dataset directory.
        record: its `vaeaug.json`.
        verdict: whether the images help, if that was evaluated.
    """
    counts = tuple(ClassCount(**entry) for entry in record["counts"].values())
    return AugmentResult(out, counts, record["sampler"], tuple(record["remarks"]), record["dropped"], verdict)
