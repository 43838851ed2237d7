"""What a scan is, in words and numbers a person or a program can read: behind `ghosthunter info`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_ghosthunter.scan.scan import Scan


def describe(scan: Scan) -> dict[str, Any]:
    """Describe a scan without reading its patterns.

    Returns
    -------
    dict
        Ready for JSON. `shape` is [scan_y, scan_x, k_y, k_x]; `scan_step` and `k_step` are [y, x] in `scan_units`
        and `k_units`; `dtype` is numpy's name of it, with its byte order where that is not the machine's;
        `size_bytes` is the size of the cube; `path`, `dataset` and `reader` say where it comes from, and `notes`
        what the reader wants a user to know.
    """
    calibration, provenance = scan.calibration, scan.provenance
    return {
        "path": None if provenance.path is None else _text(provenance.path),
        "dataset": provenance.dataset,
        "reader": provenance.reader,
        "shape": list(scan.shape),
        "dtype": scan.dtype.name if scan.dtype.isnative else scan.dtype.str,
        "size_bytes": scan.size_bytes,
        "scan_step": list(calibration.scan_step),
        "scan_units": calibration.scan_units,
        "k_step": list(calibration.k_step),
        "k_units": calibration.k_units,
        "notes": list(provenance.notes),
    }


def _text(path: Path) -> str:
    """Write a path as text that every file can hold: bytes that are no letters in UTF-8 as escape sequences."""
    return str(path).encode("utf-8", "backslashreplace").decode("utf-8")
