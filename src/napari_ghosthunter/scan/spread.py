"""Probe positions that are spread over a scan: a few that stand for all."""

from __future__ import annotations

import numpy as np


def spread_positions(scan_shape: tuple[int, int], count: int) -> list[tuple[int, int]]:
    """Choose at most `count` probe positions, evenly spread over a scan of any shape (also 1 x N).

    Raises
    ------
    ValueError
        If `count` is below one.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, not {count}")
    size_y, size_x = scan_shape
    rows = min(size_y, max(1, round(np.sqrt(count * size_y / size_x))))
    columns = min(size_x, max(1, count // rows))
    rows = min(size_y, max(1, count // columns))
    return [(y, x) for y in _middles(size_y, rows) for x in _middles(size_x, columns)]


def _middles(size: int, count: int) -> list[int]:
    """Split `size` pixels into `count` equal parts and give the pixel in the middle of each."""
    return [int((2 * part + 1) * size // (2 * count)) for part in range(count)]
