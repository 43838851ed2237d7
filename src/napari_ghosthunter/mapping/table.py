"""The figures of each class as a CSV table, which any program reads: a header, and a short row for each class.

Where it comes from is told in three short columns, so that tables of many maps can be put under one another: the name
of the scan, and how its fingerprint and the hash of the model begin. The whole of it is in the JSON file of the map; a
comment at the head would be data to a spreadsheet, and colours begin with the '#' of comments.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path, PureWindowsPath
from typing import Any

from napari_ghosthunter.mapping.contents import ClassStatistics, MapContents

DIGITS = 12  # of a fingerprint or a hash: as good as all of them to tell two apart


def write_table(path: Path, domain_map: MapContents) -> None:
    """Write one row per class."""
    units, told = domain_map.calibration.scan_units, _origin(domain_map)
    buffer = io.StringIO(newline="")
    rows = [_table_row(entry, units) | told for entry in domain_map.statistics]
    writer = csv.DictWriter(buffer, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(buffer.getvalue(), encoding="utf-8", newline="")


def _origin(domain_map: MapContents) -> dict[str, str]:
    known, scan = domain_map.provenance, domain_map.provenance.get("scan")
    path = scan.get("path") if isinstance(scan, Mapping) else None
    marks = {name: str(known.get(name) or "")[:DIGITS] for name in ("scan_fingerprint", "model_hash")}
    marks = {name: f"sha256:{mark}" if mark else "" for name, mark in marks.items()}  # digits alone would be a number
    return {"scan": PureWindowsPath(path).name if path else "", **marks}  # which knows both kinds of slashes


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
