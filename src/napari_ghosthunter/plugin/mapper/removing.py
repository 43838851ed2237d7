"""Layers that go soon: not at once, because that may be within the removal of another one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qtpy.QtCore import QTimer

from napari_ghosthunter.plugin.window import was_closed


class Removing:
    """Removes layers of a viewer, unless its window is closed: napari collects garbage for each, which takes seconds.

    Parameters
    ----------
    viewer
        The viewer, not guarded.

    Attributes
    ----------
    doomed
        The layers that are to go.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self.doomed: list[Any] = []

    def soon(self, layers: Iterable[Any]) -> None:
        """Remove layers in the next turn of the event loop."""
        self.doomed += layers
        if self.doomed:
            QTimer.singleShot(0, self.now)

    def now(self) -> None:
        """Remove what is to go."""
        doomed, self.doomed = self.doomed, []
        if doomed and not was_closed(self._viewer):
            for layer in doomed:
                if layer in self._viewer.layers:
                    self._viewer.layers.remove(layer)
