"""A run of consecutive samples of one class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vaeaug.synthesis.edit import Edit


@dataclass(frozen=True, slots=True)
class SampleChunk:
    """Samples `start` ... `start + len(pixels_BHWC) - 1` of a class.

    Attributes:
        pixels_BHWC: at the model's size, C = 1 or 3.
        sources: for each sample the `file_name` of the real image it was generated or edited from, or None.
        edits: for each sample its edit, if the sampler edits real images; files are made from these.
        floats_BHWC: the same images in [0, 1], for files of more than 8 bits.
        verdicts: for each sample why it is dropped, or None.
    """

    label: str
    start: int
    pixels_BHWC: NDArray[np.uint8]
    sources: tuple[str | None, ...]
    sampler: str
    edits: tuple[Edit, ...] | None = None
    verdicts: tuple[str | None, ...] | None = None
    floats_BHWC: NDArray[np.float32] | None = None

    @property
    def kept(self) -> tuple[int, ...]:
        """Offsets of the kept samples from `start`."""
        if self.verdicts is None:
            return tuple(range(len(self.pixels_BHWC)))
        return tuple(offset for offset, verdict in enumerate(self.verdicts) if verdict is None)
