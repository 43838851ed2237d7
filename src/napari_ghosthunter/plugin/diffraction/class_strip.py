"""A row of mean patterns, one a class, to hold a new pattern against."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.utils.colormaps import ensure_colormap
from numpy.typing import NDArray
from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QIcon, QImage, QPixmap
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QScrollArea, QToolButton, QVBoxLayout, QWidget

from napari_ghosthunter.plugin.diffraction.class_means import ClassMean
from napari_ghosthunter.plugin.qt import Signal

THUMBNAIL = 84  # screen pixels
NO_LABELS = "Label some positions first: then the mean pattern of each class is shown here."


class ClassStrip(QWidget):
    """Shows class means on demand; a click shows one large."""

    wanted = Signal(bool)
    chosen = Signal(str)  # name of a class, or '' for none

    def __init__(self) -> None:
        super().__init__()
        self.toggle = QPushButton("Show class means")
        self.toggle.setCheckable(True)
        self.toggle.setToolTip("Mean of the labelled patterns of each class, to compare a new pattern with")
        self.toggle.toggled.connect(self._toggled)
        self.note = QLabel()
        self.note.setWordWrap(True)
        self.buttons: dict[str, QToolButton] = {}
        self._inside = QWidget()
        self._row = QHBoxLayout(self._inside)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.addStretch(1)
        self._scroll = QScrollArea()
        self._scroll.setWidget(self._inside)
        self._scroll.setWidgetResizable(True)
        self._scroll.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFixedHeight(THUMBNAIL + 56)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        for widget in (self.toggle, self.note, self._scroll):
            column.addWidget(widget)
        self._toggled(False)

    def say(self, note: str) -> None:
        """Show a note, or none."""
        self.note.setText(note)
        self.note.setVisible(bool(note) and self.toggle.isChecked())

    def clear(self) -> None:
        """Take all thumbnails away."""
        for button in self.buttons.values():
            self._row.removeWidget(button)
            button.hide()
            button.deleteLater()
        self.buttons = {}
        self._scroll.hide()

    def add(self, mean: ClassMean, picture: NDArray[np.uint8]) -> None:
        """Append the thumbnail of a class."""
        button = QToolButton()
        button.setCheckable(True)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        button.setIconSize(QSize(THUMBNAIL, THUMBNAIL))
        button.setText(f"{mean.name} ({mean.count})")
        button.setToolTip(f"Mean of {mean.count} patterns labelled '{mean.name}'. Click to see it large.")
        button.setStyleSheet(
            f"QToolButton {{ border: 3px solid {mean.colour}; border-radius: 3px; padding: 2px; }}"
            "QToolButton:checked { background: palette(highlight); }"
        )
        button.setIcon(QIcon(_pixmap(picture)))
        button.clicked.connect(lambda checked, name=mean.name: self._choose(name if checked else ""))
        self.buttons[mean.name] = button
        self._row.insertWidget(self._row.count() - 1, button)
        self._scroll.setVisible(self.toggle.isChecked())

    def redraw(self, name: str, picture: NDArray[np.uint8]) -> None:
        """Draw a thumbnail anew, in other colours."""
        self.buttons[name].setIcon(QIcon(_pixmap(picture)))

    def _choose(self, name: str) -> None:
        for other, button in self.buttons.items():
            button.setChecked(other == name)
        self.chosen.emit(name)

    def _toggled(self, on: bool) -> None:
        if on:
            self.wanted.emit(True)  # before it takes room
        self.toggle.setText("Hide class means" if on else "Show class means")
        self._scroll.setVisible(on and bool(self.buttons))
        self.note.setVisible(on and bool(self.note.text()))
        if not on:
            self._choose("")
            self.wanted.emit(False)


def coloured(values: NDArray[np.float32], limits: tuple[float, float], colormap: str) -> NDArray[np.uint8]:
    """Colour displayed values as the pattern itself is coloured, shape (k_y, k_x, 4)."""
    low, high = limits
    share = np.clip((values - low) / (high - low), 0, 1)
    rgba: NDArray[np.uint8] = (np.asarray(ensure_colormap(colormap).map(share)) * 255).round().astype(np.uint8)
    return rgba


def _pixmap(picture: NDArray[np.uint8]) -> Any:
    height, width = picture.shape[:2]
    image = QImage(np.ascontiguousarray(picture).data, width, height, 4 * width, QImage.Format.Format_RGBA8888)
    return QPixmap.fromImage(image.copy()).scaled(
        THUMBNAIL, THUMBNAIL, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    )
