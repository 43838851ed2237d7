"""The training of the session at the desk: begun, watched and stopped by the user, at work beside the window."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

from napari_ghosthunter.plugin.background import Background
from napari_ghosthunter.plugin.mapper.desk import Desk
from napari_ghosthunter.plugin.qt import Signal
from napari_ghosthunter.plugin.window import tell, tell_error
from napari_ghosthunter.session.runs import TrainingRun
from napari_ghosthunter.session.session import Session

if TYPE_CHECKING:
    from napari_ghosthunter.learning.training import EpochReport

LOADING = "Loading…"
READING = "Reading the labelled patterns…"


class Training(QObject):
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
    error
        Why the last training failed, for the user; empty once another is begun.
    """

    changed = Signal()
    reported = Signal(object)
    ended = Signal(bool)

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.report: EpochReport | None = None
        self.stage = self.error = ""
        self._background = Background()
        self._session: Session | None = None
        self._run: TrainingRun | None = None
        desk.session_changed.connect(self._turn)

    @property
    def running(self) -> bool:
        """Whether a training is under way."""
        return self._run is not None

    @property
    def stopping(self) -> bool:
        """Whether it ends with the epoch that it is at."""
        return self._run is not None and self._run.stopped

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
        self._session = session
        run = self._run = session.start_training(device)
        self.report, self.stage, self.error = None, LOADING, ""
        self._background.start(lambda: _steps(run), self._take, self._fail, self._end, on_bug=self._break)
        self.changed.emit()

    def stop(self) -> None:
        """End with the best model so far, after the epoch that it is at."""
        if self._run is not None:
            self._run.stop()
            self.changed.emit()

    # ---- what comes from the thread ----

    def _take(self, step: str | EpochReport) -> None:
        assert self._session is not None  # else nothing would come
        assert self._run is not None
        if isinstance(step, str):
            self.stage = step
            self.changed.emit()
            return
        if not self._session.take_report(self._run, step):  # a script began another one, or a model was opened
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

    def _fail(self, message: str) -> None:
        tell_error(message)
        self._give_up(message)

    def _break(self, error: BaseException) -> None:
        """Come to rest also where nobody knows what went wrong; the error itself is raised, with its traceback."""
        self._give_up(f"The training failed unexpectedly: {error}")

    def _give_up(self, message: str) -> None:
        self._run, self.stage, self.error = None, "", message
        self.changed.emit()
        self.ended.emit(False)

    # ---- the session goes ----

    def _turn(self, session: Session | None) -> None:
        if session is not self._session:
            self._leave()
            self._session = session
            self.report, self.error = None, ""
            self.changed.emit()

    def _leave(self) -> None:
        """Drop what the training still brings; its thread ends with the epoch that it is at."""
        self._background.close()
        if self._run is not None:
            self._run.stop()
            self._run, self.stage = None, ""
            self.changed.emit()
            self.ended.emit(False)


def _steps(run: TrainingRun) -> Iterator[str | EpochReport]:
    """Train; in the thread."""
    yield LOADING
    import napari_ghosthunter.learning.training  # noqa: F401 - takes seconds the first time

    yield READING
    if not run.stopped:
        yield from run
