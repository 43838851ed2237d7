"""How Direct Electron's movies keep a scan: several frames for each position, and a scan repeated several times.

The frames lie in the file as they were taken: all frames of a position, position by position, repeat by repeat.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from napari_ghosthunter.errors import DatasetError
from napari_ghosthunter.scan.options import ScanOptions
from napari_ghosthunter.scan.readers.choose import OFFERED, question
from napari_ghosthunter.scan.readers.companion import whole_number
from napari_ghosthunter.scan.readers.frames import Summed
from napari_ghosthunter.scan.readers.stack import ScanShape
from napari_ghosthunter.scan.row_layout import STRAY_FRAMES
from napari_ghosthunter.scan.scan import LazyArray

FRAMES = ("Scan - Camera Frames Per Point", "Scan - Point Repeat", "Scan - Point Repeats")  # as the years went by
MOST_PARTS = 1000
SUM_OF_FRAMES, SUM_OF_REPEATS = "sum of frames", "sum of repeats"

Parts = dict[str, list[NDArray[Any]]]  # by the name to choose it by, what a scan is the sum of


@dataclass(frozen=True)
class Arrangement:
    """What the info.txt states of a scan.

    Attributes
    ----------
    scan_shape
        (scan_y, scan_x).
    frames, repeats
        Frames for each position, and how often the scan was repeated.
    kinds
        Kinds of positions ('Random') that form no rectangle in the order of the file.
    """

    scan_shape: ScanShape | None
    frames: int
    repeats: int
    kinds: tuple[str, ...]


def arrangement(info: Mapping[str, str]) -> Arrangement | None:
    """Read what an info.txt states; None if it is not of a scan."""
    if not _is_on(info.get("Scan - Enable")):
        return None
    region = _is_on(info.get("Scan - ROI Enable"))
    prefix = "Scan - ROI Size" if region else "Scan - Size"
    shape = whole_number(info.get(f"{prefix} Y")), whole_number(info.get(f"{prefix} X"))
    kinds = [info.get("Scan - Type", "Raster"), *([info.get("Scan - ROI Type", "Raster")] if region else [])]
    frames = next((number for name in FRAMES if (number := whole_number(info.get(name)))), 1)
    summed = whole_number(info.get("Autosave Movie Sum Count")) or 1
    return Arrangement(
        shape if all(shape) else None,
        frames // summed if frames % summed == 0 else frames,
        whole_number(info.get("Scan - Repeats")) or 1,
        tuple(kind for kind in kinds if kind.lower() != "raster"),
    )


def chosen_part(
    patterns: NDArray[Any], stated: Arrangement, wanted: ScanOptions
) -> tuple[LazyArray, str | None, tuple[str, ...]]:
    """Give one frame for each position: the only one, the sum of those of a position, or the repeat that was chosen.

    Returns
    -------
    patterns, dataset, notes
        The lazy array of shape (patterns, k_y, k_x), the name to choose it by, and what a user should know.

    Raises
    ------
    DatasetError
        If the scan was repeated, and nobody said which repeat to take.
    """
    shape = wanted.scan_shape or stated.scan_shape
    if shape is None or wanted.skip_frames or wanted.flyback:
        return patterns, None, ()
    positions, count = math.prod(shape), len(patterns)
    kept = _kept(count, positions, stated)
    parts: Parts = {}
    for frames, repeats in kept:
        parts |= _parts(patterns, positions, frames, repeats)
    if not parts:
        return patterns, None, ()
    told = " or ".join(f"{frames} frame(s) of each position, {repeats} time(s)" for frames, repeats in kept)
    names = tuple(parts)
    name, shapes = wanted.dataset, dict.fromkeys(parts, (*shape, *patterns.shape[1:]))
    if name is None:
        if len(kept) > 1 or kept[0][1] > 1:
            raise DatasetError(f"Its {count} patterns are {told}; {question(names)}", names, shapes)
        name = SUM_OF_FRAMES
    if name not in parts:
        raise DatasetError(f"There is no dataset {name!r} in it; {question(names)}", names, shapes)
    chosen = parts[name]
    note = f"The file holds {told}; this is the {name}, others can be chosen as dataset: {', '.join(names[:OFFERED])}."
    left = count - max(frames * repeats for frames, repeats in kept) * positions
    notes = (note, f"{left} pattern(s) after the last complete one were left out.") if left > 0 else (note,)
    return (chosen[0] if len(chosen) == 1 else Summed(chosen)), name, notes


def _kept(count: int, positions: int, stated: Arrangement) -> list[tuple[int, int]]:
    """Find how many frames of each position, and how many repeats, make so many patterns: all, else what there may be.

    Software may have summed the frames of a position, and a series of repeats may have been stopped.
    """
    unit = positions * stated.frames
    if unit * stated.repeats in (count, count - STRAY_FRAMES):
        return [(stated.frames, stated.repeats)]
    units = {stated.frames: unit, 1: positions}
    exact = [(frames, count // one) for frames, one in units.items() if count % one == 0]
    fitting = [(frames, repeats) for frames, repeats in exact if repeats <= stated.repeats]
    most = math.prod(stated.scan_shape or (positions, 1)) * stated.frames * stated.repeats
    if fitting or count > max(most, unit * stated.repeats):
        return fitting
    if positions * stated.frames * stated.repeats < most:  # rows of a scan that was stopped, in its first repeat
        return [(stated.frames, 1)]
    return [(stated.frames, max(1, count // unit))]


def _parts(patterns: NDArray[Any], positions: int, frames: int, repeats: int) -> Parts:
    """List what can be chosen, and the arrays of which each is the sum."""
    if frames == repeats == 1 or frames * repeats > MOST_PARTS:
        return {}
    each, end = positions * frames, len(patterns) // frames * frames  # a position may lack frames
    taken = [
        [patterns[at * each + frame : min((at + 1) * each, end) : frames] for frame in range(frames)]
        for at in range(repeats)
    ]
    if repeats == 1:
        return {SUM_OF_FRAMES: taken[0]} | {f"frame[{frame}]": [taken[0][frame]] for frame in range(frames)}
    every = [part for repeat in taken for part in repeat]
    return {f"repeat[{at}]": repeat for at, repeat in enumerate(taken)} | {SUM_OF_REPEATS: every}


def _is_on(text: str | None) -> bool:
    return (text or "").strip().lower() in ("enable", "enabled", "on", "true", "yes", "1")
