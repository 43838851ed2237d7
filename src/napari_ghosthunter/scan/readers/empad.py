"""EMPAD and EMPAD-G2 .xml and .raw: header read by RosettaSciIO, patterns mapped from the .raw file.

py4DSTEM takes any number of patterns for a square scan, so that a 4 x 9 scan becomes 6 x 6; RosettaSciIO does not
check the size of the .raw file, and opens it by the .xml only.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_ghosthunter.errors import ScanError, ScanShapeError
from napari_ghosthunter.scan.boundary import reading
from napari_ghosthunter.scan.calibration import Calibration
from napari_ghosthunter.scan.readers.companion import COMPANION_BYTES, companion_text, whole_number
from napari_ghosthunter.scan.readers.fold import plausible_shapes, shape_question
from napari_ghosthunter.scan.readers.frames import map_records
from napari_ghosthunter.scan.readers.stack import ScanShape, Stack, Wanted
from napari_ghosthunter.scan.units import calibration_of

MOST_STATED = 1000  # times the patterns that there are: a header so wrong is damaged
SIDE = 128  # pixels of the detector
PATTERN_BYTES = SIDE * SIDE * 4
SMALLEST = 1e-30  # of any signal
FOOTER_BYTES = 2 * SIDE * 4  # two rows of other readings after each pattern
_NAMED_SHAPE = re.compile(r"_x(?P<x>\d+)_y(?P<y>\d+)(?!\d)")


def read(path: Path, wanted: Wanted) -> Stack:
    """Map the patterns of an EMPAD scan, shape (patterns, 128, 128), given its .xml or its .raw file.

    Raises
    ------
    ScanError
        If the .raw file is missing, holds the words of an EMPAD-G2 before they are combined, or either is damaged.
    """
    if path.suffix.lower() == ".xml":
        return _by_header(path)
    headers = [header for header in sorted(path.parent.glob("*.xml")) if _names(header, path)]
    if headers:
        return _by_header(headers[0])
    shape = _shape_in_name(path.name)
    note = f"No .xml file beside {path.name} names it: no calibration is known"
    note += ", and the scan shape was taken from the file's name." if shape else "."
    patterns, more = _patterns(path, shape or wanted.scan_shape)
    return Stack(patterns, scan_shape=shape, notes=(note, *more))


def _by_header(path: Path) -> Stack:
    from rsciio.empad import file_reader
    from rsciio.empad._api import _parse_xml

    with reading(path, "an EMPAD .xml file"):
        companion_text(path)  # for its size: it is parsed in memory
        _, stated = _parse_xml(str(path))  # a look before the .raw file is opened
        name = stated["raw_filename"]
        raw = path.parent / name
        if "/" in name or "\\" in name or name in ("", ".", ".."):
            raise ScanError(f"{path.name} names {name!r} for its patterns, where only a file beside it is taken.")
        if not raw.is_file():
            raise ScanError(f"{path.name} names {raw.name} as the file of its patterns, but it is not beside it.")
        named = _shape_in_name(raw.name) or (int(stated.get("scan_y", 0)), int(stated.get("scan_x", 0)))
        patterns, notes = _patterns(raw, named)
        if notes:  # RosettaSciIO would look for the rows that are not there
            return Stack(
                patterns, scan_shape=named, notes=(*notes, "Its .xml file is not used: no calibration is known.")
            )
        count = stated.get("series_count") or stated.get("scan_x", 0) * stated.get("scan_y", 0)
        if count > MOST_STATED * len(patterns):
            raise ScanError(f"{path.name} states {count} patterns, but {raw.name} holds {len(patterns)}.")
        signal = file_reader(str(path), lazy=True)[0]
        root = signal["original_metadata"]["root"]
        series = root.get("type") == "series"
    shape = None if series else _stated_shape(root) or _shape_in_name(raw.name)
    return Stack(patterns, _calibration(signal["axes"]), scan_shape=shape)


def _patterns(path: Path, shape: ScanShape | None) -> tuple[Any, tuple[str, ...]]:
    """Map the patterns of either detector: those of an EMPAD are followed by two rows of other readings.

    A file is taken for an EMPAD-G2's only if it holds as many patterns as its name or the user says: a copy of an
    EMPAD's that was broken off often ends where it could be one.
    """
    with reading(path, "an EMPAD .raw file"):
        size, count = path.stat().st_size, math.prod(shape) if shape else 0
        second = size == count * PATTERN_BYTES
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


def _stated_shape(root: dict[str, Any]) -> ScanShape | None:
    sides = [whole_number(str(root.get(name, ""))) for name in ("pix_y", "pix_x")]
    return (sides[0], sides[1]) if all(sides) else None


def _shape_in_name(name: str) -> ScanShape | None:
    match = _NAMED_SHAPE.search(name)
    return (int(match["y"]), int(match["x"])) if match else None


def _calibration(axes: list[dict[str, Any]]) -> Calibration:
    """Take the calibration by the names of the axes, for RosettaSciIO leaves out those of one element."""
    steps = {axis["name"]: (float(axis["scale"]), str(axis["units"] or "")) for axis in axes}
    return calibration_of([steps.get(name) for name in ("scan_y", "scan_x", "height", "width")])


def _names(header: Path, raw: Path) -> bool:
    """Whether an .xml file names this .raw file."""
    small = header.is_file() and header.stat().st_size <= COMPANION_BYTES
    return small and raw.name.encode() in header.read_bytes()
