"""The controls with which a user says where the direct beam is."""

from __future__ import annotations

from qtpy.QtWidgets import QDoubleSpinBox, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget
from superqt.utils import signals_blocked

from napari_ghosthunter.plugin.qt import Signal
from napari_ghosthunter.scan.beam import BeamCentre

UNSURE = "Direct beam not sure: drag the cross to it"


class BeamBar(QWidget):
    """Its place in detector pixels, to be typed, and a way back to the measured one."""

    place_asked = Signal(tuple)  # (k_y, k_x)
    measure_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.told = QLabel(UNSURE)
        self.told.setMinimumWidth(1)
        self.told.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.told.hide()  # takes height only where it is needed
        self.k_y_box, self.k_x_box = (self._box(name) for name in ("k_y", "k_x"))
        self.measure_button = QPushButton("Measure again")
        self.measure_button.setToolTip("Find the direct beam in the mean pattern instead")
        self.measure_button.clicked.connect(lambda _: self.measure_asked.emit())
        column, row = QVBoxLayout(self), QHBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        row.setSpacing(4)
        column.addWidget(self.told)
        column.addLayout(row)
        for widget, stretch in ((self.k_y_box, 1), (self.k_x_box, 1), (self.measure_button, 0)):
            row.addWidget(widget, stretch)
        self.hide()

    def show_beam(self, beam: BeamCentre, detector_shape: tuple[int, int], *, stated: bool) -> None:
        """Show where it is, and whether that is stated."""
        for box, place, size in zip((self.k_y_box, self.k_x_box), (beam.k_y, beam.k_x), detector_shape, strict=True):
            with signals_blocked(box):
                box.setRange(-0.5, size - 0.5)
                box.setValue(place)
        self.told.setVisible(not beam.found)
        self.measure_button.setEnabled(stated)

    def _box(self, name: str) -> QDoubleSpinBox:
        box = QDoubleSpinBox()
        box.setPrefix(f"{name} ")
        box.setDecimals(1)
        box.setKeyboardTracking(False)  # not before the number is whole
        box.setToolTip(f"{name} of the direct beam in detector pixels")
        box.valueChanged.connect(lambda _: self.place_asked.emit((self.k_y_box.value(), self.k_x_box.value())))
        return box
