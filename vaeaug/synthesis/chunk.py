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
        label: the class name.
        start: index of the first sample within its class.
        pixels_BHWC: uint8 images at the model's size, C = 1 or 3.
        sources: for each sample the `file_name` of the real image it was drawn around or changed from, or None.
        sampler: the name of the sampler that drew them.
        edits: for each sample how it changes its source, where the sampler changes real images; then the files are made
            of these and not of `pixels_BHWC`. Else None.
        floats_BHWC: the same as float32 in [0, 1], where files of more than 8 bits are made of them; otherwise None.
        verdicts: for each sample why it is dropped, or None if it is kept; None if nothing is.
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
        """Which samples are kept, counted from `start`."""
        if self.verdicts is None:
            return tuple(range(len(self.pixels_BHWC)))
        return tuple(offset for offset, verdict in enumerate(self.verdicts) if verdict is None)
