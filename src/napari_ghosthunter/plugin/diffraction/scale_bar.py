"""A scale bar in reciprocal units: napari's own says '500 1/µm' where a microscopist reads 0.5 1/nm."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QRect, Qt
from qtpy.QtGui import QColor, QPainter
from qtpy.QtWidgets import QWidget

from napari_ghosthunter.scan.units import nice_length

WIDTH, HEIGHT = 150, 34  # of the widget, in screen pixels
MARGIN = 10
TARGET = 110.0  # screen pixels that the bar may be long


class ScaleBar(QWidget):
    """Lies over the lower right corner of a canvas, and lets the mouse through."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._canvas = parent
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFixedSize(WIDTH, HEIGHT)
        self.text = ""
        self._pixels = 0

    def set_scale(self, zoom: float, units: str) -> None:
        """Set the screen pixels that one unit takes."""
        length = nice_length(TARGET / zoom)
        self._pixels = round(length * zoom)
        self.text = f"{length:g} {units}"
        self.update()

    def place(self) -> None:
        """Go to the corner of the parent."""
        area = self._canvas.rect()
        self.move(area.width() - WIDTH - MARGIN, area.height() - HEIGHT - MARGIN)
        self.raise_()

    def paintEvent(self, _event: Any) -> None:  # noqa: N802 - Qt's name
        """Draw text and bar on a shade, so that they stand out from any pattern."""
        painter = QPainter(self)
        text_width = painter.fontMetrics().horizontalAdvance(self.text)
        width = max(self._pixels, text_width) + 12
        painter.fillRect(QRect(WIDTH - width, 0, width, HEIGHT), QColor(0, 0, 0, 160))
        painter.setPen(QColor("white"))
        painter.drawText(QRect(WIDTH - width, 2, width, HEIGHT - 12), Qt.AlignmentFlag.AlignCenter, self.text)
        painter.fillRect(
            QRect(WIDTH - width + (width - self._pixels) // 2, HEIGHT - 8, self._pixels, 3), QColor("white")
        )
        painter.end()
