"""Which of several arrays in a file is the scan: the only one that can be, or the one that the user names."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence

from napari_ghosthunter.errors import DatasetError, ScanError
from napari_ghosthunter.scan.readers.axis_order import without_single_axes

OFFERED = 8  # names that an error message lists
MOST_ELEMENTS = 1000  # of a larger array that are candidates
_INDEXED = re.compile(r"^(?P<name>.*?)\[(?P<index>\d{1,18}(?:\s*,\s*\d{1,18})*)\]$", re.DOTALL)

Choice = tuple[str, tuple[int, ...]]  # name of an array, and the element of its leading axes


def choose(shapes: Mapping[str, Sequence[int]], dataset: str | None) -> Choice:
    """Choose the array that is the scan, by name or because no other can be.

    Parameters
    ----------
    shapes
        Shape of each numeric array in the file, by name.
    dataset
        What the user chose: a name, the group that holds one array, the last part of either's path where no other
        has it, or 'name[2]' for one element of the first axis of an array of five axes. None to take the only array
        of four axes, or else of three.

    Raises
    ------
    DatasetError
        If there are several, or the one chosen is not there or no scan; its message lists names that can be given.
    ScanError
        If no array of the file can be a scan.
    """
    shapes = {name: _without(shape, without_single_axes(shape)) for name, shape in shapes.items()}
    return _only(shapes) if dataset is None else _named(shapes, dataset)


def _without(shape: Sequence[int], axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(length for axis, length in enumerate(shape) if axis not in axes)


def label(choice: Choice) -> str:
    """Write a choice the way a user gives it: 'name' or 'name[2]'."""
    name, index = choice
    return f"{name}[{','.join(map(str, index))}]" if index else name


def _only(shapes: Mapping[str, Sequence[int]]) -> Choice:
    by_axes = {axes: [name for name, shape in shapes.items() if len(shape) == axes] for axes in (3, 4)}
    larger = [name for name, shape in shapes.items() if len(shape) > 4]
    if len(by_axes[4]) == 1:
        return by_axes[4][0], ()
    if not by_axes[4] and not larger and len(by_axes[3]) == 1:
        return by_axes[3][0], ()
    candidates = _candidates(shapes)
    if not candidates:
        held = _listing(f"{name} {tuple(shape)}" for name, shape in shapes.items()) or "no array of numbers"
        raise ScanError(f"No array in it has the four axes of a scan; it holds {held}.")
    first = larger[0] if larger and not by_axes[4] else ""
    why = f"{first} has {len(shapes[first])} axes" if first else "It holds several arrays that could be the scan"
    raise DatasetError(f"{why}; {question(candidates)}", candidates, _shapes(candidates, shapes))


def _named(shapes: Mapping[str, Sequence[int]], dataset: str) -> Choice:
    match = None if dataset in shapes else _INDEXED.match(dataset)
    wanted = (match["name"] if match else dataset).strip("/")
    index = tuple(int(number) for number in match["index"].split(",")) if match else ()
    names = {name.strip("/"): name for name in shapes}
    usable = {key: name for key, name in names.items() if len(shapes[name]) - len(index) in (3, 4)}
    inside = [name for key, name in usable.items() if key.startswith(f"{wanted}/")]
    ending = [name for key, name in usable.items() if f"/{wanted}/" in f"/{key}/"]  # of its path, or of a group's
    found = [names[wanted]] if wanted in names else inside or ending
    if len(found) > 1:
        meant = tuple(label((name, index)) for name in found)
        raise DatasetError(
            f"{dataset!r} may be any of {len(found)} arrays; {question(meant)}", meant, _shapes(meant, shapes)
        )
    candidates = _candidates(shapes)
    if not found:
        raise DatasetError(
            f"There is no dataset {dataset!r} in it; {question(candidates)}", candidates, _shapes(candidates, shapes)
        )
    name = found[0]
    shape = tuple(shapes[name])
    if len(shape) - len(index) not in (3, 4) or any(i >= n for i, n in zip(index, shape, strict=False)):
        raise DatasetError(
            f"{dataset!r} does not choose a scan: {name} has the shape {shape}; {question(candidates)}",
            candidates,
            _shapes(candidates, shapes),
        )
    return name, index


def _shapes(choices: Sequence[str], shapes: Mapping[str, Sequence[int]]) -> dict[str, tuple[int, ...]]:
    """Give the shape of what each choice stands for."""
    found = {}
    for choice in choices:
        match = None if choice in shapes else _INDEXED.match(choice)
        name, taken = (match["name"], match["index"].count(",") + 1) if match else (choice, 0)
        found[choice] = tuple(int(size) for size in shapes[name][taken:])
    return found


def _candidates(shapes: Mapping[str, Sequence[int]]) -> tuple[str, ...]:
    """List what can be given as dataset: arrays of four axes first, then elements of larger ones, then rows."""
    grids = [name for name, shape in shapes.items() if len(shape) == 4]
    rows = [name for name, shape in shapes.items() if len(shape) == 3]
    elements = [
        label((name, index))
        for name, shape in shapes.items()
        if len(shape) > 4
        for index in _first_elements(shape[:-4])
    ]
    return (*grids, *elements, *rows)


def _first_elements(lengths: Sequence[int]) -> list[tuple[int, ...]]:
    """List the first elements of leading axes, which may be of any length."""
    elements: list[tuple[int, ...]] = []
    for number in range(min(MOST_ELEMENTS, math.prod(lengths))):
        index: tuple[int, ...] = ()
        for length in reversed(lengths):
            number, at = divmod(number, int(length))
            index = (at, *index)
        elements.append(index)
    return elements


def question(candidates: Sequence[str]) -> str:
    """Say how to choose one of several arrays."""
    if not candidates:
        return "and none of its arrays can be a scan."
    return f"choose one with --dataset NAME (dataset= in Python): {_listing(candidates)}."


def _listing(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - OFFERED} more, up to {listed[-1]}" if len(listed) > OFFERED else ""
    return ", ".join(listed[:OFFERED]) + more
