"""Random holes in images: what an inpainting encoder is trained on, and what `--random-holes` cuts."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def random_hole(kind: str, height: int, width: int, rng: np.random.Generator) -> Mask:
    """Return a random hole, bool (H, W), True where pixels are missing: at least one pixel, and never all."""
    draw = _DRAWS[kind]
    while True:  # a stroke can miss every pixel of a tiny image, and scattered pixels can take them all
        hole_HW = draw(height, width, rng)
        if hole_HW.any() and not hole_HW.all():
            return hole_HW


def _rectangle(height: int, width: int, rng: np.random.Generator) -> Mask:
    """Draw a rectangle anywhere, of a quarter to three quarters of each side."""
    rows, columns = (max(1, round(side * rng.uniform(0.25, 0.75))) for side in (height, width))
    top, left = rng.integers(height - rows + 1), rng.integers(width - columns + 1)
    hole_HW = np.zeros((height, width), bool)
    hole_HW[top : top + rows, left : left + columns] = True
    return hole_HW


def _strokes(height: int, width: int, rng: np.random.Generator) -> Mask:
    """Draw one to four strokes of a brush, each a bent line (Yu et al., Free-Form Image Inpainting, 2019, sec. 3.4)."""
    canvas_HW = np.zeros((height, width), np.uint8)
    side = min(height, width)
    for _ in range(rng.integers(1, 5)):
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        angle, brush = rng.uniform(0, 2 * np.pi), max(1, round(side * rng.uniform(0.06, 0.2)))
        for _ in range(rng.integers(2, 6)):
            angle += rng.normal(0, 0.8)
            length = side * rng.uniform(0.1, 0.4)
            end_x, end_y = x + length * np.cos(angle), y + length * np.sin(angle)
            cv2.line(canvas_HW, (round(x), round(y)), (round(end_x), round(end_y)), 1, brush)
            x, y = np.clip(end_x, 0, width - 1), np.clip(end_y, 0, height - 1)
    return canvas_HW.astype(bool)


def _border(height: int, width: int, rng: np.random.Generator) -> Mask:
    """Leave a rectangle of 40 to 80 % of each side visible, about in the middle."""
    hole_HW = np.ones((height, width), bool)
    rows, columns = (max(1, round(side * rng.uniform(0.4, 0.8))) for side in (height, width))
    top, left = (round((side - kept) * rng.uniform(0.2, 0.8)) for side, kept in ((height, rows), (width, columns)))
    hole_HW[top : top + rows, left : left + columns] = False
    return hole_HW


def _half(height: int, width: int, rng: np.random.Generator) -> Mask:
    """Take away one side of the image, 30 to 70 % of it; half of the time exactly half."""
    fraction = 0.5 if rng.random() < 0.5 else rng.uniform(0.3, 0.7)
    hole_HW = np.zeros((height, width), bool)
    turned = hole_HW if rng.random() < 0.5 else hole_HW.T
    turned[: max(1, round(len(turned) * fraction))] = True
    return hole_HW if rng.random() < 0.5 else hole_HW[::-1, ::-1].copy()


def _quadrants(height: int, width: int, rng: np.random.Generator) -> Mask:
    """Take away one to three of the four quarters."""
    removed = rng.permutation(4)[: rng.integers(1, 4)]
    quarters = np.isin(np.arange(4), removed).reshape(2, 2)
    rows, columns = np.arange(height) * 2 // height, np.arange(width) * 2 // width
    return np.asarray(quarters[rows][:, columns])


def _scatter(height: int, width: int, rng: np.random.Generator) -> Mask:
    """Take away single pixels, 50 to 90 % of them."""
    return np.asarray(rng.random((height, width)) < rng.uniform(0.5, 0.9))


_DRAWS: dict[str, Callable[[int, int, np.random.Generator], Mask]] = {
    "rectangle": _rectangle,
    "strokes": _strokes,
    "border": _border,
    "half": _half,
    "quadrants": _quadrants,
    "scatter": _scatter,
}

KINDS = tuple(_DRAWS)
"""The kinds of holes there are."""
