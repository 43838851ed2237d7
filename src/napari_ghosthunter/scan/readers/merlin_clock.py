"""The times in the frame headers of a Merlin file: where the rows of the scan end, and which frames are dummies.

A file may hold half a million frames on a slow disk: a bounded number of headers is read, each by itself, for to map
them would bring the pages around each into memory.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_ghosthunter.scan.boundary import reading
from napari_ghosthunter.scan.row_layout import TIMED_FRAMES, FrameTimes

FIRST_FRAMES = 1024  # whose headers are read first: enough where they show some rows
SOME_ROWS = 4
CHECKED_ROWS = 8  # of the later ones
PAUSE = 10  # a pause stands out from the jitter of the other frames at least so many times
ODD = 0.2  # part of the usual exposure by which one differs that is no frame of the scan
_STAMP = re.compile(rb",(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+)Z,(?:(\d{1,18})ns,)?")

Stamps = tuple[NDArray[np.int64], NDArray[np.int64]]  # times and exposures in ns, the latter 0 where not told


class MerlinClock:
    """Times of the frames of one file.

    Parameters
    ----------
    path
        The file.
    header_bytes, frame_bytes
        Length of the header before each frame, and of both together.
    count
        Frames in the file.
    """

    def __init__(self, path: Path, header_bytes: int, frame_bytes: int, count: int) -> None:
        self._path, self._header, self._frame, self._count = path, header_bytes, frame_bytes, count

    def times(self, most: int = TIMED_FRAMES) -> FrameTimes | None:
        """Find pauses and dummies among the first frames; None if these headers carry no precise times."""
        found = None
        for number in sorted({min(most, FIRST_FRAMES, self._count), min(most, self._count)}):
            stamps = self._stamps(range(number))
            if stamps is None:
                return None
            found = _frame_times(*stamps)
            if len(found.pauses) >= SOME_ROWS:
                break
        return found

    def row(self) -> int:
        """Find the length of a scan row from the pauses; 0 unless every row looked at, and nothing else, has one."""
        times = self.times()
        if times is None or not times.pauses or times.odd:
            return 0
        row = min(times.pauses) + 1
        if row < 2 or times.pauses != set(range(row - 1, times.timed - 1, row)):
            return 0
        return row if self._ends_later_rows(row, times.timed) else 0

    def _ends_later_rows(self, row: int, timed: int) -> bool:
        """Whether the same pauses are found where later rows should end."""
        rows = range(timed // row, self._count // row - 1)
        for number in sorted({*rows[:: max(1, len(rows) // CHECKED_ROWS)], *rows[-1:]}):
            end = (number + 1) * row
            stamps = self._stamps(range(end - 2, end + 1))
            if stamps is None:
                return False
            within, pause = np.diff(stamps[0])
            if pause <= within:
                return False
        return True

    def _stamps(self, frames: Iterable[int]) -> Stamps | None:
        times, exposures = [], []
        with reading(self._path, "a Merlin .mib file"), self._path.open("rb", buffering=0) as file:
            if hasattr(os, "posix_fadvise"):  # else each header would bring a hundred kB with it
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
            for frame in frames:
                file.seek(frame * self._frame)
                stamp = _STAMP.search(file.read(self._header))
                if stamp is None:
                    return None  # older headers carry no precise time
                times.append(stamp[1].decode())
                exposures.append(int(stamp[2] or 0))
        try:
            return np.array(times, "datetime64[ns]").astype(np.int64), np.array(exposures, np.int64)
        except ValueError:  # no such day or hour: a damaged header
            return None


def _frame_times(times: NDArray[np.int64], exposures: NDArray[np.int64]) -> FrameTimes:
    usual = float(np.median(exposures)) if exposures.size else 0.0
    odd = np.flatnonzero(np.abs(exposures - usual) > ODD * usual)
    return FrameTimes(frozenset(_pauses(times).tolist()), frozenset(odd.tolist()), len(times))


def _pauses(times: NDArray[np.int64]) -> NDArray[np.int64]:
    """Find the frames after which the next one came late, by far more than the others come early or late."""
    gaps = np.diff(times)
    if gaps.size < 2:
        return np.empty(0, np.int64)
    late = gaps - np.median(gaps)
    jitter = np.maximum(np.sort(np.abs(late)), 1)
    half = late.size // 2
    steps = np.flatnonzero(jitter[half + 1 :] >= PAUSE * jitter[half:-1])
    if not steps.size:
        return np.empty(0, np.int64)
    least = jitter[half + 1 + steps[0]]
    if (late <= -least).any():  # some come as early
        return np.empty(0, np.int64)
    return np.flatnonzero(late >= least)
