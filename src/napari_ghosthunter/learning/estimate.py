"""How right a map probably is, said of the whole of it and not only of the positions that were labelled.

Labels are chosen where they teach most: along walls, and where the map is unsure. There it is wrong more often than
elsewhere, so that the share of left-out labels that come out right is far below the accuracy of the map. Patterns
without a label tell two things more. How sure the fit is of them: too little, since weights are pulled to zero. And how
far fits that have not seen some of the labels come to the same classes: too much, for they share most of what they
have learned and err alike. The truth was found between the two, on scans where it is known (docs/results.md).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from napari_ghosthunter.learning.logistic import Logistic
from napari_ghosthunter.learning.validation import wilson_interval


class Estimate(BaseModel):
    """The probable accuracy of a map, over all positions.

    Attributes
    ----------
    labels
        How many it rests on.
    confidence
        Mean probability of the class that a position is given, before any tempering; probably too low.
    agreement
        Mean share of positions that fits without a fold of the labels put into the same class; probably too high.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    labels: int = Field(ge=1)
    confidence: float = Field(ge=0, le=1)
    agreement: float = Field(ge=0, le=1)

    @property
    def accuracy(self) -> float:
        """Half-way between the two."""
        return (self.confidence + self.agreement) / 2

    @property
    def interval(self) -> tuple[float, float]:
        """From the low end of what is too modest to the high end of what is too bold.

        Ends are those of 95 % intervals (Wilson 1927) of as many trials as there are labels.
        """
        low, _ = wilson_interval(self.confidence * self.labels, self.labels)
        _, high = wilson_interval(self.agreement * self.labels, self.labels)
        return low, high

    def __str__(self) -> str:
        """Say it in one line."""
        low, high = self.interval
        return f"estimated accuracy of the map {self.accuracy:.3f} (95 % interval {low:.2f} to {high:.2f})"


def estimate(whole: Logistic, folds: Sequence[Logistic], features: Tensor, labels: int) -> Estimate | None:
    """Estimate how right a map of these patterns is.

    Parameters
    ----------
    whole, folds
        The fit to all labels, and those that have not seen some of them.
    features
        Of patterns from all over the scan, (n, k).
    labels
        How many there are.

    Returns
    -------
    Estimate or None
        None where labels or patterns are too few to say anything.
    """
    if not folds or not len(features):
        return None
    logits = whole.logits(features)
    sure, classes = torch.softmax(logits, 1).max(1)
    agreement = torch.stack([(fold.logits(features).argmax(1) == classes).double().mean() for fold in folds])
    return Estimate(labels=labels, confidence=min(1.0, sure.mean().item()), agreement=min(1.0, agreement.mean().item()))
