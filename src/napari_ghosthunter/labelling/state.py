"""What edits change: classes, labels and sample points as they are now, without a history.

An edit is done whole or not at all, and only if it fits what is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from napari_ghosthunter.errors import LabelError
from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.labelling.edits import (
    Batch,
    Edit,
    RenameClass,
    SamplePoint,
    SetClasses,
    SetLabel,
    SetPoint,
    Single,
)
from napari_ghosthunter.labelling.positions import Position, inside_scan


class State:
    """Classes, labels and sample points of one scan; they change by `do` alone.

    Parameters
    ----------
    classes
        The classes that labels may have.
    scan_shape
        (scan_y, scan_x) of the scan; without it any position that is not negative is allowed.

    Attributes
    ----------
    classes, scan_shape
        As given; the classes as they are now.
    labels
        Class names by position, in no order.
    """

    def __init__(self, classes: ClassScheme, scan_shape: tuple[int, int] | None) -> None:
        self.classes, self.scan_shape = classes, scan_shape
        self.labels: dict[Position, str] = {}
        self._points: dict[Position, SamplePoint] = {}
        self._ordered: Mapping[Position, str] | None = None  # `points`, until one changes

    @property
    def points(self) -> Mapping[Position, str]:
        """Sample points, each with its reason, in the order in which they came."""
        if self._ordered is None:
            order = sorted(self._points, key=lambda spot: (self._points[spot].number, spot))
            self._ordered = MappingProxyType({spot: self._points[spot].reason for spot in order})
        return self._ordered

    def inside(self, position: Position) -> Position:
        """Return a position as two plain integers, once it is known to lie inside the scan; else LabelError."""
        return inside_scan(position, self.scan_shape)

    # ---- edits that fit what is there ----

    def relabelled(self, labels: Mapping[Position, str | None]) -> list[Single]:
        """Give the edits to these labels, None for none, from those of now."""
        wanted = {self.inside(position): name for position, name in labels.items()}
        return [SetLabel(position=spot, before=self.labels.get(spot), after=name) for spot, name in wanted.items()]

    def without_point(self, position: Position) -> list[Single]:
        """Give the edits that leave neither a label nor a sample point at a position."""
        spot = self.inside(position)
        return [*self.relabelled({spot: None}), SetPoint(position=spot, before=self._points.get(spot), after=None)]

    def new_points(self, reasons: Mapping[Position, str]) -> list[Single]:
        """Give those points that are not there yet the numbers after all that are."""
        wanted = {self.inside(position): reason for position, reason in reasons.items()}
        new = [(spot, reason) for spot, reason in wanted.items() if spot not in self._points]
        first = 1 + max((point.number for point in self._points.values()), default=-1)
        return [
            SetPoint(position=spot, before=None, after=SamplePoint(reason=reason, number=number))
            for number, (spot, reason) in enumerate(new, start=first)
        ]

    # ---- doing them ----

    def do(self, edit: Edit) -> None:
        """Do an edit; LabelError, and nothing changes, if it does not fit."""
        match edit:
            case SetLabel():
                self._set_label(edit)
            case SetPoint():
                self._set_point(edit)
            case RenameClass():
                self.classes = self.classes.rename(edit.before, edit.after)
                for position, name in self.labels.items():
                    if name == edit.before:
                        self.labels[position] = edit.after
            case SetClasses():
                self._set_classes(edit)
            case Batch():
                self._do_all(edit)

    def _do_all(self, batch: Batch) -> None:
        done: list[Single] = []
        try:
            for edit in batch.edits:
                self.do(edit)
                done.append(edit)
        except LabelError:
            for edit in reversed(done):
                self.do(edit.inverse())
            raise

    def _set_label(self, edit: SetLabel) -> None:
        position = self.inside(edit.position)
        now = self.labels.get(position)
        if now != edit.before:
            raise LabelError(f"Position {position} is labelled {now}, not {edit.before}; the edit does not fit.")
        if edit.after is None:
            self.labels.pop(position, None)
        else:
            self.classes.id_of(edit.after)  # refuses an unknown class
            self.labels[position] = edit.after

    def _set_point(self, edit: SetPoint) -> None:
        position = self.inside(edit.position)
        if self._points.get(position) != edit.before:
            raise LabelError(f"The sample point at {position} is not as the edit expects it; the edit does not fit.")
        self._ordered = None
        if edit.after is None:
            self._points.pop(position, None)
        else:
            self._points[position] = edit.after

    def _set_classes(self, edit: SetClasses) -> None:
        lost = set(self.labels.values()) - set(edit.after.names)
        if self.classes != edit.before or lost:
            raise LabelError(
                f"The classes are {', '.join(self.classes.names) or 'none'}; the edit does not fit them."
                + (f" Labels of {', '.join(sorted(lost))} would lose their class." if lost else "")
            )
        self.classes = edit.after
