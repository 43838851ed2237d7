"""Quantum Detectors Merlin .mib: frames and headers mapped by RosettaSciIO, turned upright here.

py4DSTEM 0.14.18 gives the frames upside down and fails where an .hdr file lies beside the .mib. RosettaSciIO's
`file_reader` guesses a scan shape from any irregularity in time, so only its `load_mib_data` is used.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.boundary import reading
from napari_ghosthunter.scan.readers.companion import companion_text, whole_number
from napari_ghosthunter.scan.readers.stack import ScanShape, Stack, Wanted

TIMED_FRAMES = 8192  # times of more frames would cost seconds on a slow disk
_STAMP = re.compile(rb",(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+)Z,")
PAUSE = 10  # a pause at the end of a row stands out from the jitter of the other frames at least so many times


def read(path: Path, wanted: Wanted) -> Stack:
    """Map the frames of a Merlin file, shape (patterns, k_y, k_x), upright.

    Raises
    ------
    ScanError
        If the file is raw (R64), or damaged.
    """
    from rsciio.quantumdetector import load_mib_data

    with reading(path, "a Merlin .mib file"):
        if _header_fields(path)[6] == "R64":
            raise ScanError(
                f"{path.name} was recorded in raw mode (R64), which scrambles the pixels and which no reader opens; "
                "export it as processed .mib from the Merlin software."
            )
        frames, headers = load_mib_data(str(path), mmap_mode="r", return_headers=True)
    if len(frames) == 0:
        raise ScanError(f"{path.name} cannot be read as a Merlin .mib file: it ends before its first pattern.")
    scan_shape, hints, notes = _scan_shape(_companion(path), headers, wanted.scan_shape is None)
    if path.stat().st_size % (headers.dtype.itemsize + frames[0].nbytes):
        notes = (*notes, "The file ends within a pattern, which was left out.")
    return Stack(frames[:, ::-1], scan_shape=scan_shape, hints=hints, notes=notes)  # the first row is the lowest


def _header_fields(path: Path) -> list[str]:
    with path.open("rb") as stream:
        return stream.read(384).decode("ascii").split(",")


def _companion(path: Path) -> dict[str, str]:
    """Read the .hdr file beside the .mib, empty if there is none."""
    found = [header for header in (path.with_suffix(".hdr"), path.with_suffix(".HDR")) if header.is_file()]
    if not found:
        return {}
    lines = companion_text(found[0]).splitlines()
    pairs = [line.split("\t", 1) for line in lines if "\t" in line]
    return {key.strip().rstrip(":"): value.strip() for key, value in pairs}


def _scan_shape(
    header: dict[str, str], frame_headers: NDArray[Any], search: bool
) -> tuple[ScanShape | None, tuple[ScanShape, ...], tuple[str, ...]]:
    """Find the scan shape that the .hdr states or that the times of the frames show, with hints and notes."""
    stated = [whole_number(header.get(key)) for key in ("ScanY", "ScanX")]
    if all(stated):
        return (stated[0], stated[1]), (), ()
    count = whole_number(header.get("Frames in Acquisition (Number)")) or len(frame_headers)
    row = whole_number(header.get("Frames per Trigger (Number)"))
    if row > 1 and count % row == 0:
        return (count // row, row), (), (f"The .hdr states {row} frames per trigger, taken as one row of the scan.",)
    if not search:
        return None, (), ()
    row = _row_from_times(frame_headers[: min(count, TIMED_FRAMES)])
    if row and count % row == 0:
        note = f"The scan shape is not stated; the times of the frames show a pause after each {row}, taken as a row."
        return (count // row, row), (), (note,)
    return None, ((count // row, row),) if row else (), ()


def _row_from_times(headers: NDArray[Any]) -> int:
    """Find the length of a scan row from the pauses between rows; 0 unless every row, and nothing else, has one."""
    stamps = [_STAMP.search(bytes(header)) for header in headers]
    if not all(stamps):
        return 0  # older headers carry no precise time
    try:
        times = np.array([stamp[1].decode() for stamp in stamps if stamp], "datetime64[ns]").astype(np.int64)
    except ValueError:  # no such day or hour: a damaged header
        return 0
    gaps = np.diff(times) - np.median(np.diff(times)) if len(times) > 2 else np.empty(0)
    if not gaps.size or gaps.max() <= 0:
        return 0
    row = int(np.argmax(gaps > gaps.max() / 2)) + 1
    ends = np.arange(row - 1, gaps.size, row)
    others = np.delete(gaps, ends)
    if row < 2 or not others.size or gaps[ends].min() < PAUSE * max(np.abs(others).max(), 1):
        return 0
    return row
