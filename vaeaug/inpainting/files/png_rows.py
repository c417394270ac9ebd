"""The rows of a PNG file: samples packed, filtered and interlaced (W3C, PNG Third Edition, sections 7 to 9)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_PASSES = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
"""Adam7: first row and column of each pass, and the steps to the next ones."""


def encoded_rows(values_HWS: NDArray[Any], depth: int, *, indexed: bool, interlaced: bool) -> bytes:
    """Return rows after their filter types; indexed ones and those of under 8 bits are unfiltered (section 12.7)."""
    parts = [values_HWS]
    if interlaced:
        parts = [values_HWS[top::down, left::across] for top, left, down, across in _PASSES]
    step = 0 if indexed or depth < 8 else depth * values_HWS.shape[2] // 8
    return b"".join(_filtered(_packed(part, depth), step) for part in parts if part.size)


def _packed(values_HWS: NDArray[Any], depth: int) -> NDArray[np.uint8]:
    height = len(values_HWS)
    if depth == 16:
        return np.ascontiguousarray(values_HWS.astype(">u2")).view(np.uint8).reshape(height, -1)
    flat_HX = np.ascontiguousarray(values_HWS, dtype=np.uint8).reshape(height, -1)
    if depth == 8:
        return flat_HX
    return np.packbits(np.unpackbits(flat_HX[..., None], axis=2)[..., 8 - depth :].reshape(height, -1), axis=1)


def _filtered(rows_HX: NDArray[np.uint8], step: int) -> bytes:
    """Return each row with the filter of the smallest sum of absolute differences; `step` 0 leaves rows unfiltered."""
    height, width = rows_HX.shape
    result = np.zeros((height, 1 + width), dtype=np.uint8)
    result[:, 1:] = rows_HX
    if not step:
        return result.tobytes()
    left, above, corner = (np.zeros_like(rows_HX) for _ in range(3))
    left[:, step:] = rows_HX[:, :-step]
    above[1:] = rows_HX[:-1]
    corner[1:, step:] = rows_HX[:-1, :-step]
    best_cost_H = _cost(rows_HX)
    mean = ((left.astype(np.uint16) + above) // 2).astype(np.uint8)
    for kind, predicted in ((1, left), (2, above), (3, mean), (4, _paeth(left, above, corner))):
        difference_HX = rows_HX - predicted  # modulo 256, as the specification says
        cost_H = _cost(difference_HX)
        better_H = cost_H < best_cost_H
        result[better_H, 0] = kind
        result[better_H, 1:] = difference_HX[better_H]
        best_cost_H = np.minimum(best_cost_H, cost_H)
    return result.tobytes()


def _cost(rows_HX: NDArray[np.uint8]) -> NDArray[np.int64]:
    cost_H: NDArray[np.int64] = np.abs(rows_HX.view(np.int8).astype(np.int16)).sum(axis=1, dtype=np.int64)
    return cost_H


def _paeth(left: NDArray[np.uint8], above: NDArray[np.uint8], corner: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the Paeth prediction (section 9.4)."""
    a, b, c = (part.astype(np.int16) for part in (left, above, corner))
    pa, pb, pc = np.abs(b - c), np.abs(a - c), np.abs(a + b - 2 * c)
    return np.where((pa <= pb) & (pa <= pc), left, np.where(pb <= pc, above, corner))
