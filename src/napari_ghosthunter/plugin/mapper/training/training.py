"""The training of the session at the desk: begun, watched and stopped by the user, at work beside the window."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from napari_ghosthunter.plugin.mapper.desk import Desk
from napari_ghosthunter.plugin.mapper.running import Running
from napari_ghosthunter.plugin.qt import Signal
from napari_ghosthunter.plugin.window import tell
from napari_ghosthunter.session.runs import TrainingRun
from napari_ghosthunter.session.session import Session

if TYPE_CHECKING:
    from napari_ghosthunter.learning.report import EpochReport

LOADING = "Loading…"
READING = "Reading labelled and spread patterns…"


class Training(Running):
    """Runs one training at a time, and hands what it brings to the session.

    Signals
    -------
    changed()
        It began, went on to another stage, was told to stop, or ended.
    reported(EpochReport)
        An epoch is done, and the session has its model.
    ended(by_itself)
        All epochs are done (True), or it was stopped, overtaken or failed (False).

    Parameters
    ----------
    desk
        The desk; when the session there changes, the training of the one before stops.

    Attributes
    ----------
    report
        The latest report of the training that runs, or ran last; None before its first epoch is done.
    stage
        What it does before its first epoch, for the user; empty afterwards.
    """

    name = "training"
    reported = Signal(object)
    _run: TrainingRun | None

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.report: EpochReport | None = None
        self.stage = ""

    def start(self, device: str = "auto") -> None:
        """Begin a training of the session with its labels and settings as they are now.

        Parameters
        ----------
        device
            'auto', 'cpu', 'cuda' or 'mps'.
        """
        session = self.desk.session
        if self.running or session is None:
            return
        run = session.training.start(device)
        self.report, self.stage = None, LOADING
        self._set_going(session, run, lambda: _steps(run))

    # ---- what comes from the thread ----

    def _take(self, step: str | EpochReport) -> None:
        assert self._session is not None  # else nothing would come
        assert self._run is not None
        if isinstance(step, str):
            self.stage = step
            self.changed.emit()
            return
        if not self._session.training.take(self._run, step):  # a script began another one, or a model was opened
            self._leave()
            return
        for note in step.notes[len(self.report.notes) if self.report else 0 :]:
            tell(note)
        self.report, self.stage = step, ""
        self.reported.emit(step)

    def _end(self) -> None:
        run, self._run = self._run, None
        assert run is not None
        self.stage = ""
        self.changed.emit()
        self.ended.emit(not run.stopped)

    def _give_up(self, message: str) -> None:
        self.stage = ""
        super()._give_up(message)

    # ---- the session goes ----

    def _turn(self, session: Session | None) -> None:
        if session is not self._session:
            self._leave()
            self._session = session
            self.report, self.error = None, ""
            self.changed.emit()

    def _leave(self) -> None:
        running = self.running
        self._drop()
        if running:
            self.stage = ""
            self.changed.emit()
            self.ended.emit(False)


def _steps(run: TrainingRun) -> Iterator[str | EpochReport]:
    """Train; in the thread."""
    yield LOADING
    import napari_ghosthunter.learning.training  # noqa: F401 - takes seconds the first time

    yield READING
    if not run.stopped:
        yield from run
