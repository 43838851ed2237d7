"""The neighbours' say in the class of a position: an option for wide domains in scans of few electrons.

A pattern that could be of one class or another is likely of the class that surrounds it. Walls stay where the patterns
say so: a neighbour counts with its own probabilities, and can only tip what is nearly even. Still it takes something
away from domains that are a position or two wide, so that nobody gets it unasked (docs/results.md has the figures).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_ghosthunter.errors import MapError
from napari_ghosthunter.mapping.offered import STRONGEST

TOLD_AS = "neighbours"  # what the strength is called in the provenance of a map


def with_neighbours(probabilities: NDArray[np.float32], strength: float) -> NDArray[np.float32]:
    """Pull the probabilities of each position towards the classes of its neighbours.

    One parallel step of the mean-field approximation of a Potts model (Besag 1986; Krähenbühl and Koltun 2011): with
    `m` the sum of the probabilities of a class at the four neighbours, divided by four, its probability `p` becomes
    `p * exp(strength * m)`, and those of all classes are made to sum to 1 again. A position that is surer of its class
    than `e**strength / (1 + e**strength)` (0.73 for 1, 0.88 for 2) keeps it whatever its neighbours are.

    Parameters
    ----------
    probabilities
        Shape (scan_y, scan_x, n), each position summing to 1. One with any NaN or infinity has no data: it stays as it
        is and has no say. At the edge of the scan, and beside such a position, the neighbours that are missing say
        nothing.
    strength
        0 to 4; 0 gives what was given.

    Raises
    ------
    MapError
        If the strength is out of these bounds.
    """
    check_strength(strength)
    helped = probabilities.copy()
    if not strength:
        return helped
    known = np.isfinite(probabilities).all(axis=2)
    said = np.where(known[..., np.newaxis], probabilities, 0)
    rows = len(said)
    for y in range(rows):  # one at a time: in float64 all of a large map would take several times its memory
        around = np.zeros(said.shape[1:])
        around[1:] += said[y, :-1]
        around[:-1] += said[y, 1:]
        for beside in (y - 1, y + 1):
            if 0 <= beside < rows:
                around += said[beside]
        pulled = (said[y] * np.exp(strength / 4 * around))[known[y]]
        helped[y, known[y]] = pulled / pulled.sum(axis=1, keepdims=True)
    return helped


def check_strength(strength: float) -> None:
    """Refuse a strength out of bounds.

    Raises
    ------
    MapError
        If it is below 0, above 4, or no number.
    """
    if not 0 <= strength <= STRONGEST:
        raise MapError(f"Neighbours help with a strength from 0 (not at all) to {STRONGEST:g}, not {strength}.")


def strength_in(provenance: Mapping[str, Any]) -> float:
    """Read from the provenance of a map how much neighbours helped in it; 0 where it says nothing of them.

    Raises
    ------
    MapError
        If what it says is no strength.
    """
    told = provenance.get(TOLD_AS, 0.0)
    if isinstance(told, bool) or not isinstance(told, int | float):
        raise MapError("The map does not say how much neighbours helped in it; map the scan anew.")
    check_strength(told)
    return float(told)
