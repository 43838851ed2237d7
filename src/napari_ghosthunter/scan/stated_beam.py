"""The direct beam of a scan: where the user says it is, or else where it is found. Whatever needs it asks here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import hypot

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_ghosthunter.scan.beam import BeamCentre, find_beam, find_disk, find_mean_beam, measure_beam, no_beam
from napari_ghosthunter.scan.scan import Scan, zero_nonfinite
from napari_ghosthunter.scan.spread import spread_positions

RADIUS_POSITIONS = 16  # whose mean shows how large the disks are
REACHES = (1.5, 2.5, 4.0)  # radii from the stated place, the nearest first: where the beam of one pattern is looked for


def scan_beam(scan: Scan, mean: ArrayLike) -> BeamCentre:
    """Give the direct beam of a scan, of which `mean` is the mean pattern, as `measure_beam` does.

    Where the user says it (`scan.beam`), it is there, its radius is that of the disk around that place, and nobody is
    warned.

    Warns
    -----
    UserWarning
        If it is not stated, and there is no clear beam.
    """
    return measure_beam(mean) if scan.beam is None else beam_at(mean, scan.beam)


def find_scan_beam(scan: Scan, mean: ArrayLike) -> BeamCentre | None:
    """Give the direct beam as `scan_beam` does; None, and no warning, where there is no clear one."""
    return find_mean_beam(mean) if scan.beam is None else beam_at(mean, scan.beam)


def beam_at(mean: ArrayLike, place: tuple[float, float]) -> BeamCentre:
    """Give the direct beam at a stated (k_y, k_x), with the radius of the disk there.

    Where no disk is (behind a beam stop), the brightest one tells the radius, as all disks of a pattern are alike.
    """
    height, width = np.shape(mean)
    usual = find_beam(mean) or no_beam((height, width))
    radius = usual.radius
    if usual.found and not _holds(usual, place):
        there = find_disk(mean, place, 2 * usual.radius)
        if there is not None and there.radius > usual.radius / 2 and _holds(there, place):
            radius = there.radius
    return BeamCentre(*place, radius)


def pattern_beams(scan: Scan) -> Callable[[ArrayLike], BeamCentre | None]:
    """Give what finds the direct beam in single patterns of a scan: the brightest disk, or the one nearest to `beam`.

    Some patterns are read where the beam is stated; NaN and infinities in them count as zero.
    """
    place = scan.beam
    if place is None:
        return find_beam
    radius = beam_at(quick_mean(scan), place).radius
    return lambda pattern: _nearest(pattern, place, radius)


def quick_mean(scan: Scan) -> NDArray[np.float64]:
    """Average a few spread patterns, shape (k_y, k_x); nothing is said of NaN and infinities, which count as zero."""
    total = np.zeros(scan.detector_shape)
    positions = spread_positions(scan.scan_shape, RADIUS_POSITIONS)
    with np.errstate(over="ignore"):
        for position in positions:
            total += zero_nonfinite(scan.pattern(*position))[0]
    mean: NDArray[np.float64] = total / len(positions)
    return mean


def _nearest(pattern: ArrayLike, place: tuple[float, float], radius: float) -> BeamCentre | None:
    for reach in REACHES:
        part = find_disk(pattern, place, reach * radius)
        if part is not None and part.radius > radius / 2:
            # what was cut off by the reach is seen from its own place
            whole = find_disk(pattern, (part.k_y, part.k_x), REACHES[0] * radius)
            return whole if whole is not None else replace(part, radius=radius)
    return None


def _holds(disk: BeamCentre, place: tuple[float, float]) -> bool:
    return hypot(disk.k_y - place[0], disk.k_x - place[1]) <= max(disk.radius, 1.0)
