"""Pixel sizes of a scan and of its detector."""

from __future__ import annotations

from dataclasses import dataclass, field

PIXELS = "px"  # the unit of an axis that no calibration is known for


@dataclass(frozen=True)
class Calibration:
    """Pixel sizes along (y, x) of the scan and of the detector; `px` where nothing is known."""

    scan_step: tuple[float, float] = (1.0, 1.0)
    scan_units: str = PIXELS
    k_step: tuple[float, float] = (1.0, 1.0)
    k_units: str = PIXELS
    notes: tuple[str, ...] = field(default=(), compare=False, repr=False)  # what of it could not be read from a file
