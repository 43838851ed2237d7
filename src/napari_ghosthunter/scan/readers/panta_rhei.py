"""PantaRhei .prz: an array and its description in one .npz file; the order of the axes is RosettaSciIO's.

Descriptions that were pickled, as before PantaRhei 24.03, are never read.
"""

from __future__ import annotations

import json
from pathlib import Path

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.boundary import reading
from napari_ghosthunter.scan.readers import arrays
from napari_ghosthunter.scan.readers.libraries import axis_of
from napari_ghosthunter.scan.readers.stack import Stack, Wanted
from napari_ghosthunter.scan.units import calibration_of

PATTERN_AXES = 2


def read(path: Path, wanted: Wanted) -> Stack:
    """Find the scan in a .prz file: mapped where it is stored as it is, else unpacked to a temporary file.

    Raises
    ------
    ScanError
        If it holds spectra or images, or is damaged.
    """
    from rsciio.pantarhei._api import import_pr

    stack = arrays.read_npz(path, wanted.updated(dataset="data"))
    described = arrays.read_text(path, "meta_data_json")
    notes = list(stack.notes)
    if not described:
        notes.append("Its description is kept as code or missing, and was not read: no calibration is known.")
    with reading(path, "a PantaRhei .prz file"):
        told = json.loads(described)[0] if described else {}
        signal = import_pr(stack.patterns, told, str(path))[0]
    axes = signal["axes"]
    over = [axis["navigate"] for axis in axes]
    if len(axes) - sum(over) != PATTERN_AXES or sum(over) not in (1, 2):
        held = ", ".join(str(axis["name"]) for axis in axes)
        raise ScanError(f"Its axes are {held}: these are no patterns over a scan.")
    steps = [axis_of(axis) for axis in axes]
    calibration = calibration_of(steps if len(steps) > PATTERN_AXES + 1 else [None, None, *steps[1:]])
    return Stack(signal["data"], calibration, notes=tuple(notes))
