"""Ranks among neighbouring pixels as a compiled loop, in a fiftieth of the time of sorting each neighbourhood."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_ghosthunter.compiled import compiled

FloatArray = NDArray[np.float64]


@compiled
def fourth_largest(pattern: FloatArray, out: FloatArray) -> None:
    """Find the fourth largest value in the 3 x 3 neighbourhood of each pixel of (k_y, k_x); beyond the edges are zeros.

    No value may be negative or NaN.
    """
    height, width = pattern.shape
    beyond = np.zeros(width)
    ranked = np.zeros((3, width + 2))  # the largest, middle and smallest of the three in a column, and the edges
    for y in range(height):
        above = pattern[y - 1] if y > 0 else beyond
        below = pattern[y + 1] if y + 1 < height else beyond
        _rank_columns(above, pattern[y], below, ranked[0, 1:-1], ranked[1, 1:-1], ranked[2, 1:-1])
        _rank_rows(ranked[0], ranked[1], ranked[2], out[y])


@compiled
def _rank_columns(
    above: FloatArray, row: FloatArray, below: FloatArray, high: FloatArray, middle: FloatArray, low: FloatArray
) -> None:
    for x in range(len(row)):
        more, less = _more(above[x], row[x]), _less(above[x], row[x])
        high[x] = _more(more, below[x])
        middle[x] = _more(less, _less(more, below[x]))
        low[x] = _less(less, below[x])


@compiled
def _rank_rows(high: FloatArray, middle: FloatArray, low: FloatArray, out: FloatArray) -> None:
    """Find the fourth largest of three ranked columns.

    Ranked also along the rows, (i, j) of such a square, from 1, has i * j values that are no smaller, itself included.
    So the four largest are among the high ones, the two larger middle ones and the largest low one; and the largest
    high one is the first of them.
    """
    for x in range(len(out)):
        second_high = _middle(high[x], high[x + 1], high[x + 2])
        third_high = _less(_less(high[x], high[x + 1]), high[x + 2])
        first_middle = _more(_more(middle[x], middle[x + 1]), middle[x + 2])
        second_middle = _middle(middle[x], middle[x + 1], middle[x + 2])
        first_low = _more(_more(low[x], low[x + 1]), low[x + 2])
        # the second is the larger of two; the fourth is the second of what is left, in two pairs with the larger first
        left = _less(second_high, first_middle), second_middle
        ends = _more(third_high, first_low), _less(third_high, first_low)
        out[x] = _more(_less(left[0], ends[0]), _more(left[1], ends[1]))


@compiled
def _middle(one: Any, other: Any, third: Any) -> Any:
    return _more(_less(one, other), _less(_more(one, other), third))


@compiled
def _more(one: Any, other: Any) -> Any:
    return one if one > other else other


@compiled
def _less(one: Any, other: Any) -> Any:
    return one if one < other else other
