"""The live map at work beside the window: all patterns are looked at once, then every label brings another map."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

from napari_ghosthunter.plugin.background import Background
from napari_ghosthunter.plugin.mapper.desk import Desk
from napari_ghosthunter.plugin.mapper.mapping.warming import LOADING
from napari_ghosthunter.plugin.mapper.running import with_run
from napari_ghosthunter.plugin.preferences import defaults
from napari_ghosthunter.plugin.qt import Signal
from napari_ghosthunter.session.live import PATIENCE_S
from napari_ghosthunter.session.session import Session

if TYPE_CHECKING:
    from napari_ghosthunter.session.looking import Look, Looking, Mapped, Mapping


class LiveWork(QObject):
    """Keeps the live map of the desk's session up to its labels, as long as it is wanted.

    It begins to look at the patterns once it is seen that they will be needed: with labels of two classes, or when
    `prepare` says that somebody is about to label. What would take minutes waits until it is asked for.

    Signals
    -------
    changed()
        It began, is further, has ended, or is wanted no more.

    Parameters
    ----------
    desk
        Whose session it is.

    Attributes
    ----------
    device
        Gives the device to compute on.
    waits_s
        How many seconds it would take to look at all patterns, where that is so long that it waits to be asked.
    error
        Why the patterns could not be looked at, for the user.
    """

    changed = Signal()

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.device: Callable[[], str] = lambda: "auto"
        self.waits_s: float | None = None
        self.error = ""
        self._session: Session | None = None
        self._wanted = defaults().live
        self._run: Looking | None = None
        self._looking, self._mapping = Background(), Background()
        desk.session_changed.connect(self._turn)
        self._turn(desk.session)

    @property
    def running(self) -> bool:
        """Whether patterns are being looked at."""
        return self._run is not None

    @property
    def seconds_left(self) -> float | None:
        """How long that will take yet, as far as it is known."""
        return None if self._run is None else self._run.seconds

    @property
    def wanted(self) -> bool:
        """Whether there is to be a live map."""
        return self._wanted

    @wanted.setter
    def wanted(self, wanted: bool) -> None:
        if wanted == self._wanted:
            return
        self._wanted = wanted
        if wanted:
            self.error = ""
            self._follow()
        else:
            self._rest()
        self.changed.emit()

    def prepare(self, *, patient: bool = False) -> None:
        """Begin to look at all patterns, unless that is done, under way, not wanted, or would take too long.

        Parameters
        ----------
        patient
            Whether the user has asked for it, however long it takes.
        """
        session = self._session
        if session is None or not self._wanted or self.running or session.live.complete or self.error:
            return
        if self.waits_s is not None and not patient:
            return
        self.waits_s = None
        run = self._run = session.live.start_looking(self.device(), float("inf") if patient else PATIENCE_S)
        self._looking.start(lambda: _look(run), self._take_look, self._fail, self._end, on_bug=self._break)
        self.changed.emit()

    # ---- what comes from the threads ----

    def _take_look(self, step: tuple[Looking, Look]) -> None:
        if self._session is not None and self._session.live.take_look(*step):
            self._map()
            self.changed.emit()

    def _take_map(self, step: tuple[Mapping, Mapped]) -> None:
        if self._session is not None:
            self._session.live.take_map(*step)

    def _end(self) -> None:
        run, self._run = self._run, None
        if run is not None and run.too_long:
            self.waits_s = run.seconds
        self.changed.emit()

    def _fail(self, message: str) -> None:
        self._run, self.error = None, message
        self.changed.emit()

    def _break(self, error: BaseException) -> None:
        self._fail(f"The live map failed unexpectedly: {error}")

    # ---- the session ----

    def _turn(self, session: Session | None) -> None:
        if session is self._session:
            return
        if self._session is not None:
            self._session.labels.changed.disconnect(self._follow, missing_ok=True)
            self._session.choices_changed.disconnect(self._start_again, missing_ok=True)
        self._rest()
        self._session, self.waits_s, self.error = session, None, ""
        if session is not None:
            session.labels.changed.connect(self._follow)
            session.choices_changed.connect(self._start_again)
            self._follow()
        self.changed.emit()

    def _start_again(self) -> None:
        """Look again, if other patterns are to be seen now."""
        if self._session is not None and not self._session.live.share:
            self._rest()
            self.waits_s, self.error = None, ""
            self._follow()

    def _follow(self, *_: object) -> None:
        session = self._session
        if session is None or not self._wanted:
            return
        if not session.training.needs:  # labels of two classes
            self.prepare()
        self._map()

    def _map(self) -> None:
        run = None if self._session is None else self._session.live.start_mapping()
        if run is not None:
            self._mapping.start(lambda: with_run(run), self._take_map, self._fail, on_bug=self._break)

    def _rest(self) -> None:
        """Stop all; what is known of the patterns stays with the session."""
        self._looking.close()
        self._mapping.close()
        if self._session is not None:
            self._session.live.stop()
        self._run = None


def _look(run: Looking) -> Iterator[tuple[Looking, Look]]:
    """Look at all patterns, once torch has loaded what it needs for that; in a thread."""
    from napari_ghosthunter.learning.logistic import get_ready

    with LOADING:
        get_ready()
    yield from with_run(run)
