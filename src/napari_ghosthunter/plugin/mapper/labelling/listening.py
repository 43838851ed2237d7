"""Which layers hear the keys and clicks that label: the points and, on the page Label, whichever of ours is active."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject

from napari_ghosthunter.plugin.layers import bare, scan_of
from napari_ghosthunter.plugin.mapper.desk import Desk
from napari_ghosthunter.plugin.mapper.labelling.point_clicks import PointClicks
from napari_ghosthunter.plugin.mapper.labelling.point_keys import PointKeys
from napari_ghosthunter.plugin.mapper.mapping.result_layers import mark_of
from napari_ghosthunter.plugin.qt import Signal


class Listening(QObject):
    """Puts keys and clicks on the layer of the points, and on another one of ours while that is active.

    Signals
    -------
    changed()
        It may be heard now, or no longer.

    Parameters
    ----------
    desk
        Whose scan is labelled.

    Attributes
    ----------
    labelling
        Tells whether labels are being given, so that other layers are to hear them, too.
    ring
        The layer that marks the current point, or None.
    """

    changed = Signal()

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.keys, self.clicks = PointKeys(desk), PointClicks(desk)
        self.labelling: Callable[[], bool] = lambda: False
        self.ring: Any = None
        self._viewer = bare(desk.viewer)
        self._points: Any = None
        self._other: Any = None

    @property
    def heard(self) -> bool:
        """Whether a key labels now."""
        active = bare(self._viewer.layers.selection.active)
        return self._points is not None and active is not None and active in (self._points, self._other)

    def begin(self, points: Any) -> None:
        """Listen at the layer of the points."""
        self._points = self.clicks.points = points
        self._attach(points)
        points.events.visible.connect(self.follow)
        self._viewer.layers.selection.events.active.connect(self.follow)
        self.follow()

    def end(self) -> None:
        """Leave all layers as they were."""
        if self._points is None:
            return
        points, self._points = self._points, None
        self._viewer.layers.selection.events.active.disconnect(self.follow)
        points.events.visible.disconnect(self.follow)
        self.follow()
        self._detach(points)
        self.clicks.points = None

    def follow(self, _event: Any = None) -> None:
        """Listen at the layer that is active now, if it is one of ours and the points are seen."""
        active = bare(self._viewer.layers.selection.active)
        wanted = active if self._points is not None and active is not self._points and self._hears(active) else None
        if wanted is not self._other:
            before, self._other = self._other, wanted
            if before is not None:
                self._detach(before)
            if wanted is not None:
                self._attach(wanted)
        self.changed.emit()

    def _hears(self, layer: Any) -> bool:
        """Whether a layer is one that the plugin has made of the scan on the desk."""
        if layer is None or not self.labelling() or not self._points.visible:
            return False
        scan = scan_of(layer)
        return layer is self.ring or mark_of(layer) is not None or (scan is not None and scan is self.desk.scan)

    def _attach(self, layer: Any) -> None:
        self.keys.attach(layer)
        self.clicks.attach(layer)

    def _detach(self, layer: Any) -> None:
        self.keys.detach(layer)
        self.clicks.detach(layer)
