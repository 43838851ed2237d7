"""Where the cursor is: probe positions on the scan, vectors on the detector, and the words for both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from napari_ghosthunter.scan.beam import BeamCentre
from napari_ghosthunter.scan.scan import PIXELS, Calibration, Scan

Position = tuple[int, int]  # (scan_y, scan_x)
PRETTY = {"angstrom": "Å", "1/angstrom": "Å⁻¹", "1/nm": "nm⁻¹", "um": "µm"}
LAST_AXES = 2


def scan_of(layer: Any) -> Scan | None:
    """Give the scan that a layer shows, or None if it shows none."""
    scan = getattr(layer, "metadata", {}).get("scan")
    return scan if isinstance(scan, Scan) and tuple(layer.data.shape[:2]) == scan.scan_shape else None


def position_at(layer: Any, world: Sequence[float]) -> Position | None:
    """Give the probe position under a point of the main viewer, or None beside the scan.

    The layer knows its scale, flip and translation, and which of the viewer's axes are its own.
    """
    point = np.asarray(layer.world_to_data(world), np.float64)[-LAST_AXES:]
    y, x = (int(np.floor(value + 0.5)) for value in point)
    size_y, size_x = layer.data.shape[:2]
    return (y, x) if 0 <= y < size_y and 0 <= x < size_x else None


def pretty(units: str) -> str:
    """Write a unit as a microscopist does."""
    return PRETTY.get(units, units)


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
