"""Quantum Detectors Merlin .mib: frames and their headers mapped, turned upright.

py4DSTEM 0.14.18 gives the frames upside down and fails where an .hdr file lies beside the .mib. RosettaSciIO guesses a
scan shape from any irregularity in time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.boundary import reading
from napari_ghosthunter.scan.readers.companion import companion_text, whole_number
from napari_ghosthunter.scan.readers.frames import map_records
from napari_ghosthunter.scan.readers.merlin_clock import MerlinClock
from napari_ghosthunter.scan.readers.stack import ScanShape, Stack, Wanted
from napari_ghosthunter.scan.row_layout import FrameTimes

PIXELS = {"U08": ">u1", "U16": ">u2", "U32": ">u4"}  # what a header calls 1 and 6, 12, and 24 bits


def read(path: Path, wanted: Wanted) -> Stack:
    """Map the frames of a Merlin file, shape (patterns, k_y, k_x), upright.

    Raises
    ------
    ScanError
        If the file is raw (R64), or damaged.
    """
    records, before = _records(path)
    clock = MerlinClock(path, before, records.itemsize, len(records))
    told = _companion(path)
    scan_shape, hints, notes = _scan_shape(told, clock, len(records), wanted)
    if path.stat().st_size % records.itemsize:
        notes = (*notes, "The file ends within a pattern, which was left out.")
    return Stack(
        records["pattern"][:, ::-1],  # the first row is the lowest
        scan_shape=scan_shape,
        hints=hints,
        notes=notes,
        times=lambda most: _times(clock, _trigger(told), min(most, len(records))),
    )


def read_single(path: Path) -> NDArray[Any]:
    """Map the frame in a Merlin file of no other, shape (k_y, k_x), upright.

    Raises
    ------
    ScanError
        If the file holds several, is raw (R64), or damaged.
    """
    records, _ = _records(path)
    if len(records) > 1:
        raise ScanError(f"{path.name} holds {len(records)} patterns: open that file itself.")
    frame: NDArray[Any] = records["pattern"][0, ::-1]
    return frame


def _records(path: Path) -> tuple[NDArray[Any], int]:
    """Map header and pattern of each frame, and give the bytes of a header."""
    with reading(path, "a Merlin .mib file"):
        fields = _header_fields(path)
        if fields[6] == "R64":
            raise ScanError(
                f"{path.name} was recorded in raw mode (R64), which scrambles the pixels and which no reader opens; "
                "export it as processed .mib from the Merlin software."
            )
        before, width, height = (int(fields[index]) for index in (2, 4, 5))
        header = ("header", f"S{before}")
        records = map_records(path, PIXELS[fields[6]], (height, width), offset=0, before=[header])
    return records, before


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


def _trigger(header: dict[str, str]) -> int:
    return whole_number(header.get("Frames per Trigger (Number)"))


def _times(clock: MerlinClock, trigger: int, count: int) -> FrameTimes | None:
    """Read the times, to which the frames of each trigger are as those between two pauses."""
    times = clock.times(count)
    if trigger < 2:
        return times
    found = times or FrameTimes(frozenset(), frozenset(), count)
    return FrameTimes(found.pauses | set(range(trigger - 1, found.timed, trigger)), found.odd, found.timed)


def _scan_shape(
    header: dict[str, str], clock: MerlinClock, frames: int, wanted: Wanted
) -> tuple[ScanShape | None, tuple[ScanShape, ...], tuple[str, ...]]:
    """Find the scan shape that the .hdr states or that the times of the frames show, with hints and notes.

    Nothing but a hint is deduced where the user says that there are frames which belong to no position.
    """
    stated = [whole_number(header.get(key)) for key in ("ScanY", "ScanX")]
    if all(stated):
        return (stated[0], stated[1]), (), ()
    count = whole_number(header.get("Frames in Acquisition (Number)")) or frames
    row, told = _trigger(header), "The .hdr states {} frames per trigger, taken as one row of the scan."
    if not (1 < row < count and count % row == 0):
        told = "The scan shape is not stated; the times of the frames show a pause after each {}, taken as a row."
        row = clock.row() if wanted.scan_shape is None else 0
    if not row:
        return None, (), ()
    left_out = wanted.flyback or 0
    if left_out or wanted.skip_frames or count % row:
        return None, ((count // row, row - left_out),) if row > left_out else (), ()
    return (count // row, row), (), (told.format(row),) if wanted.scan_shape is None else ()
