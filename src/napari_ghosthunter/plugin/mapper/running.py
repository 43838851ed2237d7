"""What a training and a map have in common: one run of the session at a time, in a thread beside the window."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from qtpy.QtCore import QObject

from napari_ghosthunter.plugin.background import Background
from napari_ghosthunter.plugin.mapper.desk import Desk
from napari_ghosthunter.plugin.qt import Signal
from napari_ghosthunter.plugin.window import tell_error
from napari_ghosthunter.session.runs import SegmentationRun, TrainingRun
from napari_ghosthunter.session.session import Session

R = TypeVar("R", bound=Iterable[Any])


class Running(QObject):
    """Keeps the run, and how it ended.

    Signals
    -------
    changed()
        It began, is further, was told to stop, or ended.
    ended(well)
        It is over: as it was meant to be, or not.

    Parameters
    ----------
    desk
        Whose session it is.

    Attributes
    ----------
    error
        Why the last run failed, for the user; empty once another is begun.
    """

    changed = Signal()
    ended = Signal(bool)

    name = "run"  # in sentences
    _run: TrainingRun | SegmentationRun | None

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.error = ""
        self._background = Background()
        self._session: Session | None = None
        self._run = None
        desk.session_changed.connect(self._turn)

    @property
    def running(self) -> bool:
        """Whether more is still to come."""
        return self._run is not None

    @property
    def stopping(self) -> bool:
        """Whether it was told to stop, and is finishing what it is at."""
        return self._run is not None and self._run.stopped

    def stop(self) -> None:
        """End after the step that it is at, with what there is until then."""
        if self._run is not None:
            self._run.stop()
            self.changed.emit()

    def _set_going(self, session: Session, run: Any, steps: Callable[[], Iterator[Any]]) -> None:
        """Begin a run; its steps come to `_take`, and one of `_end`, `_fail` and `_break` comes after them."""
        self._session, self._run, self.error = session, run, ""
        self._background.start(steps, self._take, self._fail, self._end, on_bug=self._break)
        self.changed.emit()

    def _take(self, step: Any) -> None:
        """Take what a step of the thread has brought."""
        raise NotImplementedError

    def _end(self) -> None:
        """Come to rest after the last step."""
        raise NotImplementedError

    def _turn(self, session: Session | None) -> None:
        """Leave off when the session of the run goes; what it has until then it keeps itself."""
        raise NotImplementedError

    def _drop(self) -> None:
        """Take nothing more from the run; its thread ends with the step that it is at."""
        self._background.close()
        if self._run is not None:
            self._run.stop()
            self._run = None

    def _fail(self, message: str) -> None:
        tell_error(message)
        self._give_up(message)

    def _break(self, error: BaseException) -> None:
        """Come to rest also where nobody knows what went wrong; the error itself is raised, with its traceback."""
        self._give_up(f"The {self.name} failed unexpectedly: {error}")

    def _give_up(self, message: str) -> None:
        self._run, self.error = None, message
        self.changed.emit()
        self.ended.emit(False)


def with_run(run: R) -> Iterator[tuple[R, Any]]:
    """Give each step of a run with the run that it is of; in the thread."""
    for step in run:
        yield run, step
