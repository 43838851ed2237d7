"""Row 7, second half: how long a round of proposals takes with 10,000 labelled points.

The points are drawn by chance on 1,000 x 1,000 positions, which leaves far more to propose than the sampling itself
ever has at once; the classes are two along a winding wall, and eight stripes.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.rows import Row, at_most, run_alone
from benchmarks.turns import best_of
from napari_ghosthunter.labelling.sampling import grid, next_round

SIDE = 1000  # of the scan
STEP, QUICK_STEP = 30, 100  # of the grid, whose points are labelled too
POINTS = 10_000
ROUNDS = 10


def rows(quick: bool) -> Iterator[Row]:
    """Measure a round for each layout of classes."""
    count, step = (1000, QUICK_STEP) if quick else (POINTS, STEP)
    drawn = np.random.default_rng(1).choice(SIDE**2, count, replace=False)
    places = list(
        dict.fromkeys([*grid((SIDE, SIDE), step), *((int(place) // SIDE, int(place) % SIDE) for place in drawn)])
    )[:count]
    layouts = {
        "two classes along a wall": [int(x > 500 + 100 * np.sin(y / 50)) for y, x in places],
        "eight stripes": [x * 8 // SIDE for _, x in places],
    }
    for name, classes in layouts.items():
        labelled = dict(zip(places, classes, strict=True))
        found = len(next_round(labelled, (SIDE, SIDE), step).proposals)
        best = best_of({"round": lambda now=labelled: next_round(now, (SIDE, SIDE), step)}, 1 if quick else ROUNDS)
        yield at_most(
            f"a round of proposals with {len(labelled):,} labels, {name}", 1000 * best["round"], 50, " ms",
            f"{found:,} proposals",
        )  # fmt: skip


if __name__ == "__main__":
    run_alone("benchmarks.proposals", rows)
