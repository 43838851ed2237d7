"""EMPAD and EMPAD-G2 .xml and .raw: header read, patterns mapped from the .raw file.

py4DSTEM takes any number of patterns for a square scan, so that a 4 x 9 scan becomes 6 x 6; RosettaSciIO does not
check the size of the .raw file, opens it by the .xml only, and fails where that names a file of another name.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_ghosthunter.errors import ScanError, ScanShapeError
from napari_ghosthunter.scan.boundary import reading
from napari_ghosthunter.scan.readers.empad_header import EmpadHeader, empad_header, headers_beside, shape_in_name
from napari_ghosthunter.scan.readers.frames import map_records
from napari_ghosthunter.scan.readers.shape_candidates import plausible_shapes, shape_question
from napari_ghosthunter.scan.readers.stack import ScanShape, Stack, Wanted
from napari_ghosthunter.scan.row_layout import RowLayout

SIDE = 128  # pixels of the detector
PATTERN_BYTES = SIDE * SIDE * 4
SMALLEST = 1e-30  # of any signal
FOOTER_BYTES = 2 * SIDE * 4  # two rows of other readings after each pattern


def read(path: Path, wanted: Wanted) -> Stack:
    """Map the patterns of an EMPAD scan, shape (patterns, 128, 128), given its .xml or its .raw file.

    Raises
    ------
    ScanError
        If the .raw file is missing, holds the words of an EMPAD-G2 before they are combined, or either is damaged.
    """
    if path.suffix.lower() == ".xml":
        header = empad_header(path)
        return _by_header(header, _raw_of(header), wanted)
    headers = headers_beside(path)
    naming = [header for header in headers if re.split(r"[\\/]", header.raw)[-1].lower() == path.name.lower()]
    if naming:
        return _by_header(naming[0], path, wanted)
    shape = shape_in_name(path.name)
    note = f"No .xml file beside {path.name} names it: no calibration is known"
    note += ", and the scan shape was taken from the file's name." if shape else "."
    missing = next((header for header in headers if _beside(path, header.raw) is None), None)
    if missing is not None:
        note += f" {missing.path.name} names {missing.raw}, which is missing: if it is this file, name it so again."
    patterns, more = _patterns(path, shape, wanted)
    return Stack(patterns, scan_shape=shape, notes=(note, *more))


def _by_header(header: EmpadHeader, raw: Path, wanted: Wanted) -> Stack:
    shape = header.scan_shape or (None if header.series else shape_in_name(raw.name))
    patterns, notes = _patterns(raw, shape, wanted)
    return Stack(patterns, header.calibration(wanted.scan_shape or shape), scan_shape=shape, notes=notes)


def _raw_of(header: EmpadHeader) -> Path:
    """Find the file of the patterns that an .xml names.

    Raises
    ------
    ScanError
        If it names none, or one that is not beside it.
    """
    path, name = header.path, header.raw
    if not name:
        raise ScanError(
            f"{path.name} names no file of patterns, where an EMPAD's names a file beside it (raw_file): it is of "
            "something else, or was edited. The .raw file can be opened itself."
        )
    if "/" in name or "\\" in name or name in (".", ".."):
        raise ScanError(f"{path.name} names {name!r} for its patterns, where only a file beside it is taken.")
    found = _beside(path, name)
    if found is not None:
        return found
    others = [one for one in sorted(path.parent.iterdir()) if one.suffix.lower() == ".raw" and one.is_file()]
    advice = "Bring it here."
    if others:
        advice += f" If it was renamed, as {others[0].name} may have been, name it {name} again, or open it itself."
    raise ScanError(f"{path.name} names {name} as the file of its patterns, but it is not beside it. {advice}")


def _beside(path: Path, name: str) -> Path | None:
    """Find a file in the folder of another, in whatever case its name is written there."""
    exact = path.with_name(name) if name and Path(name).name == name else None
    if exact is None or exact.is_file():
        return exact
    alike = [one for one in path.parent.iterdir() if one.name.lower() == name.lower() and one.is_file()]
    return alike[0] if len(alike) == 1 else None


def _patterns(path: Path, shape: ScanShape | None, wanted: Wanted) -> tuple[Any, tuple[str, ...]]:
    """Map the patterns of either detector: those of an EMPAD are followed by two rows of other readings.

    A file is taken for an EMPAD-G2's only if it holds as many patterns as its name or the user says: a copy of an
    EMPAD's that was broken off often ends where it could be one.
    """
    with reading(path, "an EMPAD .raw file"):
        size, skip, flyback = path.stat().st_size, wanted.skip_frames or 0, wanted.flyback or 0
        ends = [RowLayout(one, skip, flyback).end for one in (shape, wanted.scan_shape) if one is not None]
        second = size in {(end + after) * PATTERN_BYTES for end in ends for after in (0, flyback)}
        records = map_records(path, "<f4", (SIDE, SIDE), offset=0, after=0 if second else FOOTER_BYTES)
        patterns = records["pattern"]
    if second and (_are_words(patterns[0]) or _are_words(patterns[-1])):
        raise ScanError(
            f"{path.name} holds the words of an EMPAD-G2, which become counts only with calibration and background of "
            "the detector: combine them first (empad2.load_dataset, pyempad-calibrate), and open what that writes."
        )
    if second:
        return patterns, ("It has no rows of other readings: read as the combined patterns of an EMPAD-G2.",)
    if size % records.itemsize == 0:
        return patterns, ()
    problem = (
        f"{path.name} is not a whole number of EMPAD patterns ({size} bytes, {records.itemsize} each): it is cut "
        "short, or no EMPAD file."
    )
    if size % PATTERN_BYTES:
        raise ScanError(problem)
    shapes = plausible_shapes(size // PATTERN_BYTES)
    raise ScanShapeError(
        f"{problem} Only if it is of an EMPAD-G2, with {size // PATTERN_BYTES} patterns: {shape_question(shapes)}",
        shapes,
    )


def _are_words(pattern: NDArray[np.float32]) -> bool:
    """Whether numbers make no sense as floats: those of counts and gain bits are far too small for any signal."""
    used = pattern[pattern != 0]
    return bool(used.size) and float(np.mean(~(np.abs(used) > SMALLEST))) > 0.5
