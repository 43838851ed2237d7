"""Which axes of an array are the scan's and which the detector's; axes of length one; and arrays turned accordingly."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from napari_ghosthunter.scan.presence import present
from napari_ghosthunter.scan.readers.frames import full_key
from napari_ghosthunter.scan.scan import LazyArray
from napari_ghosthunter.scan.units import ANGULAR, UNCALIBRATED, Axis, plain_axis

Role = Literal["scan", "detector"] | None

SCAN_AXES = DETECTOR_AXES = 2
_OF_DETECTOR = re.compile(
    r"^(?:[kqg]|det|dp|2?theta|tth)[\W_]*(?:[xyij12]|row|col\w*)?$|reciprocal|detector|diffraction"
)
_OF_SCAN = re.compile(r"^(?:scan|probe|pos|nav|r)?[\W_]*[xyij]$|^(?:scan|probe|position|navigation|real)")
SLOW = "The file is ordered by detector pixel, not by pattern, so that each pattern is gathered from all over it."
SURPLUS_LAST = (
    "What was chosen is one element along an axis that is not the first, and is gathered from all over the file."
)


def roles_of(axes: Sequence[Axis | None], names: Sequence[str], signal: Sequence[bool] = ()) -> list[Role]:
    """Tell what each axis belongs to by its unit, else by its name, else by HyperSpy's flags of the signal's axes."""
    roles = [role_of(axis, name) for axis, name in zip(axes, names, strict=True)]
    if "detector" not in roles and sum(signal) == DETECTOR_AXES:
        roles = ["detector" if flagged else role for role, flagged in zip(roles, signal, strict=True)]
    return roles


def role_of(axis: Axis | None, name: str = "") -> Role:
    """Tell what an axis belongs to by its unit, else by its name; a length without a name is one of the scan."""
    unit = plain_axis(*axis)[1] if axis is not None else ""
    if unit in ANGULAR:
        return "detector"
    plain = name.strip().lower()
    if _OF_DETECTOR.search(plain):
        return "detector"
    is_length = axis is not None and plain_axis(*axis) != UNCALIBRATED
    return "scan" if _OF_SCAN.search(plain) or (is_length and not plain) else None


def scan_first(roles: Sequence[Role]) -> tuple[int, ...]:
    """Order three or four axes so that those of the detector come last; as they are unless two surely are such."""
    detector = [number for number, role in enumerate(roles) if role == "detector"]
    others = [number for number, role in enumerate(roles) if role != "detector"]
    return (*others, *detector) if len(detector) == DETECTOR_AXES else tuple(range(len(roles)))


def surplus_first(roles: Sequence[Role]) -> tuple[int, ...]:
    """Order five or more axes so that those that belong neither to the scan nor to the detector come first.

    As they are unless it is sure which two are the scan's and which two the detector's.
    """
    places = range(len(roles))
    if len(roles) <= SCAN_AXES + DETECTOR_AXES or [roles.count(role) for role in ("scan", "detector")] != [2, 2]:
        return tuple(places)
    return (*(at for at in places if roles[at] is None), *(at for at in places if roles[at] is not None))


def reordered(array: LazyArray, order: tuple[int, ...]) -> LazyArray:
    """Give an array with its axes in another order; nothing is read."""
    if order == tuple(range(len(order))):
        return array
    return array.transpose(order) if isinstance(array, np.ndarray) else Reordered(array, order)


def without_single_axes(shape: Sequence[int]) -> tuple[int, ...]:
    """List the axes of length one that an array of more than four axes can do without."""
    single = [axis for axis, length in enumerate(shape) if length == 1]
    return tuple(single[: max(0, len(shape) - 4)])


def squeezed(array: LazyArray, axes: tuple[int, ...]) -> LazyArray:
    """Give an array without some axes of length one; nothing is read."""
    if not axes:
        return array
    return np.squeeze(array, axes) if isinstance(array, np.ndarray) else Squeezed(array, axes)


def squeeze_note(shape: Sequence[int]) -> str:
    """Tell of axes that were left out."""
    return f"Axes of length one of its array of shape {tuple(map(int, shape))} were left out."


class Squeezed:
    """A lazy array without some of its axes, of length one."""

    def __init__(self, whole: LazyArray, axes: tuple[int, ...]) -> None:
        self._whole, self._axes = whole, axes
        self.dtype: np.dtype[Any] = np.dtype(whole.dtype)
        self.shape: tuple[int, ...] = tuple(n for axis, n in enumerate(whole.shape) if axis not in axes)
        self.ndim = len(self.shape)

    def __getitem__(self, key: Any, /) -> NDArray[Any]:
        left = iter(full_key(key, self.ndim))
        inner = tuple(0 if axis in self._axes else next(left) for axis in range(len(self._whole.shape)))
        return np.asarray(present(self._whole)[inner])

    def __array__(self, dtype: DTypeLike = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[...], dtype)

    def __len__(self) -> int:
        return self.shape[0]


class Reordered:
    """A lazy array whose axes come in another order; what is asked for is read as one block."""

    def __init__(self, whole: LazyArray, order: tuple[int, ...]) -> None:
        self._whole, self._order = whole, order
        self.dtype: np.dtype[Any] = np.dtype(whole.dtype)
        self.shape: tuple[int, ...] = tuple(int(whole.shape[axis]) for axis in order)
        self.ndim = len(self.shape)

    def __getitem__(self, key: Any, /) -> NDArray[Any]:
        asked = full_key(key, self.ndim)
        parts = [_block(entry, length) for entry, length in zip(asked, self.shape, strict=True)]
        stored: list[slice] = [slice(0)] * self.ndim
        for axis, (block, _) in zip(self._order, parts, strict=True):
            stored[axis] = block
        read = np.asarray(present(self._whole)[tuple(stored)]).transpose(self._order)
        return np.asarray(read[tuple(within for _, within in parts)])

    def __array__(self, dtype: DTypeLike = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[...], dtype)

    def __len__(self) -> int:
        return self.shape[0]


def _block(entry: Any, length: int) -> tuple[slice, Any]:
    """Give the smallest block that holds an index of an axis, and what the index is within it."""
    if isinstance(entry, slice):
        there = range(length)[entry]
        if not there:
            return slice(0, 0), slice(None)
        low, high = min(there[0], there[-1]), max(there[0], there[-1])
        end = there.stop - low if there.step > 0 or there.stop >= low else None
        return slice(low, high + 1), slice(there.start - low, end, there.step)
    places = np.arange(length)[entry]
    if places.size == 0:
        return slice(0, 0), places
    low = int(places.min())
    return slice(low, int(places.max()) + 1), places - low
