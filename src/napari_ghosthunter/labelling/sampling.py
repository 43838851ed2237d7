"""Which probe positions to label first, and why: Algorithm 1 of the paper, or chance; see `uncertain` for later rounds.

Everything here is a pure function of positions and labels; docs/sampling.md tells the algorithm with an example. The
pattern of a position is never looked at, so a round costs milliseconds for any scan.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from napari_ghosthunter.labelling.positions import Position, inside_scan
from napari_ghosthunter.labelling.proposal import Proposal, Round, at_least
from napari_ghosthunter.labelling.uncertain import most_uncertain

__all__ = ["Proposal", "Round", "grid", "midpoints", "most_uncertain", "next_round", "random_positions"]


def grid(scan_shape: tuple[int, int], step: int) -> list[Position]:
    """Return the coarse grid (i * step, j * step) inside the scan, row by row (step 1 of Algorithm 1).

    Raises
    ------
    LabelError
        If `step` is not a whole number of at least 1, or `scan_shape` (scan_y, scan_x) is not two of them.
    """
    scan_y, scan_x = _checked_shape(scan_shape)
    step = at_least(1, step, "The grid step")
    return [(y, x) for y in range(0, scan_y, step) for x in range(0, scan_x, step)]


def midpoints(labelled: Mapping[Position, Hashable], step: int) -> list[Proposal]:
    """Return one round of bisection toward the boundaries between labels (step 2 of Algorithm 1).

    Each labelled point in turn, sorted by (scan_y, scan_x), looks at the labelled points that are at most `step` away
    in both axes, and takes the closest one (Euclidean distance, ties by (scan_y, scan_x)) with another label. The
    midpoint of the two, rounded to a pixel (halves to even), is proposed unless it is labelled or proposed already.

    Parameters
    ----------
    labelled
        (scan_y, scan_x) -> label; any label that compares equal only to itself will do.
    step
        The step of the grid, in probe positions.

    Raises
    ------
    LabelError
        If `step` is not a whole number of at least 1.
    """
    step = at_least(1, step, "The grid step")
    positions = sorted(labelled)
    if len(positions) < 2:
        return []
    points = np.array(positions, dtype=np.int64)
    numbers: dict[Hashable, int] = {}
    ids = np.array([numbers.setdefault(labelled[position], len(numbers)) for position in positions])
    sources, targets = _closest_of_other_label(points, ids, step)
    middles = np.rint((points[sources] + points[targets]) / 2).astype(np.int64)
    taken = set(positions)
    proposals = []
    for source, target, middle in zip(sources.tolist(), targets.tolist(), middles.tolist(), strict=True):
        position = (middle[0], middle[1])
        if position not in taken:
            taken.add(position)
            reason = f"midpoint of {_plain(positions[source])} and {_plain(positions[target])}"
            proposals.append(Proposal(*position, reason))
    return proposals


def next_round(
    labelled: Mapping[Position, Hashable],
    scan_shape: tuple[int, int],
    step: int,
    count: int | None = None,
) -> Round:
    """Return what Algorithm 1 proposes next: the grid while it has unlabelled points, then the midpoints.

    Label the proposals and ask again; after finitely many rounds a round is empty and says why.

    Parameters
    ----------
    labelled
        (scan_y, scan_x) -> label; a `LabelSet` or a dict.
    scan_shape
        (scan_y, scan_x) of the scan.
    step
        The step of the grid, in probe positions.
    count
        At most so many proposals: those of the full round that spread best over the scan, each the farthest from all
        labelled and all chosen ones. The order stays that of the full round.

    Raises
    ------
    LabelError
        If a labelled position is outside the scan, `step` is below 1 or `count` below 0.
    """
    shape = _checked_shape(scan_shape)
    for y, x in labelled:
        if not (0 <= y < shape[0] and 0 <= x < shape[1]):
            inside_scan((y, x), shape)  # says what is wrong
    nodes = grid(shape, step)
    full = [Proposal(y, x, "grid") for y, x in nodes if (y, x) not in labelled]
    what = f"Grid with step {step}: {len(full)} of {len(nodes)} points to label"
    if not full:
        full = midpoints(labelled, step)
        what = f"Midpoints between different labels: {len(full)} to label"
    if not full:
        return Round((), _why_none(labelled, step))
    chosen = full if count is None else _spread(full, labelled, at_least(0, count, "The number of points"))
    if len(chosen) == len(full):
        return Round(tuple(full), f"{what}.")
    return Round(tuple(chosen), f"{what}; here are {len(chosen)} of them, spread over the scan.")


def random_positions(
    scan_shape: tuple[int, int],
    count: int,
    seed: int,
    exclude: Iterable[Position] = (),
) -> Round:
    """Draw positions by chance, none twice: what Algorithm 1 is compared with.

    Parameters
    ----------
    scan_shape
        (scan_y, scan_x) of the scan.
    count
        How many; where fewer are left, all of these are proposed and the message says so.
    seed
        The same seed draws the same positions.
    exclude
        Positions never to draw, such as those labelled already.

    Raises
    ------
    LabelError
        If `count` is below 0 or an excluded position is outside the scan.
    """
    shape = _checked_shape(scan_shape)
    count = at_least(0, count, "The number of points")
    free = np.ones(shape, dtype=bool)
    for position in exclude:
        free[inside_scan(position, shape)] = False
    left = np.flatnonzero(free)
    drawn = np.random.default_rng(seed).choice(left, size=min(count, left.size), replace=False)
    proposals = tuple(Proposal(flat // shape[1], flat % shape[1], "random") for flat in drawn.tolist())
    message = f"Positions drawn by chance with seed {seed}: {len(proposals)}"
    if len(proposals) < count:
        message += f", all that are left, fewer than the {count} asked for"
    return Round(proposals, f"{message}.")


def _closest_of_other_label(
    points: NDArray[np.int64],
    ids: NDArray[np.int64],
    step: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find for each point the closest one of another label within `step` in both axes.

    Two labels differ exactly where some binary digit of their numbers differs. So each digit splits the points in two
    halves, and the closest point of another label is the closest over all digits in the other half: 2 trees for each of
    up to 8 digits, however many classes there are.

    Parameters
    ----------
    points
        Shape (n, 2), sorted by (y, x).
    ids
        Shape (n,), labels as numbers from 0.
    step
        Half the width of the square to look in.

    Returns
    -------
    sources, targets
        Rows of `points` that have such a closest point, in order, and the rows of that point.
    """
    from scipy.spatial import cKDTree

    none = np.iinfo(np.int64).max
    near, inside = np.full(len(points), none), np.full(len(points), none)
    # What a tree is to find first among points as near is raised a little less: squared, by less than 1/2.
    heights = np.sqrt(np.arange(len(points)) / (2 * len(points)))
    raised, level = np.column_stack([points, heights]), np.column_stack([points, np.zeros(len(points))])
    reach = np.sqrt(2 * step**2 + 1)  # to the corner of the square
    searches = []
    for digit in range(int(ids.max()).bit_length()):
        ones = (ids >> digit) & 1 == 1
        for here, there in ((np.flatnonzero(half), np.flatnonzero(~half)) for half in (ones, ~ones)):
            tree = cKDTree(raised[there], compact_nodes=False, balanced_tree=False)
            distance, row = tree.query(level[here], distance_upper_bound=reach)
            found = np.isfinite(distance)
            _take_nearest(near, points, here[found], there[row[found]])
            searches.append((here, there, tree))
    sources = np.flatnonzero(near < none)
    targets = near[sources] % len(points)
    outside = (np.abs(points[targets] - points[sources]) > step).any(axis=1)
    inside[sources[~outside]] = near[sources[~outside]]
    # The closest may lie outside the square while a farther one, in its corner, does not.
    for here, there, tree in searches:
        asked = here[np.isin(here, sources[outside])]
        lists = tree.query_ball_point(level[asked], step + 0.5, p=np.inf) if len(asked) else []
        rows = there[[row for found in lists for row in found]]
        _take_nearest(inside, points, np.repeat(asked, [len(found) for found in lists]), rows)
    sources = np.flatnonzero(inside < none)
    return sources, inside[sources] % len(points)


def _take_nearest(
    nearest: NDArray[np.int64], points: NDArray[np.int64], sources: NDArray[np.int64], targets: NDArray[np.int64]
) -> None:
    """Lower `nearest`, in place, where a target is nearer to its source: squared distance * n + row of the target.

    Whole numbers make ties exact; rows are sorted by (y, x), so the lower row wins a tie.
    """
    keys = ((points[targets] - points[sources]) ** 2).sum(axis=1) * len(points) + targets
    np.minimum.at(nearest, sources, keys)


def _why_none(labelled: Mapping[Position, Hashable], step: int) -> str:
    """Say why a labelled grid has no midpoint left."""
    if len(set(labelled.values())) < 2:
        return "All labels are of one class: no boundary can be looked for. Label more points, or use a smaller step."
    return f"No boundary is left: every neighbouring pair of different labels within step {step} is bisected already."


def _spread(full: list[Proposal], labelled: Iterable[Position], count: int) -> list[Proposal]:
    """Choose `count` proposals, each the farthest from all labelled and chosen ones (ties: the first of the round)."""
    points = np.array([proposal.position for proposal in full], dtype=np.float64)
    distance = _distance_to(points, list(labelled))
    chosen: list[int] = []
    while len(chosen) < min(count, len(full)):
        row = int(np.argmax(distance))
        chosen.append(row)
        distance = np.minimum(distance, np.hypot(*(points - points[row]).T))
        distance[row] = -1
    return [full[row] for row in sorted(chosen)]


def _distance_to(points: NDArray[np.float64], others: list[Position]) -> NDArray[np.float64]:
    """Return the distance of each point to the closest of the others; infinite if there are none."""
    if not others:
        return np.full(len(points), np.inf)
    from scipy.spatial import cKDTree

    distance, _ = cKDTree(others).query(points)
    return np.asarray(distance, dtype=np.float64)


def _plain(position: Position) -> str:
    """Write a position as (12, 30), also where its numbers are numpy's."""
    return f"({int(position[0])}, {int(position[1])})"


def _checked_shape(scan_shape: tuple[int, int]) -> tuple[int, int]:
    scan_y, scan_x = scan_shape
    return at_least(1, scan_y, "The scan's height"), at_least(1, scan_x, "The scan's width")
