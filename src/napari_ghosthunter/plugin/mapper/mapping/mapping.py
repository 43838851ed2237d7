"""Mapping the scan beside the window: the run, how far it is, and how it ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt

from napari_ghosthunter.errors import ClusterError
from napari_ghosthunter.plugin.mapper.desk import Desk
from napari_ghosthunter.plugin.mapper.mapping.neighbours_bar import Neighbours
from napari_ghosthunter.plugin.mapper.mapping.place import Place
from napari_ghosthunter.plugin.mapper.running import Running, with_run
from napari_ghosthunter.plugin.qt import Signal
from napari_ghosthunter.plugin.window import tell
from napari_ghosthunter.scan.scan import nonfinite_note
from napari_ghosthunter.session.runs import SegmentationRun
from napari_ghosthunter.session.session import Session

if TYPE_CHECKING:
    from napari_ghosthunter.mapping.segmentation import RowBand


class Mapping(Running):
    """Maps the scan of the desk, one run at a time; the rows go to the session, from where everyone hears of them.

    Signals
    -------
    changed()
        It was begun, told to stop, has ended, or some rows are done.
    ended(whole)
        It is over: with all rows, or stopped or failed with some. Not sent where the session has gone meanwhile.

    Attributes
    ----------
    place
        Where the next map is computed.
    neighbours
        How much neighbours help in it.
    scheduler
        Address of the scheduler that the latest map is computed on; empty if that is this machine.
    notes
        What the cluster had to say of the latest map, in sentences.
    rows_done
        Number of scan rows that are mapped.
    """

    name = "map"
    _run: SegmentationRun | None
    _noted = Signal(float, str)  # from the thread of a run: when that began, and what there is to know

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.place, self.neighbours = Place(), Neighbours()
        self.scheduler = ""
        self.notes: list[str] = []
        self.rows_done = 0
        self._began = 0.0
        self._nonfinite = 0
        self._noted.connect(self._note, Qt.ConnectionType.QueuedConnection)

    @property
    def rows(self) -> int:
        """Number of scan rows."""
        return 0 if self._session is None else self._session.scan.scan_shape[0]

    @property
    def share(self) -> float:
        """Which part of the rows is done, 0 to 1."""
        return self.rows_done / max(1, self.rows)

    @property
    def seconds_left(self) -> float | None:
        """How long it will take yet, as far as the rows that are done can tell; None before the first."""
        if self._run is None or not self.rows_done:
            return None
        return (time.monotonic() - self._began) * (1 / self.share - 1)

    def start(self, device: str = "auto") -> None:
        """Map the scan with the model as it is now; a map that is under way is given up for it."""
        session = self.desk.session
        if session is None:
            return
        began = time.monotonic()
        run = self.desk.attempt(lambda: self._begin(session, device, partial(self._noted.emit, began)))
        if run is None:
            return
        self.scheduler, self.notes = self.place.scheduler, []
        self.rows_done, self._nonfinite, self._began = 0, 0, began
        self._set_going(session, run, lambda: with_run(run))

    def _begin(self, session: Session, device: str, tell: Callable[[str], object]) -> SegmentationRun:
        needs = self.place.needs(session.scan)
        if needs:
            raise ClusterError(needs)
        return session.segmentation.start(
            device, scheduler=self.place.scheduler, tell=tell, neighbours=self.neighbours.strength
        )

    def _note(self, began: float, words: str) -> None:
        if began == self._began and self._run is not None:
            self.notes.append(words)
            self.changed.emit()

    def _take(self, step: tuple[SegmentationRun, RowBand]) -> None:
        run, band = step
        if self._session is None or not self._session.segmentation.take(run, band):
            return
        self.rows_done, self._nonfinite = band.stop, band.nonfinite
        self.changed.emit()

    def _end(self) -> None:
        whole = self.rows_done == self.rows
        self._run = None
        if self._nonfinite:
            tell(nonfinite_note(self._nonfinite))
        self.changed.emit()
        self.ended.emit(whole)

    def _turn(self, session: Session | None) -> None:
        if session is self._session or self._session is None:
            return
        self._drop()
        self._session, self.error, self.notes = None, "", []
        self.rows_done = 0
        self.changed.emit()
