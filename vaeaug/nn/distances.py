"""Euclidean distances between many features, in blocks of bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

MAX_BLOCK_VALUES = 2**23
"""Distances of a block at most: 64 MiB."""


def blocks(
    a_NF: NDArray[np.floating], b_MF: NDArray[np.floating], *, values: int = MAX_BLOCK_VALUES
) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Yield (rows of `a`, their distances to all of `b`), in order; `b` has at least one row.

    Distances are computed from inner products in double precision, centred at the mean of `b`: equal features are off
    from 0 by about 1e-8 of their standard deviation, even if all are far from the origin.

    Args:
        values: maximum number of distances in a block, but at least one row of them.
    """
    centre_F = b_MF.mean(axis=0, dtype=np.float64)
    b_MF = b_MF - centre_F
    b_square_M = np.einsum("mf,mf->m", b_MF, b_MF)
    rows = max(1, values // len(b_MF))
    for start in range(0, len(a_NF), rows):
        part = slice(start, min(start + rows, len(a_NF)))
        a_BF = a_NF[part] - centre_F
        square_BM = a_BF @ b_MF.T
        square_BM *= -2
        square_BM += np.einsum("bf,bf->b", a_BF, a_BF)[:, None]
        square_BM += b_square_M
        yield part, np.sqrt(np.maximum(square_BM, 0, out=square_BM), out=square_BM)


def nearest(a_NF: NDArray[np.floating], b_MF: NDArray[np.floating]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the index of the nearest of `b` and its distance, for each of `a`; ties go to the first."""
    index_N, distance_N = np.empty(len(a_NF), np.int64), np.empty(len(a_NF))
    for part, distance_BM in blocks(a_NF, b_MF):
        index_N[part] = distance_BM.argmin(axis=1)
        distance_N[part] = distance_BM.min(axis=1)
    return index_N, distance_N


def neighbour_distance(a_NF: NDArray[np.floating], k: int) -> NDArray[np.float64]:
    """Return the distance of each of `a` to its k-th nearest neighbour, (N,); there must be more than `k`."""
    distance_N = np.empty(len(a_NF))
    for part, distance_BN in blocks(a_NF, a_NF):
        rows = np.arange(part.stop - part.start)
        distance_BN[rows, part.start + rows] = np.inf  # none is its own neighbour, whatever rounding says
        distance_N[part] = np.partition(distance_BN, k - 1, axis=1)[:, k - 1]
    return distance_N
