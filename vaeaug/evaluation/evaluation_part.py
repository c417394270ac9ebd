"""What a report says of synthetic images that were put to the test: whether they help, and what they are like.

What it shows is measured elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from vaeaug.evaluation.embedding_map import EmbeddingMap
    from vaeaug.evaluation.fidelity import FidelityReport
    from vaeaug.evaluation.memorisation import Memorisation
    from vaeaug.evaluation.strip import ContactRow


@dataclass(frozen=True, slots=True)
class Score:
    """A figure in [0, 1] and its 95 % interval.

    Attributes:
        mean: over seeds.
        half: half the width of the interval; None where there is none.
    """

    mean: float
    half: float | None = None


@dataclass(frozen=True, slots=True)
class ArmRow:
    """How well classifiers did that were trained in one way.

    Attributes:
        name: what they were trained on, in words.
        scores: measure -> figure, the same measures in every row; the first is drawn.
        runs: the first measure of every seed, in [0, 1].
        compared: whether the verdict is about it.
    """

    name: str
    scores: Mapping[str, Score]
    runs: Sequence[float]
    compared: bool = False


@dataclass(frozen=True, slots=True)
class RecallRow:
    """What the synthetic images do to one class.

    Attributes:
        label: the class.
        images: its test images.
        before: mean recall without them, in [0, 1].
        after: with them.
        half: half the 95 % interval of the change; None where there is none.
    """

    label: str
    images: int
    before: float
    after: float
    half: float | None = None


@dataclass(frozen=True, slots=True)
class PairPicture:
    """A synthetic image beside the nearest real training image.

    Attributes:
        label: the synthetic image's class.
        synthetic_HWC: uint8, C = 1 or 3.
        real_HWC: likewise.
        real_name: what the real image is called, its file or its class.
        distance: as a share of the distance below which it is unusually near.
    """

    label: str
    synthetic_HWC: NDArray[np.uint8]
    real_HWC: NDArray[np.uint8]
    real_name: str
    distance: float


@dataclass(frozen=True, slots=True)
class EvaluationPart:
    """What was found. What is empty or None is left out.

    Attributes:
        verdict: the answer in one sentence.
        decision: the same in a word, which colours it: `helps`, `harms`, `does not help` or `undecided`.
        method: how that was found out, in a sentence or two: seeds, test images, folds.
        facts: short figures for the top of the page: name -> value.
        chance: the first measure of the arms, of always answering the commonest class, in [0, 1].
        arms: one a way of training, in the order they are shown in.
        recall: one a class that has test images.
        recall_of: what `before` and `after` of those are, as the arms are called.
        samples: some synthetic images of each class, not chosen by looks; as `real`, the nearest real image to each.
        fidelity: how alike real and synthetic images are.
        memorisation: how many are copies.
        pairs: the nearest pairs, nearest first.
        edited: whether the synthetic images are changed real ones, which are like them and near them by construction.
        map: real and synthetic images in the plane.
        settings: how it was evaluated: name -> value.
        warnings: what the user should look at, each a sentence.
    """

    verdict: str
    decision: str
    method: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)
    chance: float | None = None
    arms: Sequence[ArmRow] = ()
    recall: Sequence[RecallRow] = ()
    recall_of: tuple[str, str] = ("without", "with")
    samples: Sequence[ContactRow] = ()
    fidelity: FidelityReport | None = None
    memorisation: Memorisation | None = None
    pairs: Sequence[PairPicture] = ()
    edited: bool = False
    map: EmbeddingMap | None = None
    settings: Mapping[str, object] = field(default_factory=dict)
    warnings: Sequence[str] = ()
