"""Positions of the probe, and whether they lie inside a scan."""

from __future__ import annotations

import operator
from typing import TypeAlias

from napari_ghosthunter.errors import LabelError

Position: TypeAlias = tuple[int, int]  # (scan_y, scan_x), a probe position in pixels


def inside_scan(position: Position, scan_shape: tuple[int, int] | None) -> Position:
    """Return `position` as two plain integers, once it is known to lie inside the scan.

    Raises
    ------
    LabelError
        If it is not two whole numbers, is negative, or lies outside `scan_shape` (scan_y, scan_x), where that is given.
    """
    try:
        y, x = (operator.index(value) for value in position)
    except (TypeError, ValueError):
        raise LabelError(f"{position!r} is not a probe position; give (scan_y, scan_x) as whole numbers.") from None
    if y < 0 or x < 0:
        raise LabelError(f"Position ({y}, {x}) is outside the scan; positions count from (0, 0).")
    if scan_shape is not None and (y >= scan_shape[0] or x >= scan_shape[1]):
        height, width = scan_shape
        text = f"Position ({y}, {x}) is outside the scan of {height} x {width} positions (scan_y, scan_x)."
        if y < width and x < height:
            text += f" It would fit {width} x {height}: check that scan_y and scan_x are not swapped."
        raise LabelError(text)
    return y, x
