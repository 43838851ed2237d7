"""The mean pattern of each class, in steps small enough to be left off at once when the labels change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_ghosthunter.labelling.positions import Position
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.virtual.means import mean_pattern

STEP = 8  # patterns between two chances to stop

ClassPatterns = Mapping[str, tuple[str, Sequence[Position]]]
"""For each class its colour ('#rrggbb') and its labelled positions."""


@dataclass(frozen=True, eq=False)
class ClassMean:
    """Mean pattern of one class; `pattern` is of shape (k_y, k_x)."""

    name: str
    colour: str
    count: int
    pattern: NDArray[np.float64]


def class_means(scan: Scan, classes: ClassPatterns) -> Iterator[ClassMean | None]:
    """Yield the mean of each class that has labels, and None in between, where a worker may stop."""
    for name, (colour, positions) in classes.items():
        if not positions:
            continue
        total = np.zeros(scan.detector_shape)
        for start in range(0, len(positions), STEP):
            part = positions[start : start + STEP]
            total += mean_pattern(scan, part) * len(part)
            yield None
        yield ClassMean(name, colour, len(positions), total / len(positions))
