"""The position of the scan under the cursor, whichever layer is the active one."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QObject

from napari_ghosthunter.labelling.positions import Position
from napari_ghosthunter.plugin.layers import bare, position_at
from napari_ghosthunter.plugin.mapper.desk import Desk
from napari_ghosthunter.plugin.qt import Signal


class Hover(QObject):
    """Follows the cursor over the desk's scan, while it is on.

    Signals
    -------
    moved(position)
        The (scan_y, scan_x) that the cursor came to; None beside the scan.
    """

    moved = Signal(object)

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.position: Position | None = None

    @property
    def _callbacks(self) -> Any:
        return bare(self.desk.viewer).mouse_move_callbacks

    def turn_on(self) -> None:
        """Begin to follow."""
        if self._move not in self._callbacks:
            self._callbacks.append(self._move)

    def turn_off(self) -> None:
        """Leave the viewer alone."""
        if self._move in self._callbacks:
            self._callbacks.remove(self._move)

    def _move(self, _viewer: Any, event: Any) -> None:
        flat = self.desk.layer is not None and len(event.dims_displayed) == 2  # in 3D it is on no one position
        position = position_at(self.desk.layer, event.position) if flat else None
        if position != self.position:
            self.position = position
            self.moved.emit(position)
