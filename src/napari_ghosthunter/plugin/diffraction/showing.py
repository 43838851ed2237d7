"""Which pattern is shown and how: reads it beside the window, scales it for display, and keeps its contrast steady.

The contrast is that of the whole scan, not of each pattern, so that two patterns can be compared; a hand may change it
until another intensity scale is chosen.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

from napari_ghosthunter.labelling.positions import Position
from napari_ghosthunter.plugin.background import Background
from napari_ghosthunter.plugin.diffraction.class_means import ClassMean
from napari_ghosthunter.plugin.diffraction.controls import DisplayBar, SourceBar
from napari_ghosthunter.plugin.diffraction.detector import Point
from napari_ghosthunter.plugin.diffraction.display import BRIGHT, Display, Levels, displayed
from napari_ghosthunter.plugin.diffraction.pattern_view import PatternView
from napari_ghosthunter.plugin.diffraction.patterns import Frame, NetworkInputs, ScanFacts, read_pattern
from napari_ghosthunter.plugin.diffraction.where import position_text, value_text
from napari_ghosthunter.plugin.qt import Signal
from napari_ghosthunter.scan.scan import Scan

if TYPE_CHECKING:
    from napari_ghosthunter.learning.config import PatternConfig
    from napari_ghosthunter.learning.patterns import FittedPatterns

LOADING = "Loading what the network needs…"
POINT_HERE = "Point at the pattern to read a value."


class Showing(QObject):
    """Brings patterns of one scan into a `PatternView`."""

    titled = Signal(str)  # which pattern it is
    valued = Signal(str)  # what is under the cursor
    look_changed = Signal(str, float, tuple, str)  # intensity scale, floor, contrast limits, colour map

    def __init__(self, view: PatternView, source: SourceBar, display: DisplayBar) -> None:
        super().__init__()
        self.view, self.source, self.display = view, source, display
        self.background = Background()
        self.position: Position | None = None
        self.frame: Frame | None = None
        self.facts: ScanFacts | None = None
        self._scan: Scan | None = None
        self._inputs: NetworkInputs | None = None
        self._mean: ClassMean | None = None
        self._patterns: FittedPatterns | PatternConfig | None = None
        self._contrast_of: object = None  # what the contrast was last settled for
        self._point: Point | None = None
        source.network_changed.connect(self._switch)
        display.display_changed.connect(lambda _: self._draw())
        display.colours_changed.connect(lambda _: self._draw())
        display.limits_changed.connect(self._set_limits)
        display.auto_asked.connect(self.reset_contrast)
        view.pointed.connect(self._read_value)

    @property
    def network(self) -> bool:
        """Whether what the network sees is wanted, and not the measured pattern."""
        return bool(self.source.source.currentIndex() == 1)

    def open(self, scan: Scan | None) -> None:
        """Turn to another scan, or to none."""
        self.background.stop()
        self._scan, self.position, self.frame, self.facts, self._mean = scan, None, None, None, None
        self._contrast_of = self._point = None
        self._inputs = None if scan is None else NetworkInputs(scan)
        self.titled.emit("")
        self.valued.emit("" if scan is None else POINT_HERE)

    def show_position(self, position: Position) -> None:
        """Show the pattern of a (scan_y, scan_x) position; while the cursor moves on, those that come late too."""
        self.position = position
        self.read(finish_running=True)

    def read(self, *, finish_running: bool = False) -> None:
        """Read what is wanted now."""
        if self._scan is None or self._inputs is None or self.position is None:
            return
        if not self.network:
            steps = partial(read_pattern, self._scan, self.position)
        else:
            steps = partial(self._inputs.read, self.position, self._patterns)
            if self.frame is None or not self.frame.network:
                self.titled.emit(LOADING)
        self.background.start(steps, self._take, self._fail, finish_running=finish_running)

    def set_patterns(self, patterns: FittedPatterns | PatternConfig | None) -> None:
        """Say how the network gets its patterns."""
        self._patterns = patterns
        if self.network:
            self.read()

    def set_facts(self, facts: ScanFacts) -> None:
        """Use the contrast and the beam of the whole scan from now on."""
        self.facts = facts
        self._draw()

    def compare(self, mean: ClassMean | None) -> None:
        """Show the mean pattern of a class instead, or the pattern again."""
        self._mean = mean
        self._draw()

    def reset_contrast(self) -> None:
        """Forget the contrast that a hand has set."""
        self._contrast_of = None
        self._draw()

    def _switch(self, network: bool) -> None:
        self.display.set_network(network)
        self.read()

    def _take(self, frame: Frame) -> None:
        if frame.network == self.network:
            self.frame = frame
            self._draw()

    def _fail(self, message: str) -> None:
        self.titled.emit(f"This pattern could not be read. {message}")

    def _shown(self) -> Frame | None:
        """Give what is to be drawn: the pattern, or the class mean that was clicked."""
        return self.frame if self._mean is None else Frame((0, 0), self._mean.pattern)

    def _draw(self) -> None:
        shown, scan = self._shown(), self._scan
        if shown is None or scan is None:
            return
        display: Display = "linear" if shown.network else self.display.chosen_display
        measured = self.facts is not None and not shown.network
        levels = self.facts.levels if self.facts and measured else Levels.of(shown.values, scan.dtype)
        self.view.set_colours(self.display.chosen_colours)
        contrast_of = (display, shown.network, measured)
        if contrast_of != self._contrast_of:
            self._contrast_of = contrast_of
            self.view.set_limits(levels.limits(display, BRIGHT["sqrt"] if shown.network else None))
            self.display.set_limits(self.view.limits, self.view.limits_range)
        self.view.show(displayed(shown.values, display, levels.floor), shown.step, shown.origin)
        if not shown.network:
            self.look_changed.emit(display, levels.floor, self.view.limits, self.display.chosen_colours)
        if self._mean is None:
            self.titled.emit(position_text(shown.position, scan))
        else:
            self.titled.emit(f"Mean of {self._mean.count} patterns labelled '{self._mean.name}'")
        if self._point is not None:
            self._read_value(self._point)

    def _set_limits(self, limits: tuple[float, float]) -> None:
        self.view.set_limits(limits, self.view.limits_range)
        self._draw()

    def _read_value(self, point: Point | None) -> None:
        self._point = point
        shown, scan = self._shown(), self._scan
        value = None if shown is None or point is None else shown.value_at(point)
        if value is None or scan is None or point is None:
            self.valued.emit(POINT_HERE if scan else "")
            return
        pixel = int(point[0] + 0.5), int(point[1] + 0.5)
        self.valued.emit(value_text(value, pixel, self.facts.beam if self.facts else None, scan.calibration))
