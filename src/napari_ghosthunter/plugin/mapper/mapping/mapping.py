"""Mapping the scan beside the window: the run, how far it is, and how it ended."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

from napari_ghosthunter.plugin.background import Background
from napari_ghosthunter.plugin.mapper.desk import Desk
from napari_ghosthunter.plugin.qt import Signal
from napari_ghosthunter.plugin.window import tell, tell_error
from napari_ghosthunter.session.runs import SegmentationRun
from napari_ghosthunter.session.session import Session

if TYPE_CHECKING:
    from napari_ghosthunter.mapping.segmentation import RowBand


class Mapping(QObject):
    """Maps the scan of the desk, one run at a time; the rows go to the session, from where everyone hears of them.

    Signals
    -------
    changed()
        It was begun, told to stop, has ended, or some rows are done.
    ended(whole)
        It is over: with all rows, or stopped or failed with some. Not sent where the session has gone meanwhile.
    """

    changed = Signal()
    ended = Signal(bool)

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.rows_done = 0
        self._session: Session | None = None
        self._run: SegmentationRun | None = None
        self._began = 0.0
        self._nonfinite = 0
        self._background = Background()
        desk.session_changed.connect(self._turn)

    @property
    def running(self) -> bool:
        """Whether rows are still to come."""
        return self._run is not None

    @property
    def stopping(self) -> bool:
        """Whether it was told to stop, and is finishing what it is at."""
        return self._run is not None and self._run.stopped

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
        run = self.desk.attempt(lambda: session.start_segmenting(device))
        if run is None:
            return
        self._session, self._run = session, run
        self.rows_done, self._nonfinite, self._began = 0, 0, time.monotonic()
        self._background.start(lambda: _bands(run), self._take, self._fail, self._finish)
        self.changed.emit()

    def stop(self) -> None:
        """End with the rows that are computed."""
        if self._run is not None:
            self._run.stop()
            self.changed.emit()

    def _take(self, step: tuple[SegmentationRun, RowBand]) -> None:
        run, band = step
        if self._session is None or not self._session.take_band(run, band):
            return
        self.rows_done, self._nonfinite = band.stop, band.nonfinite
        self.changed.emit()

    def _finish(self) -> None:
        whole = self.rows_done == self.rows
        self._run = None
        if self._nonfinite:
            tell(f"{self._nonfinite:,} detector pixels held no number (NaN or infinity); they were treated as zero.")
        self.changed.emit()
        self.ended.emit(whole)

    def _fail(self, message: str) -> None:
        tell_error(message)
        self._run = None
        self.changed.emit()
        self.ended.emit(False)

    def _turn(self, session: Session | None) -> None:
        """Leave off when the session goes; what it has until then it keeps itself."""
        if session is self._session or self._session is None:
            return
        if self._run is not None:
            self._run.stop()
        self._background.close()
        self._session = self._run = None
        self.rows_done = 0
        self.changed.emit()


def _bands(run: SegmentationRun) -> Iterator[tuple[SegmentationRun, RowBand]]:
    """Give each band with the run that it is of; in the thread."""
    for band in run:
        yield run, band
