"""Layers that are hidden for the user while another one is looked at, and shown again after that.

The eye of a layer is the user's: what he shows or hides meanwhile stays as he has it.
"""

from __future__ import annotations

from typing import Any


class HiddenLayers:
    """Hides layers, each once, and shows again those whose eye the user has not touched."""

    def __init__(self) -> None:
        self._met: list[Any] = []
        self._hidden: list[Any] = []

    def hide(self, layer: Any) -> None:
        """Hide a layer; nothing happens to one that is hidden, or that was met before."""
        if any(layer is one for one in self._met):
            return
        self._met.append(layer)
        if layer.visible:
            layer.visible = False
            self._hidden.append(layer)
            layer.events.visible.connect(self._touched)

    def show_again(self) -> None:
        """Show what was hidden, and forget which layers were met."""
        hidden, self._hidden, self._met = self._hidden, [], []
        for layer in hidden:
            layer.events.visible.disconnect(self._touched)
            layer.visible = True

    def _touched(self, event: Any) -> None:
        event.source.events.visible.disconnect(self._touched)
        self._hidden = [layer for layer in self._hidden if layer is not event.source]
