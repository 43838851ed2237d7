"""Rows of a scan read in parts that fit the memory, however long they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from numpy.typing import NDArray

from napari_ghosthunter.scan.scan import BLOCK_BYTES, Scan


def columns(scan: Scan, start: int, stop: int, box: tuple[slice, slice]) -> Iterator[tuple[int, int, NDArray[Any]]]:
    """Read the rows start..stop in parts of whole columns, so that even one very long row stays bounded."""
    height, width = (part.stop - part.start for part in box)
    column_bytes = (stop - start) * height * width * scan.dtype.itemsize
    step = max(1, BLOCK_BYTES // column_bytes)
    for left in range(0, scan.shape[1], step):
        right = min(left + step, scan.shape[1])
        # a view where it can be: the byte order is mended in the cast to float64
        yield left, right, scan.read((slice(start, stop), slice(left, right), *box))
