"""Clicks on the sample points: choose one, or add one of the user's own; and the reason of one under the cursor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from napari_ghosthunter.labelling.napari_points import UNLABELLED
from napari_ghosthunter.labelling.positions import Position
from napari_ghosthunter.plugin.layers import LAST_AXES, bare, position_at
from napari_ghosthunter.plugin.mapper.desk import Desk
from napari_ghosthunter.plugin.window import canvas_of

CLICK_PIXELS = 5  # a press that moves further is a drag
SLACK_PIXELS = 2
LEFT = 1


class PointClicks:
    """Puts the mouse callbacks on layers, and takes them off again.

    A napari layer hears the mouse only while it is the active one.

    Attributes
    ----------
    points
        The layer of the sample points; None while there is none.
    adds
        Tells whether a click beside all points adds one; where only a map is looked at, nobody means to.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.viewer = bare(desk.viewer)
        self.adds: Callable[[], bool] = lambda: True
        self.points: Any = None
        self._said = ""

    def attach(self, layer: Any) -> None:
        """Listen to a layer."""
        layer.mouse_drag_callbacks.append(self._press)
        layer.mouse_move_callbacks.append(self._hover)

    def detach(self, layer: Any) -> None:
        """Leave a layer as it was."""
        for callbacks, own in ((layer.mouse_drag_callbacks, self._press), (layer.mouse_move_callbacks, self._hover)):
            if own in callbacks:  # someone may have cleared them
                callbacks.remove(own)
        self._say("")

    def _press(self, layer: Any, event: Any) -> Iterator[None]:
        start, world = np.array(event.pos), event.position
        looking = layer is self.points or str(layer.mode) == "pan_zoom"  # another tool of napari has its own clicks
        if event.button != LEFT or event.modifiers or len(event.dims_displayed) != 2 or not looking:
            return
        yield
        while event.type == "mouse_move":
            yield
        if float(np.hypot(*(np.array(event.pos) - start))) <= CLICK_PIXELS:
            self._click(world)

    def _click(self, world: Any) -> None:
        session, scan_layer = self.desk.session, self.desk.layer
        if session is None or scan_layer is None or self.points is None:
            return
        point = point_under(self.points, world, self.viewer.scene.camera.zoom)
        position = position_at(scan_layer, world)
        if point is not None:
            self.desk.attempt(lambda: session.make_current(point))
        elif position is not None and self.adds():
            self.desk.attempt(lambda: session.add_point(position))

    def _hover(self, _layer: Any, event: Any) -> None:
        """Tell the label and the reason of the point under the cursor; napari's own tooltips are off by default."""
        point = None
        if len(event.dims_displayed) == 2 and self.points is not None:
            point = point_under(self.points, event.position, self.viewer.scene.camera.zoom)
        self._say("" if point is None or self.desk.session is None else describe(self.desk.session.labels, point))

    def _say(self, text: str) -> None:
        canvas = canvas_of(self.viewer) if text != self._said else None
        if canvas is not None:
            self._said = text
            canvas.setToolTip(text)


def describe(labels: Any, point: Position) -> str:
    """Say what is known of a point: 'vertical; midpoint of (0, 5) and (0, 10)'."""
    return "; ".join(word for word in (labels.get(point, UNLABELLED), labels.points.get(point)) if word)


def point_under(layer: Any, world: Any, zoom: float) -> Position | None:
    """Give the point that is drawn under a place in the viewer: the nearest, if it reaches there.

    napari's own answer takes points for squares and the last one for the topmost.

    Parameters
    ----------
    layer
        The points.
    world
        The place, in the viewer's coordinates.
    zoom
        Pixels of the screen for one unit of the viewer.
    """
    if not len(layer.data):
        return None
    offsets = (layer.data - np.asarray(layer.world_to_data(world), np.float64)[-LAST_AXES:]) * layer.scale
    distances = np.hypot(*offsets.T)
    nearest = int(np.argmin(distances))
    if distances[nearest] > layer.size[nearest] * abs(layer.scale[-1]) / 2 + SLACK_PIXELS / zoom:
        return None
    y, x = (round(float(value)) for value in layer.data[nearest])
    return y, x
