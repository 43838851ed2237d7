"""How often, and how fine, a map may be previewed while a training runs: for a small share of its time."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

SHARE = 0.06  # of the time of the training
MOST_SHARE = 0.09  # where a preview that takes longer than expected is given up
LONGEST = 1.5  # seconds that one preview may take
PAUSE = 1.0  # seconds between two, at least: to draw them takes time too
FIRST = 12  # positions of the first preview, at least
GUESS = 0.004  # seconds that a position may take, before it is known
MOST_BYTES = 128 * 2**20  # of network inputs that are kept from one preview to the next


@dataclass(frozen=True)
class Turn:
    """Leave to make a preview: the stride of its grid, and the seconds that it may take."""

    stride: int
    seconds: float


class Pace:
    """Picks the grid of the next preview: a coarse one within seconds, finer ones as time allows.

    Parameters
    ----------
    scan_shape
        (scan_y, scan_x) of the scan.
    size
        Side of the network's input, in pixels.

    Attributes
    ----------
    spent
        Seconds that previews have taken until now.
    exhausted
        Whether there are to be no more.
    """

    def __init__(self, scan_shape: tuple[int, int], size: int) -> None:
        self.spent = 0.0
        self.exhausted = False
        self._scan_shape = scan_shape
        self._most = MOST_BYTES // (4 * size**2)
        self._seconds_each = GUESS
        self._last: int | None = None
        self._not_before = 0.0

    def next_turn(self, elapsed: float) -> Turn | None:
        """Give leave for a preview now, or None.

        Parameters
        ----------
        elapsed
            Seconds since the training began.
        """
        stride = self._wanted()
        affordable = self.spent + self._cost(stride) <= SHARE * elapsed
        if self.exhausted or not affordable or elapsed < self._not_before:
            return None
        self._not_before = elapsed + PAUSE
        return Turn(stride, MOST_SHARE * elapsed - self.spent)

    def took(self, turn: Turn, seconds: float, finished: bool) -> None:
        """Count the time of a preview that is done, or was given up."""
        self.spent += seconds
        each = seconds / self._count(turn.stride)
        if finished:
            self._seconds_each, self._last = each, turn.stride
        else:
            self._seconds_each = 2 * max(each, self._seconds_each)

    def _wanted(self) -> int:
        if self._last is None:
            stride = 1
            while self._count(stride * 2) >= FIRST:
                stride *= 2
            return stride
        finer = max(1, self._last // 2)
        fits = self._cost(finer) <= LONGEST and self._count(finer) <= self._most
        return finer if fits else self._last

    def _cost(self, stride: int) -> float:
        return self._seconds_each * self._count(stride)

    def _count(self, stride: int) -> int:
        return ceil(self._scan_shape[0] / stride) * ceil(self._scan_shape[1] / stride)
