"""How fast a training comes to its best: losses on a clock of its own, so that two trainings can take turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class Clocked:
    """A training, the validation losses of its epochs, and the time on its own clock when each was there.

    Attributes
    ----------
    epochs
        The training, an item an epoch.
    loss
        Gives the validation loss of an item.
    """

    epochs: Iterator[Any]
    loss: Callable[[Any], float]
    last: Any = None
    losses: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    spent: float = 0.0

    def advance(self) -> bool:
        """Go on by an epoch; false if there is none."""
        began = time.perf_counter()
        found = next(self.epochs, None)
        self.spent += time.perf_counter() - began
        if found is None:
            return False
        self.last = found
        self.losses.append(self.loss(found))
        self.seconds.append(self.spent)
        return True

    @property
    def least(self) -> float:
        """The lowest validation loss."""
        return min(self.losses)

    def until(self, loss: float) -> float:
        """Give the seconds until the validation loss was as low as that; infinite if it never was."""
        return next((at for at, found in zip(self.seconds, self.losses, strict=True) if found <= loss), float("inf"))

    @property
    def epoch(self) -> float:
        """Seconds an epoch: the median, which leaves out what comes once."""
        return float(np.median(np.diff(self.seconds)))


def in_turns(trainings: Sequence[Clocked]) -> None:
    """Run trainings to their ends, an epoch of each in turn."""
    running = list(trainings)
    while running:
        running = [training for training in running if training.advance()]
