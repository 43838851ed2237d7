"""A coarse map while the network learns, so that a user sees what it makes of the scan, and can stop it early.

It must cost little: a training that takes minutes is not to take longer for being watched.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

from napari_ghosthunter.plugin.background import Background
from napari_ghosthunter.plugin.mapper.desk import Desk
from napari_ghosthunter.plugin.mapper.training.pace import Pace, Turn
from napari_ghosthunter.plugin.mapper.training.training import Training
from napari_ghosthunter.plugin.qt import Signal

if TYPE_CHECKING:
    from napari_ghosthunter.learning.model import Model
    from napari_ghosthunter.learning.report import EpochReport
    from napari_ghosthunter.mapping.coarse import CoarseMaps
    from napari_ghosthunter.mapping.domains import DomainMap


class Preview(QObject):
    """Makes coarse maps with the best model so far, now and then while a training runs.

    Signals
    -------
    ready(DomainMap)
        A map of the whole scan, coarser than it will be; its provenance says `preview`.

    Parameters
    ----------
    desk
        Whose scan is mapped.
    training
        The training that is watched.
    clock
        Seconds, from any moment on.

    Attributes
    ----------
    pace
        What previews of this training have cost, and when there may be another one; None before its first epoch.
    """

    ready = Signal(object)

    def __init__(self, desk: Desk, training: Training, clock: Callable[[], float] = time.perf_counter) -> None:
        super().__init__()
        self.desk, self.training = desk, training
        self.pace: Pace | None = None
        self._clock = clock
        self._wanted = True
        self._maps: CoarseMaps | None = None
        self._background = Background()
        training.reported.connect(self._consider)
        training.changed.connect(self._follow)

    @property
    def wanted(self) -> bool:
        """Whether there are to be previews."""
        return self._wanted

    @wanted.setter
    def wanted(self, wanted: bool) -> None:
        self._wanted = wanted
        if not wanted:
            self._background.stop()

    def _follow(self) -> None:
        """Let everything go when a training ends; the next one may see other patterns."""
        if not self.training.running:
            self._background.close()
            self._maps = None
        elif self.training.report is None:
            self.pace = None

    def _consider(self, report: EpochReport) -> None:
        """Make a preview, if there is time for one."""
        scan = self.desk.scan
        if not self._wanted or self._background.busy or scan is None or not self.training.running:
            return
        if self.pace is None:
            self.pace = Pace(scan.scan_shape, report.model.patterns.size)
        turn = self.pace.next_turn(report.figures.seconds)
        if turn is None:
            return
        from napari_ghosthunter.mapping.coarse import CoarseMaps  # torch is here by now, with the report

        maps = self._maps = self._maps or CoarseMaps(scan)
        steps = partial(self._steps, maps, report.model, turn, self.pace)
        self._background.start(steps, self.ready.emit, self._give_up)

    def _steps(self, maps: CoarseMaps, model: Model, turn: Turn, pace: Pace) -> Iterator[DomainMap]:
        """Make one preview, unless it takes too long; in the thread."""
        began = self._clock()
        found = maps.classify(model, turn.stride, lambda: self._clock() - began < turn.seconds)
        pace.took(turn, self._clock() - began, found is not None)
        if found is not None:
            yield found

    def _give_up(self, _message: str) -> None:
        """Do without previews of this training; what is wrong with the scan is told when it is mapped."""
        if self.pace is not None:
            self.pace.exhausted = True
