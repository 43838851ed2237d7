"""What to label next, on the page `Label`: the grid and the midpoints first, then where the map is unsure."""

from __future__ import annotations

from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSpinBox, QWidget
from superqt.utils import signals_blocked

from napari_ghosthunter.labelling.rounds import sensible_step, step_of
from napari_ghosthunter.labelling.sampling import Round
from napari_ghosthunter.plugin.mapper.desk import Desk
from napari_ghosthunter.plugin.preferences import defaults
from napari_ghosthunter.plugin.qt import Signal
from napari_ghosthunter.scan.calibration import PIXELS
from napari_ghosthunter.scan.units import pretty
from napari_ghosthunter.session.live import APART
from napari_ghosthunter.session.session import Session

UNSURE_COUNT = 5  # a handful at a time: the next map knows better where to look


class ProposeBar(QWidget):
    """The step of the grid, and the buttons that propose points.

    Signals
    -------
    proposed(found, numbered)
        What was proposed, and whether it was a round of the algorithm.

    Parameters
    ----------
    desk
        Whose session is given points.
    """

    proposed = Signal(object, bool)

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.session: Session | None = None
        self.step_box = QSpinBox()
        self.step_box.setKeyboardTracking(False)
        self.propose_button = QPushButton("Propose points")
        self.propose_button.setToolTip(
            "First a coarse grid; once it is labelled, the midpoints between points of different classes, "
            "round by round, until the boundaries are found"
        )
        self.unsure_button = QPushButton("Uncertain points")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(QLabel("Step"))
        row.addWidget(self.step_box)
        row.addWidget(self.propose_button, 1)
        row.addWidget(self.unsure_button, 1)
        self.step_box.valueChanged.connect(self._tell_step)
        self.propose_button.clicked.connect(self._propose)
        self.unsure_button.clicked.connect(self._propose_unsure)

    def show_session(self, session: Session | None) -> None:
        """Turn to another session."""
        self.session = session
        if session is not None:
            shape = session.scan.scan_shape
            with signals_blocked(self.step_box):
                self.step_box.setRange(1, max(shape))
                self.step_box.setValue(step_of(session.labels.points, shape) or defaults().step or sensible_step(shape))
            self._tell_step()
        self.follow_maps()

    def follow_maps(self, *_: object) -> None:
        """Let the user ask where a map is unsure, if there is one."""
        session = self.session
        self._offer(session is not None and (session.live.domain_map or session.domain_map) is not None)

    def map_came(self, *_: object) -> None:
        """Know of new rows of the map without making it whole for that."""
        self._offer(True)

    def _offer(self, there: bool) -> None:
        self.unsure_button.setEnabled(there)
        self.unsure_button.setToolTip(
            f"Add {UNSURE_COUNT} points: where the map is least sure, and what looks like no labelled one"
            if there
            else "Once there is a map, as with labels of two classes: add points where it is least sure"
        )

    def _tell_step(self, _step: int = 0) -> None:
        session = self.session
        if session is None:
            return
        step, calibration = self.step_box.value(), session.scan.calibration
        text = f"Distance between the points of the grid: {step} probe positions"
        if calibration.scan_units != PIXELS:
            y, x = (f"{step * size:.3g}" for size in calibration.scan_step)
            text += f", which is {y if y == x else f'{y} × {x}'} {pretty(calibration.scan_units)}"
        self.step_box.setToolTip(f"{text}.\nAnother one begins another grid.")

    def _propose(self) -> None:
        session = self.session
        if session is not None:
            self._tell(self.desk.attempt(lambda: session.propose(self.step_box.value())), numbered=True)

    def _propose_unsure(self) -> None:
        session = self.session
        if session is None:
            return
        if session.live.domain_map is not None:
            self._tell(self.desk.attempt(lambda: session.live.propose(UNSURE_COUNT)))
        elif (found := session.domain_map) is not None:
            known = found.probabilities
            self._tell(self.desk.attempt(lambda: session.propose_uncertain(known, UNSURE_COUNT, APART)))

    def _tell(self, found: Round | None, *, numbered: bool = False) -> None:
        if found is not None:
            self.proposed.emit(found, numbered)
