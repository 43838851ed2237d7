"""What the questions share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QDialog, QDialogButtonBox, QLabel, QWidget

from napari_ghosthunter.plugin.thumbnails import Thumbnails


class Question(QDialog):
    """A dialog with a line of explanation, Open and Cancel, and pictures that come by and by."""

    def __init__(self, path: Path, title: str, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.path = path
        self.thumbnails = Thumbnails(self)
        self.explanation = QLabel()
        self.explanation.setWordWrap(True)
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Open | QDialogButtonBox.StandardButton.Cancel, parent=self
        )
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)

    @property
    def open_button(self) -> Any:
        """The button that accepts."""
        return self.buttons.button(QDialogButtonBox.StandardButton.Open)

    def done(self, result: int) -> None:
        """Stop the pictures, however the dialog ends."""
        self.thumbnails.stop()
        super().done(result)
