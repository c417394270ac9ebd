"""Windows: the parts of an image that a model completes, of about the size of its training images.

- An image of at most one and a half times that size (height and width) is used whole, resized.
- In a larger one, a window of that size is cut out around each cluster of holes, larger in the same proportions where
  that is necessary to include some of the image around the hole. Holes of at most a quarter of that size are clustered
  on a grid; a larger one is a cluster by itself.

Missing pixels of other clusters are missing in a window too, so no result depends on the order of the windows. For
larger images that show the same content in more pixels, `whole` uses every image whole.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

REGIONS = ("auto", "whole")
"""`auto` is the rule above."""

WHOLE_RATIO = 1.5
"""Times the model's native size up to which an image is shown whole."""

CONTEXT_RATIO = 2.0
"""Times the cluster's size that a window has at the least: half the hole's size is seen on each side."""


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """A part of an image, and the holes in it that are filled from it.

    Attributes:
        fill_HW: True for missing pixels of this cluster; its shape is that of the part.
    """

    top: int
    left: int
    fill_HW: NDArray[np.bool_]

    @property
    def part(self) -> tuple[slice, slice]:
        """Its location, as an index into (H, W)."""
        height, width = self.fill_HW.shape
        return np.s_[self.top : self.top + height, self.left : self.left + width]


def shown_whole(size: tuple[int, int], native: tuple[int, int], region: str = "auto") -> bool:
    """Return whether an image of some height and width is shown whole."""
    return region == "whole" or (size[0] <= WHOLE_RATIO * native[0] and size[1] <= WHOLE_RATIO * native[1])


def windows(missing_HW: NDArray[np.bool_], native: tuple[int, int], region: str = "auto") -> list[Window]:
    """Return the windows that together fill all holes, the largest hole's first; `native`: size of training images."""
    height, width = missing_HW.shape
    if shown_whole((height, width), native, region):
        return [Window(0, 0, missing_HW)]
    count, component_HW, stats_CS, _ = cv2.connectedComponentsWithStats(missing_HW.astype(np.uint8), connectivity=8)
    boxes_C4 = stats_CS[:, [cv2.CC_STAT_TOP, cv2.CC_STAT_LEFT, cv2.CC_STAT_HEIGHT, cv2.CC_STAT_WIDTH]].tolist()
    grid = max(1, native[0] // 4), max(1, native[1] // 4)
    clusters: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
    for number in range(1, count):  # 0 is what is visible
        top, left, rows, columns = boxes_C4[number]
        small = rows <= grid[0] and columns <= grid[1]
        cell = ((top + rows // 2) // grid[0], (left + columns // 2) // grid[1])
        clusters[cell if small else (number,)].append(number)
    found = []
    for numbers in clusters.values():
        box = _around([boxes_C4[number] for number in numbers], native, (height, width))
        window = np.s_[box[0] : box[0] + box[2], box[1] : box[1] + box[3]]
        found.append(Window(box[0], box[1], np.isin(component_HW[window], numbers)))
    return sorted(found, key=lambda window: (-int(window.fill_HW.sum()), window.top, window.left))


def _around(boxes: list[list[int]], native: tuple[int, int], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return top, left, height and width of the window around some boxes (each so)."""
    tops, lefts, rows, columns = zip(*boxes, strict=True)
    low = min(tops), min(lefts)
    high = max(map(sum, zip(tops, rows, strict=True))), max(map(sum, zip(lefts, columns, strict=True)))
    needed = [CONTEXT_RATIO * (high[axis] - low[axis]) / native[axis] for axis in (0, 1)]
    grown = max(1.0, *needed)
    sides = [min(round(native[axis] * grown), size[axis]) for axis in (0, 1)]
    middles = [(low[axis] + high[axis]) // 2 for axis in (0, 1)]
    starts = [min(max(middles[axis] - sides[axis] // 2, 0), size[axis] - sides[axis]) for axis in (0, 1)]
    return starts[0], starts[1], sides[0], sides[1]
