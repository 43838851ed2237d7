"""Real-space images: weighted sums over every pattern, streamed in one pass whatever the number of masks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.scan import Scan, warn_of_nonfinite
from napari_ghosthunter.scan.virtual.columns import columns

COMPILED = "?bBhHiIlLqQfd"  # types of numbers that are weighed as they are stored; others are cast
COUNTED = "?BH"  # types of numbers that are merely counted under a mask of pixels

FloatArray = NDArray[np.float64]
Progress = Callable[[int, int], object]
"""Called with (scan rows done, scan rows in all)."""
Kernel: TypeAlias = Callable[[NDArray[Any], int, int, NDArray[Any], FloatArray], int]
"""See `weighing.weigh`."""


def virtual_image(scan: Scan, mask: ArrayLike, progress: Progress | None = None) -> FloatArray:
    """Sum every pattern under one mask.

    Parameters
    ----------
    scan
        The scan; it is read once, block by block.
    mask
        Weights (or booleans) of shape (k_y, k_x).
    progress
        Called with (rows done, rows in all) after each block.

    Returns
    -------
    NDArray
        Image of shape (scan_y, scan_x), in the unit of the patterns. Exact for integer patterns under a boolean mask.

    Raises
    ------
    ScanError
        If the mask does not fit the detector.

    Warns
    -----
    UserWarning
        If pixels that are NaN or infinite were met; they count as zero.
    """
    image: FloatArray = virtual_images(scan, [mask], progress)[0]
    return image


def virtual_images(scan: Scan, masks: Sequence[ArrayLike], progress: Progress | None = None) -> FloatArray:
    """Sum every pattern under each of several masks, in one pass; see `virtual_image`.

    Returns
    -------
    NDArray
        Images of shape (len(masks), scan_y, scan_x).
    """
    images = np.empty((len(masks), *scan.scan_shape))
    for start, stop, rows in virtual_rows(scan, masks):
        images[:, start:stop] = rows
        if progress is not None:
            progress(stop, scan.shape[0])
    return images


def virtual_rows(scan: Scan, masks: Sequence[ArrayLike]) -> Iterator[tuple[int, int, FloatArray]]:
    """Give the virtual images as a stream of finished scan rows, for a caller that shows them or may stop.

    Parameters
    ----------
    scan
        The scan; only the part of the detector that a mask covers is read.
    masks
        Weights (or booleans) of shape (k_y, k_x) each. Bad pixels of the scan are left out.

    Yields
    ------
    tuple
        (start, stop, rows): the rows start..stop of all images, shape (len(masks), stop - start, scan_x).

    Raises
    ------
    ScanError
        If a mask does not fit the detector; at once, not with the first row.

    Warns
    -----
    UserWarning
        Once, with the last row, if pixels that are NaN or infinite were met; they count as zero.
    """
    weights = _weights(masks, scan)
    return _weighted_rows(scan, weights, _bounding_box(weights))


def _weights(masks: Sequence[ArrayLike], scan: Scan) -> FloatArray:
    """Check the masks and stack them, shape (masks, k_y, k_x); bad pixels of the detector weigh nothing."""
    detector_shape = scan.detector_shape
    weights = np.zeros((len(masks), *detector_shape))
    for index, mask in enumerate(masks):
        values = np.asarray(mask, np.float64)
        if values.shape != detector_shape:
            raise ScanError(f"The mask has the shape {values.shape}, but the detector is {detector_shape}.")
        if not np.isfinite(values).all():
            raise ScanError("A mask must not hold NaN or infinite weights.")
        weights[index] = values
    if scan.bad_pixels is not None:
        weights[:, scan.bad_pixels.mask] = 0
    return weights


def _bounding_box(weights: FloatArray) -> tuple[slice, slice]:
    """Give the smallest part of the detector outside which all weights are zero; empty where all are."""
    covered = (weights != 0).any(axis=0)
    if not covered.any():
        return slice(0, 0), slice(0, 0)
    rows, columns = np.flatnonzero(covered.any(axis=1)), np.flatnonzero(covered.any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _weighted_rows(scan: Scan, weights: FloatArray, box: tuple[slice, slice]) -> Iterator[tuple[int, int, FloatArray]]:
    """Stream the weighted sums of `virtual_rows`, reading only `box` of each pattern."""
    k_y, k_x = scan.detector_shape
    weigh, nonfinite = _weighing(np.ascontiguousarray(weights[:, *box]), scan.dtype), 0
    # of what lies in memory, or is mapped into it, whole patterns are a view, and stand in a row
    view = isinstance(scan.data, np.ndarray)
    wanted, within = ((slice(0, k_y), slice(0, k_x)), box) if view else (box, _moved_to_zero(box))
    for start, stop in scan.row_blocks():
        rows = np.zeros((len(weights), stop - start, scan.shape[1]))
        if weights[:, *box].size:
            for left, right, patterns in columns(scan, start, stop, wanted):
                for line, sums in zip(patterns, rows.swapaxes(0, 1)[:, :, left:right], strict=True):
                    nonfinite += weigh(line, within, sums)
        if stop == scan.shape[0]:
            warn_of_nonfinite(nonfinite)
        yield start, stop, rows


def _moved_to_zero(box: tuple[slice, slice]) -> tuple[slice, slice]:
    k_y, k_x = (slice(0, part.stop - part.start) for part in box)
    return k_y, k_x


def _weighing(
    weights: FloatArray, stored: np.dtype[Any]
) -> Callable[[NDArray[Any], tuple[slice, slice], FloatArray], int]:
    """Give what fills `out` (masks, n) with the sums of patterns (n, k_y, k_x) under `weights` in a box of them.

    It is called as weigh(patterns, box, out), and returns the number of pixels that were not finite.
    """
    from napari_ghosthunter.compiled import run, unguarded  # not before it is needed: numba takes a while to import
    from napari_ghosthunter.scan.virtual import weighing

    dtype = stored.newbyteorder("=") if stored.char in COMPILED else np.dtype(np.float64)
    counted = dtype.char in COUNTED and np.isin(weights, (0, 1)).all()
    kernel: Kernel = weighing.count if counted else weighing.weigh
    factors: NDArray[Any] = weights.astype(np.bool_) if counted else weights

    def weigh(patterns: NDArray[Any], box: tuple[slice, slice], out: FloatArray) -> int:
        if not (patterns.flags.c_contiguous and patterns.dtype == dtype):
            patterns, box = np.ascontiguousarray(patterns[:, *box], dtype), _moved_to_zero(box)
        sums = np.empty(out.shape)
        nonfinite = run(kernel, unguarded(patterns), box[0].start, box[1].start, factors, sums)
        out[:] = sums
        return nonfinite

    return weigh
