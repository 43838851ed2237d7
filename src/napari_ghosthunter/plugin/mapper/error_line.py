"""What went wrong, in full: a notification shows the beginning of its first line alone."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QSize, Qt, QTimer
from qtpy.QtGui import QTextOption
from qtpy.QtWidgets import QFrame, QScrollArea, QSizePolicy, QTextEdit, QWidget

SIGN = "\N{WARNING SIGN} "  # says it without a colour, too


class ErrorLine(QTextEdit):
    """An error as text to read and to copy, as high as it is long; it takes no room if there is none.

    A label would grow as wide as the longest path, and one that is broken by hidden spaces cannot be copied.
    """

    def __init__(self) -> None:
        super().__init__()
        self.message = ""
        self.setReadOnly(True)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setAccessibleName("What went wrong")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        for set_policy in (self.setVerticalScrollBarPolicy, self.setHorizontalScrollBarPolicy):
            set_policy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.document().documentLayout().documentSizeChanged.connect(self._make_room)
        self._into_view = QTimer(self)  # when the page has made room for it
        self._into_view.setSingleShot(True)
        self._into_view.timeout.connect(self._scroll_to_it)
        self.hide()

    def say(self, message: str) -> None:
        """Show an error, and scroll to it; nothing if there is none."""
        if message == self.message:
            return
        self.message = message
        self.setPlainText(f"{SIGN}{message}" if message else "")
        self.setVisible(bool(message))
        if message:
            self._into_view.start()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Ask for no width of its own."""
        return QSize(0, self.height())

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Ask for no width of its own."""
        return self.sizeHint()

    def showEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Be as high as the text is at this width."""
        super().showEvent(event)
        self._make_room()

    def _make_room(self, _size: Any = None) -> None:
        self.setFixedHeight(round(self.document().size().height()) + 2)

    def _scroll_to_it(self) -> None:
        area: QWidget | None = self.parentWidget()
        while area is not None and not isinstance(area, QScrollArea):
            area = area.parentWidget()
        if area is not None and self.isVisible():
            area.ensureWidgetVisible(self)
