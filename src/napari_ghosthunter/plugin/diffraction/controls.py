"""The controls of how a pattern is shown: which one, intensity scale, colours and contrast. None changes data."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QPushButton, QWidget
from superqt import QDoubleRangeSlider
from superqt.utils import signals_blocked

from napari_ghosthunter.plugin.diffraction.display import DISPLAYS, Display
from napari_ghosthunter.plugin.qt import Signal

COLOUR_MAPS = {"gray": "Grey", "inferno": "Inferno", "magma": "Magma", "viridis": "Viridis", "gray_r": "Grey, inverted"}
DISPLAY_HELP = "How intensities become brightness; the data stay as they are"


class SourceBar(QWidget):
    """Above the pattern: what to show of which position."""

    network_changed = Signal(bool)
    hold_changed = Signal(bool)
    fit_asked = Signal()
    mask_asked = Signal(bool)
    beam_asked = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.source = QComboBox()
        self.source.addItems(["Measured pattern", "What the network sees"])
        self.source.setToolTip("The pattern as measured, or cropped, binned and scaled as the network gets it")
        self.source.currentIndexChanged.connect(lambda index: self.network_changed.emit(index == 1))
        self.hold = QCheckBox("Hold")
        self.hold.setToolTip("Keep this position while the cursor moves; click on the scan to choose another one")
        self.hold.toggled.connect(self.hold_changed)
        fit = QPushButton("Fit")
        fit.setToolTip("Zoom so that the whole pattern is seen")
        fit.clicked.connect(self.fit_asked)
        self.mask_button = QPushButton("Mask")
        self.mask_button.setCheckable(True)
        self.mask_button.setToolTip("Paint bad pixels and the beam stop, to leave them out of images and maps")
        self.mask_button.clicked.connect(self.mask_asked)
        self.beam_button = QPushButton("Beam")
        self.beam_button.setCheckable(True)
        self.beam_button.setToolTip("Say where the direct beam is: drag its cross, or type its place")
        self.beam_button.clicked.connect(self.beam_asked)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.source, 1)
        row.addWidget(self.hold)
        row.addWidget(self.beam_button)
        row.addWidget(self.mask_button)
        row.addWidget(fit)


class DisplayBar(QWidget):
    """Below the pattern: intensity scale, colours and contrast."""

    display_changed = Signal(str)
    colours_changed = Signal(str)
    limits_changed = Signal(tuple)
    auto_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.display = QComboBox()
        for key, title in DISPLAYS.items():
            self.display.addItem(title, key)
        self.display.currentIndexChanged.connect(lambda _: self.display_changed.emit(self.chosen_display))
        self.colours = QComboBox()
        for name, title in COLOUR_MAPS.items():
            self.colours.addItem(title, name)
        self.colours.currentIndexChanged.connect(lambda _: self.colours_changed.emit(self.chosen_colours))
        for box in (self.display, self.colours):  # may be narrower than the longest entry: the dock is beside the scan
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(4)
        self.contrast = QDoubleRangeSlider(Qt.Orientation.Horizontal)  # type: ignore[no-untyped-call]
        self.contrast.setToolTip("Darkest and brightest intensity shown")
        self.contrast.valueChanged.connect(self.limits_changed)
        auto = QPushButton("Auto")
        auto.setToolTip("Contrast from the intensities of the whole scan")
        auto.clicked.connect(self.auto_asked)
        self.display.setToolTip(DISPLAY_HELP)
        self.colours.setToolTip("Colours of the pattern, from dark to bright")
        row = QHBoxLayout(self)  # one row, because the height is the pattern's
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for widget, stretch in ((self.display, 3), (self.colours, 2), (self.contrast, 3), (auto, 0)):
            row.addWidget(widget, stretch)

    @property
    def chosen_display(self) -> Display:
        """The intensity scale."""
        chosen: Display = self.display.currentData()
        return chosen

    @property
    def chosen_colours(self) -> str:
        """The colour map, by napari's name."""
        return str(self.colours.currentData())

    def set_network(self, network: bool) -> None:
        """Switch the intensity scale off where the network's own is shown."""
        self.display.setEnabled(not network)
        self.display.setToolTip("The network's input is shown as it is, already scaled" if network else DISPLAY_HELP)

    def set_limits(self, limits: tuple[float, float], bounds: tuple[float, float]) -> None:
        """Show contrast limits that were set elsewhere."""
        with signals_blocked(self.contrast):
            self.contrast.setRange(*bounds)
            self.contrast.setValue(limits)
