"""The model of the session applied to other scans: which ones, what was found of each, and how far the work is.

A scan is checked as soon as it is there, in the thread that later maps it. What goes wrong with one is told in its row,
and the others go on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, Literal

from qtpy.QtCore import QObject, Qt

from napari_ghosthunter.plugin.background import Background
from napari_ghosthunter.plugin.mapper.applying.apply_layers import add_result
from napari_ghosthunter.plugin.mapper.desk import Desk
from napari_ghosthunter.plugin.qt import Signal
from napari_ghosthunter.plugin.scan_image import LayerData, scan_layer
from napari_ghosthunter.scan.scan import Scan

if TYPE_CHECKING:
    from napari_ghosthunter.learning.model import Model
    from napari_ghosthunter.mapping.batch import MapReport
    from napari_ghosthunter.mapping.compatibility import Difference

State = Literal["unchecked", "checking", "ready", "refused", "waiting", "mapping", "done", "failed", "stopped"]

NO_MODEL = "Train a model first, or open one on the Train page."
NOTHING_LEFT = "Add the scans to map."
CAN_START: tuple[State, ...] = ("unchecked", "checking", "ready", "failed", "stopped")


@dataclass(eq=False)
class Entry:
    """One scan of the list.

    Attributes
    ----------
    path, scan
        The file, and the scan in it; None where it could not be opened.
    state
        What it is at.
    differences
        What may spoil its map.
    rows, of
        Scan rows done, and in all.
    note
        What came of it, as a sentence: where the map is, why there is none, what to mind.
    """

    path: Path
    scan: Scan | None
    state: State = "unchecked"
    differences: tuple[Difference, ...] = ()
    rows: int = 0
    of: int = 0
    note: str = ""


class ApplyRun(QObject):
    """Checks and maps the scans of a list with the model of the desk's session.

    Signals
    -------
    listed()
        Scans were added or removed.
    changed(entry)
        Something about a scan of the list is new.
    turned()
        Something may be started that could not, or the other way round.

    Parameters
    ----------
    desk
        Whose model it is, and in whose viewer results are shown.

    Attributes
    ----------
    entries
        The list.
    running
        Whether scans are being mapped.
    notes
        What the user should know of the latest mapping as a whole, in sentences.
    """

    listed = Signal()
    changed = Signal(object)
    turned = Signal()
    _noted = Signal(object, str)  # from the thread

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.entries: list[Entry] = []
        self.running = False
        self.notes: list[str] = []
        self._background = Background()
        self._stopped = Event()  # of the latest mapping; each has its own
        self._noted.connect(self._note, Qt.ConnectionType.QueuedConnection)
        self._judge: Any = None  # what the checks were made by
        self._heard: Any = None
        desk.session_changed.connect(self._turn)
        self._turn(desk.session)

    @property
    def model(self) -> Model | None:
        """The model that is applied."""
        return None if self.desk.session is None else self.desk.session.model

    @property
    def needs(self) -> str:
        """What is missing to start, as a sentence for the user; empty if nothing is."""
        if self.model is None:
            return NO_MODEL
        return "" if any(entry.state in CAN_START for entry in self.entries) else NOTHING_LEFT

    # ---- what the user does ----

    def add(self, path: Path, scan: Scan | None, error: str = "") -> None:
        """Add a scan to the list, or what is wrong with its file; a file that is there already is not added again."""
        if any(entry.path == path for entry in self.entries):
            return
        self.entries.append(Entry(path, scan, note=error, state="refused" if scan is None else "unchecked"))
        self.listed.emit()
        self.turned.emit()
        self.check()

    def remove(self, entries: Sequence[Entry]) -> None:
        """Take scans off the list; nothing happens while they are mapped."""
        if self.running:
            return
        self.entries = [entry for entry in self.entries if entry not in entries]
        self.listed.emit()
        self.turned.emit()
        self.check()

    def check(self) -> None:
        """Compare all scans that were not compared yet with the training scan."""
        model = self.model
        if self.running:
            return
        todo = [entry for entry in self.entries if entry.state in {"unchecked", "checking"}]
        if model is None or not todo:
            self._background.stop()
            return
        for entry in todo:
            self._set(entry, "checking")
        self._background.start(partial(_checks, model, todo), self._take_check, self._fail)

    def start(
        self, out: Path | None, *, device: str = "auto", overwrite: bool = False, scheduler: str = "",
        neighbours: float = 0.0,
    ) -> None:  # fmt: skip
        """Map all scans that can be and are not yet, to files in a folder or, without one, as layers of the viewer.

        Parameters
        ----------
        out, overwrite
            The folder, and whether to replace maps of the same names there.
        device, scheduler, neighbours
            As for `session.segmentation.start`.
        """
        model = self.model
        todo = [entry for entry in self.entries if entry.state in CAN_START and entry.scan is not None]
        if self.running or model is None or not todo:
            return
        self.running, self.notes = True, []
        stopped = self._stopped = Event()
        unchecked = any(entry.state in {"unchecked", "checking"} for entry in todo)
        for entry in todo:
            entry.rows, entry.of, entry.note = 0, 0, ""
            self._set(entry, "waiting")
        scans = [entry.scan for entry in todo if entry.scan is not None]
        where = {"scheduler": scheduler, "stopped": stopped.is_set, "tell": partial(self._noted.emit, stopped)}
        choices = {"device": device, "overwrite": overwrite, "check": unchecked, "neighbours": neighbours}
        steps = partial(_maps, model, scans, out, where, **choices)
        self._background.start(steps, partial(self._take_report, todo, out), self._fail, self._end)
        self.turned.emit()

    def stop(self) -> None:
        """Stop mapping; the map that is under way is dropped, those that are finished stay."""
        if self.running:
            self._stopped.set()
            self._background.stop()
            self._end()

    def close(self) -> None:
        """Stop all work, and let the thread go."""
        self.stop()
        self._background.close()
        for entry in self.entries:
            if entry.state == "checking":
                self._set(entry, "unchecked")

    # ---- inside ----

    def _turn(self, session: Any) -> None:
        if self._heard is not None:
            self._heard.training.changed.disconnect(self._follow_model, missing_ok=True)
        self._heard = session
        if session is None:
            self.close()
        else:
            session.training.changed.connect(self._follow_model)
        self._follow_model()

    def _follow_model(self) -> None:
        """Check again if the model is of other labels of another scan, and not only an epoch further."""
        model = self.model
        judge = None if model is None else (model.patterns, model.record.scan)
        if judge != self._judge:
            self._judge = judge
            for entry in self.entries:
                if entry.scan is not None and entry.state in {"checking", "ready", "refused"} and not self.running:
                    entry.differences = ()
                    self._set(entry, "unchecked")
            self.check()
            self.turned.emit()

    def _note(self, stopped: Event, words: str) -> None:
        if stopped is self._stopped and not stopped.is_set():
            self.notes.append(words)
            self.turned.emit()

    def _take_check(self, checked: tuple[Entry, tuple[Difference, ...], str, bool]) -> None:
        entry, differences, note, fits = checked
        entry.differences, entry.note = differences, note
        self._set(entry, "ready" if fits else "refused")
        self.turned.emit()

    def _take_report(self, todo: list[Entry], out: Path | None, step: tuple[MapReport, LayerData | None]) -> None:
        report, picture = step
        entry = todo[report.index]
        entry.rows, entry.of = report.rows, report.of
        entry.differences = report.differences or entry.differences
        if not report.finished:
            self._set(entry, "mapping")
        elif report.domain_map is None:
            entry.note = report.error
            self._set(entry, "failed")
        else:
            notes = list(report.notes)
            if picture is not None:
                notes.append(add_result(self.desk.viewer, picture, report.domain_map, entry.path.stem))
            else:
                notes.insert(0, f"{len(report.written)} files written to {out}, as {report.name}_*.")
            entry.note = " ".join(filter(None, notes))
            self._set(entry, "done")

    def _end(self) -> None:
        self.running = False
        for entry in self.entries:
            if entry.state in {"waiting", "mapping"}:
                self._set(entry, "stopped")
        self.turned.emit()
        self.check()  # what was added meanwhile

    def _fail(self, message: str) -> None:
        """Tell what stopped everything, such as a device that is gone, at the scan that it happened to."""
        busy = [entry for entry in self.entries if entry.state in {"checking", "mapping", "waiting"}]
        for entry in busy:
            entry.note = message
            self._set(entry, "failed")
        self.running = False
        self.turned.emit()

    def _set(self, entry: Entry, state: State) -> None:
        entry.state = state
        self.changed.emit(entry)


def _checks(model: Model, entries: list[Entry]) -> Iterator[tuple[Entry, tuple[Difference, ...], str, bool]]:
    """Check scan after scan; in the thread."""
    from napari_ghosthunter.errors import GhostHunterError
    from napari_ghosthunter.mapping.compatibility import can_apply, check_scan

    for entry in entries:
        assert entry.scan is not None  # else it is refused already
        try:
            yield entry, check_scan(model, entry.scan), "", can_apply(model, entry.scan)
        except (GhostHunterError, OSError) as error:
            yield entry, (), str(error), False


def _maps(
    model: Model, scans: list[Scan], out: Path | None, where: dict[str, Any], **choices: Any
) -> Iterator[tuple[MapReport, LayerData | None]]:
    """Map scan after scan; in the thread. The last report of each comes with its image, if that is to be shown."""
    from napari_ghosthunter.mapping.batch import map_scans
    from napari_ghosthunter.mapping.connections import computing

    with computing(**where) as segmenter:
        for report in map_scans(model, scans, out, segmenter=segmenter, **choices):
            show = out is None and report.domain_map is not None
            yield report, scan_layer(scans[report.index]) if show else None
