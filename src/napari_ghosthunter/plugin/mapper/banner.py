"""The offer at the top of the dock to go on with earlier work on the scan: nothing is gone on with unasked."""

from __future__ import annotations

from typing import Any

from qtpy.QtWidgets import QComboBox, QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout

from napari_ghosthunter.plugin.mapper.desk import Desk


class Banner(QFrame):
    """Shown while the desk has earlier sittings to choose from."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.choice = QComboBox()
        self.choice.setToolTip("Your earlier work on this scan, the last one first")
        self.go_on = QPushButton("Go on with it")
        self.anew = QPushButton("Start anew")
        self.anew.setToolTip("The earlier work stays where it is; you can come back to it later.")
        buttons = QHBoxLayout()
        buttons.addWidget(self.go_on)
        buttons.addWidget(self.anew)
        column = QVBoxLayout(self)
        column.addWidget(self.words)
        column.addWidget(self.choice)
        column.addLayout(buttons)
        self.go_on.clicked.connect(lambda: desk.go_on(self.desk.past[self.choice.currentIndex()]))
        self.anew.clicked.connect(lambda _checked: desk.start_anew())
        self.choice.currentIndexChanged.connect(self._describe)
        desk.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show what there is to choose from."""
        past = self.desk.past if self.desk.session is None and not self.desk.busy else ()
        self.setVisible(bool(past))
        self.choice.blockSignals(True)
        self.choice.clear()
        self.choice.addItems([f"{one.last_used.astimezone():%d %b %Y, %H:%M}" for one in past])
        usable = [index for index, one in enumerate(past) if not one.in_use]
        self.choice.setCurrentIndex(usable[0] if usable else 0)
        self.choice.blockSignals(False)
        self.choice.setVisible(len(past) > 1)
        self._describe()

    def _describe(self) -> None:
        index = self.choice.currentIndex()
        if not 0 <= index < len(self.desk.past):
            return
        past = self.desk.past[index]
        lines = [f"You have worked on this scan before, {past}.", *past.notes]
        if past.in_use:
            lines.append("Go on there, close that window, or start anew.")
        self.words.setText("\n".join(lines))
        self._make_room()
        self.go_on.setEnabled(not past.in_use)

    def resizeEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Keep all of the text in sight."""
        super().resizeEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        """Ask for the height of the wrapped text: a dock is squeezed to what its parts ask for."""
        self.words.setMinimumHeight(max(0, self.words.heightForWidth(self.words.width())))  # -1 without a text
