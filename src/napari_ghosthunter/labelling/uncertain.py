"""Which positions to label once there is a map: where it can least decide, and what no labelled one looks like.

The two find different things. A map is unsure along its walls and where classes look alike; of a small domain of a
class that it has never been shown it is sure, and wrong. That one is found because it looks like nothing labelled.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_ghosthunter.errors import LabelError
from napari_ghosthunter.labelling.positions import Position, inside_scan
from napari_ghosthunter.labelling.proposal import Proposal, Round, at_least

UNLIKE_EVERY = 5  # of the proposals, one that is unlike the labelled ones
NEAR, AROUND = 3, 31  # positions along a side: averaged against noise, and what they are compared with
LEAST_NOISE = 1e-3  # of the spread over the scan
SAMPLE = 8192  # positions that tell how far apart patterns usually are
ASKED = 256  # of them that are asked for their nearest
CANDIDATES = 65_536  # positions that are compared with all labelled ones

Values = NDArray[np.float32]


def contrasts(features: Values) -> Values:
    """Turn features of patterns (scan_y, scan_x, k) into how each position differs from its surroundings.

    Each is averaged with its neighbours, which takes noise away and leaves an island of 3 x 3 whole in its middle. The
    mean of the wider surroundings is taken off: what changes slowly over the scan (thickness, tilt) is no domain, and
    what is wider is met by a grid. The result counts in units of the noise, told from differences of neighbours; in a
    simulation without noise most neighbours are equal, and a share of the spread over the scan stands in for it.
    """
    from scipy.ndimage import uniform_filter

    axis = int(np.argmax(features.shape[:2]))
    if features.shape[axis] < 2:
        return np.zeros_like(features)
    steps = np.abs(np.diff(features, axis=axis)).reshape(-1, features.shape[2])
    spread = features.std(axis=(0, 1), dtype=np.float64).astype(np.float32)
    noise = np.maximum(np.median(steps, axis=0), LEAST_NOISE * spread)
    near = uniform_filter(features, (NEAR, NEAR, 0), mode="nearest")
    around = uniform_filter(features, (AROUND, AROUND, 0), mode="nearest")
    found: Values = (near - around) / np.where(noise > noise.max() * 1e-6, noise, np.inf)  # what does not vary is 0
    return found


def most_uncertain(
    probabilities: ArrayLike,
    labelled: Iterable[Position],
    count: int,
    min_distance: float,
    contrast: Values | None = None,
) -> Round:
    """Propose where a map can least decide between its two likeliest classes.

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
    contrast
        From `contrasts`. With it, every fifth proposal is the position that is farthest from all labelled and all
        proposed ones in it, 'unlike any labelled one'; and the others do not look as alike as two patterns that lie
        nearest to each other usually do.

    Raises
    ------
    LabelError
        If the shape is not (scan_y, scan_x, n) with n of 2 or more, `count` or `min_distance` is below 0, or a
        labelled position is outside the scan.
    """
    margin, highest = _margins(probabilities)
    count = at_least(0, count, "The number of points")
    if not min_distance >= 0:
        raise LabelError(f"The distance between points is {min_distance}; it must be 0 or more.")
    shape = (margin.shape[0], margin.shape[1])
    given = [inside_scan(position, shape) for position in labelled]
    for position in given:
        _keep_clear(margin, position, min_distance)
    unlike = None if contrast is None else _Unlike(contrast, given)
    proposals: list[Proposal] = []
    while len(proposals) < count and np.isfinite(margin).any():
        if unlike is not None and len(proposals) % UNLIKE_EVERY == UNLIKE_EVERY - 1:
            y, x = unlike.farthest(np.isfinite(margin))
            proposals.append(Proposal(y, x, "unlike any labelled one"))
        else:
            y, x = divmod(int(np.argmin(margin if unlike is None else unlike.spread(margin))), shape[1])
            proposals.append(Proposal(y, x, f"uncertain {highest[y, x]:.2f}"))
        _keep_clear(margin, (y, x), min_distance)
        if unlike is not None:
            unlike.take((y, x))
    return Round(tuple(proposals), _message(proposals, count, min_distance))


def _margins(probabilities: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the margin between the two highest probabilities, infinite where nothing is known, and the highest."""
    values = np.asarray(probabilities)
    if values.ndim != 3 or values.shape[2] < 2 or values.size == 0:
        raise LabelError(f"Probabilities have the shape {values.shape}; (scan_y, scan_x, 2 or more classes) is needed.")
    known = np.isfinite(values).all(axis=-1)
    top_two = np.partition(np.where(known[..., None], values, 0).astype(np.float64), -2, axis=-1)[..., -2:]
    return np.where(known, top_two[..., 1] - top_two[..., 0], np.inf), top_two[..., 1]


class _Unlike:
    """How far each position is, by its looks, from all labelled ones; and which look like the ones proposed."""

    def __init__(self, contrast: Values, labelled: list[Position]) -> None:
        self._shape = contrast.shape[:2]
        self._all = contrast.reshape(-1, contrast.shape[2])
        rng = np.random.default_rng(0)
        total = len(self._all)
        some = np.sort(rng.choice(total, CANDIDATES, replace=False)) if total > CANDIDATES else np.arange(total)
        self._candidates = some
        self._distance = np.full(len(some), np.inf)
        self._gap = _typical_gap(self._all, rng)
        self._alike = np.zeros(self._shape, bool)
        for position in labelled:
            self._far(position)

    def take(self, position: Position) -> None:
        """Count a proposed position like a labelled one, and what looks just like it as told by it."""
        self._far(position)
        self._alike |= (self._from(position, self._all) < self._gap).reshape(self._shape)

    def spread(self, margin: NDArray[np.float64]) -> NDArray[np.float64]:
        """Leave out of the margins what looks like a proposed one, unless nothing else is left."""
        spread = np.where(self._alike, np.inf, margin)
        return spread if np.isfinite(spread).any() else margin

    def farthest(self, free: NDArray[np.bool_]) -> Position:
        """Give the position among the free ones that looks least like any labelled or proposed one."""
        allowed = free.ravel()[self._candidates]
        if not allowed.any():  # of many positions only some are candidates
            return divmod(int(np.argmax(free)), self._shape[1])
        best = self._candidates[int(np.argmax(np.where(allowed, self._distance, -1)))]
        return divmod(int(best), self._shape[1])

    def _far(self, position: Position) -> None:
        np.minimum(self._distance, self._from(position, self._all[self._candidates]), out=self._distance)

    def _from(self, position: Position, others: Values) -> NDArray[np.float64]:
        one = self._all[position[0] * self._shape[1] + position[1]]
        squares: NDArray[np.float64] = np.square(others - one).sum(axis=1, dtype=np.float64)
        return squares


def _typical_gap(values: Values, rng: np.random.Generator) -> float:
    """Give the median squared distance of a position to the one that looks most like it."""
    some = values[rng.permutation(len(values))[:SAMPLE]]
    asked = some[:ASKED].astype(np.float64)
    squares = np.square(asked).sum(1)[:, None] + np.square(some).sum(1)[None] - 2 * asked @ some.T
    np.fill_diagonal(squares, np.inf)  # each is nearest to itself
    nearest = squares.min(axis=1)
    return float(np.median(np.maximum(nearest, 0))) if len(some) > 1 else 0.0


def _message(proposals: list[Proposal], count: int, min_distance: float) -> str:
    unlike = sum(proposal.reason.startswith("unlike") for proposal in proposals)
    message = f"Positions where the map is least sure: {len(proposals) - unlike}"
    if unlike:
        message += f"; unlike any labelled one: {unlike}"
    if len(proposals) < count:
        message += f"; no other is {min_distance:g} or more away from the labelled and the proposed ones"
    return f"{message}."


def _keep_clear(margin: NDArray[np.float64], position: Position, min_distance: float) -> None:
    """Rule out `position` and all that is nearer to it than `min_distance`, in place."""
    reach = int(min(np.ceil(min_distance), max(margin.shape)))
    rows, columns = (slice(max(0, centre - reach), centre + reach + 1) for centre in position)
    window = margin[rows, columns]
    y, x = np.ogrid[rows.start : rows.start + window.shape[0], columns.start : columns.start + window.shape[1]]
    window[np.hypot(y - position[0], x - position[1]) < min_distance] = np.inf
    margin[position] = np.inf
