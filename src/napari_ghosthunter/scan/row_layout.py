"""Where the rows of a scan lie in a file that keeps its patterns in one row.

Detectors record more than a scan has positions: a pattern while the beam flies back, a dummy before each row, a few
before the scan and after it. Left out at the wrong place, every row is shifted by one more than the row above it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

ScanShape = tuple[int, int]  # (scan_y, scan_x)
MOST_STARTS = 16
MOST_FLYBACK = 64
SEEN_ROWS = 3  # that a clock must show before it is held against what is stated
TIMED_FRAMES = 4096  # whose times are read at most, from a disk that must seek for each
STRAY_FRAMES = 1  # some detectors record one pattern more than the scan has positions


@dataclass(frozen=True)
class RowLayout:
    """Rows of patterns at equal distances.

    Attributes
    ----------
    scan_shape
        (scan_y, scan_x).
    skip_frames
        Patterns before the first row.
    flyback
        Patterns between two rows.
    """

    scan_shape: ScanShape
    skip_frames: int = 0
    flyback: int = 0

    @property
    def pitch(self) -> int:
        """Patterns from the start of one row to that of the next."""
        return self.scan_shape[1] + self.flyback

    @property
    def end(self) -> int:
        """Number of the first pattern after the last row."""
        return self.start(self.scan_shape[0]) - self.flyback

    def start(self, row: int) -> int:
        """Give the number of the first pattern of a row."""
        return self.skip_frames + row * self.pitch

    def said(self, *, shape: bool = False) -> str:
        """Write it as options of the command line."""
        parts = [f"--scan-shape {self.scan_shape[0]}x{self.scan_shape[1]}"] if shape else []
        parts += [f"--skip-frames {self.skip_frames}"] if self.skip_frames else []
        return " ".join([*parts, f"--flyback {self.flyback}"])


@dataclass(frozen=True)
class FrameTimes:
    """What the clock of a detector shows of the first patterns of a file.

    Attributes
    ----------
    pauses
        Numbers of the patterns after which there was a pause.
    odd
        Numbers of the patterns that were exposed for another time than the others.
    timed
        How many patterns were looked at.
    """

    pauses: frozenset[int]
    odd: frozenset[int]
    timed: int

    def agree(self, layout: RowLayout) -> bool:
        """Whether rows so laid out have nothing odd within, and all that is odd between them."""
        columns = layout.scan_shape[1]
        interrupted = False
        for row in range(layout.scan_shape[0]):
            start, following = layout.start(row), layout.start(row + 1)
            if following > self.timed:
                break
            if not self.pauses.isdisjoint(range(start, start + columns - 1)):
                return False
            if not self.odd.isdisjoint(range(start, start + columns)):
                return False
            between = range(start + columns - 1, following)
            here = not (self.pauses.isdisjoint(between) and self.odd.isdisjoint(between))
            if not here and row + 1 < layout.scan_shape[0]:
                return False
            interrupted = interrupted or here
        return interrupted


ReadTimes = Callable[[int], FrameTimes | None]  # of as many patterns, at most


def may_be_in_every_row(surplus: int, rows: int) -> bool:
    """Whether so many patterns too many can be one or more for each row, or between each two rows."""
    return surplus > STRAY_FRAMES and surplus >= rows - 1


def is_in_every_row(surplus: int, rows: int) -> bool:
    """Whether so many patterns too many are the same number for each row, or between each two rows."""
    return may_be_in_every_row(surplus, rows) and (surplus % rows == 0 or surplus % max(rows - 1, 1) == 0)


def layouts_with_surplus(count: int, scan_shape: ScanShape, skip_frames: int | None) -> list[RowLayout]:
    """List where the rows can lie if the file holds more patterns than the scan; all in a lump at the end comes last.

    Parameters
    ----------
    count
        Patterns in the file.
    scan_shape
        (scan_y, scan_x).
    skip_frames
        Patterns before the first row, None where nothing was said of them.
    """
    rows, columns = scan_shape
    surplus = count - (skip_frames or 0) - rows * columns
    found = []
    each = surplus // rows
    if each:
        starts = [skip_frames] if skip_frames is not None else [0, each, *range(1, min(each, MOST_STARTS))]
        found += [RowLayout(scan_shape, start, each) for start in starts]
    if rows > 1 and surplus % (rows - 1) == 0:
        found.append(RowLayout(scan_shape, skip_frames or 0, surplus // (rows - 1)))
    found.append(RowLayout(scan_shape, skip_frames or 0, 0))
    return [layout for layout in dict.fromkeys(found) if layout.end <= count]


def layouts_by_times(times: FrameTimes, count: int, columns: int, skip_frames: int | None = None) -> list[RowLayout]:
    """List how complete rows of so many positions lie if the clock shows that there are patterns between them.

    Parameters
    ----------
    times
        What the clock shows.
    count
        Patterns in the file.
    columns
        Positions in a row.
    skip_frames
        Patterns before the first row, None where nothing was said of them.
    """
    found = []
    for flyback in range(1, min(columns // 2, MOST_FLYBACK) + 1):
        for start in range(min(flyback, MOST_STARTS) + 1) if skip_frames is None else [skip_frames]:
            rows = (count - start + flyback) // (columns + flyback)
            layout = RowLayout((max(rows, 1), columns), start, flyback)
            if rows >= SEEN_ROWS and layout.start(SEEN_ROWS) <= times.timed and times.agree(layout):
                found.append(layout)
    return found


def timed_for_rows(columns: int) -> int:
    """Give how many patterns show whether there are some between rows of so many positions."""
    return min(TIMED_FRAMES, SEEN_ROWS * (columns + min(columns // 2, MOST_FLYBACK)) + MOST_STARTS)


def whole_rows(count: int, columns: int, skip_frames: int = 0, flyback: int = 0) -> list[RowLayout]:
    """List how the complete rows of a scan lie that lacks patterns: at its end, or at its start."""
    pitch = columns + flyback
    rows, rest = divmod(count - skip_frames + flyback, pitch)
    if rows < 1:
        return []
    at_end = RowLayout((rows, columns), skip_frames, flyback)
    return [at_end] if rest == 0 else [at_end, RowLayout((rows, columns), skip_frames + rest, flyback)]


def shapes_of(count: int, tried: int, skip_frames: int = 0, flyback: int = 0) -> list[ScanShape]:
    """List the scan shapes that take all patterns, nearest to a square first.

    Parameters
    ----------
    count
        Patterns in the file.
    tried
        Most numbers to try as divisors.
    skip_frames, flyback
        Patterns before the first row, and between two rows or after each.
    """
    found = []
    for total in dict.fromkeys([count - skip_frames, count - skip_frames + flyback]):
        for short in range(math.isqrt(max(total, 0)), max(0, math.isqrt(max(total, 0)) - tried), -1):
            if total % short == 0:
                found += [(short, total // short - flyback), (total // short, short - flyback)]
    fitting = [shape for shape in dict.fromkeys(found) if shape[1] > 0]
    return sorted(fitting, key=lambda shape: max(shape) / min(shape))


def ways(layouts: Sequence[RowLayout]) -> str:
    """Say which options stand for which of the layouts of one scan shape."""
    return ", ".join(f"{layout.said()} {_where(layout)}" for layout in layouts)


def _where(layout: RowLayout) -> str:
    before, after = layout.skip_frames, layout.flyback - layout.skip_frames
    if not layout.flyback:
        return "if all come after the last row"
    if after == 0:
        return f"if {before} come before each row"
    return f"if {before} come before each row and {after} after" if before else f"if {after} come after each row"
