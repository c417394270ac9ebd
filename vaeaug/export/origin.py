"""What synthetic images are made of, and what follows for who may see and use them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from vaeaug.export.source_type import SourceType


class Origin(Protocol):
    """What synthetic images are made of."""

    @property
    def text(self) -> str:
        """What they are: lines of a quotation in Markdown."""

    @property
    def licence(self) -> str:
        """Where the licence of the real images holds besides, to end a sentence with."""

    @property
    def source_type(self) -> SourceType:
        """What their files say."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """That a model drew the synthetic images."""

    text = """\
> **Some of these images are not photographs of anything.** Files named `synthetic-*` were drawn by a variational
> autoencoder that learned from the real ones. They repeat its errors and the biases of its training data, and may
> resemble single training images."""
    licence = "may hold for what was learned from them"
    source_type = SourceType.TRAINED


@dataclass(frozen=True, slots=True)
class Edited:
    """That the synthetic images are real ones, changed.

    Attributes:
        others: of how many other real images at most each shows fine detail; 0 where it has its own alone.
    """

    others: int

    licence = "for the synthetic images made of them"
    source_type = SourceType.TRAINED

    @property
    def text(self) -> str:
        """What they are: lines of a quotation in Markdown."""
        if self.others:
            how = f"detail of up to {self.others:,} other real images, which are not named, is in each"
        else:
            how = "the fine detail of each is its own"
        return f"""\
> **The synthetic images show real ones.** Files named `synthetic-*` are real images of the training set, changed as
> others of their class differ. What is coarse was changed by a variational autoencoder that learned from them;
> {how}. Each still shows much of its
> source, which `manifest.csv` names under `source`. So the privacy and the licence of the real images hold for them as
> for the originals, also where the originals are left out. They repeat the errors of the autoencoder and the biases of
> its training data."""


@dataclass(frozen=True, slots=True)
class Filled:
    """That the synthetic images are real ones with holes that a model filled, the rest being as it was."""

    text = """\
> **The synthetic images show real ones.** Files named `synthetic-*` are real images of the training set into which
> holes were cut that a variational autoencoder filled; all around the holes is as it was. `manifest.csv` names each
> one's source under `source`: an image must stay in the split of its source. The privacy and the licence of the real
> images hold for them as for the originals."""
    licence = "for the synthetic images made of them"
    source_type = SourceType.COMPOSITE
