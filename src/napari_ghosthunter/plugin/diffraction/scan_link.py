"""The link to the main viewer: which scan is looked at, and which of its positions the cursor is on.

The scan is that of the active layer; while another kind of layer is active (points, a map), it stays the last one.
All callbacks are put in by `connect` and taken out by `disconnect`, so that a hidden dock costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from psygnal import Signal

from napari_ghosthunter.labelling.positions import Position
from napari_ghosthunter.plugin.layers import bare, position_at, scan_of
from napari_ghosthunter.scan.scan import Scan

CLICK_PIXELS = 5  # a press that moves further is a drag


class ScanLink:
    """Follows the scan layer, the cursor and the clicks of a napari viewer."""

    layer_changed = Signal(object)  # the scan layer, or None
    hovered = Signal(tuple)  # (scan_y, scan_x)
    clicked = Signal(tuple)
    left = Signal()  # the cursor is no longer on the scan

    def __init__(self, viewer: Any) -> None:
        self.viewer = viewer
        self.layer: Any = None
        self._shown: Scan | None = None  # the scan that was told last
        self._connected = False

    @property
    def scan(self) -> Scan | None:
        """The scan that is looked at."""
        return None if self.layer is None else scan_of(self.layer)

    def connect(self) -> None:
        """Start to follow, and catch up with what has changed meanwhile."""
        if self._connected:
            return
        self._connected = True
        layers = self.viewer.layers
        layers.selection.events.active.connect(self._follow)
        layers.events.inserted.connect(self._follow)
        layers.events.removed.connect(self._follow)
        self.viewer.events.mouse_over_canvas.connect(self._leave)
        self.viewer.mouse_move_callbacks.append(self._move)
        self.viewer.mouse_drag_callbacks.append(self._press)
        self._follow()

    def disconnect(self) -> None:
        """Stop to follow; the scan stays what it was."""
        if not self._connected:
            return
        self._connected = False
        layers = self.viewer.layers
        layers.selection.events.active.disconnect(self._follow)
        layers.events.inserted.disconnect(self._follow)
        layers.events.removed.disconnect(self._follow)
        self.viewer.events.mouse_over_canvas.disconnect(self._leave)
        for callbacks, own in (
            (self.viewer.mouse_move_callbacks, self._move),
            (self.viewer.mouse_drag_callbacks, self._press),
        ):
            if own in callbacks:  # someone may have cleared them
                callbacks.remove(own)

    def turn_to(self, layer: Any) -> None:
        """Look at the scan of a layer, until another one is chosen."""
        if layer is not self.layer and scan_of(layer) is not None:
            self._turn(layer)

    def _follow(self, _event: Any = None) -> None:
        layer = self._choose()
        if layer is not self.layer or (layer is not None and scan_of(layer) is not self._shown):
            self._turn(layer)

    def _turn(self, layer: Any) -> None:
        if self.layer is not None:
            self.layer.events.metadata.disconnect(self._follow)
        self.layer = layer
        self._shown = self.scan
        if layer is not None:
            layer.events.metadata.connect(self._follow)  # the user may say something else of the scan
        self.layer_changed.emit(layer)

    def _choose(self) -> Any:
        """Give the active scan layer, else the one that was, else the topmost."""
        scans = [bare(layer) for layer in self.viewer.layers if scan_of(bare(layer)) is not None]
        active = bare(self.viewer.layers.selection.active)
        for wanted in (active, self.layer):
            if any(wanted is layer for layer in scans):
                return wanted
        return scans[-1] if scans else None

    def _position(self, event: Any) -> Position | None:
        if self.layer is None or len(event.dims_displayed) != 2:  # seen in 3D, the cursor is on no one position
            return None
        return position_at(self.layer, event.position)

    def _move(self, _viewer: Any, event: Any) -> None:
        position = self._position(event)
        if position is not None:
            self.hovered.emit(position)
        else:
            self.left.emit()

    def _leave(self, event: Any) -> None:
        if not event.value:
            self.left.emit()

    def _press(self, _viewer: Any, event: Any) -> Iterator[None]:
        start, position = np.array(event.pos), self._position(event)
        yield
        while event.type == "mouse_move":
            yield
        if position is not None and float(np.hypot(*(np.array(event.pos) - start))) <= CLICK_PIXELS:
            self.clicked.emit(position)
