"""A map of images as inline SVG: all classes in one panel, and a panel a class before the others in the background."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from vaeaug.evaluation.embedding_map import EmbeddingMap

SIDE = 300
"""Units of a panel's sides."""

MAX_PANELS = 24
"""Classes with a panel of their own, at most: the first ones."""

_EDGE = 8
_OUTER = 0.002
"""Share of points on each side that may lie outside the frame: one stray point would squeeze all others."""


@dataclass(frozen=True, slots=True)
class ScatterPanel:
    """A drawing and what it shows.

    Attributes:
        title: a class, or empty for all of them.
        drawing: the SVG.
    """

    title: str
    drawing: Markup


def scatter_panels(shown: EmbeddingMap) -> list[ScatterPanel]:
    """Return the panel of all classes and, where there is more than one, those of the classes."""
    place = _Frame(np.concatenate([shown.real_N2, shown.synthetic_M2]))
    real_N, synthetic_M = place(shown.real_N2), place(shown.synthetic_M2)
    words = f"{len(real_N):,} real and {len(synthetic_M):,} synthetic images of all classes"
    # The points of all real images are drawn once and used again as every panel's background.
    everything = Markup('<g id="map-real">{}</g>').format(_points(real_N, "real"))
    panels = [ScatterPanel("", _svg(words, everything + _points(synthetic_M, "synthetic")))]
    labels = np.unique(np.concatenate([shown.real_labels_N, shown.synthetic_labels_M]))
    if len(labels) < 2:
        return panels
    background = Markup('<use href="#map-real" class="background"/>')
    for label in labels[:MAX_PANELS]:
        mine_N, mine_M = real_N[shown.real_labels_N == label], synthetic_M[shown.synthetic_labels_M == label]
        name = shown.classes[label]
        words = f"{len(mine_N):,} real and {len(mine_M):,} synthetic images of {name}"
        panels.append(
            ScatterPanel(name, _svg(words, background + _points(mine_N, "real") + _points(mine_M, "synthetic")))
        )
    return panels


def map_note(shown: EmbeddingMap) -> str:
    """Return how many of the images and classes are shown, in a sentence; empty if all are."""
    classes = len(np.union1d(shown.real_labels_N, shown.synthetic_labels_M))
    parts = [
        f"{part:,} of {whole:,} {kind}"
        for part, whole, kind in (
            (len(shown.real_N2), shown.real_count, "real images"),
            (len(shown.synthetic_M2), shown.synthetic_count, "synthetic images"),
            (min(classes, MAX_PANELS), classes, "class panels"),
        )
        if part < whole
    ]
    return f"Shown: {', '.join(parts)}." if parts else ""


class _Frame:
    """The mapping from the plane to a panel."""

    def __init__(self, points_N2: NDArray[np.float64]) -> None:
        self._low_2, self._high_2 = np.quantile(points_N2, [_OUTER, 1 - _OUTER], axis=0)

    def __call__(self, points_N2: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return whole units from the left and from the top; what is outside is put at the edge."""
        span_2 = np.maximum(self._high_2 - self._low_2, np.finfo(np.float64).tiny)
        share_N2 = np.clip((points_N2 - self._low_2) / span_2, 0, 1)
        share_N2[:, 1] = 1 - share_N2[:, 1]
        units_N2: NDArray[np.int64] = (_EDGE + share_N2 * (SIDE - 2 * _EDGE)).round().astype(np.int64)
        return units_N2


def _points(points_N2: NDArray[np.int64], kind: str) -> Markup:
    """Return points as one path of lines without length, whose round ends are the dots: a few bytes a point."""
    path = "".join(f"M{x} {y}h0" for x, y in points_N2.tolist())
    return Markup('<path class="points {}" d="{}"/>').format(kind, path)


def _svg(spoken: str, content: Markup) -> Markup:
    opening = Markup('<svg class="map" viewBox="0 0 {0} {0}" role="img" aria-label="{1}">').format(SIDE, spoken)
    return opening + content + Markup("</svg>")
