"""Mean patterns, and the direct beam as it is found in one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.beam import BeamCentre
from napari_ghosthunter.scan.scan import Scan, warn_of_nonfinite, zero_nonfinite
from napari_ghosthunter.scan.spread import spread_positions
from napari_ghosthunter.scan.stated_beam import scan_beam
from napari_ghosthunter.scan.virtual.columns import columns
from napari_ghosthunter.scan.virtual.images import FloatArray, Progress

BEAM_POSITIONS = 64  # probe positions whose mean pattern the beam is measured in


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

    Where the user says it (`scan.beam`), only its radius is measured, around that place.

    Raises
    ------
    ValueError
        If `count` is below one.

    Warns
    -----
    UserWarning
        If there is no clear beam and none is stated; see `measure_beam`.
    """
    return scan_beam(scan, mean_pattern(scan, spread_positions(scan.scan_shape, count)))


def _sum_patterns(patterns: NDArray[Any]) -> FloatArray:
    """Add up patterns (n, k_y, k_x)."""
    with np.errstate(invalid="ignore", over="ignore"):
        summed: FloatArray = np.add.reduce(patterns, axis=0, dtype=np.float64)
    return summed


def _pattern_groups(scan: Scan, positions: Sequence[tuple[int, int]] | None) -> Iterator[tuple[NDArray[Any], int, int]]:
    """Read all patterns, or some, as (patterns of shape (n, k_y, k_x), done, in all)."""
    if positions is not None:
        for done, (scan_y, scan_x) in enumerate(positions, start=1):
            yield scan.pattern(scan_y, scan_x)[np.newaxis], done, len(positions)
        return
    whole = slice(0, scan.shape[2]), slice(0, scan.shape[3])
    for start, stop in scan.row_blocks():
        for _, right, patterns in columns(scan, start, stop, whole):
            for row in patterns if scan.bad_pixels is None else map(scan.bad_pixels.filled, patterns):
                yield row, stop if right == scan.shape[1] else start, scan.shape[0]
