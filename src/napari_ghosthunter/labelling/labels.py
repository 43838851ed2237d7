"""The labels of one scan, as a model that knows no view: every change is a small edit that can be taken back.

Beside the labels it keeps the sample points, the positions that were chosen to be labelled, each with the reason why:
one history for both, so that undo walks back over all that a user did.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_ghosthunter.errors import LabelError
from napari_ghosthunter.labelling.classes import ClassScheme, short_list
from napari_ghosthunter.labelling.edits import (
    Batch,
    Edit,
    How,
    Position,
    RenameClass,
    SamplePoint,
    SetClasses,
    SetLabel,
    SetPoint,
    Single,
    edit_from_json,
)

__all__ = [
    "Batch",
    "Edit",
    "LabelSet",
    "Position",
    "RenameClass",
    "SetClasses",
    "SetLabel",
    "SetPoint",
    "edit_from_json",
    "inside_scan",
]


class LabelSet(Mapping[Position, str]):
    """Labels by probe position, with undo and redo: a mapping (scan_y, scan_x) -> class name.

    It reads like a dict whose positions come sorted by (scan_y, scan_x), and it changes only through its methods, each
    of which is one undo step. `changed` tells of every change with two arguments: the edit as it was done (an undo
    tells the inverse edit), and 'apply', 'undo' or 'redo'.

    Parameters
    ----------
    classes
        The classes that labels may have; none by default.
    scan_shape
        (scan_y, scan_x) of the scan; without it any position that is not negative is allowed.
    labels, points
        Labels, and sample points with their reasons, to start from; they are not part of the history.

    Attributes
    ----------
    recorder
        Called with each edit and how it was done ('apply', 'undo' or 'redo') before anybody hears of it, to keep it on
        disk. If it raises anything, the edit is taken back: what is not kept has not happened.

    Raises
    ------
    LabelError
        From every method that is given a position outside the scan or a class that is not in `classes`.
    """

    changed = Signal(object, str)

    def __init__(
        self,
        classes: ClassScheme | None = None,
        scan_shape: tuple[int, int] | None = None,
        labels: Mapping[Position, str] | None = None,
        points: Mapping[Position, str] | None = None,
    ) -> None:
        self._classes = ClassScheme() if classes is None else classes
        self._scan_shape = scan_shape
        self.recorder: Callable[[Edit, How], object] | None = None
        self._labels: dict[Position, str] = {}
        self._points: dict[Position, SamplePoint] = {}
        self._ordered: Mapping[Position, str] | None = None  # `points`, until one changes
        self._done: list[Edit] = []
        self._undone: list[Edit] = []
        for position, name in (labels or {}).items():
            inside = self._inside(position)
            self._perform(SetLabel(position=inside, before=self._labels.get(inside), after=name))
        for edit in self._new_points(points or {}):
            self._perform(edit)

    @property
    def classes(self) -> ClassScheme:
        """The classes that labels may have."""
        return self._classes

    @property
    def scan_shape(self) -> tuple[int, int] | None:
        """(scan_y, scan_x) of the scan, where it is known."""
        return self._scan_shape

    def __getitem__(self, position: Position) -> str:
        """Return the class name at a labelled position."""
        return self._labels[position]

    def __iter__(self) -> Iterator[Position]:
        """Go through the labelled positions, sorted by (scan_y, scan_x)."""
        return iter(sorted(self._labels))

    def __len__(self) -> int:
        """Return the number of labelled positions."""
        return len(self._labels)

    def __repr__(self) -> str:
        """Say how many labels of which classes there are."""
        counts = short_list([f"{name}: {count}" for name, count in self.counts().items()])
        return f"LabelSet({len(self)} labels; {counts or 'no classes'})"

    @property
    def points(self) -> Mapping[Position, str]:
        """Sample points as they are now, labelled or not, each with its reason, in the order in which they came."""
        if self._ordered is None:
            order = sorted(self._points, key=lambda spot: (self._points[spot].number, spot))
            self._ordered = MappingProxyType({spot: self._points[spot].reason for spot in order})
        return self._ordered

    @property
    def waiting(self) -> list[Position]:
        """Sample points that have no label yet, in the order in which they came."""
        return [spot for spot in self.points if spot not in self._labels]

    @property
    def positions(self) -> NDArray[np.int64]:
        """Labelled positions, shape (n, 2) as (scan_y, scan_x), sorted."""
        return np.array(list(self), dtype=np.int64).reshape(-1, 2)

    def to_arrays(self) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Return the positions, shape (n, 2) and sorted, and the class ids (1 to the number of classes), shape (n,)."""
        ids = {name: number for number, name in enumerate(self._classes.names, start=1)}
        return self.positions, np.array([ids[self._labels[position]] for position in self], dtype=np.uint8)

    def counts(self) -> dict[str, int]:
        """Return the number of labels of each class, in the order of the classes, 0 included."""
        found = Counter(self._labels.values())
        return {name: found[name] for name in self._classes.names}

    def label(self, position: Position, name: str | None) -> None:
        """Give a position a class, or change the one it has; None removes its label.

        Raises
        ------
        LabelError
            If the position is outside the scan or there is no such class.
        """
        self.label_many({position: name})

    def label_many(self, labels: Mapping[Position, str | None]) -> None:
        """Label several positions as one undo step; None removes a label. Nothing is changed if one of them is wrong.

        Raises
        ------
        LabelError
            If a position is outside the scan or a class unknown.
        """
        wanted = {self._inside(position): name for position, name in labels.items()}
        self._apply_changes(
            [SetLabel(position=spot, before=self._labels.get(spot), after=name) for spot, name in wanted.items()]
        )

    def add_points(self, reasons: Mapping[Position, str]) -> None:
        """Add sample points, each with its reason, as one undo step; one that is there already stays as it is.

        Raises
        ------
        LabelError
            If a position is outside the scan; nothing is added then.
        """
        self._apply_changes(self._new_points(reasons))

    def remove_point(self, position: Position) -> None:
        """Remove a sample point and its label, as one undo step; nothing happens where there is neither.

        Raises
        ------
        LabelError
            If the position is outside the scan.
        """
        spot = self._inside(position)
        self._apply_changes(
            [
                SetLabel(position=spot, before=self._labels.get(spot), after=None),
                SetPoint(position=spot, before=self._points.get(spot), after=None),
            ]
        )

    def add_class(self, name: str, colour: str | None = None) -> None:
        """Add a class, as `ClassScheme.add` does."""
        self._apply_changes([SetClasses(before=self._classes, after=self._classes.add(name, colour))])

    def recolour_class(self, name: str, colour: str) -> None:
        """Give a class another colour."""
        self._apply_changes([SetClasses(before=self._classes, after=self._classes.recolour(name, colour))])

    def rename_class(self, name: str, new_name: str) -> None:
        """Call a class by another name, in the scheme and in every label."""
        self._apply_changes([RenameClass(before=name, after=new_name)])

    def remove_class(self, name: str) -> None:
        """Remove a class and all labels of it, as one undo step."""
        fewer = self._classes.remove(name)
        cleared = [SetLabel(position=position, before=name, after=None) for position in self if self[position] == name]
        self._apply_changes([*cleared, SetClasses(before=self._classes, after=fewer)])

    def set_classes(self, classes: ClassScheme) -> None:
        """Replace the class scheme; the labels keep their names.

        Raises
        ------
        LabelError
            If a class that has labels would be gone.
        """
        self._apply_changes([SetClasses(before=self._classes, after=classes)])

    def take(self, other: LabelSet, reason: str, *, replace: bool = True) -> None:
        """Take over the labels of another set, such as one from a file, as one undo step.

        Parameters
        ----------
        other
            The labels. Those of its classes that are not here are added at the end.
        reason
            The reason of the sample points that are made where there were none.
        replace
            Whether a label replaces a different one that is here; if not, the one that is here stays.

        Raises
        ------
        LabelError
            If a position is outside the scan, or there would be too many classes; nothing is changed then.
        """
        wanted = {self._inside(spot): name for spot, name in other.items() if replace or spot not in self._labels}
        labels = [SetLabel(position=spot, before=self._labels.get(spot), after=name) for spot, name in wanted.items()]
        classes = SetClasses(before=self._classes, after=self._classes.joined(other.classes))
        self._apply_changes([classes, *self._new_points(dict.fromkeys(wanted, reason)), *labels])

    def apply(self, edit: Edit) -> None:
        """Do an edit, from a journal for instance, as one undo step. It is done whole or not at all.

        Raises
        ------
        LabelError
            If the edit does not fit the labels as they are now.
        """
        self._perform_and_record(edit, "apply")
        self._done.append(edit)
        self._undone.clear()
        self.changed.emit(edit, "apply")

    @property
    def can_undo(self) -> bool:
        """Whether there is an edit to take back."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether there is an undone edit to do again."""
        return bool(self._undone)

    @property
    def next_undo(self) -> Edit | None:
        """The edit that `undo` would do; None if there is nothing to take back."""
        return self._done[-1].inverse() if self._done else None

    @property
    def next_redo(self) -> Edit | None:
        """The edit that `redo` would do; None if there is nothing to do again."""
        return self._undone[-1] if self._undone else None

    def undo(self) -> None:
        """Take the last edit back; nothing happens if there is none."""
        inverse = self.next_undo
        if inverse is not None:
            self._perform_and_record(inverse, "undo")
            self._undone.append(self._done.pop())
            self.changed.emit(inverse, "undo")

    def redo(self) -> None:
        """Do the last undone edit again; nothing happens if there is none."""
        edit = self.next_redo
        if edit is not None:
            self._perform_and_record(edit, "redo")
            self._done.append(self._undone.pop())
            self.changed.emit(edit, "redo")

    def _apply_changes(self, edits: Sequence[Single]) -> None:
        """Do those of the edits that change something, as one undo step."""
        changes = [edit for edit in edits if edit.before != edit.after]
        if len(changes) == 1:
            self.apply(changes[0])
        elif changes:
            self.apply(Batch(edits=tuple(changes)))

    def _new_points(self, reasons: Mapping[Position, str]) -> list[Single]:
        """Give those points that are not there yet the numbers after all that are."""
        wanted = {self._inside(position): reason for position, reason in reasons.items()}
        new = [(spot, reason) for spot, reason in wanted.items() if spot not in self._points]
        first = 1 + max((point.number for point in self._points.values()), default=-1)
        return [
            SetPoint(position=spot, before=None, after=SamplePoint(reason=reason, number=number))
            for number, (spot, reason) in enumerate(new, start=first)
        ]

    def _perform_and_record(self, edit: Edit, how: How) -> None:
        self._perform(edit)
        if self.recorder is not None:
            try:
                self.recorder(edit, how)
            except BaseException:  # Ctrl+C too: what is not kept has not happened
                self._perform(edit.inverse())
                raise

    def _perform(self, edit: Edit) -> None:
        """Do an edit without remembering or telling it."""
        match edit:
            case SetLabel():
                self._set_label(edit)
            case SetPoint():
                self._set_point(edit)
            case RenameClass():
                self._classes = self._classes.rename(edit.before, edit.after)
                for position, name in self._labels.items():
                    if name == edit.before:
                        self._labels[position] = edit.after
            case SetClasses():
                self._set_classes(edit)
            case Batch():
                self._perform_all(edit)

    def _perform_all(self, batch: Batch) -> None:
        done: list[Single] = []
        try:
            for edit in batch.edits:
                self._perform(edit)
                done.append(edit)
        except LabelError:
            for edit in reversed(done):
                self._perform(edit.inverse())
            raise

    def _set_label(self, edit: SetLabel) -> None:
        position = self._inside(edit.position)
        now = self._labels.get(position)
        if now != edit.before:
            raise LabelError(f"Position {position} is labelled {now}, not {edit.before}; the edit does not fit.")
        if edit.after is None:
            self._labels.pop(position, None)
        else:
            self._classes.id_of(edit.after)  # refuses an unknown class
            self._labels[position] = edit.after

    def _set_point(self, edit: SetPoint) -> None:
        position = self._inside(edit.position)
        if self._points.get(position) != edit.before:
            raise LabelError(f"The sample point at {position} is not as the edit expects it; the edit does not fit.")
        self._ordered = None
        if edit.after is None:
            self._points.pop(position, None)
        else:
            self._points[position] = edit.after

    def _set_classes(self, edit: SetClasses) -> None:
        lost = set(self._labels.values()) - set(edit.after.names)
        if self._classes != edit.before or lost:
            raise LabelError(
                f"The classes are {', '.join(self._classes.names) or 'none'}; the edit does not fit them."
                + (f" Labels of {', '.join(sorted(lost))} would lose their class." if lost else "")
            )
        self._classes = edit.after

    def _inside(self, position: Position) -> Position:
        return inside_scan(position, self._scan_shape)


def inside_scan(position: Position, scan_shape: tuple[int, int] | None) -> Position:
    """Return `position` as two plain integers, once it is known to lie inside the scan.

    Raises
    ------
    LabelError
        If it is not two whole numbers, is negative, or lies outside `scan_shape` (scan_y, scan_x), where that is given.
    """
    try:
        y, x = (operator.index(value) for value in position)
    except (TypeError, ValueError):
        raise LabelError(f"{position!r} is not a probe position; give (scan_y, scan_x) as whole numbers.") from None
    if y < 0 or x < 0:
        raise LabelError(f"Position ({y}, {x}) is outside the scan; positions count from (0, 0).")
    if scan_shape is not None and (y >= scan_shape[0] or x >= scan_shape[1]):
        height, width = scan_shape
        text = f"Position ({y}, {x}) is outside the scan of {height} x {width} positions (scan_y, scan_x)."
        if y < width and x < height:
            text += f" It would fit {width} x {height}: check that scan_y and scan_x are not swapped."
        raise LabelError(text)
    return y, x
