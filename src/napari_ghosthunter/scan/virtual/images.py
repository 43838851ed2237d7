"""Real-space images: weighted sums over every pattern, streamed in one pass whatever the number of masks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.scan import Scan, warn_of_nonfinite, zero_nonfinite
from napari_ghosthunter.scan.virtual.columns import columns

CACHED_VALUES = 2**17  # float64 values that are weighted at once: 1 MiB stays in the processor's cache

FloatArray = NDArray[np.float64]
Progress = Callable[[int, int], object]
"""Called with (scan rows done, scan rows in all)."""


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
        Weights (or booleans) of shape (k_y, k_x) each.

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
    weights = _weights(masks, scan.detector_shape)
    return _weighted_rows(scan, weights, _bounding_box(weights))


def _weights(masks: Sequence[ArrayLike], detector_shape: tuple[int, int]) -> FloatArray:
    """Check the masks and stack them, shape (masks, k_y, k_x)."""
    weights = np.zeros((len(masks), *detector_shape))
    for index, mask in enumerate(masks):
        values = np.asarray(mask, np.float64)
        if values.shape != detector_shape:
            raise ScanError(f"The mask has the shape {values.shape}, but the detector is {detector_shape}.")
        if not np.isfinite(values).all():
            raise ScanError("A mask must not hold NaN or infinite weights.")
        weights[index] = values
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
    cropped = [np.ascontiguousarray(weight[box]).ravel() for weight in weights]
    nonfinite = 0
    for start, stop in scan.row_blocks():
        rows = np.zeros((len(weights), stop - start, scan.shape[1]))
        if cropped and cropped[0].size:
            for left, right, patterns in columns(scan, start, stop, box):
                nonfinite += _weigh(patterns, cropped, rows[:, :, left:right])
        if stop == scan.shape[0]:
            warn_of_nonfinite(nonfinite)
        yield start, stop, rows


def _weigh(patterns: NDArray[Any], weights: list[FloatArray], out: FloatArray) -> int:
    """Fill `out` (masks, rows, columns) with the weighted sums of `patterns` (rows, columns, k_y, k_x).

    Returns the number of pixels that were not finite. The sum shows whether there are any, so that clean data are not
    searched for them.
    """
    nonfinite = 0
    step = max(1, CACHED_VALUES // weights[0].size)
    for row, line in enumerate(patterns):
        for left in range(0, len(line), step):
            values = line[left : left + step].astype(np.float64).reshape(-1, weights[0].size)
            part = out[:, row, left : left + len(values)]
            _sum_into(part, values, weights)
            if not np.isfinite(part).all():
                values, bad = zero_nonfinite(values)
                nonfinite += bad
                _sum_into(part, values, weights)
    return nonfinite


def _sum_into(out: FloatArray, values: FloatArray, weights: list[FloatArray]) -> None:
    """Write the sum of `values` (patterns, pixels) under each of `weights` to `out` (masks, patterns)."""
    with np.errstate(invalid="ignore", over="ignore"):
        for index, weight in enumerate(weights):
            out[index] = values @ weight
