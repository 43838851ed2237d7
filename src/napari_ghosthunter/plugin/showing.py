"""The moment in which a window is shown for the first time."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, QObject

from napari_ghosthunter.plugin.qt import Signal


class Showing(QObject):
    """Waits for a hidden window to be shown, says so once, and goes; a window that is closed takes it along."""

    shown = Signal()

    def __init__(self, window: Any) -> None:
        super().__init__(window)
        window.installEventFilter(self)

    def eventFilter(self, watched: Any, event: Any) -> bool:  # noqa: N802 - Qt's name
        """Look at what happens to the window, and let it happen."""
        if event.type() == QEvent.Type.Show:
            watched.removeEventFilter(self)
            self.shown.emit()
            self.deleteLater()
        return False
