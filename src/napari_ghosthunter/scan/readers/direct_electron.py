"""MRC, above all Direct Electron's _movie.mrc with its _info.txt: header by RosettaSciIO, patterns mapped.

RosettaSciIO 0.15 sets every pixel size that it finds in _info.txt to 1, and looks for that file by a pattern which
names made by hand do not match.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_ghosthunter.errors import ScanError, ScanShapeError
from napari_ghosthunter.scan.boundary import reading
from napari_ghosthunter.scan.calibration import Calibration
from napari_ghosthunter.scan.readers.companion import companion_text, whole_number
from napari_ghosthunter.scan.readers.fold import plausible_shapes, shape_question
from napari_ghosthunter.scan.readers.frames import map_records
from napari_ghosthunter.scan.readers.stack import Stack, Wanted
from napari_ghosthunter.scan.readers.thermo import thermo_header
from napari_ghosthunter.scan.units import Axis, calibration_of

HEADER_BYTES = 1024


def read(path: Path, wanted: Wanted) -> Stack:
    """Map the images of an MRC file, shape (patterns, k_y, k_x).

    Raises
    ------
    ScanShapeError
        If the positions form no rectangle (random or listed positions) and no scan shape was given.
    ScanError
        If the file is damaged or complex.
    """
    patterns = _patterns(path)
    info = _info(path)
    if not info:
        header = thermo_header(path)
        return Stack(patterns, header.calibration, hints=header.hints, notes=header.notes)
    if info.get("Scan - Enable") != "Enable":
        return Stack(patterns, _calibration(info))
    region = info.get("Scan - ROI Enable") == "Enable"
    prefix = "Scan - ROI Size" if region else "Scan - Size"
    shape = whole_number(info.get(f"{prefix} Y")), whole_number(info.get(f"{prefix} X"))
    kinds = [info.get("Scan - Type", "Raster"), *([info.get("Scan - ROI Type", "Raster")] if region else [])]
    irregular = [kind for kind in kinds if kind != "Raster"]
    if not irregular:
        return Stack(patterns, _calibration(info), scan_shape=shape if all(shape) else None)
    if wanted.scan_shape is None:
        candidates = plausible_shapes(len(patterns), [shape])
        raise ScanShapeError(
            f"{len(patterns)} patterns of {patterns.shape[1]} x {patterns.shape[2]} pixels at positions of the kind "
            f"'{irregular[0]}' ({path.name} with its info.txt): they form no rectangular scan. Only if they follow "
            f"each other row by row after all: {shape_question(candidates)}",
            candidates,
        )
    note = f"The positions are of the kind '{irregular[0]}'; the patterns were folded row by row as asked."
    return Stack(patterns, _calibration(info), hints=(shape,), notes=(note,))


def read_single(path: Path) -> NDArray[Any]:
    """Map the image in an MRC file of no other, shape (k_y, k_x).

    Raises
    ------
    ScanError
        If the file holds several, or is damaged or complex.
    """
    patterns = _patterns(path)
    if len(patterns) > 1:
        raise ScanError(f"{path.name} holds {len(patterns)} patterns: open that file itself.")
    image: NDArray[Any] = patterns[0]
    return image


def _patterns(path: Path) -> Any:
    from rsciio.mrc._api import get_data_type, get_std_dtype_list

    with reading(path, "an MRC file"):
        with path.open("rb") as stream:
            raw = stream.read(HEADER_BYTES)
        order = ">" if raw[212:214] == b"\x11\x11" else "<"  # the machine stamp
        header = np.frombuffer(raw, np.dtype(get_std_dtype_list(order)), count=1)[0]
        dtype = get_data_type([header["MODE"]]).newbyteorder(order)
        detector, count = (int(header["NY"]), int(header["NX"])), int(header["NZ"])
        if dtype.kind == "c":
            raise ScanError(f"{path.name} holds complex numbers, not diffraction patterns.")
        offset = HEADER_BYTES + int(header["NEXT"])
        return map_records(path, dtype, detector, offset=offset, count=count)["pattern"]


def _info(path: Path) -> dict[str, str]:
    """Read the info.txt that belongs to a movie, empty if there is none."""
    stem = re.sub(r"_?movie$", "", path.stem)
    found = [path.with_name(name) for name in (f"{stem}_info.txt", f"{stem}info.txt", f"{path.stem}_info.txt")]
    file = next((file for file in found if file.is_file()), None)
    if file is None:
        return {}
    pairs = [line.split("=", 1) for line in companion_text(file).splitlines() if "=" in line]
    return {key.strip(): value.strip() for key, value in pairs}


def _calibration(info: dict[str, str]) -> Calibration:
    """Take the pixel sizes from info.txt, where -1 stands for unknown."""
    return calibration_of([
        _axis(info.get("Specimen Pixel Size Y (nanometers)"), "nm"),
        _axis(info.get("Specimen Pixel Size X (nanometers)"), "nm"),
        _axis(info.get("Diffraction Pixel Size Y"), "1/nm"),
        _axis(info.get("Diffraction Pixel Size X"), "1/nm"),
    ])  # fmt: skip


def _axis(text: str | None, units: str) -> Axis | None:
    try:
        step = float(text or -1)
    except ValueError:
        return None
    return (step, units) if step > 0 else None
