"""Which labels to keep back: a stratified split without leaks, or folds of neighbourhoods."""

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


def neighbourhood_folds(
    positions: NDArray[np.intp], classes: NDArray[np.intp], count: int
) -> tuple[tuple[NDArray[np.intp], NDArray[np.intp]], ...]:
    """Split labels into folds for a cross-validation, neighbours together.

    A label beside one that was trained on tells nothing new: so the positions are halved again and again along the
    longer axis of what is left, into some four blocks a fold, and a block is held out as one. Blocks are dealt out so
    that every fold gets its share of each class, as far as they can be.

    Parameters
    ----------
    positions
        Of the labels, (n, [scan_y, scan_x]).
    classes
        Class index of each label, (n,).
    count
        How many folds to make; fewer where there are fewer blocks.

    Returns
    -------
    tuple of (training labels, held-out labels)
        Sorted indices. Each label is held out once; only a label that is the last of its class in a training part is
        trained on instead, for nobody can tell a class that was never seen.
    """
    blocks = sorted(_blocks(positions, np.arange(len(positions)), 4 * count), key=len, reverse=True)
    share = np.bincount(classes) / count  # of each class in a fold
    folds: list[list[int]] = [[] for _ in range(min(count, len(blocks)))]
    for block in blocks:
        after = [np.bincount(classes[[*fold, *block]], minlength=len(share)) for fold in folds]
        before = [np.bincount(classes[fold], minlength=len(share)) for fold in folds]
        # by how much worse the fold is off with the block than without it
        cost = [
            float((((a - share) ** 2 - (b - share) ** 2) / np.maximum(share, 1e-9)).sum())
            for a, b in zip(after, before, strict=True)
        ]
        folds[int(np.argmin(cost))].extend(block.tolist())
    parts = []
    for fold in folds:
        held = np.zeros(len(classes), dtype=bool)
        held[fold] = True
        for lost in np.setdiff1d(classes[held], classes[~held]):
            held[classes == lost] = False
        if held.any():
            parts.append((np.flatnonzero(~held), np.flatnonzero(held)))
    return tuple(parts)


def _blocks(positions: NDArray[np.intp], members: NDArray[np.intp], count: int) -> list[NDArray[np.intp]]:
    """Halve the members by place into at most `count` blocks."""
    if count < 2 or len(members) < 2:
        return [members] if len(members) else []
    extent = np.ptp(positions[members], axis=0)
    order = members[np.lexsort((positions[members, 1 - np.argmax(extent)], positions[members, np.argmax(extent)]))]
    middle = len(order) // 2
    return _blocks(positions, order[:middle], count // 2) + _blocks(positions, order[middle:], count - count // 2)
