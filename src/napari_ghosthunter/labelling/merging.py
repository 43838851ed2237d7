"""Rows of label files made one set of labels, and a report for the user of what did not fit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from napari_ghosthunter.errors import LabelError
from napari_ghosthunter.labelling.classes import ClassScheme, in_order
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.labelling.positions import Position


@dataclass(frozen=True)
class LabelReport:
    """What a label file, or several read as one, held.

    Attributes
    ----------
    entries
        Rows, all of them.
    unique
        Different positions among the labelled rows.
    duplicates
        Labelled rows beyond the first of their position, `entries - unlabelled - unique`.
    unlabelled
        Rows whose label is empty: positions that wait for one.
    conflicts
        (scan_y, scan_x, names) of positions with two or more different labels; these got no label.
    alike
        Groups of class names that differ only in capitals or spaces.
    """

    entries: int
    unique: int
    duplicates: int
    unlabelled: int = 0
    conflicts: tuple[tuple[int, int, tuple[str, ...]], ...] = ()
    alike: tuple[tuple[str, ...], ...] = ()

    def __str__(self) -> str:
        """Say it in one line for the user."""
        parts = [f"Entries: {self.entries}", f"different positions with a label: {self.unique}"]
        if self.duplicates:
            parts.append(f"entries for a position that came before: {self.duplicates}")
        if self.unlabelled:
            parts.append(f"not labelled yet: {self.unlabelled}")
        if self.conflicts:
            parts.append(f"left out for their different labels: {tell_conflicts(self.conflicts)}")
        if self.alike:
            groups = ", ".join(" / ".join(names) for names in self.alike)
            parts.append(f"classes whose names differ only in capitals or spaces: {groups}")
        return "; ".join(parts) + "."


def merged(rows: list[tuple[Position, str | None]]) -> tuple[dict[Position, str], LabelReport]:
    """Merge rows of the same position, None for no name yet; one with different names gets none and is reported."""
    found: dict[Position, dict[str, None]] = {}
    for position, name in rows:
        if name is not None:
            found.setdefault(position, {})[name] = None
    unlabelled = sum(name is None for _, name in rows)
    report = LabelReport(
        entries=len(rows),
        unique=len(found),
        duplicates=len(rows) - unlabelled - len(found),
        unlabelled=unlabelled,
        conflicts=tuple((*position, tuple(names)) for position, names in sorted(found.items()) if len(names) > 1),
        alike=_alike(name for _, name in rows if name is not None),
    )
    return {position: next(iter(names)) for position, names in found.items() if len(names) == 1}, report


def label_set(path: Path | str, labels: dict[Position, str], scan_shape: tuple[int, int] | None) -> LabelSet:
    """Give labels their classes, in the order of `classes.in_order`; an error names the file."""
    try:
        return LabelSet(ClassScheme.from_names(in_order(labels.values())), scan_shape, labels)
    except LabelError as error:  # too many classes: the wrong column, most likely
        raise LabelError(f"{path}: {error}") from error


def tell_conflicts(conflicts: tuple[tuple[int, int, tuple[str, ...]], ...]) -> str:
    """Say in one line which positions have which labels, the first ten of them."""
    shown = [f"({y}, {x}) {' / '.join(names)}" for y, x, names in conflicts[:10]]
    return ", ".join(shown) + (f" and {len(conflicts) - 10} more" if len(conflicts) > 10 else "")


def _alike(names: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """Group the names that differ only in capitals or spaces: slips of the keyboard, most likely."""
    groups: dict[str, dict[str, None]] = {}
    for name in names:
        groups.setdefault("".join(name.split()).casefold(), {})[name] = None
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)
