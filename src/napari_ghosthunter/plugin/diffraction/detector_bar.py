"""Buttons and radii of the virtual detector."""

from __future__ import annotations

from qtpy.QtWidgets import (
    QButtonGroup,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from superqt.utils import signals_blocked

from napari_ghosthunter.plugin.diffraction.detector import Kind, VirtualDetector
from napari_ghosthunter.plugin.qt import Signal
from napari_ghosthunter.scan.units import pretty

BUTTONS: dict[Kind, tuple[str, str]] = {
    "bright field": ("Bright field", "Virtual detector: the direct beam"),
    "annular dark field": (
        "ADF",
        "Virtual detector: annular dark field, all that is scattered clear of the beam",
    ),
    "total": ("Total", "Virtual detector: the whole of the detector"),
    "custom": ("Custom", "Virtual detector: your own disk or annulus, starting from the one that is set"),
}


class DetectorBar(QWidget):
    """Chooses the virtual detector that the scan image is made with."""

    kind_asked = Signal(str)
    radii_asked = Signal(float, float)  # detector pixels

    def __init__(self) -> None:
        super().__init__()
        self.buttons: dict[Kind, QPushButton] = {}
        self._group = QButtonGroup(self)
        buttons = QHBoxLayout()
        buttons.setSpacing(4)
        for kind, (title, help_text) in BUTTONS.items():
            button = QPushButton(title)
            button.setCheckable(True)
            button.setToolTip(help_text)
            button.clicked.connect(lambda _=False, kind=kind: self.kind_asked.emit(kind))
            self._group.addButton(button)
            self.buttons[kind] = button
            buttons.addWidget(button)
        self.inner, self.outer = self._radius(), self._radius()
        self.units = QLabel()
        row = QHBoxLayout()
        for widget in (QLabel("Radius"), self.inner, QLabel("to"), self.outer, self.units):
            row.addWidget(widget)
        row.addStretch(1)
        self.hint = QLabel("Drag the circle in the pattern to move it, its edge to resize it.")
        self.hint.setWordWrap(True)
        self.hint.hide()
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(4)
        self.progress.setRange(0, 1000)
        keep = self.progress.sizePolicy()
        keep.setRetainSizeWhenHidden(True)  # or the dock would jump at every image
        self.progress.setSizePolicy(keep)
        self.progress.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(buttons)
        column.addLayout(row)
        column.addWidget(self.hint)
        column.addWidget(self.progress)
        self._step = 1.0

    def set_scale(self, step: float, units: str) -> None:
        """Set the length of a detector pixel that radii are shown in."""
        self._step = step
        self.units.setText(pretty(units))
        for box in (self.inner, self.outer):
            with signals_blocked(box):
                box.setDecimals(max(0, min(4, 2 - _exponent(step * 10))))
                box.setSingleStep(step)

    def show_detector(self, detector: VirtualDetector | None) -> None:
        """Show what is set."""
        self.setEnabled(detector is not None)
        self._group.setExclusive(False)
        for kind, button in self.buttons.items():
            button.setChecked(detector is not None and detector.kind == kind)
        self._group.setExclusive(True)
        self.hint.setVisible(detector is not None and detector.kind == "custom")
        if detector is None:
            return
        for box, value in ((self.inner, detector.inner), (self.outer, detector.outer)):
            with signals_blocked(box):
                box.setRange(0, (detector.reach + 1) * self._step)
                box.setValue(value * self._step)
            box.setEnabled(detector.kind != "total")

    def show_progress(self, share: float | None) -> None:
        """Show how much of the image is there; None if none is on its way."""
        self.progress.setVisible(share is not None)
        if share is not None:
            self.progress.setValue(round(1000 * share))

    def _radius(self) -> QDoubleSpinBox:
        box = QDoubleSpinBox()
        box.setKeyboardTracking(False)
        box.setMinimumWidth(64)
        box.valueChanged.connect(
            lambda _: self.radii_asked.emit(self.inner.value() / self._step, self.outer.value() / self._step)
        )
        return box


def _exponent(value: float) -> int:
    """Give the power of ten of a length: 0 from 1 to 10, -1 from 0.1 to 1."""
    return int(f"{value:e}".split("e")[1])
