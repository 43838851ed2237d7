"""The rounds of Algorithm 1, read off the sample points: which step the grid has, and how deep a midpoint is.

Points keep their reasons on disk, so this holds for a sitting that is gone on with, and after an undo.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping

from napari_ghosthunter.labelling.positions import Position
from napari_ghosthunter.labelling.sampling import grid

GRID = "grid"
GRID_POINTS = 32  # of a first grid: half an hour's work at most, and enough to meet every large domain
_MIDPOINT = re.compile(r"midpoint of \((\d+), (\d+)\) and \((\d+), (\d+)\)")


def sensible_step(scan_shape: tuple[int, int]) -> int:
    """Give the grid step whose grid over a scan, (scan_y, scan_x), has closest to 32 points."""
    height, width = scan_shape
    counts = {step: math.ceil(height / step) * math.ceil(width / step) for step in range(1, max(scan_shape) + 1)}
    return min(counts, key=lambda step: (abs(counts[step] - GRID_POINTS), step))


def step_of(points: Mapping[Position, str], scan_shape: tuple[int, int]) -> int | None:
    """Give the step of the grid that the points were proposed with, the finest of several; None without a grid.

    Parameters
    ----------
    points
        (scan_y, scan_x) -> reason.
    scan_shape
        (scan_y, scan_x) of the scan.
    """
    nodes = [spot for spot, reason in points.items() if reason == GRID]
    common = math.gcd(*(number for spot in nodes for number in spot))
    if not common:  # nothing, or (0, 0) alone
        return None
    for step in range(common, max(scan_shape) + 1):  # grids of steps 10 and 4 share 2, which was none
        whole = grid(scan_shape, step)
        if 2 * _count_in(points, whole) > len(whole):  # some may have been removed
            return step
    return common


def round_number(points: Mapping[Position, str], positions: Iterable[Position]) -> int:
    """Say which round of the algorithm gave these of the points: 1 for the grid, 2 for midpoints between its points.

    Parameters
    ----------
    points
        (scan_y, scan_x) -> reason, in the order in which they came.
    positions
        The points of the round.
    """
    rounds: dict[Position, int] = {}
    for spot, reason in points.items():
        found = _MIDPOINT.fullmatch(reason)
        if found is None:
            rounds[spot] = 1
        else:
            y, x, other_y, other_x = (int(number) for number in found.groups())
            rounds[spot] = 1 + max(rounds.get((y, x), 1), rounds.get((other_y, other_x), 1))
    return max((rounds.get(spot, 1) for spot in positions), default=1)


def _count_in(points: Collection[Position], nodes: Iterable[Position]) -> int:
    return sum(node in points for node in nodes)
