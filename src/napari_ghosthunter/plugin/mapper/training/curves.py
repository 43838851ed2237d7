"""Loss and accuracy over the epochs, drawn as they come: a plain painted widget, ready at once and fast to redraw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPalette, QPen, QPolygonF, QTextOption
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_ghosthunter.plugin.mapper.training.axes import Axes

if TYPE_CHECKING:
    from napari_ghosthunter.learning.model import Epoch

# Blue and orange of Okabe and Ito, told apart by colour-blind eyes; their dark kin on a light ground.
ON_DARK = QColor("#56b4e9"), QColor("#e69f00")
ON_LIGHT = QColor("#0072b2"), QColor("#b35900")
EMPTY = "Loss and accuracy are drawn here while the network learns."
GAP = 6  # screen pixels between things

Get = Callable[["Epoch"], float | None]


class Curves(QWidget):
    """Two plots side by side: training as a solid line, held-out labels as a broken one, and the best epoch marked."""

    def __init__(self) -> None:
        super().__init__()
        self._history: Sequence[Epoch] = ()
        self._best: int | None = None
        self._word = ""
        self._hovered: int | None = None
        self._axes: list[Axes] = []
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(self.sizeHint().height())

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Ask for room for a legend and some height."""
        return QSize(300, 90 + 2 * self.fontMetrics().height())

    def show_history(self, history: Sequence[Epoch], best: int | None, word: str = "Epoch") -> None:
        """Draw the figures of some epochs, or what they are called; the model of `best` is kept, else the last one."""
        self._history, self._best, self._word = history, best, word
        self.update()

    @property
    def hover_text(self) -> str:
        """Loss and accuracy of the epoch under the cursor; empty if there is none."""
        entry = self._entry(self._hovered)
        if entry is None:
            return ""
        text = f"{self._word} {entry.epoch}: training {entry.train_loss:.3g}, {100 * entry.train_accuracy:.0f} %"
        if entry.validation_loss is None or entry.validation_accuracy is None:
            return text
        return f"{text}; held-out {entry.validation_loss:.3g}, {100 * entry.validation_accuracy:.0f} %"

    # ---- mouse ----

    def mouseMoveEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Tell the numbers of the epoch under the cursor."""
        place = event.position()
        inside = [axes for axes in self._axes if axes.area.left() - GAP <= place.x() <= axes.area.right() + GAP]
        self._hovered = inside[0].epoch_at(place.x()) if inside else None
        self.update()

    def leaveEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Show the legend again."""
        super().leaveEvent(event)
        self._hovered = None
        self.update()

    # ---- drawing ----

    def paintEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Draw everything; it takes less than a millisecond."""
        del event
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        text = self.palette().color(QPalette.ColorRole.WindowText)
        painter.setPen(text)
        if not self._history:
            self._axes = []
            painter.drawText(QRectF(self.rect()), EMPTY, QTextOption(Qt.AlignmentFlag.AlignCenter))
            return
        self._axes = self._lay_out()
        self._draw_head(painter, text)
        losses: tuple[Get, Get] = (lambda e: e.train_loss), (lambda e: e.validation_loss)
        shares: tuple[Get, Get] = (lambda e: e.train_accuracy), (lambda e: e.validation_accuracy)
        for axes, title, lines in zip(self._axes, ("Loss", "Accuracy"), (losses, shares), strict=True):
            self._draw_axes(painter, axes, title, text)
            for get, colour, style in zip(lines, self._colours, _STYLES, strict=True):
                self._draw_line(painter, axes, get, QPen(colour, 1.8, style))

    @property
    def _colours(self) -> tuple[QColor, QColor]:
        dark = self.palette().color(QPalette.ColorRole.WindowText).lightness() > 127
        return ON_DARK if dark else ON_LIGHT

    def _entry(self, epoch: int | None) -> Epoch | None:
        return self._history[epoch - 1] if epoch is not None and epoch <= len(self._history) else None

    def _lay_out(self) -> list[Axes]:
        """Place the two plots below the legend and the titles, with room for numbers at their axes."""
        line = self.fontMetrics().height()
        margin = self.fontMetrics().horizontalAdvance("0.05") + GAP
        top, bottom = 2 * line + GAP, self.height() - line - 2
        width = self.width() / 2 - margin - GAP
        losses = [loss for e in self._history for loss in (e.train_loss, e.validation_loss) if loss is not None]
        tops = max(max(losses) * 1.05, 1e-9), 1.0
        return [
            Axes(QRectF(margin + index * self.width() / 2, top, width, bottom - top), max(2, len(self._history)), high)
            for index, high in enumerate(tops)
        ]

    def _draw_head(self, painter: QPainter, text: QColor) -> None:
        """Draw the legend, or in its place the numbers under the cursor."""
        line = self.fontMetrics().height()
        if self.hover_text:
            self._draw_word(painter, 0, self.hover_text)
            return
        x = 0.0
        for title, colour, style in zip(("training", "held-out labels"), self._colours, _STYLES, strict=True):
            painter.setPen(QPen(colour, 1.8, style))
            painter.drawLine(QPointF(x, line / 2), QPointF(x + 24, line / 2))
            painter.setPen(text)
            x = self._draw_word(painter, x + 24 + GAP, title)
        if self._best is not None:
            _draw_mark(painter, QPointF(x + 4, line / 2 + 4), text)
            self._draw_word(painter, x + 8 + GAP, f"best: epoch {self._best}")

    def _draw_word(self, painter: QPainter, x: float, word: str) -> float:
        """Draw a word of the legend; give where the next thing begins."""
        painter.drawText(QPointF(x, self.fontMetrics().ascent()), word)
        return x + self.fontMetrics().horizontalAdvance(word) + 2 * GAP

    def _draw_axes(self, painter: QPainter, axes: Axes, title: str, text: QColor) -> None:
        line, area = self.fontMetrics().height(), axes.area
        faint = QColor(text)
        faint.setAlpha(60)
        painter.setPen(text)
        painter.drawText(QPointF(area.left(), area.top() - GAP), title)
        for value in axes.value_ticks:
            y = axes.point(1, value).y()
            painter.setPen(faint)
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(text)
            label = QRectF(0, y - line / 2, area.left() - 3, line)
            painter.drawText(label, f"{value:.3g}", _AT_RIGHT)
        for epoch in axes.epoch_ticks:
            x = axes.point(epoch, 0).x()
            half = self.fontMetrics().horizontalAdvance(f"{epoch}") / 2
            left = min(max(x - half, area.left()), area.right() - 2 * half + GAP)
            painter.drawText(QPointF(left, area.bottom() + self.fontMetrics().ascent() + 1), f"{epoch}")
        for epoch in filter(None, (self._best, self._hovered)):
            x = axes.point(epoch, 0).x()
            painter.setPen(QPen(faint if epoch == self._best else text, 1))
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
        if self._best is not None:
            _draw_mark(painter, QPointF(axes.point(self._best, 0).x(), area.top() + 2), text)

    def _draw_line(self, painter: QPainter, axes: Axes, get: Get, pen: QPen) -> None:
        values = [(entry.epoch, get(entry)) for entry in self._history]
        points = [axes.point(epoch, value) for epoch, value in values if value is not None]
        painter.setPen(pen)
        painter.drawPolyline(QPolygonF(points))
        if len(points) == 1:  # one epoch is no line yet
            painter.drawEllipse(points[0], 2, 2)


_AT_RIGHT = QTextOption(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
_STYLES = Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine


def _draw_mark(painter: QPainter, tip: QPointF, colour: QColor) -> None:
    """Draw a small triangle that points down to `tip`."""
    painter.save()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawPolygon(QPolygonF([tip, tip + QPointF(-4, -7), tip + QPointF(4, -7)]))
    painter.restore()
