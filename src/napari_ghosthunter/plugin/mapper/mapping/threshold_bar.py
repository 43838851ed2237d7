"""The slider of the confidence below which positions are hidden, and how many that are."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDoubleSpinBox, QGridLayout, QLabel, QSlider, QWidget
from superqt.utils import signals_blocked

from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.plugin.qt import Signal

STEPS = 100  # of the slider, from 0 to 1
HELP = (
    "Hide positions where the model is less sure than this, 0 to 1; exports leave them out unless you untick that.\n"
    "swift, the default, is about as sure as it is right: where its confidence is 0.9, about 90 % of positions are\n"
    "right, and more with Uncertain points. The confidence of a taught network (ghosthunter) is no such probability,\n"
    "and much help of neighbours makes it too bold."
)


class ThresholdBar(QWidget):
    """Chooses a confidence; 0 is off."""

    chosen = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, STEPS)
        self.box = QDoubleSpinBox()
        self.box.setRange(0, 1)
        self.box.setSingleStep(1 / STEPS)
        self.box.setDecimals(2)
        self.box.setSpecialValueText("off")
        self.box.setKeyboardTracking(False)
        self.count = QLabel()
        self.count.setWordWrap(True)
        for widget in (self.slider, self.box):
            widget.setToolTip(HELP)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addWidget(QLabel("Hide below confidence"), 0, 0)
        grid.addWidget(self.slider, 0, 1)
        grid.addWidget(self.box, 0, 2)
        grid.addWidget(self.count, 1, 0, 1, 3)
        grid.setColumnStretch(1, 1)
        self.slider.valueChanged.connect(lambda value: self.chosen.emit(value / STEPS))
        self.box.valueChanged.connect(lambda value: self.chosen.emit(round(value, 2)))

    def show_threshold(self, confidence: float, counted: str) -> None:
        """Show what is set, and what it means for the map."""
        with signals_blocked(self.slider):
            self.slider.setValue(round(confidence * STEPS))
        with signals_blocked(self.box):
            self.box.setValue(confidence)
        self.count.setText(counted)
        self.count.setVisible(bool(counted))


def count_below(domain_map: DomainMap | None, confidence: float) -> int:
    """Count the positions that have a class, but less confidence than a threshold."""
    if domain_map is None or confidence <= 0:
        return 0
    return int((domain_map.has_data & (domain_map.classes_above(confidence) == 0)).sum())


def below_text(domain_map: DomainMap | None, confidence: float) -> str:
    """Say how many positions have a class, and how many of them are hidden."""
    if domain_map is None:
        return ""
    known = int(domain_map.has_data.sum())
    if confidence <= 0:
        return f"{known:,} positions are mapped."
    below = count_below(domain_map, confidence)
    return f"Of {known:,} positions, {below:,} {'is' if below == 1 else 'are'} below {confidence:.2f} and hidden."
