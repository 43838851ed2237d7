"""The labels of one scan, as a model that knows no view: every change is a small edit that can be taken back.

Beside the labels it keeps the sample points, the positions that were chosen to be labelled, each with the reason why:
one history for both, so that undo walks back over all that a user did.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_ghosthunter.errors import NotAnArrayError
from napari_ghosthunter.labelling.classes import ClassScheme, short_list
from napari_ghosthunter.labelling.edits import (
    Batch,
    Edit,
    How,
    RenameClass,
    SetClasses,
    SetLabel,
    SetPoint,
    Single,
    edit_from_json,
)
from napari_ghosthunter.labelling.positions import Position, inside_scan
from napari_ghosthunter.labelling.state import State

# This module is `gh.labels`: with the labels go the edits that tell what changed.
__all__ = [
    "Batch", "Edit", "LabelSet", "Position", "RenameClass", "SetClasses", "SetLabel", "SetPoint", "edit_from_json",
    "inside_scan",
]  # fmt: skip


class LabelSet(Mapping[Position, str]):
    """Labels by probe position, with undo and redo: a mapping (scan_y, scan_x) -> class name.

    It reads like a dict whose positions come sorted by (scan_y, scan_x), and it changes only through its methods, each
    of which is one undo step. `changed` tells of every change with two arguments: the edit as it was done (an undo
    tells the inverse edit), and 'apply', 'undo' or 'redo'. Like a dict it equals whatever has the same labels at the
    same positions, whichever the classes and points, and cannot be the key of another.

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
        self._state = State(ClassScheme() if classes is None else classes, scan_shape)
        self.recorder: Callable[[Edit, How], object] | None = None
        self._done: list[Edit] = []
        self._undone: list[Edit] = []
        for edit in (*self._state.relabelled(labels or {}), *self._state.new_points(points or {})):
            self._state.do(edit)

    @property
    def classes(self) -> ClassScheme:
        """The classes that labels may have."""
        return self._state.classes

    @property
    def scan_shape(self) -> tuple[int, int] | None:
        """(scan_y, scan_x) of the scan, where it is known."""
        return self._state.scan_shape

    def __getitem__(self, position: Position) -> str:
        """Return the class name at a labelled position."""
        return self._state.labels[position]

    def __iter__(self) -> Iterator[Position]:
        """Go through the labelled positions, sorted by (scan_y, scan_x)."""
        return iter(sorted(self._state.labels))

    def __len__(self) -> int:
        """Return the number of labelled positions."""
        return len(self._state.labels)

    def __repr__(self) -> str:
        """Say how many labels of which classes there are."""
        counts = short_list([f"{name}: {count}" for name, count in self.counts().items()])
        return f"LabelSet({len(self)} labels; {counts or 'no classes'})"

    def __array__(self, *_: object, **__: object) -> NDArray[Any]:
        """Refuse to become an array: it is as good as two."""
        raise NotAnArrayError("Labels are no array; labels.to_arrays() gives their positions and their class ids.")

    @property
    def points(self) -> Mapping[Position, str]:
        """Sample points as they are now, labelled or not, each with its reason, in the order in which they came."""
        return self._state.points

    @property
    def waiting(self) -> list[Position]:
        """Sample points that have no label yet, in the order in which they came."""
        return [spot for spot in self.points if spot not in self._state.labels]

    @property
    def positions(self) -> NDArray[np.int64]:
        """Labelled positions, shape (n, 2) as (scan_y, scan_x), sorted."""
        return np.array(list(self), dtype=np.int64).reshape(-1, 2)

    def to_arrays(self) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Return the positions, shape (n, 2) and sorted, and the class ids (1 to the number of classes), shape (n,)."""
        ids = {name: number for number, name in enumerate(self.classes.names, start=1)}
        return self.positions, np.array([ids[self._state.labels[position]] for position in self], dtype=np.uint8)

    def counts(self) -> dict[str, int]:
        """Return the number of labels of each class, in the order of the classes, 0 included."""
        found = Counter(self._state.labels.values())
        return {name: found[name] for name in self.classes.names}

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
        self._apply_changes(self._state.relabelled(labels))

    def add_points(self, reasons: Mapping[Position, str]) -> None:
        """Add sample points, each with its reason, as one undo step; one that is there already stays as it is.

        Raises
        ------
        LabelError
            If a position is outside the scan; nothing is added then.
        """
        self._apply_changes(self._state.new_points(reasons))

    def remove_point(self, position: Position) -> None:
        """Remove a sample point and its label, as one undo step; nothing happens where there is neither.

        Raises
        ------
        LabelError
            If the position is outside the scan.
        """
        self._apply_changes(self._state.without_point(position))

    def add_class(self, name: str, colour: str | None = None) -> None:
        """Add a class, as `ClassScheme.add` does."""
        self._apply_changes([SetClasses(before=self.classes, after=self.classes.add(name, colour))])

    def recolour_class(self, name: str, colour: str) -> None:
        """Give a class another colour."""
        self._apply_changes([SetClasses(before=self.classes, after=self.classes.recolour(name, colour))])

    def rename_class(self, name: str, new_name: str) -> None:
        """Call a class by another name, in the scheme and in every label."""
        self._apply_changes([RenameClass(before=name, after=new_name)])

    def remove_class(self, name: str) -> None:
        """Remove a class and all labels of it, as one undo step."""
        fewer = self.classes.remove(name)
        cleared = self._state.relabelled({position: None for position in self if self[position] == name})
        self._apply_changes([*cleared, SetClasses(before=self.classes, after=fewer)])

    def set_classes(self, classes: ClassScheme) -> None:
        """Replace the class scheme; the labels keep their names.

        Raises
        ------
        LabelError
            If a class that has labels would be gone.
        """
        self._apply_changes([SetClasses(before=self.classes, after=classes)])

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
        wanted = {spot: name for spot, name in other.items() if replace or spot not in self}
        labels, points = self._state.relabelled(wanted), self._state.new_points(dict.fromkeys(wanted, reason))
        classes = SetClasses(before=self.classes, after=self.classes.joined(other.classes))
        self._apply_changes([classes, *points, *labels])

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

    def _perform_and_record(self, edit: Edit, how: How) -> None:
        self._state.do(edit)
        if self.recorder is not None:
            try:
                self.recorder(edit, how)
            except BaseException:  # Ctrl+C too: what is not kept has not happened
                self._state.do(edit.inverse())
                raise
