"""Drawn silhouettes of ten shapes, black on white, 28 x 28 gray, for the benchmarks: the same bytes on every machine.

Each has a place, a size, an angle and corners of its own, and half of them a white crack. Polygons are hard
to tell apart, and mirroring changes no class.
"""

from __future__ import annotations

import cv2
import numpy as np

CLASSES = (
    "disk", "triangle", "square", "pentagon", "hexagon", "heptagon", "star-5", "star-6", "cross", "crescent",
)  # fmt: skip
SIDE, OVERSAMPLING = 28, 8
_FRACTION_BITS = 4


def load(per_class: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return uint8 images (N, 28, 28, 1) and labels (N,)."""
    rng = np.random.default_rng([seed, 28])
    labels_N = np.repeat(np.arange(len(CLASSES)), per_class)
    return np.stack([_draw(CLASSES[label], rng) for label in labels_N])[..., None], labels_N


def _draw(name: str, rng: np.random.Generator) -> np.ndarray:
    side = SIDE * OVERSAMPLING
    image = np.full((side, side), 255, np.uint8)
    angle, scale = rng.uniform(0, 2 * np.pi), rng.uniform(0.22, 0.36, 2)
    centre = 0.5 + rng.uniform(-0.1, 0.1, 2)

    def points(radius: np.ndarray, turns: np.ndarray, offset: float = 0) -> np.ndarray:
        angles = turns * 2 * np.pi + angle
        xy = np.stack([radius * np.cos(angles) + offset, radius * np.sin(angles)], axis=1) * scale + centre
        return np.round(xy * side * 2**_FRACTION_BITS).astype(np.int32)

    def fill(corners: np.ndarray, value: int) -> None:
        cv2.fillPoly(image, [corners], value, shift=_FRACTION_BITS)

    if name in ("disk", "crescent"):
        fill(points(np.ones(60), np.arange(60) / 60), 0)
        if name == "crescent":
            fill(points(np.full(60, 0.85), np.arange(60) / 60, offset=rng.uniform(0.3, 0.6)), 255)
    else:
        count = {"triangle": 3, "square": 4, "pentagon": 5, "hexagon": 6, "heptagon": 7}.get(name)
        if count:
            radius = np.ones(count)
        elif name == "cross":
            count, radius = 12, np.tile([1, 1, 0.4], 4)
        else:
            count = 2 * int(name[-1])
            radius = np.tile([1, rng.uniform(0.45, 0.6)], count // 2)
        radius = radius * rng.uniform(0.9, 1.1, count)
        fill(points(radius, (np.arange(count) + rng.uniform(-0.1, 0.1, count)) / count), 0)
    if rng.random() < 0.5:
        ends = points(np.array([1.0, rng.uniform(0, 0.3)]), rng.random(2))
        cv2.line(image, ends[0], ends[1], 255, OVERSAMPLING, cv2.LINE_8, _FRACTION_BITS)
    return cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
