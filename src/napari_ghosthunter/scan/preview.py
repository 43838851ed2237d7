"""Coarse virtual images: what a scan looks like, before there was time to read it all.

A window must show something at once, also of a scan of terabytes, and to tell which scan shape is right one needs the
image that each would give. Both take a few patterns of a grid; values once read serve every later grid.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_ghosthunter.scan.row_layout import RowLayout
from napari_ghosthunter.scan.scan import Scan, zero_nonfinite

FIRST_POSITIONS = 100  # of the coarsest grid: some ms where the scan is in memory, 2 s from a disk that must seek
BREATH = 16  # positions after which the caller may do something else

FloatArray = NDArray[np.float64]


class CoarseImages:
    """Virtual images of ever finer grids over a scan, or over what it would be with another scan shape.

    Parameters
    ----------
    scan
        The scan; of each pattern only what the mask covers is read.
    mask
        Weights (or booleans) of shape (k_y, k_x).
    """

    def __init__(self, scan: Scan, mask: ArrayLike) -> None:
        self._scan = scan
        weights = np.array(mask, np.float64)
        if scan.bad_pixels is not None:
            weights[scan.bad_pixels.mask] = 0
        rows, columns = np.flatnonzero(weights.any(axis=1)), np.flatnonzero(weights.any(axis=0))
        self._box = tuple(
            slice(int(part[0]), int(part[-1]) + 1) if part.size else slice(0, 0) for part in (rows, columns)
        )
        self._weights = np.ascontiguousarray(weights[self._box]).ravel()
        self._known: dict[int, float] = {}

    def refine(self, layout: RowLayout | None = None, most: int | None = None) -> Iterator[FloatArray | None]:
        """Give images of the scan, or of its patterns laid out anew, coarse to fine.

        Parameters
        ----------
        layout
            Where the rows lie in the row of all patterns, of no more than the scan has; the scan's own if not given.
        most
            Positions that the finest grid may have; the last image is exact if there are no more than these.

        Yields
        ------
        NDArray or None
            Image of one value for each grid point; None after every few patterns, so that the caller can stop or see
            to something else.
        """
        layout = layout or RowLayout(self._scan.scan_shape)
        shape = layout.scan_shape
        for step in _steps(shape, math.prod(shape) if most is None else most):
            rows, columns = _grid(shape[0], step), _grid(shape[1], step)
            image = np.empty((len(rows), len(columns)))
            for count, (y, x) in enumerate(np.ndindex(*image.shape), start=1):
                image[y, x] = self._value(layout.start(rows[y]) + columns[x])
                if count % BREATH == 0:
                    yield None
            yield image

    def _value(self, index: int) -> float:
        """Sum the pattern of this number, counted along the rows of the scan, under the mask."""
        if index not in self._known:
            scan_y, scan_x = divmod(index, self._scan.shape[1])
            part = self._scan.read((scan_y, scan_x, *self._box))
            self._known[index] = float(zero_nonfinite(part)[0].astype(np.float64).ravel() @ self._weights)
        return self._known[index]


def full_size(image: FloatArray, scan_shape: tuple[int, int]) -> FloatArray:
    """Enlarge a coarse image to one value for each probe position, that of the nearest grid point."""
    rows, columns = (
        np.minimum(np.arange(size) * count // size, count - 1)
        for size, count in zip(scan_shape, image.shape, strict=True)
    )
    enlarged: FloatArray = image[np.ix_(rows, columns)]
    return enlarged


def _steps(shape: tuple[int, int], most: int) -> Iterator[int]:
    """Halve the step from one that gives the first grid to the smallest that keeps to `most` positions."""
    step = 1
    while len(_grid(shape[0], step)) * len(_grid(shape[1], step)) > FIRST_POSITIONS:
        step *= 2
    while step >= 1 and len(_grid(shape[0], step)) * len(_grid(shape[1], step)) <= most:
        yield step
        step //= 2


def _grid(size: int, step: int) -> range:
    """Positions along an axis, `step` apart, in the middle of what each stands for."""
    return range(min(step, size) // 2, size, step)
