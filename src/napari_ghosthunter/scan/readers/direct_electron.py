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
from napari_ghosthunter.scan.readers.companion import companion_text
from napari_ghosthunter.scan.readers.direct_electron_scan import arrangement, chosen_part
from napari_ghosthunter.scan.readers.frames import map_records
from napari_ghosthunter.scan.readers.stack import Stack, Wanted
from napari_ghosthunter.scan.readers.thermo import thermo_header
from napari_ghosthunter.scan.units import Axis, calibration_of

HEADER_BYTES = 1024
IMOD_AT, IMOD_STAMP = 152, 1146047817  # b"IMOD", followed by flags


def read(path: Path, wanted: Wanted) -> Stack:
    """Map the images of an MRC file, shape (patterns, k_y, k_x).

    Raises
    ------
    ScanShapeError
        If the positions form no rectangle (random or listed positions) and no scan shape was given.
    DatasetError
        If the scan was repeated and no repeat was chosen.
    ScanError
        If the file is damaged or complex.
    """
    info = _info(path)
    patterns, notes = _patterns(path, counted=bool(info))
    if not info:
        header = thermo_header(path)
        return Stack(patterns, header.calibration, hints=header.hints, notes=(*header.notes, *notes))
    stated, calibration = arrangement(info), _calibration(info)
    if stated is None:
        return Stack(patterns, calibration, notes=notes)
    if stated.kinds and wanted.scan_shape is None:
        raise ScanShapeError(
            f"{len(patterns)} patterns of {patterns.shape[1]} x {patterns.shape[2]} pixels at positions of the kind "
            f"'{stated.kinds[0]}' ({path.name} with its info.txt): they form no rectangular scan. Only if you know "
            "that they follow each other row by row after all, give the scan shape as --scan-shape YxX."
        )
    if stated.kinds:
        note = f"The positions are of the kind '{stated.kinds[0]}'; the patterns were folded row by row as asked."
        return Stack(patterns, calibration, notes=(note, *notes))
    part, dataset, more = chosen_part(patterns, stated, wanted)
    return Stack(part, calibration, scan_shape=stated.scan_shape, dataset=dataset, notes=(*notes, *more))


def read_single(path: Path) -> NDArray[Any]:
    """Map the image in an MRC file of no other, shape (k_y, k_x).

    Raises
    ------
    ScanError
        If the file holds several, or is damaged or complex.
    """
    patterns, _ = _patterns(path, counted=False)
    if len(patterns) > 1:
        raise ScanError(f"{path.name} holds {len(patterns)} patterns: open that file itself.")
    image: NDArray[Any] = patterns[0]
    return image


def _patterns(path: Path, *, counted: bool) -> tuple[Any, tuple[str, ...]]:
    """Map the images of an MRC file; `counted` if they are known to be counts, which are never negative."""
    from rsciio.mrc._api import get_data_type, get_std_dtype_list

    notes: tuple[str, ...] = ()
    with reading(path, "an MRC file"):
        with path.open("rb") as stream:
            raw = stream.read(HEADER_BYTES)
        order = ">" if raw[212:214] == b"\x11\x11" else "<"  # the machine stamp
        header = np.frombuffer(raw, np.dtype(get_std_dtype_list(order)), count=1)[0]
        if header["MODE"] == 0:
            signed = _signed_bytes(raw, order)
            dtype = np.dtype(np.int8 if signed else np.uint8)
            if signed is None and not counted:
                notes = ("Whether its bytes are signed is not stated; they are read as counts, 0 to 255.",)
        else:
            dtype = get_data_type([header["MODE"]]).newbyteorder(order)
        detector, count = (int(header["NY"]), int(header["NX"])), int(header["NZ"])
        if dtype.kind == "c":
            raise ScanError(f"{path.name} holds complex numbers, not diffraction patterns.")
        offset = HEADER_BYTES + int(header["NEXT"])
        records = map_records(path, dtype, detector, offset=offset, count=count)
    if len(records) < count:
        notes = (*notes, f"The file is cut short: its header states {count} patterns, and {len(records)} are there.")
    return records["pattern"], notes


def _signed_bytes(raw: bytes, order: str) -> bool | None:
    """Whether IMOD, or a program that sets its flags, says that bytes are signed; None if none says so.

    MRC 2014 has them signed, but Direct Electron and others that state it write counts from 0 to 255.
    """
    stamp, flags = np.frombuffer(raw, f"{order}i4", count=2, offset=IMOD_AT)
    return bool(flags & 1) if stamp == IMOD_STAMP else None


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
