"""The labels of one scan, as a model that knows no view: every change is a small edit that can be taken back.

The edits are what undo, redo and a journal on disk are made of, and what a view hears of: one kind of object for
all four, so that they cannot disagree. The idea is that of the invertible actions of funtracks.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from napari_ghosthunter.errors import LabelError
from napari_ghosthunter.labelling.classes import ClassScheme, tidy_name

Position: TypeAlias = tuple[int, int]  # (scan_y, scan_x), a probe position in pixels


class _Edit(BaseModel):
    """What all edits share: they never change, and one line of JSON holds them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def to_json(self) -> str:
        """Return the edit as one line of JSON, for a journal; `edit_from_json` reads it."""
        return self.model_dump_json()


class SetLabel(_Edit):
    """Give one probe position the class `after` in place of `before`; None stands for 'not labelled'."""

    kind: Literal["label"] = "label"
    position: tuple[int, int]
    before: str | None
    after: str | None

    def inverse(self) -> SetLabel:
        """Return the edit that takes this one back."""
        return SetLabel(position=self.position, before=self.after, after=self.before)


class RenameClass(_Edit):
    """Call the class `before` by the name `after`, in the scheme and in every label."""

    kind: Literal["rename"] = "rename"
    before: str
    after: str

    _tidy = field_validator("before", "after")(tidy_name)

    def inverse(self) -> RenameClass:
        """Return the edit that takes this one back."""
        return RenameClass(before=self.after, after=self.before)


class SetClasses(_Edit):
    """Replace the class scheme `before` by `after`; labels keep their names, so none of theirs may vanish."""

    kind: Literal["classes"] = "classes"
    before: ClassScheme
    after: ClassScheme

    def inverse(self) -> SetClasses:
        """Return the edit that takes this one back."""
        return SetClasses(before=self.after, after=self.before)


_Single: TypeAlias = SetLabel | RenameClass | SetClasses


class Batch(_Edit):
    """Several edits, done in their order and taken back together as one undo step."""

    kind: Literal["batch"] = "batch"
    edits: tuple[Annotated[_Single, Field(discriminator="kind")], ...]

    def inverse(self) -> Batch:
        """Return the edit that takes this one back."""
        return Batch(edits=tuple(edit.inverse() for edit in reversed(self.edits)))


Edit: TypeAlias = SetLabel | RenameClass | SetClasses | Batch
_EDIT: TypeAdapter[Edit] = TypeAdapter(Annotated[Edit, Field(discriminator="kind")])


def edit_from_json(line: str) -> Edit:
    """Read an edit that `to_json` wrote.

    Raises
    ------
    LabelError
        If `line` is not such an edit.
    """
    try:
        return _EDIT.validate_json(line)
    except ValidationError as error:
        raise LabelError(f"This is not an edit of labels: {line[:80]!r}.") from error


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
    labels
        Labels to start from; they are not part of the history.

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
    ) -> None:
        self._classes = ClassScheme() if classes is None else classes
        self._scan_shape = scan_shape
        self._labels: dict[Position, str] = {}
        self._done: list[Edit] = []
        self._undone: list[Edit] = []
        for position, name in (labels or {}).items():
            inside = self._inside(position)
            self._perform(SetLabel(position=inside, before=self._labels.get(inside), after=name))

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
        counts = ", ".join(f"{name}: {count}" for name, count in self.counts().items())
        return f"LabelSet({len(self)} labels; {counts or 'no classes'})"

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

    def apply(self, edit: Edit) -> None:
        """Do an edit, from a journal for instance, as one undo step. It is done whole or not at all.

        Raises
        ------
        LabelError
            If the edit does not fit the labels as they are now.
        """
        self._perform(edit)
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

    def undo(self) -> None:
        """Take the last edit back; nothing happens if there is none."""
        if self._done:
            inverse = self._done[-1].inverse()
            self._perform(inverse)
            self._undone.append(self._done.pop())
            self.changed.emit(inverse, "undo")

    def redo(self) -> None:
        """Do the last undone edit again; nothing happens if there is none."""
        if self._undone:
            edit = self._undone[-1]
            self._perform(edit)
            self._done.append(self._undone.pop())
            self.changed.emit(edit, "redo")

    def _apply_changes(self, edits: Sequence[_Single]) -> None:
        """Do those of the edits that change something, as one undo step."""
        changes = [edit for edit in edits if edit.before != edit.after]
        if len(changes) == 1:
            self.apply(changes[0])
        elif changes:
            self.apply(Batch(edits=tuple(changes)))

    def _perform(self, edit: Edit) -> None:
        """Do an edit without remembering or telling it."""
        match edit:
            case SetLabel():
                self._set_label(edit)
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
        done: list[_Single] = []
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
