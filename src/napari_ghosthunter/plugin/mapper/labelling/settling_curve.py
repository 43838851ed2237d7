"""How the live map settles, drawn small: a bar for each of the last labels, as high as the share that it changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPalette, QTextOption
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_ghosthunter.plugin.mapper.training.curves import ON_DARK, ON_LIGHT

if TYPE_CHECKING:
    from napari_ghosthunter.mapping.settling import Settling

LEAST_TOP = 0.02  # of the scale: what is less than that is to look little
BARS = 30  # that there is room for
GAP = 4  # screen pixels between things


class SettlingCurve(QWidget):
    """Bars from the earlier to the later labels, with a scale in percent."""

    def __init__(self) -> None:
        super().__init__()
        self._settling: Settling | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip(
            "How much of the map each of the last labels has changed.\n"
            "Once that is hardly anything, more labels of this kind change hardly anything, too."
        )

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Ask for some height."""
        return QSize(200, 4 * self.fontMetrics().height())

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
        text = self.palette().color(QPalette.ColorRole.WindowText)
        colour = (ON_DARK if text.lightness() > 127 else ON_LIGHT)[0]
        top = max(LEAST_TOP, *(share for share in self._settling.changed if share is not None), LEAST_TOP)
        area = self._area(top)
        faint = QColor(text)
        faint.setAlpha(60)
        line = self.fontMetrics().height()
        for share, y in ((top, area.top()), (0.0, area.bottom())):
            painter.setPen(faint)
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(text)
            painter.drawText(QRectF(0, y - line / 2, area.left() - GAP, line), percent(share), _AT_RIGHT)
        slots = max(BARS, len(self._settling.changed))
        width = area.width() / slots
        first = self._settling.labels[0] if self._settling.labels else 0
        for number, (count, changed) in enumerate(zip(self._settling.labels, self._settling.changed, strict=True)):
            left = area.left() + number * width
            if changed is not None:
                height = max(1.0, changed / top * area.height())
                painter.fillRect(QRectF(left + 1, area.bottom() - height, max(1.0, width - 2), height), colour)
            if count == first or count % 5 == 0:
                box = QRectF(left + width / 2 - 20, area.bottom() + 1, 40, line)
                painter.drawText(box, f"{count}", _IN_MIDDLE)

    def _area(self, top: float) -> QRectF:
        line = self.fontMetrics().height()
        margin = self.fontMetrics().horizontalAdvance(percent(top)) + 2 * GAP
        return QRectF(margin, line / 2 + 1, self.width() - margin - 2 * GAP, self.height() - 1.5 * line - GAP)


def percent(share: float) -> str:
    """Write a share in percent, with as many digits as it deserves."""
    hundred = 100 * share
    return f"{hundred:.0f}\N{NO-BREAK SPACE}%" if hundred >= 10 or hundred == 0 else f"{hundred:.1f}\N{NO-BREAK SPACE}%"


_AT_RIGHT = QTextOption(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
_IN_MIDDLE = QTextOption(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
