"""What the live map of a session takes time for: looking at all patterns once, and a map for each label.

Both go over a snapshot, so that another thread may iterate over them; the session's `Live` takes what they bring.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_ghosthunter.labelling.classes import ClassScheme
    from napari_ghosthunter.labelling.labels import LabelSet
    from napari_ghosthunter.labelling.positions import Position
    from napari_ghosthunter.labelling.uncertain import Values
    from napari_ghosthunter.learning.config import PatternConfig
    from napari_ghosthunter.mapping.domains import DomainMap
    from napari_ghosthunter.mapping.live import Features
    from napari_ghosthunter.mapping.settling import Settler, Settling
    from napari_ghosthunter.scan.scan import Scan


@dataclass(frozen=True, eq=False)
class Look:
    """What is known of the patterns; once it is of all, also how they differ from their surroundings, and a settler."""

    features: Features
    contrast: Values | None = None
    settler: Settler | None = None


@dataclass(frozen=True, eq=False)
class Mapped:
    """What labels make of the patterns: the map, None with fewer than two classes; and then how it settles."""

    domain_map: DomainMap | None
    settling: Settling | None = None


class Looking:
    """Looking at all patterns of a scan: iterate over it for what is known so far.

    Parameters
    ----------
    scan, patterns, device
        As for `mapping.live.measure`.
    patience
        Seconds that it may take yet, as far as the first rows foretell; else it ends by itself.

    Attributes
    ----------
    seconds
        How long it will take yet; None while that is not known.
    too_long
        Whether it ended because that is more than it may be.
    """

    def __init__(self, scan: Scan, patterns: PatternConfig, device: str, patience: float) -> None:
        self._scan, self._patterns, self._device, self._patience = scan, patterns, device, patience
        self._stopped = threading.Event()
        self.seconds: float | None = None
        self.too_long = False

    def stop(self) -> None:
        """Let it end after the rows that it is at."""
        self._stopped.set()

    def __iter__(self) -> Iterator[Look]:
        """Look at row after row.

        Raises
        ------
        GhostHunterError
            What `mapping.live.measure` raises.
        """
        from napari_ghosthunter.labelling.uncertain import contrasts
        from napari_ghosthunter.learning.logistic import get_ready
        from napari_ghosthunter.learning.network import COMPONENTS
        from napari_ghosthunter.mapping.live import measure
        from napari_ghosthunter.mapping.settling import Settler

        get_ready()
        began: tuple[float, int] | None = None
        for features in measure(self._scan, self._patterns, device=self._device):
            if self._stopped.is_set():
                return
            if features.complete:
                yield Look(features, contrasts(features.values[..., :COMPONENTS]), Settler(features))
                return
            now, rows = time.monotonic(), features.rows
            if began is None:
                began = now, rows
            else:
                self.seconds = (now - began[0]) / (rows - began[1]) * (self._scan.shape[0] - rows)
                self.too_long = self.seconds > self._patience
                if self.too_long:
                    return
            yield Look(features)


class Mapping:
    """A map by the labels of a moment: iterate over it for the map, and then for how it settles.

    Parameters
    ----------
    look, labels, classes
        What is known of the patterns, the labels in the order in which they came, and their classes.
    """

    def __init__(self, look: Look, labels: dict[Position, str], classes: ClassScheme) -> None:
        self._look, self._labels, self._classes = look, labels, classes

    def __iter__(self) -> Iterator[Mapped]:
        """Make the map: milliseconds for some thousand positions."""
        from napari_ghosthunter.mapping.live import live_map

        found = live_map(self._look.features, self._labels, self._classes)
        yield Mapped(found)
        if found is not None and self._look.settler is not None:
            for settling in self._look.settler.settle(self._labels, self._classes):
                yield Mapped(found, settling)  # also without one, for who wants to leave off

    def is_of(self, labels: LabelSet, classes: ClassScheme) -> bool:
        """Tell whether these are the labels and classes that it goes by, in whichever order."""
        return self._labels == dict(labels) and self._classes.names == classes.names

    def is_like(self, other: Mapping | None) -> bool:
        """Tell whether another one brings the same."""
        return (
            other is not None
            and self._look is other._look
            and self._classes == other._classes
            and list(self._labels.items()) == list(other._labels.items())
        )
