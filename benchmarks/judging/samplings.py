"""Ways to choose which positions are labelled, each a function of what is said of those labelled before.

A seed draws the positions of `random`. The others draw nothing: there a seed says from which of the four corners of
the scan the grid starts.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import numpy as np

from benchmarks.judging.oracle import Oracle
from napari_ghosthunter.labelling.positions import Position
from napari_ghosthunter.labelling.sampling import grid, next_round, random_positions
from napari_ghosthunter.labelling.uncertain import contrasts, most_uncertain
from napari_ghosthunter.mapping.live import Features, live_map

AT_ONCE = 5  # positions that are labelled between two looks at the map
APART = 3  # probe positions between any two of them, while there is room

Sampling = Callable[[Oracle, int, int, Callable[[], Features]], list[Position]]
"""From an oracle, a budget, a seed, and the features of the scan (if asked for) to positions."""


def by_chance(oracle: Oracle, budget: int, seed: int, features: object = None) -> list[Position]:  # noqa: ARG001
    """Draw positions by chance."""
    drawn = random_positions(oracle.case.scan.scan_shape, oracle.answers.size, seed).proposals
    return list(islice((point.position for point in drawn if oracle.knows(point.position)), budget))


def algorithm_1(oracle: Oracle, budget: int, seed: int, features: object = None) -> list[Position]:  # noqa: ARG001
    """Bisect toward the walls from a coarse grid; where no wall is left, from a grid half as coarse."""
    known: dict[Position, str] = {}
    walk = _Corner(oracle, seed)
    step = oracle.case.step
    while len(known) < budget and step:
        seen = {walk.turned(spot): name for spot, name in known.items()} | walk.passed
        found = [point.position for point in next_round(seen, walk.shape, step, budget - len(known)).proposals]
        if not found:
            step //= 2
        known |= walk.asked(found)
    return list(known)


def ours(oracle: Oracle, budget: int, seed: int, features: Callable[[], Features]) -> list[Position]:
    """Label a coarse grid, then where a live map is least sure, and each fifth time what is unlike all labelled."""
    known: dict[Position, str] = {}
    walk = _Corner(oracle, seed)
    step, apart, measured = oracle.case.step, APART, features()
    contrast = contrasts(measured.values)
    while len(known) < budget and step:
        left = budget - len(known)
        seen = {walk.turned(spot): name for spot, name in known.items()} | walk.passed
        nodes = any(spot not in seen for spot in grid(walk.shape, step))
        labels = oracle.label(known)
        live = None if nodes else live_map(measured, labels, labels.classes, doubting=False)
        if live is None:
            found = [walk.turned(point.position) for point in next_round(seen, walk.shape, step, left).proposals]
            if not found:
                step //= 2
        else:
            taken = [*known, *(walk.turned(spot) for spot in walk.passed)]
            unsure = most_uncertain(live.probabilities, taken, min(AT_ONCE, left), apart, contrast)
            found = [point.position for point in unsure.proposals]
            if not found and not apart:
                break
            apart -= not found
        known |= walk.asked([walk.turned(spot) for spot in found])
    return list(known)


class _Corner:
    """A scan as it is seen from one of its corners, and what nobody could say anything of."""

    def __init__(self, oracle: Oracle, seed: int) -> None:
        self.oracle = oracle
        self.shape = oracle.case.scan.scan_shape
        self._flips = seed % 2 == 1, seed // 2 % 2 == 1
        self.passed: dict[Position, str] = {}  # as seen from the corner: a label that draws no midpoint

    def turned(self, position: Position) -> Position:
        """Give a position of the scan as seen from the corner, or the other way round."""
        ends = zip(position, self.shape, self._flips, strict=True)
        y, x = (length - 1 - at if flip else at for at, length, flip in ends)
        return y, x

    def asked(self, found: list[Position]) -> dict[Position, str]:
        """Ask for the classes of positions as seen from the corner, and remember those that have none."""
        spots = {spot: self.turned(spot) for spot in found}
        self.passed |= {
            spot: _nearest(self.oracle, real) for spot, real in spots.items() if not self.oracle.knows(real)
        }
        return {real: self.oracle.name(real) for real in spots.values() if self.oracle.knows(real)}


def _nearest(oracle: Oracle, position: Position) -> str:
    """Name the class of the closest position that anything can be said of."""
    spots = np.argwhere(oracle.answers >= 0)
    y, x = spots[np.hypot(*(spots - position).T).argmin()]
    return oracle.name((int(y), int(x)))


SAMPLINGS: dict[str, Sampling] = {"random": by_chance, "Algorithm 1": algorithm_1, "ours": ours}
