"""The layers that sample points are drawn in: made like the scan's, kept from napari's tools, and taken out again.

A user may delete them at any moment. What else is done to their points is told, so that it can be put back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from qtpy.QtCore import QTimer

from napari_ghosthunter.labelling.positions import Position
from napari_ghosthunter.plugin.layers import GEOMETRY, bare, geometry
from napari_ghosthunter.plugin.mapper.labelling.points_look import RING, SHADE
from napari_ghosthunter.plugin.mapper.removing import Removing

POINTS, CURRENT = "Sample points", "Current point"
POINT_STEPS, RING_STEPS = 0.8, 1.5  # diameters in scan steps
POINT_PIXELS, RING_PIXELS = (10, 26), (22, 46)  # least and largest diameters on the screen
HELP = "<1> to <9> label the current point, <N> goes on, <Backspace> clears, <Delete> removes"
SAME_SIZE = 0.03  # a change that nobody sees, and that thousands of points need not be drawn anew for


class PointLayers:
    """The layer of all points, and under it that of the ring around the current one.

    Parameters
    ----------
    viewer
        The viewer, not guarded.
    on_deleted
        Called with a layer that the user has deleted.
    on_meddled
        Called when something else than `put` has changed points, once it is done with it.

    Attributes
    ----------
    points, ring
        The layers; None while there is none.
    """

    def __init__(self, viewer: Any, on_deleted: Callable[[Any], object], on_meddled: Callable[[], object]) -> None:
        self.viewer = viewer
        self.points: Any = None
        self.ring: Any = None
        self._on_deleted, self._on_meddled = on_deleted, on_meddled
        self._like: Any = None
        self._putting = False
        self._removing = Removing(viewer)

    def make(self, like: Any) -> bool:
        """Make those that are missing where the layer `like` lies; true if there were any. The active layer stays."""
        self._removing.now()
        if self.points is not None and self.ring is not None:
            return False
        active = self.viewer.layers.selection.active
        self._follow(like)
        if self.ring is None:
            self.ring = self._add(CURRENT, border_width=0.16, face_color=[SHADE], border_color=[RING])
        if self.points is None:
            self.points = self._add(POINTS, border_width=0.16, features={"label": [], "reason": []})
        self._place()
        self.viewer.layers.selection.active = active
        self.viewer.layers.events.removed.connect(self._removed)
        self.viewer.scene.camera.events.zoom.connect(self._resize)
        return True

    def raise_up(self) -> None:
        """Bring both to the front of the viewer, and make the points active."""
        layers = self.viewer.layers
        for layer in (self.ring, self.points):
            layer.visible = True
            layers.move(layers.index(layer), len(layers))
        layers.selection.active = self.points

    def put(self, layer: Any, positions: Sequence[Position]) -> None:
        """Set the positions of a layer's points."""
        self._putting = True
        try:
            layer.selected_data = set()
            layer.data = np.array(positions, dtype=np.float64).reshape(-1, 2)
        finally:
            self._putting = False

    def drop(self, *layers: Any) -> None:
        """Let go of layers, and remove them soon."""
        dropped = [layer for layer in layers if layer is not None]
        for layer in dropped:
            layer.events.editable.disconnect(self._hold)
            layer.events.data.disconnect(self._meddle)
            layer.events.help.disconnect(self._help)
            self.points = None if layer is self.points else self.points
            self.ring = None if layer is self.ring else self.ring
        if self.points is None and self.ring is None:
            self._follow(None)
            self.viewer.layers.events.removed.disconnect(self._removed)
            self.viewer.scene.camera.events.zoom.disconnect(self._resize)
        self._removing.soon(dropped)

    def _add(self, name: str, **more: Any) -> Any:
        layer = bare(
            self.viewer.add_points(
                np.empty((0, 2)), name=name, axis_labels=self._like.axis_labels,
                **geometry(self._like), **more,
            )
        )  # fmt: skip
        layer.editable = False
        layer.events.editable.connect(self._hold)
        layer.events.data.connect(self._meddle)
        layer.events.help.connect(self._help)
        layer.help = HELP
        return layer

    @staticmethod
    def _help(event: Any) -> None:
        """Say which keys there are: napari's own hint, which comes with each mode, tells of keys that are ours."""
        event.source.help = HELP

    def _hold(self, event: Any) -> None:
        """Keep napari's tools away: each change of data, and each turn to 3D and back, would let them in again."""
        if event.source.editable:
            event.source.editable = False

    def _meddle(self, _event: Any) -> None:
        if not self._putting:
            QTimer.singleShot(0, self._on_meddled)

    def _removed(self, event: Any) -> None:
        if event.value is self.points or event.value is self.ring:
            self._on_deleted(event.value)

    def _follow(self, like: Any) -> None:
        """Stay where that layer is, also when it is moved or turned."""
        for name in GEOMETRY:
            if self._like is not None:
                getattr(self._like.events, name).disconnect(self._place)
            if like is not None:
                getattr(like.events, name).connect(self._place)
        self._like = like

    def _place(self, _event: Any = None) -> None:
        for layer in (self.points, self.ring):
            if layer is not None:
                for name, value in geometry(self._like).items():
                    setattr(layer, name, value)
        self._resize()

    def _resize(self, _event: Any = None) -> None:
        """Size the points for the zoom: napari's own limits blow up the border, and do not move what a hover hits."""
        step_y, step_x = np.abs(self._like.scale)
        for layer, steps, limits in (
            (self.points, POINT_STEPS, POINT_PIXELS),
            (self.ring, RING_STEPS, RING_PIXELS),
        ):
            if layer is None:
                continue
            low, high = np.array(limits) / self.viewer.scene.camera.zoom
            size = float(np.clip(steps * min(step_y, step_x), low, high)) / step_x  # counted along the last axis
            if abs(size / float(layer.current_size) - 1) > SAME_SIZE:
                layer.current_size = layer.size = size
