"""Which labels to keep back: a stratified split without leaks, seeded."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def stratified_split(classes: NDArray[np.intp], share: float, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Split labels into training and held-out ones, class by class.

    Every class with at least two labels is in both parts (unless `share` is 0); a single label is trained on.

    Parameters
    ----------
    classes
        Class index of each label, (n,).
    share
        Share to keep back, of the whole and, rounded, of each class.
    seed
        The same seed gives the same split.

    Returns
    -------
    tuple
        Sorted indices of the training labels and of the held-out ones.
    """
    rng = np.random.default_rng(seed)
    held_out = np.zeros(len(classes), dtype=bool)
    for index in np.unique(classes):
        members = rng.permutation(np.flatnonzero(classes == index))
        count = round(len(members) * share)
        if share > 0 and len(members) > 1:
            count = min(max(count, 1), len(members) - 1)
        held_out[members[:count] if len(members) > 1 else []] = True
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)
