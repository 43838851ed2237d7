"""The geometry of a small plot: where its values lie on the screen, and which round numbers stand at its axes."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log10

from qtpy.QtCore import QPointF, QRectF


def round_step(span: float, count: int) -> float:
    """Give 1, 2 or 5 times a power of ten, so that no more than `count` steps of it fill a span above zero."""
    least = span / count
    decade = 10.0 ** floor(log10(least))
    return next(factor * decade for factor in (1, 2, 5, 10) if factor * decade >= least * (1 - 1e-9))


@dataclass(frozen=True)
class Axes:
    """Maps (epoch, value) to points inside a rectangle of the screen; values begin at zero.

    Attributes
    ----------
    area
        Where the curves are drawn.
    epochs
        The last epoch; the first is 1.
    top
        The largest value.
    """

    area: QRectF
    epochs: int
    top: float

    def point(self, epoch: float, value: float) -> QPointF:
        """Place a value on the screen; what is above the top stays at the top."""
        along = (epoch - 1) / max(1, self.epochs - 1)
        height = min(value, self.top) / self.top
        return QPointF(self.area.left() + along * self.area.width(), self.area.bottom() - height * self.area.height())

    def epoch_at(self, x: float) -> int:
        """Give the epoch that is nearest to a place on the screen."""
        along = (x - self.area.left()) / max(1.0, self.area.width())
        return min(max(1, round(1 + along * (self.epochs - 1))), self.epochs)

    @property
    def value_ticks(self) -> list[float]:
        """Round values for numbers at the axis."""
        step = round_step(self.top, 3)
        return [index * step for index in range(floor(self.top / step + 1e-9) + 1)]

    @property
    def epoch_ticks(self) -> list[int]:
        """Epochs for numbers at the axis: the first, and round ones."""
        step = max(1, ceil(round_step(self.epochs, 4)))
        return [1, *range(step if step > 1 else 2, self.epochs + 1, step)]
