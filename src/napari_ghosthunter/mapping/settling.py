"""When to stop labelling: how much of the live map each of the last labels has changed, and how right it is.

All is worked out from the labels as they are, never kept, so that an undo, a corrected label and a sitting that is gone
on with tell the same as if it had always been so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray

from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.labelling.labels import Position
from napari_ghosthunter.learning.device import one_thread
from napari_ghosthunter.learning.fitting import FEWEST, FOLDS
from napari_ghosthunter.learning.logistic import regress
from napari_ghosthunter.learning.split import neighbourhood_folds
from napari_ghosthunter.learning.validation import HeldOut, confusion_matrix
from napari_ghosthunter.mapping.live import Features, fitted

MOST_LABELS = 30  # the last ones, of which it is told
MOST_POSITIONS = 8192  # of the scan, drawn by chance, that stand for all
TOGETHER = 5  # labels that are looked at together: one alone may change nothing by chance

_Prefix = tuple[tuple[Position, str], ...]


@dataclass(frozen=True)
class Settling:
    """How the map came to rest.

    Attributes
    ----------
    labels
        How many labels there were after each of the last ones.
    changed
        Share of the map that got another class with it; None where there was no map before.
    together, lately
        What the last so many labels have changed together; None where they made the first map.
    held_out
        How many labels come out right when each is left out once, with its neighbourhood; None where they are too few.
    """

    labels: tuple[int, ...]
    changed: tuple[float | None, ...]
    together: int
    lately: float | None
    held_out: HeldOut | None


class Settler:
    """Tells how the map of a scan settles; it remembers what the map was after each label.

    Parameters
    ----------
    features
        Of all positions.
    """

    def __init__(self, features: Features) -> None:
        self._features = features
        flat = features.values.reshape(-1, features.values.shape[2])
        if len(flat) > MOST_POSITIONS:
            flat = flat[np.sort(np.random.default_rng(0).choice(len(flat), MOST_POSITIONS, replace=False))]
        self._seen = torch.from_numpy(flat)
        self._maps: dict[_Prefix, NDArray[np.str_] | None] = {}

    def settle(self, labels: Mapping[Position, str], classes: ClassScheme) -> Iterator[Settling | None]:
        """Tell it of labels, in the order in which they were given; None in between is for who wants to leave off."""
        every = tuple(labels.items())
        counts = range(max(0, len(every) - MOST_LABELS), len(every) + 1)
        prefixes = [every[:count] for count in counts]
        self._maps = {prefix: found for prefix, found in self._maps.items() if prefix in set(prefixes)}
        for prefix in prefixes:
            if prefix not in self._maps:
                self._maps[prefix] = self._map(prefix, classes)
                yield None
        held_out: HeldOut | None = None
        for judged in self._judged(labels, classes):
            held_out = judged
            yield None
        maps = [self._maps[prefix] for prefix in prefixes]
        together = min(TOGETHER, len(maps) - 1)
        yield Settling(
            labels=tuple(counts[1:]), changed=tuple(_share(before, after) for before, after in pairwise(maps)),
            together=together, lately=_share(maps[-1 - together], maps[-1]), held_out=held_out,
        )  # fmt: skip

    def _map(self, given: _Prefix, classes: ClassScheme) -> NDArray[np.str_] | None:
        """Give the name of each position's class."""
        with one_thread():
            found = fitted(self._features, dict(given), classes)
            if found is None:
                return None
            fit, there = found
            named: NDArray[np.str_] = np.array(there.names)[fit.logits(self._seen).argmax(1).numpy()]
        return named

    def _judged(self, labels: Mapping[Position, str], classes: ClassScheme) -> Iterator[HeldOut]:
        """Judge each label by a map that has seen neither it nor its neighbourhood, as a training does."""
        names = tuple(name for name in classes.names if name in labels.values())
        if len(labels) < FEWEST or len(names) < 2:
            return
        positions = np.array(list(labels))
        targets = np.array([names.index(name) for name in labels.values()])
        features = torch.from_numpy(self._features.values[tuple(positions.T)])
        confusion = np.zeros((len(names), len(names)), np.int64)
        for seen, held in neighbourhood_folds(positions, targets, FOLDS):
            with one_thread():
                fit = regress(features[seen], torch.from_numpy(targets[seen]), len(names))
                answers = fit.logits(features[held]).argmax(1).numpy()
            confusion += confusion_matrix(targets[held], answers, len(names))
            yield HeldOut(names=names, confusion=tuple(map(tuple, confusion.tolist())), crossed=True)


def _share(before: NDArray[np.str_] | None, after: NDArray[np.str_] | None) -> float | None:
    return None if before is None or after is None else float((before != after).mean())
