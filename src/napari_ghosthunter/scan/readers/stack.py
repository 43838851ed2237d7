"""What passes between `open_scan` and the readers: what the user asked for, and what a file holds.

A reader finds patterns and calibration; whether they come as a grid or in one long row, and how they are folded
into a scan, is settled in one place (`fold`), not in each reader.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from napari_ghosthunter.scan.calibration import Calibration
from napari_ghosthunter.scan.options import ScanOptions
from napari_ghosthunter.scan.row_layout import ReadTimes, ScanShape
from napari_ghosthunter.scan.scan import LazyArray

__all__ = ["ScanShape", "Stack", "Wanted"]

Wanted = ScanOptions  # what the user said about a file beyond its path


@dataclass(frozen=True, eq=False)
class Stack:
    """What a reader found in a file.

    Attributes
    ----------
    patterns
        Lazy array of shape (scan_y, scan_x, k_y, k_x), or (patterns, k_y, k_x) where the file keeps them in one row.
    calibration
        Pixel sizes and units.
    scan_shape
        Scan shape that the file states for patterns in one row, None where it does not.
    hints
        Scan shapes that the file suggests without settling them; offered first when the user is asked.
    dataset
        Name by which `patterns` can be chosen again among several arrays of the file.
    notes
        What a user should know of how the file was read.
    times
        Reads what the clock of the detector shows of the patterns; None where the file keeps no times.
    starts_early
        Whether such recordings usually start before the scan.
    """

    patterns: LazyArray
    calibration: Calibration = field(default_factory=Calibration)
    scan_shape: ScanShape | None = None
    hints: tuple[ScanShape, ...] = ()
    dataset: str | None = None
    notes: tuple[str, ...] = ()
    times: ReadTimes | None = None
    starts_early: bool = False
