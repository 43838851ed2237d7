"""The dock widget `Diffraction viewer`: puts its parts together and passes on between them what the user does.

Awake while it is shown, asleep while it is hidden, be it closed, floated or put into another tab: asleep it has no
callback in the viewer, no thread at work and no canvas. So closing it in any way at any time leaves nothing behind.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from napari_ghosthunter.labelling.positions import Position
from napari_ghosthunter.plugin.background import Background
from napari_ghosthunter.plugin.calm import calm
from napari_ghosthunter.plugin.diffraction.beam_bar import BeamBar
from napari_ghosthunter.plugin.diffraction.beam_setting import BeamSetting
from napari_ghosthunter.plugin.diffraction.canvas import PatternCanvas
from napari_ghosthunter.plugin.diffraction.class_means import ClassPatterns
from napari_ghosthunter.plugin.diffraction.class_strip import ClassStrip
from napari_ghosthunter.plugin.diffraction.comparing import Comparing
from napari_ghosthunter.plugin.diffraction.controls import DisplayBar, SourceBar
from napari_ghosthunter.plugin.diffraction.detector import Kind, VirtualDetector, make_detector
from napari_ghosthunter.plugin.diffraction.detector_bar import DetectorBar
from napari_ghosthunter.plugin.diffraction.imaging import Imaging
from napari_ghosthunter.plugin.diffraction.mask_bar import MaskBar
from napari_ghosthunter.plugin.diffraction.masking import Masking
from napari_ghosthunter.plugin.diffraction.pattern_view import PatternView
from napari_ghosthunter.plugin.diffraction.patterns import ScanFacts, measure_scan
from napari_ghosthunter.plugin.diffraction.picture import DETECTOR
from napari_ghosthunter.plugin.diffraction.scan_link import ScanLink
from napari_ghosthunter.plugin.diffraction.showing import Showing
from napari_ghosthunter.plugin.docks import MAPPER, arrange_soon, find_dock, heights, let_shrink, set_heights
from napari_ghosthunter.plugin.layers import bare
from napari_ghosthunter.plugin.own_context import delete_in_own_context

if TYPE_CHECKING:
    import napari

    from napari_ghosthunter.learning.config import PatternConfig
    from napari_ghosthunter.learning.patterns import FittedPatterns

NO_SCAN = "Open a 4D-STEM scan: File > Open…\n\nIts diffraction patterns are shown here."


class DiffractionViewer(QWidget):
    """Shows the diffraction pattern under the cursor, and makes virtual detectors of what is drawn on it.

    Parameters
    ----------
    napari_viewer
        The viewer whose scans are looked at.
    """

    def __init__(self, napari_viewer: napari.Viewer) -> None:
        super().__init__()
        delete_in_own_context(bare(napari_viewer).window._qt_viewer)  # the main canvas needs it just as much
        self.link = ScanLink(napari_viewer)
        self.view = PatternView()
        self.canvas = PatternCanvas(self.view)
        self.source_bar, self.display_bar, self.detector_bar = SourceBar(), DisplayBar(), DetectorBar()
        self.mask_bar, self.beam_bar = MaskBar(), BeamBar()
        self.class_strip = ClassStrip()
        self.position_label, self.value_label = _text(), _text()
        self.showing = Showing(self.view, self.source_bar, self.display_bar)
        self.masking = Masking(self.view, self.link, self.mask_bar)
        self.beam_setting = BeamSetting(self.view, self.link, self.beam_bar)
        self._opened: Any = None  # the layer
        self.measuring = Background()
        self.imaging = Imaging()
        self.comparing = Comparing(self.class_strip)
        self._awake = self._placed = False
        self._home: Position | None = None
        self._heights: list[int] = []  # of the docks, before the class means were shown
        self._lay_out()
        calm(self)
        self._connect()
        self._open(None)

    # ---- for the session and the other dock ----

    def show_position(self, position: Position) -> None:
        """Show the pattern of a (scan_y, scan_x) position, and come back to it when the cursor leaves the scan."""
        self._home = position
        self.showing.show_position(position)

    def set_patterns(self, patterns: FittedPatterns | PatternConfig | None) -> None:
        """Say how the network gets its patterns; None for the default of a network still to be trained."""
        self.showing.set_patterns(patterns)

    def set_class_patterns(self, classes: ClassPatterns) -> None:
        """Say which positions are labelled: for each class its colour ('#rrggbb') and its (scan_y, scan_x)."""
        self.comparing.set_classes(classes)

    @property
    def detector(self) -> VirtualDetector | None:
        """The virtual detector that is set."""
        return self.view.detector

    # ---- awake and asleep ----

    def showEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Wake up."""
        super().showEvent(event)
        let_shrink(self)
        if not self._placed:
            self._placed = True
            arrange_soon(bare(self.link.viewer))
        if self._awake or self.canvas.making:
            return
        self._awake = True
        self.view.viewer.theme = self.link.viewer.theme
        self.canvas.wake()
        self.link.connect()
        self._measure()
        self.showing.read()
        self.imaging.resume()
        self.comparing.resume()
        self._ask_mapper()

    def hideEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Fall asleep, unless only the window is minimised, which Qt calls spontaneous."""
        super().hideEvent(event)
        if not self._awake or self.canvas.making or event.spontaneous():
            return
        self._awake = False
        self.link.disconnect()
        self.measuring.close()
        self.showing.background.close()
        self.imaging.sleep()
        self.comparing.sleep()
        self.canvas.sleep()

    def event(self, event: Any) -> bool:
        """Delete the widget once its dock is closed: napari lets it go, but what Qt holds of it keeps it alive."""
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.deleteLater()
        return bool(super().event(event))

    # ---- the scan ----

    def _open(self, layer: Any) -> None:
        """Turn to another scan layer, or to none."""
        scan = self.link.scan
        self._home = None
        before, self._opened = self._opened, layer
        self.masking.end()
        self.beam_setting.turn(self.view.beam_moves and before is layer)
        self.measuring.stop()
        self.showing.open(scan)
        self.comparing.open(scan)
        for part in (self.source_bar, self.display_bar, self.class_strip):
            part.setEnabled(scan is not None)
        self.detector_bar.show_detector(None)
        if scan is None:
            self.imaging.close()
            self.view.clear()
            self.canvas.say(NO_SCAN)
            return
        calibration = scan.calibration
        self.imaging.open(layer, scan)
        self.view.open(scan.detector_shape, calibration.k_step, calibration.k_units, self.display_bar.chosen_colours)
        self.detector_bar.set_scale(calibration.k_step[1], calibration.k_units)
        self.canvas.say("")
        self.canvas.fit()
        self._measure()
        self.showing.show_position((scan.shape[0] // 2, scan.shape[1] // 2))
        self._ask_mapper()

    def _ask_mapper(self) -> None:
        """Hear of labels and of the network from the Domain mapper, if it is open."""
        mapper = find_dock(bare(self.link.viewer), MAPPER)
        if mapper is not None:
            mapper.patterns_link.tell_all()

    def _measure(self) -> None:
        scan = self.link.scan
        if scan is not None and self.showing.facts is None:
            self.measuring.start(partial(measure_scan, scan), self._take_facts, self.position_label.setText)

    def _take_facts(self, facts: ScanFacts | None) -> None:
        scan = self.link.scan
        if facts is None or scan is None:
            return
        self.showing.set_facts(facts)
        metadata = self.link.layer.metadata
        self.beam_setting.show(facts.beam)
        detector = metadata.get(DETECTOR) or make_detector("bright field", scan.detector_shape, facts.beam)
        self._show_detector(detector)
        if metadata.get("preview"):  # the reader had no time for all of the scan
            self.imaging.ask(detector)

    # ---- position and detector ----

    def _hover(self, position: Position) -> None:
        if not self.source_bar.hold.isChecked() and position != self.showing.position:
            self.showing.show_position(position)

    def _go_home(self) -> None:
        """Show the point that is being labelled again: a key labels that one, and not what was last looked at."""
        home = self._home
        if home is not None and home != self.showing.position and not self.source_bar.hold.isChecked():
            self.showing.show_position(home)

    def _click(self, position: Position) -> None:
        if self.source_bar.hold.isChecked():
            self.showing.show_position(position)

    def _choose_detector(self, kind: Kind) -> None:
        scan, facts = self.link.scan, self.showing.facts
        if scan is None or facts is None:
            return
        if kind == "custom" and self.detector is not None and self.detector.kind != "total":
            self._set_detector(replace(self.detector, kind=kind))  # goes on from what is there
        else:
            self._set_detector(make_detector(kind, scan.detector_shape, facts.beam))

    def _resize_detector(self, inner: float, outer: float) -> None:
        if self.detector is not None:
            self._set_detector(self.detector.resized(inner, outer))

    def _set_detector(self, detector: VirtualDetector) -> None:
        self._show_detector(detector)
        self.imaging.ask(detector)

    def _drag_detector(self, detector: VirtualDetector) -> None:
        self.detector_bar.show_detector(detector)
        self.imaging.ask(detector)

    def _show_detector(self, detector: VirtualDetector) -> None:
        self.view.set_detector(detector)
        self.detector_bar.show_detector(detector)

    def _turn_masking(self, on: bool) -> None:
        if on:
            self.beam_setting.turn(False)
            self.source_bar.beam_button.setEnabled(False)  # a drag paints
            self.masking.begin()
        else:
            self.masking.end()

    def _untick_mask(self) -> None:
        self.source_bar.mask_button.setChecked(False)
        self.source_bar.beam_button.setEnabled(True)

    # ---- layout ----

    def _make_room(self, for_means: bool) -> None:
        """Give the height that the class means took back to the dock below."""
        viewer = bare(self.link.viewer)
        if for_means:
            self._heights = heights(viewer)
        else:
            set_heights(viewer, self._heights)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setSpacing(4)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)  # the height is the pattern's
        column.addWidget(self.source_bar)
        column.addWidget(self.mask_bar)
        column.addWidget(self.beam_bar)
        column.addWidget(self.canvas, 1)
        for part in (self.position_label, self.value_label, self.display_bar, self.detector_bar, self.class_strip):
            column.addWidget(part)

    def _connect(self) -> None:
        self.link.layer_changed.connect(self._open)
        self.link.hovered.connect(self._hover)
        self.link.clicked.connect(self._click)
        self.link.left.connect(self._go_home)
        self.view.dragged.connect(self._drag_detector)
        self.source_bar.fit_asked.connect(self.canvas.fit)
        self.source_bar.mask_asked.connect(self._turn_masking)  # a lambda would keep the dock alive
        self.masking.ended.connect(self._untick_mask)
        self.source_bar.beam_asked.connect(self.beam_setting.turn)
        self.beam_setting.turned.connect(self.source_bar.beam_button.setChecked)
        self.showing.titled.connect(self.position_label.setText)
        self.showing.valued.connect(self.value_label.setText)
        self.showing.look_changed.connect(self.comparing.set_look)
        self.detector_bar.kind_asked.connect(self._choose_detector)
        self.detector_bar.radii_asked.connect(self._resize_detector)
        self.imaging.progressed.connect(self.detector_bar.show_progress)
        self.comparing.chosen.connect(self.showing.compare)
        self.class_strip.wanted.connect(self._make_room)


def _text() -> QLabel:
    """Make a line of text that neither widens the dock nor moves what is below it when it changes."""
    label = QLabel()
    label.setMinimumWidth(1)
    label.setFixedHeight(label.fontMetrics().height() + 5)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
