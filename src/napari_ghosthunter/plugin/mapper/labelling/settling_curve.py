"""How the live map settles, drawn small, for each of the last labels.

Above, a dot for how right the map probably was; below, a bar as high as the share of the map that the label changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import floor
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPalette, QTextOption
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_ghosthunter.plugin.mapper.shares import percent
from napari_ghosthunter.plugin.mapper.training.curves import ON_DARK, ON_LIGHT

if TYPE_CHECKING:
    from napari_ghosthunter.mapping.settling import Settling

LEAST_TOP = 0.02  # of the scale: what is less than that is to look little
BARS = 30  # that there is room for
GAP, DOT = 4, 2.0  # screen pixels between things, and half the size of a dot
HEIGHT, STRIP = 5.5, 1.5  # of all, and of the upper part, in lines of text
WORST = 0.9  # the scale of the accuracy begins here, or lower


class SettlingCurve(QWidget):
    """Dots and bars from the earlier to the later labels, with scales in percent."""

    def __init__(self) -> None:
        super().__init__()
        self._settling: Settling | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip(
            "Dots: the estimated accuracy of the map after each of the last labels.\n"
            "Bars: how much of the map the label has changed.\n"
            "Once that is hardly anything, more labels of this kind change hardly anything, too."
        )

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Ask for some height."""
        return QSize(200, round(HEIGHT * self.fontMetrics().height()))

    def show_settling(self, settling: Settling | None) -> None:
        """Draw this, or nothing."""
        self._settling = settling
        self.update()

    def paintEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Draw everything; it takes less than a millisecond."""
        del event
        if self._settling is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        text = self.palette().color(QPalette.ColorRole.WindowText)
        bars, dots = (ON_DARK if text.lightness() > 127 else ON_LIGHT)[:2]
        line = self.fontMetrics().height()
        left = self.fontMetrics().horizontalAdvance(percent(1.0)) + 2 * GAP
        width = self.width() - left - 2 * GAP
        probable = [None if one is None else one.accuracy for one in self._settling.estimates]
        known = [share for share in probable if share is not None]
        top = line / 2 + 1
        if known:
            lowest = min(WORST, floor(10 * min(known)) / 10)
            strip = QRectF(left, top, width, STRIP * line)
            _scale(painter, strip, lowest, 1.0, text)
            self._dot(painter, strip, probable, lowest, dots)
            top = strip.bottom() + line
        area = QRectF(left, top, width, self.height() - line - GAP - top)
        most = max((share for share in self._settling.changed if share is not None), default=0.0)
        _scale(painter, area, 0.0, max(LEAST_TOP, most), text)
        self._bar(painter, area, max(LEAST_TOP, most), bars)
        painter.setPen(text)
        first = self._settling.labels[0] if self._settling.labels else 0
        for number, count in enumerate(self._settling.labels):
            if count == first or count % 5 == 0:
                middle = area.left() + (number + 0.5) * self._slot(area)
                painter.drawText(QRectF(middle - 20, area.bottom() + 1, 40, line), f"{count}", _IN_MIDDLE)

    def _slot(self, area: QRectF) -> float:
        """How wide one label is."""
        assert self._settling is not None
        return area.width() / max(BARS, len(self._settling.labels))

    def _dot(
        self, painter: QPainter, area: QRectF, shares: Sequence[float | None], lowest: float, colour: QColor
    ) -> None:
        slot = self._slot(area)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        for number, share in enumerate(shares):
            if share is not None:
                y = area.bottom() - (share - lowest) / (1 - lowest) * area.height()
                painter.drawEllipse(QPointF(area.left() + (number + 0.5) * slot, y), DOT, DOT)

    def _bar(self, painter: QPainter, area: QRectF, top: float, colour: QColor) -> None:
        assert self._settling is not None
        slot = self._slot(area)
        for number, changed in enumerate(self._settling.changed):
            if changed is not None:
                height = max(1.0, changed / top * area.height())
                at = area.left() + number * slot + 1
                painter.fillRect(QRectF(at, area.bottom() - height, max(1.0, slot - 2), height), colour)


def _scale(painter: QPainter, area: QRectF, low: float, high: float, text: QColor) -> None:
    """Draw a line at either end of an area, and what it stands for."""
    faint = QColor(text)
    faint.setAlpha(60)
    line = painter.fontMetrics().height()
    for share, y in ((high, area.top()), (low, area.bottom())):
        painter.setPen(faint)
        painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
        painter.setPen(text)
        painter.drawText(QRectF(0, y - line / 2, area.left() - GAP, line), percent(share), _AT_RIGHT)


_AT_RIGHT = QTextOption(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
_IN_MIDDLE = QTextOption(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
