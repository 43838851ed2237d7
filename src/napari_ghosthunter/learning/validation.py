"""How good a model is, said honestly: accuracy with its interval, and the confusion matrix behind it."""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from napari_ghosthunter.labelling.classes import short_list

FEW = 30  # labels kept back; of fewer, the 95 % interval of a good accuracy is wider than 0.2
Z_95 = 1.959964  # quantile of the normal distribution for a two-sided 95 % interval


def wilson_interval(right: float, total: int, z: float = Z_95) -> tuple[float, float]:
    """95 % interval of a proportion after Wilson (1927), which stays honest for few trials; (0, 1) for none."""
    if total == 0:
        return 0.0, 1.0
    share = right / total
    centre = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    # The bounds of 0 and 1 are exact; rounding must not push them inside.
    return (0.0 if right == 0 else centre - half), (1.0 if right == total else centre + half)


def confusion_matrix(truth: NDArray[np.intp], predicted: NDArray[np.intp], classes: int) -> NDArray[np.int64]:
    """Count truth (rows) against prediction (columns), (classes, classes), from indices of any equal shape."""
    flat = np.ravel(truth).astype(np.int64) * classes + np.ravel(predicted)
    return np.bincount(flat, minlength=classes * classes).reshape(classes, classes)


class HeldOut(BaseModel):
    """Result on labels that were not trained on; the interval says how much so few can tell at all.

    Either some were kept back, and also chose the epoch, so that the accuracy is probably a little too high; or each
    was left out once, with its neighbourhood, by a training of its own (`crossed`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    names: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]  # truth (rows) against prediction (columns)
    crossed: bool = False

    @property
    def count(self) -> int:
        """Number of labels kept back."""
        return sum(map(sum, self.confusion))

    @property
    def right(self) -> int:
        """Number of them that the model got right."""
        return sum(row[index] for index, row in enumerate(self.confusion))

    @property
    def accuracy(self) -> float | None:
        """Share of them that the model got right; None where none were kept back."""
        return self.right / self.count if self.count else None

    @property
    def interval(self) -> tuple[float, float]:
        """95 % Wilson interval of the accuracy."""
        return wilson_interval(self.right, self.count)

    @property
    def untested(self) -> tuple[str, ...]:
        """Classes of which no label was kept back: how good the model is there is not known."""
        return tuple(name for name, row in zip(self.names, self.confusion, strict=True) if not sum(row))

    @property
    def cautions(self) -> tuple[str, ...]:
        """What to mind before the accuracy is believed or quoted, as sentences for the user; empty if nothing is."""
        if not self.count:
            some = "left out" if self.crossed else "kept back"
            return (f"Label more positions of each class, so that some can be {some}.",)
        found = []
        if self.count < FEW:
            rests = f"rests on {self.count} label{'s' if self.count > 1 else ''}"
            which = "" if self.crossed else ", which were not trained on"
            found.append(f"This {rests} only{which}; label more to know it better.")
        if self.untested:
            what = "class" if len(self.untested) == 1 else "classes"
            left = "could be left out" if self.crossed else "was kept back"
            found.append(
                f"No label {left} of the {what} {short_list(self.untested)}: how good it is there is not known."
            )
        return tuple(found)

    @property
    def how(self) -> str:
        """How they were judged, and what that means for the accuracy, as the second half of a sentence."""
        if not self.crossed:
            return "they also chose the epoch, so it is probably a little too high"
        judged = "each was judged by a fit that had seen neither it nor its neighbourhood"
        harder = ", and labels at walls are harder than the map as a whole"  # why it is lower than the estimate
        return judged + (harder if self.right < self.count else "")

    def __str__(self) -> str:
        """Say it in one line."""
        if not self.count:
            return (
                "too few labels to leave some out and judge by them, so nothing is known of the accuracy"
                if self.crossed
                else "no labels could be kept back, so nothing is known of the accuracy"
            )
        low, high = self.interval
        return (
            f"{self.right} of {self.count} held-out labels right: accuracy {self.right / self.count:.3f} "
            f"(95 % interval {low:.2f} to {high:.2f}); {self.how}"
        )
