"""Virtual detectors: real-space images from weighted sums over the patterns of a scan.

A 4D-STEM scan has no picture of its own. A mask on the detector gives one: the bright-field disk, an annular dark
field, everything, or any mask a user draws. The patterns are streamed once, in bounded memory, whatever the number
of masks, so that a first look at a scan far larger than the memory takes as long as reading it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.beam import BeamCentre, measure_beam
from napari_ghosthunter.scan.scan import BLOCK_BYTES, Scan, warn_of_nonfinite, zero_nonfinite

__all__ = [
    "BeamCentre",
    "annular_mask",
    "bright_field_mask",
    "dark_field_mask",
    "mean_pattern",
    "measure_beam",
    "measure_scan_beam",
    "spread_positions",
    "total_mask",
    "virtual_image",
    "virtual_images",
    "virtual_rows",
]

BRIGHT_FIELD_RADIUS = 1.1  # in radii of the direct beam: a little more than the disk, which drifts during a scan
DARK_FIELD_INNER_RADIUS = 1.5  # in radii of the direct beam: clear of its edge
BEAM_POSITIONS = 64  # probe positions whose mean pattern the beam is measured in
CACHED_VALUES = 2**17  # float64 values that are weighted at once: 1 MiB stays in the processor's cache

FloatArray = NDArray[np.float64]
Progress = Callable[[int, int], object]
"""Called with (scan rows done, scan rows in all)."""


def bright_field_mask(detector_shape: tuple[int, int], beam: BeamCentre) -> NDArray[np.bool_]:
    """Select the direct beam: all pixels within 1.1 beam radii of its centre; shape (k_y, k_x)."""
    return annular_mask(detector_shape, beam, 0.0, BRIGHT_FIELD_RADIUS * beam.radius)


def dark_field_mask(detector_shape: tuple[int, int], beam: BeamCentre) -> NDArray[np.bool_]:
    """Select what is scattered clear of the direct beam: all pixels beyond 1.5 beam radii; shape (k_y, k_x)."""
    return annular_mask(detector_shape, beam, DARK_FIELD_INNER_RADIUS * beam.radius, np.inf)


def total_mask(detector_shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Select the whole detector; shape (k_y, k_x)."""
    return np.ones(detector_shape, np.bool_)


def annular_mask(detector_shape: tuple[int, int], beam: BeamCentre, inner: float, outer: float) -> NDArray[np.bool_]:
    """Select the pixels whose middle lies from `inner` to `outer` detector pixels from the beam centre.

    Parameters
    ----------
    detector_shape
        (k_y, k_x), in pixels.
    beam
        Its centre is the centre of the annulus; its radius is not used.
    inner, outer
        Radii in detector pixels, both included; an `inner` of 0 gives a disk.

    Returns
    -------
    NDArray
        Mask of shape (k_y, k_x).
    """
    k_y, k_x = np.ogrid[: detector_shape[0], : detector_shape[1]]
    distance = np.hypot(k_y - beam.k_y, k_x - beam.k_x)
    mask: NDArray[np.bool_] = (distance >= inner) & (distance <= outer)
    return mask


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


def mean_pattern(
    scan: Scan, positions: Sequence[tuple[int, int]] | None = None, progress: Progress | None = None
) -> FloatArray:
    """Average the patterns of the whole scan, or of some positions.

    Parameters
    ----------
    scan
        The scan.
    positions
        (scan_y, scan_x) of the patterns to average; all of them if not given.
    progress
        Called with (rows or positions done, rows or positions in all).

    Returns
    -------
    NDArray
        Mean pattern of shape (k_y, k_x).

    Raises
    ------
    ScanError
        If `positions` is empty, or one of them lies outside the scan.

    Warns
    -----
    UserWarning
        Once, if pixels that are NaN or infinite were met; they count as zero.
    """
    if positions is not None and len(positions) == 0:
        raise ScanError("A mean pattern needs at least one probe position.")
    total = np.zeros(scan.detector_shape)
    count = nonfinite = 0
    for patterns, done, of in _pattern_groups(scan, positions):
        summed = _sum_patterns(patterns)
        if not np.isfinite(summed).all():
            finite, bad = zero_nonfinite(patterns)
            nonfinite += bad
            summed = _sum_patterns(finite)
        total += summed
        count += len(patterns)
        if progress is not None:
            progress(done, of)
    warn_of_nonfinite(nonfinite)
    return total / count


def measure_scan_beam(scan: Scan, count: int = BEAM_POSITIONS) -> BeamCentre:
    """Measure the direct beam of a scan in the mean pattern of at most `count` evenly spread positions.

    Raises
    ------
    ValueError
        If `count` is below one.

    Warns
    -----
    UserWarning
        If there is no clear beam; see `measure_beam`.
    """
    return measure_beam(mean_pattern(scan, spread_positions(scan.scan_shape, count)))


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
            for left, right, patterns in _columns(scan, start, stop, box):
                nonfinite += _weigh(patterns, cropped, rows[:, :, left:right])
        if stop == scan.shape[0]:
            warn_of_nonfinite(nonfinite)
        yield start, stop, rows


def _columns(scan: Scan, start: int, stop: int, box: tuple[slice, slice]) -> Iterator[tuple[int, int, NDArray[Any]]]:
    """Read the rows start..stop in parts of whole columns, so that even one very long row stays bounded."""
    height, width = (part.stop - part.start for part in box)
    column_bytes = (stop - start) * height * width * scan.dtype.itemsize
    step = max(1, BLOCK_BYTES // column_bytes)
    for left in range(0, scan.shape[1], step):
        right = min(left + step, scan.shape[1])
        # a view where it can be: the byte order is mended in the cast to float64
        yield left, right, scan.read((slice(start, stop), slice(left, right), *box))


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


def _sum_patterns(patterns: NDArray[Any]) -> FloatArray:
    """Add up patterns (n, k_y, k_x)."""
    with np.errstate(invalid="ignore", over="ignore"):
        summed: FloatArray = np.add.reduce(patterns, axis=0, dtype=np.float64)
    return summed


def _sum_into(out: FloatArray, values: FloatArray, weights: list[FloatArray]) -> None:
    """Write the sum of `values` (patterns, pixels) under each of `weights` to `out` (masks, patterns)."""
    with np.errstate(invalid="ignore", over="ignore"):
        for index, weight in enumerate(weights):
            out[index] = values @ weight


def _pattern_groups(scan: Scan, positions: Sequence[tuple[int, int]] | None) -> Iterator[tuple[NDArray[Any], int, int]]:
    """Read all patterns, or some, as (patterns of shape (n, k_y, k_x), done, in all)."""
    if positions is not None:
        for done, (scan_y, scan_x) in enumerate(positions, start=1):
            yield scan.pattern(scan_y, scan_x)[np.newaxis], done, len(positions)
        return
    whole = slice(0, scan.shape[2]), slice(0, scan.shape[3])
    for start, stop in scan.row_blocks():
        for _, right, patterns in _columns(scan, start, stop, whole):
            for row in patterns:
                yield row, stop if right == scan.shape[1] else start, scan.shape[0]
