"""Weighted sums of patterns as a compiled loop, about as fast as the memory gives the patterns."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_ghosthunter.compiled import compiled


@compiled
def weigh(patterns: NDArray[Any], top: int, left: int, weights: NDArray[np.float64], out: NDArray[np.float64]) -> int:
    """Write the sum of each of some patterns under each of some weights to `out` (masks, n).

    Parameters
    ----------
    patterns
        (n, k_y, k_x), contiguous.
    top, left
        Where on the detector the weights lie.
    weights
        (masks, height, width), float64.
    out
        (masks, n).

    Returns
    -------
    int
        How many of the pixels under them, whatever they weigh, were NaN or infinite; they count as zero.
    """
    masks, height, width = weights.shape
    sums = np.zeros(width, np.float64)  # one for each column, so that several are added up at once
    bad = 0
    for i in range(len(patterns)):
        for mask in range(masks):
            sums[:] = 0
            found = 0
            for y in range(height):
                found += _add_weighted(patterns[i, top + y, left : left + width], weights[mask, y], sums)
            out[mask, i] = sums.sum()
            bad += found if mask == 0 else 0
    return bad


@compiled
def count(patterns: NDArray[Any], top: int, left: int, inside: NDArray[Any], out: NDArray[np.float64]) -> int:
    """Do the same with numbers of at most 16 bits, none negative, and masks that take each pixel whole or not at all.

    Four times as fast: a column of fewer than 65,538 of them has room in 32 bits. `inside` are booleans.
    """
    masks, height, width = inside.shape
    sums = np.zeros(width, np.uint32)
    for i in range(len(patterns)):
        for mask in range(masks):
            sums[:] = 0
            for y in range(height):
                _add_inside(patterns[i, top + y, left : left + width], inside[mask, y], sums)
            out[mask, i] = sums.sum()
    return 0


@compiled
def _add_weighted(row: NDArray[Any], weights: NDArray[np.float64], sums: NDArray[np.float64]) -> int:
    bad = 0
    for x in range(len(sums)):
        value = np.float64(row[x])
        finite = value - value == 0
        bad += not finite
        sums[x] += weights[x] * (value if finite else 0.0)
    return bad


@compiled
def _add_inside(row: NDArray[Any], inside: NDArray[np.bool_], sums: NDArray[np.uint32]) -> None:
    for x in range(len(sums)):
        sums[x] += np.uint32(row[x]) if inside[x] else np.uint32(0)
