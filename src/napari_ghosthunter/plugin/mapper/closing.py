"""When a dock is gone for good, and when it is back: napari tells a widget neither.

The X of a dock takes the parent from its widget and hides it, without any close event; the window may close around it;
and a dock that is only behind another tab is hidden too, which must not stop a training.
"""

from __future__ import annotations

import weakref
from typing import Any

from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QWidget

from napari_ghosthunter.plugin.qt import Signal


class Closing(QObject):
    """Watches a widget in a dock, and the window around it."""

    opened = Signal()  # shown, for the first time or after it was closed
    closed = Signal()  # taken out of its dock, or its window is closed

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self._widget = widget
        self._window: weakref.ref[QWidget] | None = None  # or a closed dock would keep its window alive
        self._open = False
        widget.installEventFilter(self)

    def eventFilter(self, watched: Any, event: Any) -> bool:  # noqa: N802 - Qt's name
        """Look at what happens to the widget and its window, and let it happen."""
        if not hasattr(self, "_widget"):  # Python has taken it apart, Qt not yet
            return False
        kind = event.type()
        if watched is self._widget:
            if kind == QEvent.Type.Show:
                self._watch(self._widget.window())
                self._turn(True)
            elif kind == QEvent.Type.ParentChange and self._widget.parent() is None:
                self._turn(False)
        elif (
            self._window is not None and watched is self._window() and not event.spontaneous()
        ):  # minimised is spontaneous
            if kind == QEvent.Type.Hide:
                self._turn(False)
            elif kind == QEvent.Type.Show and self._widget.parent() is not None:
                self._turn(True)
        return False

    def _watch(self, window: QWidget) -> None:
        parent = window.parentWidget()  # of a floating dock, which is a window of its own
        main = window if parent is None else parent.window()
        if self._window is None or self._window() is not main:
            self._window = weakref.ref(main)
            main.installEventFilter(self)

    def _turn(self, is_open: bool) -> None:
        if is_open != self._open:
            self._open = is_open
            (self.opened if is_open else self.closed).emit()
