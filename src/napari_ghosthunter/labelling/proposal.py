"""What is proposed to be labelled: positions, each with its reason."""

from __future__ import annotations

import operator
from dataclasses import dataclass

from napari_ghosthunter.errors import LabelError
from napari_ghosthunter.labelling.positions import Position


@dataclass(frozen=True)
class Proposal:
    """A probe position to label, and the reason why it is proposed."""

    scan_y: int
    scan_x: int
    reason: str

    @property
    def position(self) -> Position:
        """The position as (scan_y, scan_x)."""
        return self.scan_y, self.scan_x


@dataclass(frozen=True)
class Round:
    """The positions to label next, and one sentence for the user; when there are none it says why."""

    proposals: tuple[Proposal, ...]
    message: str


def at_least(least: int, value: int, what: str) -> int:
    """Return `value` as a plain integer, once it is known to be a whole number of at least `least`."""
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least:
        raise LabelError(f"{what} is {value}; it must be a whole number of at least {least}.")
    return number
