"""Which probe positions to label next, and why: Algorithm 1 of the paper, chance, or where a model is unsure.

Everything here is a pure function of positions, labels and probabilities; docs/sampling.md tells the algorithm with an
example. The pattern of a position is never looked at, so a round costs milliseconds for any scan.
"""

from __future__ import annotations

import operator
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_ghosthunter.errors import LabelError
from napari_ghosthunter.labelling.labels import Position, inside_scan


@dataclass(frozen=True)
class Proposal:
    """A probe position to label, and the reason why it is proposed."""

    scan_y: int
    scan_x: int
    reason: str

    @property
    def position(self) -> Position:
        """The position as (scan_y, scan_x)."""
        return self.scan_y, self.scan_x


@dataclass(frozen=True)
class Round:
    """The positions to label next, and one sentence for the user; when there are none it says why."""

    proposals: tuple[Proposal, ...]
    message: str


def grid(scan_shape: tuple[int, int], step: int) -> list[Position]:
    """Return the coarse grid (i * step, j * step) inside the scan, row by row (step 1 of Algorithm 1).

    Raises
    ------
    LabelError
        If `step` is not a whole number of at least 1, or `scan_shape` (scan_y, scan_x) is not two of them.
    """
    scan_y, scan_x = _checked_shape(scan_shape)
    step = _at_least(1, step, "The grid step")
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
    step = _at_least(1, step, "The grid step")
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
    chosen = full if count is None else _spread(full, labelled, _at_least(0, count, "The number of points"))
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
    count = _at_least(0, count, "The number of points")
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


def most_uncertain(
    probabilities: ArrayLike,
    labelled: Iterable[Position],
    count: int,
    min_distance: float,
) -> Round:
    """Propose where a model can least decide between its two likeliest classes.

    The smallest margin between the two highest probabilities comes first (ties by (scan_y, scan_x)). A position with
    a probability that is not finite is passed over. The reason, 'uncertain 0.48', gives the highest probability.

    Parameters
    ----------
    probabilities
        Shape (scan_y, scan_x, n), n at least 2.
    labelled
        Positions labelled already.
    count
        At most so many proposals.
    min_distance
        Euclidean distance, in probe positions, that each proposal keeps from all labelled and all other proposed
        ones: a neighbour tells little that is new.

    Raises
    ------
    LabelError
        If the shape is not (scan_y, scan_x, n) with n of 2 or more, `count` or `min_distance` is below 0, or a
        labelled position is outside the scan.
    """
    values = np.asarray(probabilities)
    if values.ndim != 3 or values.shape[2] < 2 or values.size == 0:
        raise LabelError(f"Probabilities have the shape {values.shape}; (scan_y, scan_x, 2 or more classes) is needed.")
    count = _at_least(0, count, "The number of points")
    if not min_distance >= 0:
        raise LabelError(f"The distance between points is {min_distance}; it must be 0 or more.")
    shape = (values.shape[0], values.shape[1])
    known = np.isfinite(values).all(axis=-1)
    top_two = np.partition(np.where(known[..., None], values, 0).astype(np.float64), -2, axis=-1)[..., -2:]
    margin = np.where(known, top_two[..., 1] - top_two[..., 0], np.inf)
    for position in labelled:
        _keep_clear(margin, inside_scan(position, shape), min_distance)
    proposals: list[Proposal] = []
    while len(proposals) < count:
        y, x = divmod(int(np.argmin(margin)), shape[1])
        if not np.isfinite(margin[y, x]):
            break
        proposals.append(Proposal(y, x, f"uncertain {top_two[y, x, 1]:.2f}"))
        _keep_clear(margin, (y, x), min_distance)
    message = f"Positions where the model is least sure: {len(proposals)}"
    if len(proposals) < count:
        message += f"; no other is {min_distance:g} or more away from the labelled and the proposed ones"
    return Round(tuple(proposals), f"{message}.")


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
    sources, targets = _candidates(points, ids, step)
    offsets = points[targets] - points[sources]
    near = (np.abs(offsets) <= step).all(axis=1)
    sources, targets, offsets = sources[near], targets[near], offsets[near]
    # Whole numbers make ties exact; rows are sorted by (y, x), so the lower row wins a tie.
    order = np.lexsort((targets, (offsets**2).sum(axis=1), sources))
    sources, targets = sources[order], targets[order]
    first = np.flatnonzero(np.diff(sources, prepend=-1))
    return sources[first], targets[first]


def _candidates(
    points: NDArray[np.int64], ids: NDArray[np.int64], step: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pair each point with all points of another label that may be its closest (rows of `points`, each a pair)."""
    from scipy.spatial import cKDTree

    slack = 1e-6  # distances come rounded; a candidate too many does no harm
    reach = step * np.sqrt(2) + slack  # to the corner of the square
    searches = []
    least = np.full(len(points), np.inf)
    for digit in range(int(ids.max()).bit_length()):
        ones = (ids >> digit) & 1 == 1
        for half in (ones, ~ones):
            here, there = np.flatnonzero(half), np.flatnonzero(~half)
            tree = cKDTree(points[there])
            distance, _ = tree.query(points[here], distance_upper_bound=reach)
            # Past `step` the closest may lie outside the square while a farther one, in its corner, does not.
            far = np.flatnonzero((distance > step + slack) & (distance < np.inf))
            in_square, _ = tree.query(points[here[far]], p=np.inf, distance_upper_bound=step + slack)
            distance[far[in_square == np.inf]] = np.inf
            least[here] = np.minimum(least[here], distance)
            searches.append((here, there, tree, distance))
    radius = np.where(least <= step + slack, least + slack, reach)
    sources, targets = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for here, there, tree, distance in searches:
        near = here[distance <= radius[here]]
        lists = tree.query_ball_point(points[near], radius[near])
        sources.append(np.repeat(near, [len(rows) for rows in lists]))
        targets.append(there[[row for rows in lists for row in rows]])
    return np.concatenate(sources), np.concatenate(targets)


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


def _keep_clear(margin: NDArray[np.float64], position: Position, min_distance: float) -> None:
    """Rule out `position` and all that is nearer to it than `min_distance`, in place."""
    reach = int(min(np.ceil(min_distance), max(margin.shape)))
    rows, columns = (slice(max(0, centre - reach), centre + reach + 1) for centre in position)
    window = margin[rows, columns]
    y, x = np.ogrid[rows.start : rows.start + window.shape[0], columns.start : columns.start + window.shape[1]]
    window[np.hypot(y - position[0], x - position[1]) < min_distance] = np.inf
    margin[position] = np.inf


def _plain(position: Position) -> str:
    """Write a position as (12, 30), also where its numbers are numpy's."""
    return f"({int(position[0])}, {int(position[1])})"


def _checked_shape(scan_shape: tuple[int, int]) -> tuple[int, int]:
    scan_y, scan_x = scan_shape
    return _at_least(1, scan_y, "The scan's height"), _at_least(1, scan_x, "The scan's width")


def _at_least(least: int, value: int, what: str) -> int:
    """Return `value` as a plain integer, once it is known to be a whole number of at least `least`."""
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least:
        raise LabelError(f"{what} is {value}; it must be a whole number of at least {least}.")
    return number
