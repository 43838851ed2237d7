"""What a scan is, in numbers for a program and in words for a person: the same for command line and window."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from napari_ghosthunter.scan.scan import Scan


def describe(scan: Scan) -> dict[str, Any]:
    """Describe a scan without reading its patterns.

    Returns
    -------
    dict
        Ready for JSON. `shape` is [scan_y, scan_x, k_y, k_x]; `scan_step` and `k_step` are [y, x] in `scan_units`
        and `k_units`; `dtype` is numpy's name of it, with its byte order where that is not the machine's;
        `size_bytes` is the size of the cube; `path`, `dataset` and `reader` say where it comes from, `options` what
        the user said of how to open it, `bad_pixels` how many pixels of the detector are left out, and `notes` what
        the reader wants a user to know.
    """
    calibration, provenance = scan.calibration, scan.provenance
    return {
        "path": None if provenance.path is None else as_text(provenance.path),
        "dataset": provenance.dataset,
        "reader": provenance.reader,
        "shape": list(scan.shape),
        "dtype": scan.dtype.name if scan.dtype.isnative else scan.dtype.str,
        "size_bytes": scan.size_bytes,
        "scan_step": list(calibration.scan_step),
        "scan_units": calibration.scan_units,
        "k_step": list(calibration.k_step),
        "k_units": calibration.k_units,
        "bad_pixels": 0 if scan.bad_pixels is None else len(scan.bad_pixels),
        "options": provenance.options.said(),
        "notes": list(provenance.notes),
    }


def in_words(described: dict[str, Any]) -> dict[str, str]:
    """Put what `describe` gives in words for a person, one line each; what is not known is left out."""
    scan_y, scan_x, k_y, k_x = described["shape"]
    lines = {
        "file": described["path"],
        "dataset": described["dataset"],
        "reader": described["reader"],
        "scan": f"{scan_y} x {scan_x} probe positions (scan_y x scan_x), step {steps_in_words(described, 'scan')}",
        "detector": f"{k_y} x {k_x} pixels (k_y x k_x), step {steps_in_words(described, 'k')}",
        "data": f"{_dtype(described['dtype'])}, {_size(described['size_bytes'])}",
    }
    if described["bad_pixels"]:
        lines["mask"] = f"{described['bad_pixels']} bad pixels of the detector are left out"
    return {name: value for name, value in lines.items() if value is not None}


def _dtype(name: str) -> str:
    """Write a type with its byte order in words, where that is not the machine's: '>u2' is a riddle to many."""
    order = {">": " (big-endian)", "<": " (little-endian)"}.get(name[0], "")
    return f"{np.dtype(name).name}{order}"


def _size(count: int) -> str:
    """Write a number of bytes."""
    return f"{count / 2**20:,.1f} MiB" if count >= 0.1 * 2**20 else f"{count / 2**10:,.1f} KiB"


def steps_in_words(described: dict[str, Any], plane: str) -> str:
    """Write the pixel size along y and x, or once where they agree."""
    step_y, step_x = described[f"{plane}_step"]
    units = described[f"{plane}_units"]
    if units == "px":
        return "unknown"
    return f"{step_y:.6g} {units}" if step_y == step_x else f"{step_y:.6g} x {step_x:.6g} {units}"


def as_text(path: Path) -> str:
    """Write a path as text that every file can hold: bytes that are no letters in UTF-8 as escape sequences."""
    return str(path).encode("utf-8", "backslashreplace").decode("utf-8")
