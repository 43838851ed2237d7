"""Which array of a file is the scan."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qtpy.QtCore import QSize
from qtpy.QtWidgets import QHBoxLayout, QLabel, QListWidget, QVBoxLayout, QWidget

from napari_ghosthunter.errors import ScanShapeError
from napari_ghosthunter.plugin.questions.question import Question
from napari_ghosthunter.plugin.thumbnails import FoldedImages, thumbnail
from napari_ghosthunter.plugin.window import waiting
from napari_ghosthunter.scan.readers import open_scan

PREVIEW = QSize(320, 260)


class DatasetDialog(Question):
    """Choose the array that is the scan, by its name and its picture.

    Parameters
    ----------
    path
        The file.
    names
        Arrays that can be chosen.
    before
        What was chosen when the file was last opened; preselected.
    parent
        The window to open over.
    """

    def __init__(
        self, path: Path, names: Sequence[str], before: str | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(path, "Which of these is the scan?", parent)
        self.explanation.setText(f"<b>{path.name}</b> holds several arrays that could be the scan. Choose one of them.")
        self.choices = QListWidget()
        self.choices.addItems(list(names))
        self.choices.setMinimumWidth(280)
        self.picture = QLabel()
        self.picture.setFixedSize(PREVIEW)
        self.caption = QLabel()
        self.caption.setWordWrap(True)
        right = QVBoxLayout()
        right.addWidget(self.picture)
        right.addWidget(self.caption)
        right.addStretch()
        both = QHBoxLayout()
        both.addWidget(self.choices, 1)
        both.addLayout(right)
        layout = QVBoxLayout(self)
        layout.addWidget(self.explanation)
        layout.addLayout(both, 1)
        layout.addWidget(self.buttons)
        self.choices.currentTextChanged.connect(self._preview)
        self.choices.itemDoubleClicked.connect(self.accept)
        self.choices.setCurrentRow(list(names).index(before) if before is not None and before in names else 0)

    @property
    def name(self) -> str:
        """The array chosen."""
        return str(self.choices.currentItem().text())

    def _preview(self, name: str) -> None:
        """Show the array as it would be opened."""
        self.thumbnails.stop()
        self.picture.clear()
        try:
            with waiting():
                scan = open_scan(self.path, dataset=name)
        except ScanShapeError:
            self.caption.setText("Patterns in one row: you will be asked for rows and columns.")
            return
        y, x, k_y, k_x = scan.shape
        self.caption.setText(f"{y} × {x} positions, patterns of {k_y} × {k_x} pixels ({scan.dtype})")
        self.picture.setPixmap(thumbnail(None, scan.scan_shape, PREVIEW))
        self.thumbnails.add(
            FoldedImages(lambda: scan).job(),
            lambda picture: self.picture.setPixmap(thumbnail(picture, scan.scan_shape, PREVIEW)),
        )
