"""The words for where the cursor is: on the scan, and on the detector."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_ghosthunter.labelling.positions import Position
from napari_ghosthunter.scan.beam import BeamCentre
from napari_ghosthunter.scan.calibration import PIXELS, Calibration
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.units import pretty


def position_text(position: Position, scan: Scan) -> str:
    """Say which probe position is meant, in positions and in length."""
    text = f"scan_y {position[0]}, scan_x {position[1]}"
    calibration = scan.calibration
    if calibration.scan_units == PIXELS:
        return text
    y, x = (_short(index * step) for index, step in zip(position, calibration.scan_step, strict=True))
    return f"{text}  ({y}, {x} {pretty(calibration.scan_units)})"


def value_text(value: Any, pixel: Position, beam: BeamCentre | None, calibration: Calibration) -> str:
    """Say what was measured in one detector pixel, and how far from the direct beam that is."""
    number = f"{value:,}" if np.asarray(value).dtype.kind in "ui" else f"{float(value):.4g}"
    text = f"k_y {pixel[0]}, k_x {pixel[1]}"
    if beam is not None and beam.found:
        offset = np.array(pixel) - (beam.k_y, beam.k_x)
        distance = float(np.hypot(*(offset * calibration.k_step)))
        text += f"  ({_short(distance)} {pretty(calibration.k_units)} from the beam)"
    return f"{text}:  {number}"


def _short(value: float) -> str:
    """Write a length with three digits, without an exponent for the usual ones."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
