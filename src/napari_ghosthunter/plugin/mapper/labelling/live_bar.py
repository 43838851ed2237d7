"""The live map on the page `Label`: whether it is wanted, how far it is, and how much the last labels changed it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from napari_ghosthunter.plugin.mapper.desk import Desk
from napari_ghosthunter.plugin.mapper.labelling.live_layers import LiveLayers
from napari_ghosthunter.plugin.mapper.labelling.live_work import LiveWork
from napari_ghosthunter.plugin.mapper.labelling.settling_curve import SettlingCurve
from napari_ghosthunter.plugin.mapper.shares import estimate_text, percent
from napari_ghosthunter.plugin.preferences import remember
from napari_ghosthunter.session.session import Session

if TYPE_CHECKING:
    from napari_ghosthunter.mapping.settling import Settling

NEEDS = "needs labels of two classes"


class LiveBar(QWidget):
    """A tick and a line of words; the curve of the last labels is for the page to place.

    Parameters
    ----------
    desk
        Whose session has the live map.

    Attributes
    ----------
    work, layers
        What makes it; what shows it.
    curve
        How the last labels changed it.
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.work, self.layers = LiveWork(desk), LiveLayers(desk)
        self.tick = QCheckBox("Live map")
        self.tick.setToolTip("A map of the whole scan by the labels so far, which follows every label")
        self.state = QLabel()
        self.state.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.ask_button = QPushButton("Look now")
        self.ask_button.setToolTip("Look at all patterns of the scan in the background, and go on labelling meanwhile")
        self.words, self.curve = QLabel(), SettlingCurve()
        self.words.setWordWrap(True)
        self.words.setToolTip(
            "Estimated from how sure the map is, and how far maps without some of the labels agree with it; in\n"
            "brackets, where the accuracy lies with 95 % certainty. Then each label is left out once, with its\n"
            "neighbourhood, and told by a map of the others. Labels near walls are harder than the whole map."
        )
        self._session: Session | None = None
        self._row = QHBoxLayout()
        self._lay_out()
        self.tick.setChecked(self.work.wanted)
        self.layers.shown = self.work.wanted
        self.tick.toggled.connect(self._choose)
        self.ask_button.clicked.connect(lambda: self.work.prepare(patient=True))
        self.work.changed.connect(self._follow_work)
        desk.session_changed.connect(self._turn)
        self._turn(desk.session)

    def showEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Somebody is about to label: bring the map to the front, and look at the patterns meanwhile."""
        super().showEvent(event)
        self.layers.in_front = True
        self.work.prepare()

    def hideEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Leave the viewer to the map of the model."""
        super().hideEvent(event)
        self.layers.in_front = False

    def _choose(self, wanted: bool) -> None:
        remember(live=wanted)
        self.work.wanted = self.layers.shown = wanted
        if wanted and self.isVisible():
            self.work.prepare()
        self._show_state()

    def _turn(self, session: Session | None) -> None:
        if session is self._session:
            return
        if self._session is not None:
            for signal in self._signals(self._session):
                signal.disconnect(self._show_state, missing_ok=True)
        self._session = session
        if session is not None:
            for signal in self._signals(session):
                signal.connect(self._show_state)
            if self.isVisible():
                self.work.prepare()
        self._show_state()

    def _follow_work(self) -> None:
        if self.work.running:
            self.layers.get_ready()
        self._show_state()

    @staticmethod
    def _signals(session: Session) -> tuple[Any, ...]:
        return session.live.changed, session.live.settled, session.labels.changed

    def _show_state(self, *_: object) -> None:
        work, session = self.work, self._session
        live = session.live if session is not None and work.wanted else None
        self.state.setText("" if session is None or live is None else state_of(session, work))
        self.state.setToolTip(work.error)
        self.ask_button.setVisible(live is not None and work.waits_s is not None and not work.running)
        settling = None if live is None else live.settling
        stale = live is not None and not live.settled_now
        self.words.setText("" if settling is None else words_of(settling, stale=stale))
        self.words.setVisible(bool(self.words.text()))
        self.curve.setVisible(bool(self.words.text()))
        self.curve.show_settling(settling)

    def add(self, button: QWidget) -> None:
        """Put a button at the end of the line, where there is room."""
        self._row.addWidget(button)

    def _lay_out(self) -> None:
        row = self._row
        row.addWidget(self.tick)
        row.addWidget(self.state, 1)
        row.addWidget(self.ask_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(row)
        column.addWidget(self.words)


def state_of(session: Session, work: LiveWork) -> str:
    """Say how far it is, or what it waits for."""
    if work.error:
        return work.error
    if work.waits_s is not None and not work.running:
        return f"To look at all patterns takes about {work.waits_s / 60:.0f} min."
    if work.running:
        return f"Looking at all patterns… {100 * session.live.share:.0f} %"
    return NEEDS if session.training.needs else ""


def words_of(settling: Settling, *, stale: bool = False) -> str:
    """Say how much the last labels changed, and how right the map is, as far as that is known.

    Figures of earlier labels are said to be such, until those of now are there.
    """
    said = []
    if settling.lately is not None:
        last = f"The last {settling.together} labels" if settling.together > 1 else "The last label"
        said.append(f"{last} changed {percent(settling.lately)} of the map.")
    if settling.estimate is not None:
        said.append(estimate_text(settling.estimate))
    held_out = settling.held_out
    if held_out is not None and held_out.count:
        said.append(f"{held_out.right} of {held_out.count} labels come out right when left out.")
    if stale and said:
        count = settling.labels[-1] if settling.labels else 0
        said.append(f"These figures are of the {count:,} labels before; those of now are being worked out.")
    return " ".join(said)
