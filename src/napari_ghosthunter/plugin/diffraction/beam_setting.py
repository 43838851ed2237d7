"""Saying where the direct beam of a scan is: the cross on its pattern is dragged, or its place is typed."""

from __future__ import annotations

from qtpy.QtCore import QObject

from napari_ghosthunter.errors import GhostHunterError
from napari_ghosthunter.plugin.diffraction.beam_bar import BeamBar
from napari_ghosthunter.plugin.diffraction.detector import Point
from napari_ghosthunter.plugin.diffraction.pattern_view import PatternView
from napari_ghosthunter.plugin.diffraction.scan_link import ScanLink
from napari_ghosthunter.plugin.qt import Signal
from napari_ghosthunter.plugin.restating import restate
from napari_ghosthunter.plugin.window import tell_error
from napari_ghosthunter.scan.beam import BeamCentre


class BeamSetting(QObject):
    """Shows the direct beam of a scan on its pattern, and lets it be moved."""

    turned = Signal(bool)  # whether it can be moved now

    def __init__(self, view: PatternView, link: ScanLink, bar: BeamBar) -> None:
        super().__init__()
        self.view, self.link, self.bar = view, link, bar
        view.beam_dropped.connect(self._state)
        bar.place_asked.connect(self._state)
        bar.measure_asked.connect(self._measure_again)

    def turn(self, on: bool) -> None:
        """Let the beam be moved, or leave that."""
        on = on and self.link.scan is not None
        self.bar.setVisible(on)
        self.view.beam_moves = on
        self.turned.emit(on)

    def show(self, beam: BeamCentre) -> None:
        """Show where it is; where that is not sure, it can be moved at once."""
        scan = self.link.scan
        if scan is None:
            return
        self.view.show_beam((beam.k_y, beam.k_x))
        self.bar.show_beam(beam, scan.detector_shape, stated=scan.beam is not None)
        if not beam.found:
            self.turn(True)

    def _state(self, place: Point) -> None:
        self._restate((round(place[0], 2), round(place[1], 2)))

    def _measure_again(self) -> None:
        self._restate(None)

    def _restate(self, beam: Point | None) -> None:
        if self.link.scan is None:
            return
        try:
            restate(self.link.viewer, self.link.layer, beam=beam)
        except GhostHunterError as error:
            tell_error(str(error))
