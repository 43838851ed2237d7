"""What HDF5 and Zarr have in common: arrays in groups, one of which is the scan, and the calibration beside it.

The dialects: py4DSTEM's and emdfile's `dim0`, `dim1`, ..., EMD's (Berkeley, Prismatic, older py4DSTEM) `dim1`,
`dim2`, ..., and HyperSpy's `axis-0`, `axis-1`, ...
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.calibration import Calibration
from napari_ghosthunter.scan.readers.axis_order import (
    SLOW,
    reordered,
    role_of,
    scan_first,
    squeeze_note,
    squeezed,
    without_single_axes,
)
from napari_ghosthunter.scan.readers.beside import axes_beside, notes_beside
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


def stack_of(array: LazyArray, index: tuple[int, ...], group: Group | None, dataset: str, stored: Any = None) -> Stack:
    """Make a stack of one array, or of an element of its leading axes, with the calibration that its group states.

    `stored` is the array as the library knows it, with its attributes. Units and names tell which axes are the
    detector's.

    Raises
    ------
    ScanError
        If the array holds spectra (HyperSpy says which axes are a pattern's).
    """
    number = len(array.shape)
    axes, patterns_axes = _axes(group, number) if group is not None else ([None] * number, 2)
    names, lost = axis_names(stored), list[str]()
    names = names if len(names) == number else tuple(_names(group, number))
    if not any(axes):
        attributes = [_attributes(one) for one in (stored, group)]
        beside = axes_beside(attributes, number)
        axes = axes if beside is None else beside
        lost += notes_beside(attributes) if beside is None else ()
    if patterns_axes != 2:
        raise ScanError(f"'{dataset}' holds data of {patterns_axes} axes at each position, not diffraction patterns.")
    single, notes = without_single_axes(array.shape), lost
    if single:
        notes.append(squeeze_note(array.shape))
        array = squeezed(array, single)
        axes = [axis for place, axis in enumerate(axes) if place not in single]
        names = tuple(name for place, name in enumerate(names) if place not in single)
    axes, names = axes[len(index) :], names[len(index) :]
    part: LazyArray = array
    if index:
        part = array[index] if isinstance(array, np.ndarray) else Part(array, index)
    if len(axes) == 4:
        order = scan_first([role_of(axis, name) for axis, name in zip(axes, names, strict=True)])
        if order != (0, 1, 2, 3):
            part, axes = reordered(part, order), [axes[axis] for axis in order]
            notes.append(SLOW)
    calibration = calibration_of(axes if len(axes) == 4 else [None, None, *axes[-2:]]) if axes else Calibration()
    return Stack(part, calibration, dataset=dataset, notes=tuple(notes))


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


def _axes(group: Group, number: int) -> tuple[list[Axis | None], int]:
    """Read (step, units) of each axis beside an array, and how many of its axes belong to a pattern."""
    if "axis-0" in group:
        members = [group[f"axis-{n}"].attrs for n in range(number) if f"axis-{n}" in group]
        if len(members) == number:
            axes: list[Axis | None] = [(float(a.get("scale", 1.0)), text(a.get("units"))) for a in members]
            return axes, sum(not a.get("navigate", index < number - 2) for index, a in enumerate(members))
    first = 0 if "dim0" in group else 1
    return [_dim_axis(group, f"dim{n + first}") for n in range(number)], 2


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
