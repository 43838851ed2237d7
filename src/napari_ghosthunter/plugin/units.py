"""Units of a scan as napari knows them, and as a microscopist writes them."""

from __future__ import annotations

from napari_ghosthunter.scan.calibration import PIXELS

PRETTY = {"angstrom": "Å", "1/angstrom": "Å⁻¹", "1/nm": "nm⁻¹", "um": "µm"}


def napari_units(units: str) -> tuple[str, str]:
    """Name the unit of both scan axes as napari's scale bar knows it."""
    return ("pixel" if units == PIXELS else units,) * 2


def pretty(units: str) -> str:
    """Write a unit as a microscopist does."""
    return PRETTY.get(units, units)
