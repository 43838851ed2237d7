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

from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.labelling.positions import Position
from napari_ghosthunter.learning.estimate import Estimate
from napari_ghosthunter.learning.stages import Outcome, share_changed
from napari_ghosthunter.learning.validation import HeldOut
from napari_ghosthunter.mapping.live import Features, labelled_in

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
    estimates
        How right the map probably was after each of them; None where labels were too few.
    together, lately
        What the last so many labels have changed together; None where they made the first map.
    held_out
        How many labels come out right when each is left out once, with its neighbourhood; None where they are too few.
    """

    labels: tuple[int, ...]
    changed: tuple[float | None, ...]
    estimates: tuple[Estimate | None, ...]
    together: int
    lately: float | None
    held_out: HeldOut | None

    @property
    def estimate(self) -> Estimate | None:
        """How right the map probably is now."""
        return self.estimates[-1] if self.estimates else None


class Settler:
    """Tells how the map of a scan settles; it remembers what came of the labels after each.

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
        self._known: dict[_Prefix, Outcome] = {}

    def settle(self, labels: Mapping[Position, str], classes: ClassScheme) -> Iterator[Settling | None]:
        """Tell it of labels, in the order in which they were given; None in between is for who wants to leave off."""
        every = tuple(labels.items())
        counts = range(max(0, len(every) - MOST_LABELS), len(every) + 1)
        prefixes = [every[:count] for count in counts]
        self._known = {prefix: found for prefix, found in self._known.items() if prefix in set(prefixes)}
        for prefix in reversed(prefixes):  # the last ones matter most
            if prefix not in self._known:
                given = labelled_in(self._features, dict(prefix), classes)
                latest = Outcome()
                for outcome in given.outcomes(self._seen):
                    latest = outcome
                    yield None
                self._known[prefix] = latest
        known = [self._known[prefix] for prefix in prefixes]
        together = min(TOGETHER, len(known) - 1)
        yield Settling(
            labels=tuple(counts[1:]),
            changed=tuple(share_changed(before, after) for before, after in pairwise(known)),
            estimates=tuple(outcome.estimate for outcome in known[1:]),
            together=together, lately=share_changed(known[-1 - together], known[-1]), held_out=known[-1].held_out,
        )  # fmt: skip
