"""How far the pattern centre wanders over a scan: what a network must learn not to mind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_ghosthunter.scan.beam import BeamCentre
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.spread import spread_positions
from napari_ghosthunter.scan.stated_beam import pattern_beams

POSITIONS = 64  # probe positions whose beam is measured
PERCENTILE = 90  # of the distances: a particle's edge or a thick spot may mislead a few


def centre_wander(scan: Scan, count: int = POSITIONS) -> float | None:
    """Measure how far the direct beam lies from its median place, along the axis where it wanders more.

    Of a scan whose beam is stated, the disk nearest to that place is the beam of a pattern.

    Parameters
    ----------
    scan
        The scan; `count` of its patterns are read, evenly spread.
    count
        How many patterns to measure.

    Returns
    -------
    float or None
        The 90th percentile of the distances, as a share of the detector's shorter side; None where fewer than half of
        the patterns have a clear beam.
    """
    positions = spread_positions(scan.scan_shape, count)
    find = pattern_beams(scan)
    return wander([find(scan.pattern(*position)) for position in positions], scan.detector_shape)


def wander(beams: Sequence[BeamCentre | None], detector_shape: tuple[int, int]) -> float | None:
    """Tell how far beams that were found in spread patterns lie from their median place; see `centre_wander`."""
    centres = np.array([(beam.k_y, beam.k_x) for beam in beams if beam is not None])
    if 2 * len(centres) < len(beams):
        return None
    distances = np.abs(centres - np.median(centres, axis=0))
    return float(np.percentile(distances, PERCENTILE, axis=0).max()) / min(detector_shape)
