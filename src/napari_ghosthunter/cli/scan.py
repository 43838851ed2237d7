"""`ghosthunter info`: what is in a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_ghosthunter.cli import console
from napari_ghosthunter.cli.options import AsJson, Dataset, Reader, ScanPath, ScanShape, parse_scan_shape

if TYPE_CHECKING:
    from napari_ghosthunter.scan.scan import Scan


def open_scan(
    path: Path, scan_shape: str | None, dataset: str | None, reader: str | None, *, quiet: bool = False
) -> Scan:
    """Open a scan with the options that every command with a SCAN has, and tell the notes of its reader."""
    shape = parse_scan_shape(scan_shape) if scan_shape else None  # before the imports: wrong usage answers at once
    from napari_ghosthunter.scan.readers import open_scan as open_file

    with console.progress_bar(f"opening {path.name}"):  # milliseconds, but for what has to be unpacked first
        scan = open_file(path, scan_shape=shape, dataset=dataset, reader=reader)
    for note in () if quiet else scan.provenance.notes:
        console.hint(f"note: {note}")
    return scan


def info(
    scan: ScanPath,
    scan_shape: ScanShape = None,
    dataset: Dataset = None,
    reader: Reader = None,
    as_json: AsJson = False,
) -> None:
    """Say what is in a file: shape, type, pixel sizes, reader."""
    opened = open_scan(scan, scan_shape, dataset, reader)
    from napari_ghosthunter.scan.describe import describe

    described = describe(opened)
    console.say(json.dumps(described) if as_json else _table(described))


def _table(described: dict[str, Any]) -> str:
    """Write the description for a person."""
    scan_y, scan_x, k_y, k_x = described["shape"]
    lines = {
        "file": described["path"],
        "dataset": described["dataset"],
        "reader": described["reader"],
        "scan": f"{scan_y} x {scan_x} probe positions (scan_y x scan_x), step {_steps(described, 'scan')}",
        "detector": f"{k_y} x {k_x} pixels (k_y x k_x), step {_steps(described, 'k')}",
        "data": f"{_dtype(described['dtype'])}, {_size(described['size_bytes'])}",
    }
    return "\n".join(f"{name:<9} {value}" for name, value in lines.items() if value is not None)


def _dtype(name: str) -> str:
    """Write a type with its byte order in words, where that is not the machine's: '>u2' is a riddle to many."""
    import numpy as np

    order = {">": " (big-endian)", "<": " (little-endian)"}.get(name[0], "")
    return f"{np.dtype(name).name}{order}"


def _size(count: int) -> str:
    """Write a number of bytes."""
    return f"{count / 2**20:,.1f} MiB" if count >= 0.1 * 2**20 else f"{count / 2**10:,.1f} KiB"


def _steps(described: dict[str, Any], plane: str) -> str:
    """Write the pixel size along y and x, or once where they agree."""
    step_y, step_x = described[f"{plane}_step"]
    units = described[f"{plane}_units"]
    if units == "px":
        return "unknown"
    return f"{step_y:.6g} {units}" if step_y == step_x else f"{step_y:.6g} x {step_x:.6g} {units}"
