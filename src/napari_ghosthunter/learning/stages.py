"""How far labelling has come: what a fit to some labels makes of the scan, and how right that probably is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from napari_ghosthunter.learning.device import one_thread
from napari_ghosthunter.learning.estimate import Estimate, estimate
from napari_ghosthunter.learning.logistic import Logistic, regress
from napari_ghosthunter.learning.split import neighbourhood_folds
from napari_ghosthunter.learning.validation import HeldOut, confusion_matrix

FEWEST = 10  # labels that can be judged by leaving some out
FOLDS = 5
COURSE, APART = 8, 5  # stages that a training tells of, and the labels between two of them


class Stage(BaseModel):
    """How far labelling had come with so many labels.

    Attributes
    ----------
    labels
        How many.
    changed
        Share of the map that got another class since the stage before; None where there was no map.
    held_out
        Share of the labels that came out right when left out; None where they are too few.
    estimate
        How right the map probably was; None where labels are too few.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    labels: int
    changed: float | None = None
    held_out: float | None = None
    estimate: Estimate | None = None


@dataclass(frozen=True, eq=False)
class Outcome:
    """What labels make of patterns (m): the name of each one's class, and what is known of how right that is."""

    names: NDArray[np.str_] | None = None
    held_out: HeldOut | None = None
    estimate: Estimate | None = None


@dataclass(frozen=True, eq=False)
class Labelled:
    """Labels in the order in which they came.

    Attributes
    ----------
    features
        Of the labelled patterns, (n, k).
    positions
        (n, [scan_y, scan_x]).
    targets
        Class index of each, (n,).
    names
        Of the classes.
    """

    features: Tensor
    positions: NDArray[np.intp]
    targets: NDArray[np.intp]
    names: Sequence[str]

    def at(self, chosen: NDArray[np.intp]) -> Labelled:
        """Give some of them, in this order."""
        return Labelled(self.features[chosen], self.positions[chosen], self.targets[chosen], self.names)

    def narrowed(self) -> Labelled:
        """Give the same labels as those of fewer classes: without the ones that have none."""
        present, targets = np.unique(self.targets, return_inverse=True)
        return Labelled(self.features, self.positions, targets, tuple(self.names[index] for index in present))

    def outcomes(self, patterns: Tensor) -> Iterator[Outcome]:
        """Tell what they make of patterns (m, k): first the classes, after some fits more how right these are.

        Steps in between are for who wants to leave off.
        """
        narrowed = self.narrowed()
        targets, names = narrowed.targets, narrowed.names
        if len(names) < 2:
            yield Outcome()
            return
        whole = self._fit(targets, np.arange(len(targets)), len(names))
        with one_thread():
            found = Outcome(np.array(names)[whole.logits(patterns).argmax(1).numpy()])
        yield found
        if len(targets) < FEWEST:
            return
        folds, confusion = [], np.zeros((len(names), len(names)), np.int64)
        for seen, held in neighbourhood_folds(self.positions, targets, FOLDS):
            folds.append(self._fit(targets, seen, len(names)))
            with one_thread():
                answers = folds[-1].logits(self.features[held]).argmax(1).numpy()
            confusion += confusion_matrix(targets[held], answers, len(names))
            yield found
        with one_thread():
            probably = estimate(whole, folds, patterns, len(targets))
        held_out = HeldOut(names=names, confusion=tuple(map(tuple, confusion.tolist())), crossed=True)
        yield Outcome(found.names, held_out, probably)

    def _fit(self, targets: NDArray[np.intp], chosen: NDArray[np.intp], classes: int) -> Logistic:
        with one_thread():
            return regress(self.features[chosen], torch.from_numpy(targets[chosen]), classes)


def share_changed(before: Outcome, after: Outcome) -> float | None:
    """Tell which share of the patterns got another class; None where one of the two has no map."""
    if before.names is None or after.names is None:
        return None
    return float((before.names != after.names).mean())


def stage(labels: int, before: Outcome | None, after: Outcome) -> Stage:
    """Put into figures what so many labels have brought."""
    return Stage(
        labels=labels,
        changed=None if before is None else share_changed(before, after),
        held_out=None if after.held_out is None else after.held_out.accuracy,
        estimate=after.estimate,
    )


def course(labelled: Labelled, patterns: Tensor) -> tuple[Stage, ...]:
    """Tell what fewer of the labels would have brought, by patterns (m, k) from all over the scan.

    The labels come in an order of chance (always the same), because in the one in which they were given the first ones
    may be of another kind than the last: a grid, and then walls.
    """
    every = len(labelled.targets)
    labelled = labelled.at(np.random.default_rng(0).permutation(every))
    counts = [count for count in range(every - (COURSE - 1) * APART, every + 1, APART) if count > 1]
    found, before = [], None
    for count in counts:
        *_, after = labelled.at(np.arange(count)).outcomes(patterns)
        found.append(stage(count, before, after))
        before = after
    return tuple(found)
