"""Fields on a page that scrolls, which the wheel of the mouse must not change in passing.

A threshold that a scrolling user has changed unseen would leave positions out of what is exported.
"""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QAbstractSlider, QAbstractSpinBox, QComboBox, QScrollBar, QTabBar, QWidget

FIELDS = (QAbstractSpinBox, QAbstractSlider, QComboBox, QTabBar)


def calm(widget: QWidget) -> None:
    """Leave the wheel to the page: no field in a widget takes it, nor any that comes into it later."""
    _Calm(widget).watch(widget)


class _Calm(QObject):
    def watch(self, widget: QWidget) -> None:
        """Watch a widget, and all that is in it."""
        for one in (widget, *widget.findChildren(QWidget)):
            if one.focusPolicy() == Qt.FocusPolicy.WheelFocus:
                one.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # nor does the wheel take the keys away
            one.installEventFilter(self)

    def eventFilter(self, watched: Any, event: Any) -> bool:  # noqa: N802 - Qt's name
        """Hand the wheel on to what is around a field."""
        kind = event.type()
        if kind == QEvent.Type.Wheel and isinstance(watched, FIELDS) and not isinstance(watched, QScrollBar):
            event.ignore()
            return True
        if kind == QEvent.Type.ChildPolished and isinstance(event.child(), QWidget):  # when only added, it is half made
            self.watch(event.child())
        return False
