"""Whose fault it is that a part of a scan cannot be read: that of the index, or that of the file."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_ghosthunter.errors import ScanIndexError


def refuse_index(key: Any, shape: tuple[int, ...], error: Exception, *, stored: bool) -> None:
    """Raise a `ScanIndexError` if an index is what made a reading fail; return if it cannot be.

    Parameters
    ----------
    key, shape
        The index, and the shape of what was indexed.
    error
        What the reading raised.
    stored
        Whether the array is of another library than numpy, which may not know all of numpy's indices.

    Raises
    ------
    ScanIndexError
        If numpy would refuse the index for an array of this shape, or the library may not know this kind.
    """
    told = " ".join(repr(key).split())
    told = told if len(told) <= 80 else f"{told[:77]}..."
    nothing = np.broadcast_to(np.empty((), "V0"), shape)  # of no bytes, whatever the index takes of it
    try:
        nothing[key]
    except (IndexError, TypeError, ValueError) as wrong:
        raise ScanIndexError(
            f"A scan of shape {shape} (scan_y, scan_x, k_y, k_x) has no part [{told}]: {wrong}."
        ) from error
    if stored and not _is_plain(key):
        raise ScanIndexError(
            f"The array of this scan cannot be read at [{told}]: {error}. Use whole numbers and slices that go "
            "forward, or read a block and index that."
        ) from error


def _is_plain(key: Any) -> bool:
    """Whether an index is of the kinds that all libraries know: whole numbers from 0, slices that go forward, '...'."""
    parts = key if isinstance(key, tuple) else (key,)
    return all(
        part is Ellipsis
        or (isinstance(part, slice) and (part.step is None or part.step > 0))
        or (isinstance(part, int | np.integer) and not isinstance(part, bool) and part >= 0)
        for part in parts
    )
