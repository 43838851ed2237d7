"""Pixel sizes of a scan and of its detector."""

from __future__ import annotations

from dataclasses import dataclass

PIXELS = "px"  # the unit of an axis that no calibration is known for


@dataclass(frozen=True)
class Calibration:
    """Pixel sizes along (y, x) of the scan and of the detector; `px` where nothing is known."""

    scan_step: tuple[float, float] = (1.0, 1.0)
    scan_units: str = PIXELS
    k_step: tuple[float, float] = (1.0, 1.0)
    k_units: str = PIXELS
