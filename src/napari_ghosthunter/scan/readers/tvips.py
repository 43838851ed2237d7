"""TVIPS .tvips: header layout taken from RosettaSciIO, frames mapped from the one or more files of a recording.

RosettaSciIO joins the files in a dask array indexed frame by frame, which takes long to build and to read.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.boundary import reading
from napari_ghosthunter.scan.readers.frames import Frames, map_records
from napari_ghosthunter.scan.readers.stack import ScanShape, Stack, Wanted

_FIRST = re.compile(r"^(?P<stem>.+_)000$")


def read(path: Path, wanted: Wanted) -> Stack:
    """Map the frames of a recording, shape (patterns, k_y, k_x), given its first file (..._000.tvips).

    A recording often starts before the scan and ends after it. Where a scan shape is given and the frames' own
    numbering shows as many frames of a scan, the others are left out, unless the user says how many came before it.

    Raises
    ------
    ScanError
        If this is not the first file, or one is damaged.
    """
    first = _FIRST.match(path.stem)
    if first is None:
        raise ScanError(f"{path.name} does not begin a TVIPS recording; open its first file, which ends in _000.tvips.")
    files = [path]
    while (following := path.with_name(f"{first['stem']}{len(files):03d}{path.suffix}")).is_file():
        files.append(following)
    with reading(path, "a TVIPS .tvips file"):
        header = _header(path)
        parts = [_map(file, header, int(header["size"]) if file == path else 0) for file in files]
    numbered = wanted.skip_frames is None and not wanted.flyback
    parts, notes = _scan_only(parts, wanted.scan_shape) if numbered else (parts, ())
    images = [part["pattern"] for part in parts]
    patterns = images[0] if len(images) == 1 else Frames(images, (sum(map(len, images)),))
    return Stack(patterns, notes=(*notes, *_gap(files)), starts_early=True)


def _gap(files: list[Path]) -> tuple[str, ...]:
    """Say which file is missing, if there are later ones."""
    stem, ending = files[0].stem[:-3], files[0].suffix
    beside = [one.stem for one in files[0].parent.glob(f"*{ending}") if one.is_file() and one.stem.startswith(stem)]
    numbers = [one.removeprefix(stem) for one in beside]
    later = sum(number.isdecimal() and int(number) > len(files) for number in numbers)
    if not later:
        return ()
    return (f"{stem}{len(files):03d}{ending} is missing: the {later} file(s) after it are not used either.",)


def _header(path: Path) -> Any:
    from rsciio.tvips._api import TVIPS_RECORDER_FRAME_HEADER, TVIPS_RECORDER_GENERAL_HEADER

    header = np.fromfile(path, np.dtype(TVIPS_RECORDER_GENERAL_HEADER), count=1)[0]
    if header["version"] != 2:
        raise NotImplementedError(f"version {header['version']} of the format, where only 2 is known")
    if header["bitsperpixel"] not in (8, 16) or not header["dimx"] or not header["dimy"]:
        raise ValueError("its header is not that of a TVIPS recording")
    if header["frameheaderbytes"] < np.dtype(TVIPS_RECORDER_FRAME_HEADER).itemsize:
        raise ValueError("its frame headers are too short")
    return header


def _map(path: Path, header: Any, offset: int) -> NDArray[Any]:
    """Map the records of one file, of which only the first has the general header."""
    from rsciio.tvips._api import TVIPS_RECORDER_FRAME_HEADER

    known = np.dtype(TVIPS_RECORDER_FRAME_HEADER).itemsize
    before = [*TVIPS_RECORDER_FRAME_HEADER, ("more", f"V{int(header['frameheaderbytes']) - known}")]
    dtype = f"<u{int(header['bitsperpixel']) // 8}"
    return map_records(path, dtype, (int(header["dimy"]), int(header["dimx"])), offset=offset, before=before)


def _scan_only(parts: list[NDArray[Any]], scan_shape: ScanShape | None) -> tuple[list[NDArray[Any]], tuple[str, ...]]:
    """Leave out the frames before and after the scan, whose positions the frame headers number from 1 on."""
    total = sum(map(len, parts))
    if scan_shape is None or total <= (wanted := math.prod(scan_shape)):
        return parts, ()
    numbers = np.concatenate([part["rotidx"] for part in parts])
    start = int(np.argmax(numbers == 1))
    stop = start + wanted
    if not np.array_equal(numbers[start:stop], np.arange(1, wanted + 1)):
        return parts, ()
    starts = np.cumsum([0, *map(len, parts)])
    kept = [part[max(0, start - at) : max(0, stop - at)] for part, at in zip(parts, starts, strict=False)]
    note = f"{start} frames before the scan and {total - stop} after it were left out, as their numbering shows."
    return [part for part in kept if len(part)], (note,)
