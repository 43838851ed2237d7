"""Units of a scan as napari knows them."""

from __future__ import annotations

from napari_ghosthunter.scan.calibration import PIXELS


def napari_units(units: str) -> tuple[str, str]:
    """Name the unit of both scan axes as napari's scale bar knows it."""
    return ("pixel" if units == PIXELS else units,) * 2
