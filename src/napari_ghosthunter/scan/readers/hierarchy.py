"""What HDF5 and Zarr have in common: arrays in groups, one of which is the scan, and the calibration beside it.

The dialects: py4DSTEM's and emdfile's `dim0`, `dim1`, ..., EMD's (Berkeley, Prismatic, older py4DSTEM) `dim1`,
`dim2`, ..., and HyperSpy's `axis-0`, `axis-1`, ...
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.calibration import Calibration
from napari_ghosthunter.scan.readers.axis_order import (
    DETECTOR_AXES,
    SCAN_AXES,
    SLOW,
    SURPLUS_LAST,
    Role,
    reordered,
    roles_of,
    scan_first,
    squeeze_note,
    squeezed,
    surplus_first,
    without_single_axes,
)
from napari_ghosthunter.scan.readers.beside import axes_beside, filled_in, notes_beside, unknown_axes
from napari_ghosthunter.scan.readers.frames import Part
from napari_ghosthunter.scan.readers.stack import Stack
from napari_ghosthunter.scan.scan import LazyArray
from napari_ghosthunter.scan.units import Axis, calibration_of


class Group(Protocol):
    """A group of an HDF5 file or of a Zarr store."""

    def __contains__(self, name: str, /) -> bool:
        """Whether it has a member of this name."""

    def __getitem__(self, name: str, /) -> Any:
        """Give a member."""


@dataclass(frozen=True)
class Description:
    """What is said of the axes of an array, those of length one that it can do without left out."""

    axes: list[Axis | None]
    names: tuple[str, ...]
    roles: list[Role]
    single: tuple[int, ...]
    pattern_axes: int
    notes: tuple[str, ...]

    @property
    def order(self) -> tuple[int, ...]:
        """The axes that are too many first, then those of the scan, then the detector's, as far as it is sure."""
        order = surplus_first(self.roles)
        surplus, kept = order[: max(0, len(order) - 4)], order[max(0, len(order) - 4) :]
        return (*surplus, *(kept[place] for place in scan_first([self.roles[place] for place in kept])))


def described(shape: Sequence[int], group: Group | None, stored: Any = None) -> Description:
    """Read what is said of the axes of an array of this shape, by its attributes and beside it in its group.

    `stored` is the array as the library knows it, with its attributes.
    """
    number = len(shape)
    axes, signal = _axes(group, number) if group is not None else ([None] * number, [])
    names, notes = axis_names(stored), list[str]()
    names = names if len(names) == number else tuple(_names(group, number))
    attributes = [_attributes(one) for one in (stored, group)]
    if unknown_axes(axes):
        beside = axes_beside(attributes, number)
        axes, told = filled_in(axes, beside) if beside is not None else (axes, notes_beside(attributes))
        notes += told
    single = without_single_axes(shape)
    if single:
        notes.append(squeeze_note(shape))
    left = [place for place in range(number) if place not in single]
    axes, names = [axes[place] for place in left], tuple(names[place] for place in left)
    flags = [signal[place] for place in left] if signal else []
    pattern_axes = sum(signal) if signal else DETECTOR_AXES
    return Description(axes, names, roles_of(axes, names, flags), single, pattern_axes, tuple(notes))


def shape_to_choose(shape: Sequence[int], group: Group | None, stored: Any = None) -> tuple[int, ...]:
    """Give the shape of an array in the order in which an element of it is chosen: the axes too many come first."""
    if len(shape) - len(without_single_axes(shape)) <= SCAN_AXES + DETECTOR_AXES:
        return tuple(shape)
    what = described(shape, group, stored)
    left = [length for place, length in enumerate(shape) if place not in what.single]
    return tuple(left[place] for place in what.order)


def stack_of(array: LazyArray, index: tuple[int, ...], group: Group | None, dataset: str, stored: Any = None) -> Stack:
    """Make a stack of one array, or of an element of its axes too many, with the calibration that its group states.

    `index` and `stored` are as for `shape_to_choose`. Units, names or HyperSpy's flags tell which axes are the
    detector's.

    Raises
    ------
    ScanError
        If the array holds spectra (HyperSpy says which axes are a pattern's).
    """
    what = described(array.shape, group, stored)
    if what.pattern_axes != DETECTOR_AXES:
        raise ScanError(
            f"'{dataset}' holds data of {what.pattern_axes} axes at each position, not diffraction patterns."
        )
    array = reordered(squeezed(array, what.single), what.order)
    part: LazyArray = array
    if index:
        part = array[index] if isinstance(array, np.ndarray) else Part(array, index)
    kept = what.order[len(index) :]
    axes = [what.axes[place] for place in kept]
    notes = what.notes
    if kept != tuple(sorted(kept)):
        notes += (SLOW,)
    elif index and max(what.order[: len(index)]) >= len(index):
        notes += (SURPLUS_LAST,)
    calibration = calibration_of(axes if len(axes) == 4 else [None, None, *axes[-2:]]) if axes else Calibration()
    return Stack(part, calibration, dataset=dataset, notes=notes)


def axis_names(array: Any) -> tuple[str, ...]:
    """Give the names of the axes of an array as xarray, Zarr 3 or HDF5's dimension scales write them; else none."""
    attributes = _attributes(array)
    found = getattr(getattr(array, "metadata", None), "dimension_names", None)
    for key in ("_ARRAY_DIMENSIONS", "DIMENSION_LABELS"):
        found = attributes[key] if found is None and key in attributes else found
    return () if found is None else tuple(text(one) for one in found)


def _attributes(owner: Any) -> dict[str, Any]:
    """Read the attributes of an array or a group; those of HDF5 that are safe to read."""
    attributes = getattr(owner, "attrs", None)
    return {} if attributes is None else {str(name): attributes.get(name) for name in attributes}


def _names(group: Group | None, number: int) -> list[str]:
    """Read the names of the axes beside an array; '' for one that has none."""
    if group is None:
        return [""] * number
    kind, first = ("axis-", 0) if "axis-0" in group else ("dim", 0 if "dim0" in group else 1)
    members = [f"{kind}{axis + first}" for axis in range(number)]
    return [text(group[name].attrs.get("name")) if name in group else "" for name in members]


def numeric(arrays: Mapping[str, Any]) -> dict[str, Sequence[int]]:
    """Give the shapes of the arrays of numbers among `arrays`, by name."""
    return {name: tuple(array.shape) for name, array in arrays.items() if np.dtype(array.dtype).kind in "uifbc"}


def _axes(group: Group, number: int) -> tuple[list[Axis | None], list[bool]]:
    """Read (step, units) of each axis beside an array, and, if HyperSpy says so, whether it is one of the patterns."""
    if "axis-0" in group:
        members = [group[f"axis-{n}"].attrs for n in range(number) if f"axis-{n}" in group]
        if len(members) == number:
            axes: list[Axis | None] = [(float(a.get("scale", 1.0)), text(a.get("units"))) for a in members]
            return axes, [not a.get("navigate", index < number - 2) for index, a in enumerate(members)]
    first = 0 if "dim0" in group else 1
    return [_dim_axis(group, f"dim{n + first}") for n in range(number)], []


def _dim_axis(group: Group, name: str) -> Axis | None:
    """Read an axis stated by its coordinates, of which the first two are enough."""
    if name not in group or len(group[name].shape) != 1 or group[name].shape[0] < 2:
        return None
    first, second = np.asarray(group[name][:2], float)
    return float(second - first), text(group[name].attrs.get("units"))


def text(value: Any) -> str:
    """Give an attribute as text: files keep it as str, bytes, or an array of one."""
    value = value.item() if isinstance(value, np.ndarray) and value.size == 1 else value
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")
