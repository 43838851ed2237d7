"""Patterns that look like none of the labelled ones, as of vacuum, contamination or with the beam off.

A regression is as sure of a pattern far from all that it has learned from as of any other, often more so. So every
pattern is compared with all labelled ones, in the components that the network sees (the distance to the nearest
neighbour as in Knorr and Ng 1998). Where none is near, the probabilities are brought close to one another: the class
stays, and is not to be relied on.
"""

from __future__ import annotations

import torch
from torch import Tensor

PROTOTYPES = 256  # labelled patterns that are compared with, at most
FEWEST = 10  # labelled patterns whose distances say how far is far
FAR = 3.0  # times the median distance between a labelled pattern and the one nearest to it
SMALLEST_DISTANCE = 0.2  # of features of size one: patterns without noise lie on one another
STEEPNESS = 12.0  # of the fall from trust to none
LEAST_TRUST = 1e-3  # so that single precision still tells which class is the most probable
NO_LIMIT = 1e9  # a reach that nothing is beyond


def remembered(labelled: Tensor, earlier: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Choose what to compare patterns with.

    Parameters
    ----------
    labelled
        Components (n, k) of the labelled patterns.
    earlier
        Those (m, k) that a model which is trained further compares with.

    Returns
    -------
    tuple
        Components (PROTOTYPES, k), some of them twice where they are fewer; and the distance that is far, ().
    """
    chosen = labelled if earlier is None else torch.cat([labelled, earlier.unique(dim=0)])[:PROTOTYPES]
    if len(chosen) > PROTOTYPES:
        chosen = chosen[torch.linspace(0, len(chosen) - 1, PROTOTYPES).long()]
    return chosen[torch.arange(PROTOTYPES) % len(chosen)], torch.tensor(reach(chosen))


def reach(labelled: Tensor) -> float:
    """Tell from which distance on a pattern is unlike all labelled ones (n, k); nothing is where they are too few."""
    if len(labelled) < FEWEST:
        return NO_LIMIT
    between = torch.cdist(labelled.double(), labelled.double(), compute_mode="donot_use_mm_for_euclid_dist")
    nearest = between.fill_diagonal_(float("inf")).amin(1).median().item()
    return FAR * max(nearest, SMALLEST_DISTANCE)


def trust(components: Tensor, prototypes: Tensor, far: Tensor | float) -> Tensor:
    """Tell how much to trust what is said of patterns (n, k), from 1 to nearly 0; `far` is trusted half."""
    nearest = (components @ prototypes.T - prototypes.square().sum(1) / 2).amax(1)
    squared = (components.square().sum(1) - 2 * nearest).clamp_min(0)
    return (1 / (1 + (squared / far**2) ** (STEEPNESS / 2))).clamp_min(LEAST_TRUST)


def doubted(probabilities: Tensor, trusted: Tensor) -> Tensor:
    """Bring probabilities (n, classes) closer to one another, the less they are trusted (n,); their order stays."""
    return trusted[:, None] * probabilities + (1 - trusted[:, None]) / probabilities.shape[1]
