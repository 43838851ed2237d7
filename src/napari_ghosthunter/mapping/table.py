"""The figures of each class as a CSV table."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from napari_ghosthunter.mapping.domains import ClassStatistics, DomainMap
from napari_ghosthunter.mapping.origin import ORIGIN, origin_line


def write_table(path: Path, domain_map: DomainMap) -> None:
    """Write one row per class."""
    units, told = domain_map.calibration.scan_units, origin_line(domain_map)
    buffer = io.StringIO(newline="")
    rows = [_table_row(entry, units) | {ORIGIN: told} for entry in domain_map.statistics]
    writer = csv.DictWriter(buffer, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(buffer.getvalue(), encoding="utf-8", newline="")


def _table_row(entry: ClassStatistics, units: str) -> dict[str, Any]:
    return {
        "id": entry.id,
        "class": entry.name,
        "colour": entry.colour,
        "count": entry.count,
        "area_fraction": entry.area_fraction,
        "area": entry.area,
        "area_units": f"{units}^2",
        "mean_confidence": "" if entry.mean_confidence is None else entry.mean_confidence,
        "wall_length_px": entry.wall_length_px,
        "wall_length": entry.wall_length,
        "wall_length_units": units,
    }
