"""Who labels: one that knows the truth, and errs now and then."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import napari_ghosthunter as gh
from benchmarks.judging.scans import Case
from napari_ghosthunter.labelling.positions import Position


@dataclass(frozen=True, eq=False)
class Oracle:
    """What somebody says of each position: class ids (scan_y, scan_x), negative where nothing can be said."""

    case: Case
    answers: NDArray[np.int64]

    def knows(self, position: Position) -> bool:
        """Whether anything can be said of a position."""
        return bool(self.answers[position] >= 0)

    def name(self, position: Position) -> str:
        """Name the class of a position."""
        return self.case.names[self.answers[position]]

    def label(self, positions: Iterable[Position]) -> gh.LabelSet:
        """Label positions."""
        labels = gh.LabelSet(gh.ClassScheme.from_names(self.case.names), self.case.scan.scan_shape)
        labels.label_many({spot: self.name(spot) for spot in positions})
        return labels


def oracle(case: Case, wrong: float, seed: int) -> Oracle:
    """Make one that is wrong at a share of the positions; the same seed errs at the same ones."""
    rng = np.random.default_rng([seed, 7])
    errs = (rng.random(case.truth.shape) < wrong) & case.known
    other = (case.truth + rng.integers(1, len(case.names), case.truth.shape)) % len(case.names)
    return Oracle(case, np.where(errs, other, case.truth))
