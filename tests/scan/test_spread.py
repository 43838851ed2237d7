"""Positions that stand for a whole scan."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_ghosthunter.scan.spread import spread_positions


@given(size_y=st.integers(1, 300), size_x=st.integers(1, 300), count=st.integers(1, 80))
def test_spread_positions_are_few_different_inside_and_spread(size_y, size_x, count):
    positions = spread_positions((size_y, size_x), count)
    assert 1 <= len(positions) <= count
    assert len(set(positions)) == len(positions)
    assert all(0 <= y < size_y and 0 <= x < size_x for y, x in positions)
    assert len(positions) >= min(count, size_y * size_x) / 4
    if len(positions) > 3:  # they reach into all four quarters, or both halves of a line
        ys, xs = np.transpose(positions)
        assert (np.ptp(ys) + 1) * 2 >= size_y or len(set(ys)) == 1
        assert (np.ptp(xs) + 1) * 2 >= size_x or len(set(xs)) == 1


def test_at_least_one_position():
    with pytest.raises(ValueError, match="at least 1"):
        spread_positions((4, 4), 0)
