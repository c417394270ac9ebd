"""What a report says about an evaluation: whether synthetic images help a classifier, and what they are like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vaeaug.evaluation.embedding_map import EmbeddingMap
    from vaeaug.evaluation.fidelity import FidelityReport
    from vaeaug.evaluation.memorisation import Memorisation
    from vaeaug.pages.class_samples import SampleRow
    from vaeaug.pages.embedded_images import PageImage


@dataclass(frozen=True, slots=True)
class Score:
    """A figure in [0, 1] and its 95 % interval.

    Attributes:
        mean: over seeds.
        half: half the width of the interval; None if there is none.
    """

    mean: float
    half: float | None = None


@dataclass(frozen=True, slots=True)
class ArmRow:
    """The results of classifiers trained on one kind of training set.

    Attributes:
        name: what they were trained on, in words.
        scores: measure -> figure, the same measures in every row; the first one is drawn.
        runs: the first measure of every seed, in [0, 1].
        compared: whether the verdict compares it.
    """

    name: str
    scores: Mapping[str, Score]
    runs: Sequence[float]
    compared: bool = False


@dataclass(frozen=True, slots=True)
class RecallRow:
    """How the recall of one class changes with the synthetic images.

    Attributes:
        label: the class.
        images: how many test images it has.
        before: mean recall without them, in [0, 1].
        after: with them.
        half: half the width of the 95 % interval of the change; None if there is none.
    """

    label: str
    images: int
    before: float
    after: float
    half: float | None = None


@dataclass(frozen=True, slots=True)
class PairPicture:
    """A synthetic image and the real training image closest to it.

    Attributes:
        label: the class of the synthetic image.
        synthetic: the image.
        real: the image.
        real_name: the name of the real image.
        distance: as a fraction of the distance below which an image is unusually close.
    """

    label: str
    synthetic: PageImage
    real: PageImage
    real_name: str
    distance: float


@dataclass(frozen=True, slots=True)
class EvaluationPart:
    """What was found. What is empty or None is left out.

    Attributes:
        verdict: the answer in one sentence.
        decision: the same in a word, which sets its colour: `helps`, `harms`, `does not help` or `undecided`.
        method: how it was measured, in a sentence or two: seeds, test images, folds.
        facts: short figures for the top of the page: name -> value.
        chance: the first measure of `arms` for a classifier that always predicts the most frequent class, in [0, 1].
        arms: one per kind of training set, in the order in which they are shown.
        recall: one per class that has test images.
        recall_of: the names of the arms that `before` and `after` belong to.
        samples: randomly drawn synthetic images of each class; as `real`, the real image closest to each.
        fidelity: how similar real and synthetic images are.
        memorisation: how many synthetic images are copies.
        pairs: the closest pairs, closest first.
        edited: whether the synthetic images are edits of real ones, which are similar and close to them by design.
        map: real and synthetic images in the plane.
        settings: of the evaluation: name -> value.
        warnings: each a sentence.
    """

    verdict: str
    decision: str
    method: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)
    chance: float | None = None
    arms: Sequence[ArmRow] = ()
    recall: Sequence[RecallRow] = ()
    recall_of: tuple[str, str] = ("without", "with")
    samples: Sequence[SampleRow] = ()
    fidelity: FidelityReport | None = None
    memorisation: Memorisation | None = None
    pairs: Sequence[PairPicture] = ()
    edited: bool = False
    map: EmbeddingMap | None = None
    settings: Mapping[str, object] = field(default_factory=dict)
    warnings: Sequence[str] = ()
