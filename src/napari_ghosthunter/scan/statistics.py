"""What a scan looks like in a few numbers: enough to tell, before a model is applied to it, whether it may fit.

A few dozen patterns, evenly spread, are read one by one, so that neither the time nor the memory grows with the scan.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from napari_ghosthunter.scan.beam import BeamCentre
from napari_ghosthunter.scan.drift import POSITIONS, wander
from napari_ghosthunter.scan.scan import Scan, zero_nonfinite
from napari_ghosthunter.scan.spread import spread_positions
from napari_ghosthunter.scan.stated_beam import find_scan_beam, pattern_beams

PERCENTILES = (5, 50, 95)

FloatArray = NDArray[np.float64]


class Beam(BaseModel):
    """Where the direct beam is in the mean pattern, in detector pixels; (0, 0) is the middle of the first one."""

    model_config = ConfigDict(frozen=True)

    k_y: float
    k_x: float
    radius: float

    def centre(self) -> BeamCentre:
        """Give it as virtual detectors take it."""
        return BeamCentre(self.k_y, self.k_x, self.radius)


class ScanStatistics(BaseModel):
    """A scan in a few numbers, measured in spread patterns."""

    model_config = ConfigDict(frozen=True)

    beam: Beam | None  # None: no clear direct beam in the mean pattern
    wander: float | None  # of the centre, see `drift.centre_wander`; None: no clear beam in most patterns
    intensity: tuple[float, float, float]  # 5th, 50th, 95th percentile of the mean intensity of a pattern
    zero_share: float  # of the detector pixels that counted nothing


def measure_statistics(scan: Scan, count: int = POSITIONS) -> ScanStatistics:
    """Measure a scan in `count` spread patterns; NaN and infinities count as zero, and nothing is said of them."""
    positions = spread_positions(scan.scan_shape, count)
    total: FloatArray = np.zeros(scan.detector_shape)
    find = pattern_beams(scan)
    beams, means, zeros = list[BeamCentre | None](), list[float](), 0
    for position in positions:
        pattern, _ = zero_nonfinite(scan.pattern(*position).astype(np.float64, copy=False))
        with np.errstate(over="ignore"):
            total += pattern
            means.append(float(pattern.mean()))
        zeros += int(np.count_nonzero(pattern <= 0))
        beams.append(find(pattern))
    found = find_scan_beam(scan, total / len(positions))
    with np.errstate(invalid="ignore"):  # between infinities
        low, middle, high = np.nan_to_num(np.percentile(means, PERCENTILES)).tolist()
    return ScanStatistics(
        beam=None if found is None else Beam(k_y=found.k_y, k_x=found.k_x, radius=found.radius),
        wander=wander(beams, scan.detector_shape),
        intensity=(low, middle, high),
        zero_share=zeros / (len(positions) * total.size),
    )
