"""The desk: which scan of the viewer is worked on, and the session at it; everything else in the dock follows.

One scan at a time. Its session is found or begun in a thread, because that reads patterns and may load a model. A scan
that was worked on before is not opened until the user has said whether to go on.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from qtpy.QtCore import QObject

from napari_ghosthunter.errors import GhostHunterError
from napari_ghosthunter.learning.config import TrainingConfig
from napari_ghosthunter.plugin.background import Background
from napari_ghosthunter.plugin.choices import remember
from napari_ghosthunter.plugin.layers import bare, scan_name, scan_of
from napari_ghosthunter.plugin.mapper.finding import Finding
from napari_ghosthunter.plugin.mapper.hidden_layers import HiddenLayers
from napari_ghosthunter.plugin.preferences import defaults
from napari_ghosthunter.plugin.qt import Signal
from napari_ghosthunter.plugin.restated_image import RestatedScan, detector_of, restate_scan, show_restated
from napari_ghosthunter.plugin.window import errors, tell, tell_error
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.session.earlier import Earlier
from napari_ghosthunter.session.past import PastSitting, find_sittings
from napari_ghosthunter.session.session import Session

T = TypeVar("T")

NO_SCAN = "Open a 4D-STEM scan: File > Open File(s)…, or drop its file on the window."
OPENING = "Opening the scan…"
ASKING = "Choose above whether to go on with your earlier work on this scan."
NO_NAME = re.compile(r"[^\w.-]+")  # what is better not in the name of a file
CLOSED = "This scan could not be opened; choose it again on the Scan page."


class Desk(QObject):
    """Which scan is worked on, and the session at it.

    Signals
    -------
    session_changed(session)
        Another session, or None; that of before is closed already.
    changed()
        The scan, what is known of earlier sittings at it, or the list of scans has changed.
    went_wrong(message), went_well()
        Something that the user asked for could not be done, and why; something could.

    Parameters
    ----------
    viewer
        The viewer whose scan layers can be worked on.
    """

    session_changed = Signal(object)
    changed = Signal()
    went_wrong = Signal(str)
    went_well = Signal()

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self.viewer = viewer
        self.layer: Any = None
        self.other: Any = None  # a scan layer that has come while there was work on this one
        self.session: Session | None = None
        self.past: tuple[PastSitting, ...] = ()  # to choose from, until the user has
        self._background = Background()
        self._finding: Finding[Any] | None = None  # what the background is at
        self._awake = False
        self._others = HiddenLayers()  # the other scans

    @property
    def scan(self) -> Scan | None:
        """The scan that is worked on."""
        return None if self.layer is None else scan_of(self.layer)

    @property
    def stem(self) -> str:
        """How the names of files about the scan begin: as its own, or as its layer where it is from no file."""
        scan = self.scan
        if scan is None:
            return ""
        own = "" if scan.provenance.path is not None else NO_NAME.sub("_", scan_name(self.layer)).strip("_.")
        return own or scan.name

    @property
    def busy(self) -> bool:
        """Whether a session is being found or begun."""
        return self._background.busy

    @property
    def needs(self) -> str:
        """What is missing for a session, as a sentence for the user; empty if there is one."""
        if self.session is not None:
            return ""
        if self.layer is None:
            return NO_SCAN
        if self.busy:
            return OPENING
        return ASKING if self.past else CLOSED

    @property
    def scan_layers(self) -> list[Any]:
        """Layers of the viewer that show a scan, the lowest first."""
        return [bare(layer) for layer in self.viewer.layers if scan_of(bare(layer)) is not None]

    # ---- awake and asleep: with the dock ----

    def wake(self) -> None:
        """Follow the layers of the viewer, and open a scan if there is one."""
        if self._awake:
            return
        self._awake = True
        errors.told.connect(self._pass_on)
        self.viewer.layers.events.inserted.connect(self._follow)
        self.viewer.layers.events.removed.connect(self._follow)
        self._follow()

    def sleep(self) -> None:
        """Close the session, and let the viewer go."""
        if not self._awake:
            return
        self._awake = False
        errors.told.disconnect(self._pass_on)
        self.viewer.layers.events.inserted.disconnect(self._follow)
        self.viewer.layers.events.removed.disconnect(self._follow)
        self.close()

    # ---- what the user does ----

    def open(self, layer: Any) -> None:
        """Turn to the scan of a layer, and look for earlier sittings at it."""
        if layer is self.layer and (self.session is not None or self.past):
            return
        self._leave()
        self._turn_to(layer)
        scan = self.scan
        assert scan is not None  # only scan layers are offered
        self.work(partial(_look, scan, defaults().data_folder), self._offer)

    def go_on(self, past: PastSitting) -> None:
        """Go on with an earlier sitting."""
        self._begin(lambda scan: Session.resume(scan, past))

    def start_anew(self) -> None:
        """Begin a new sitting; the earlier ones stay where they are."""
        chosen = defaults()
        earlier = Earlier(training=TrainingConfig(epochs=chosen.epochs)) if chosen.epochs else None
        self._begin(partial(Session.start, earlier=earlier, data_folder=chosen.data_folder))

    def restate(self, **said: Any) -> None:
        """Say something else of the scan (see `ScanOptions`): its pixel sizes, its beam, its bad pixels.

        The work at it goes on; what the user has said is remembered for the file, too.
        """
        scan = self.scan
        if scan is None:
            return
        before = scan.provenance.options
        options = self.attempt(partial(before.updated, **said))
        if options is not None and options != before:
            self.work(partial(restate_scan, scan, options, detector_of(self.layer)), self._take_restated)

    def take(self, session: Session, layer: Any = None) -> None:
        """Go on with a session at the scan that is worked on, or at that of another layer."""
        self._give_up_work()  # a layer that has just come may have begun another one
        self._leave_session()
        self.past = ()
        if layer is not None:
            self._turn_to(bare(layer))
        self.session = session
        self.went_well.emit()
        for note in session.notes:
            tell(note)
        session.noted.connect(tell)
        self._tell()

    def close(self) -> None:
        """Leave the scan; what was done is kept on disk."""
        self.layer = None  # it may be deleted
        self._leave()
        self._tell()

    def work(
        self, find: Callable[[], T], on_found: Callable[[T], object], let_go: Callable[[T], object] = lambda _: None
    ) -> None:
        """Find or make a session beside the window, and go on with the answer there; errors are told.

        An answer that is wanted no more when it comes is given to `let_go` instead, in either thread.
        """
        self._give_up_work()
        finding = self._finding = Finding(find, let_go)
        self._background.start(finding.steps, lambda _: None, self._fail, lambda: on_found(finding.take()))
        self._tell()

    def attempt(self, action: Callable[[], T]) -> T | None:
        """Do what a user asked for; if that cannot be done, tell the user why, and give None."""
        try:
            done = action()
        except GhostHunterError as error:
            tell_error(str(error))
            return None
        self.went_well.emit()
        return done

    def show_scan(self) -> None:
        """Hide the other scans, which often lie in the same place as the one that is worked on."""
        for layer in self.scan_layers:
            if layer is not self.layer:
                self._others.hide(layer)

    # ---- inside ----

    @property
    def _untouched(self) -> bool:
        """Whether there is a session in which nothing was done yet: then a scan that is opened is the one meant."""
        if self.session is None or self.session.model is not None:
            return False
        labels = self.session.labels
        return not (len(labels.classes) or labels.points or labels.can_redo)

    def _follow(self, event: Any = None) -> None:
        layers = self.scan_layers
        new = bare(event.value) if event is not None and event.type == "inserted" else None
        if any(new is layer for layer in layers):
            if self._untouched:
                self.open(new)
            elif self.layer is not None:
                self.other = new
        if not any(self.other is layer for layer in layers):
            self.other = None
        if self.layer is not None and not any(self.layer is layer for layer in layers):
            self.close()
        if self.layer is None and layers:
            self.open(layers[-1])
        if new is not None and any(new is layer for layer in layers):
            self.went_well.emit()
        self.changed.emit()

    def _offer(self, past: tuple[PastSitting, ...]) -> None:
        self.past = past
        if past:
            self._tell()  # what is missing is another thing now
        else:
            self.start_anew()

    def _begin(self, make: Callable[[Scan], Session]) -> None:
        scan = self.scan
        if scan is None:
            return
        self._leave_session()
        self.work(partial(make, scan), self.take, Session.close)

    def _take_restated(self, restated: RestatedScan) -> None:
        """Go on with the work at a scan of which something else was said."""
        folder = None if self.session is None else self.session.folder
        self._leave_session()
        scan = restated.scan
        show_restated(self.layer, restated)
        if scan.provenance.path is not None:
            remember(scan.provenance.path, scan.provenance.options)
        if folder is not None and folder.exists():
            self._begin(lambda scan: Session.resume(scan, folder))
        else:
            self.start_anew()

    def _give_up_work(self) -> None:
        self._background.stop()
        if self._finding is not None:
            self._finding.give_up()
            self._finding = None

    def _leave(self) -> None:
        self._give_up_work()
        self._background.close()
        self.past = ()
        self._leave_session()

    def _leave_session(self) -> None:
        session, self.session = self.session, None
        if session is not None:
            self.session_changed.emit(None)
            self.attempt(session.close)

    def _pass_on(self, message: str) -> None:
        self.went_wrong.emit(message)

    def _fail(self, message: str) -> None:
        tell_error(message)
        self._tell()

    def _tell(self) -> None:
        """Let everyone see what is there: the session of before, too, if no other one was found."""
        self.changed.emit()
        self.session_changed.emit(self.session)

    def _turn_to(self, layer: Any) -> None:
        """Make a layer the one that is worked on, and seen."""
        before, self.layer, self.other = self.layer, layer, None
        self._others.show_again()
        if before not in (None, layer):
            self.show_scan()
            layer.visible = True
            self.viewer.layers.selection.active = layer  # the Diffraction viewer follows
            self.viewer.reset_view()


def _look(scan: Scan, data_folder: Path | None) -> tuple[PastSitting, ...]:
    """Give the earlier sittings that there is something to go on with: classes are work, too."""
    return tuple(
        past for past in find_sittings(scan, data_folder) if past.counts or past.waiting or past.has_model or past.notes
    )
