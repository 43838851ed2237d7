"""Arrays on disk that numpy cannot describe as one: records, several files in a row, a slice of a chunked array.

numpy.memmap is used wherever patterns lie at a constant distance in one file; what remains gets a small array here
that reads only what it is asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from napari_ghosthunter.scan.presence import present
from napari_ghosthunter.scan.scan import LazyArray


def map_records(
    path: Path,
    dtype: DTypeLike,
    pattern_shape: tuple[int, int],
    *,
    offset: int,
    before: Sequence[tuple[str, str]] = (),
    after: int = 0,
    count: int | None = None,
) -> NDArray[Any]:
    """Map records that follow each other in a file; nothing is read.

    Parameters
    ----------
    path, dtype, pattern_shape
        The file, and type and shape (k_y, k_x) of the pattern in each record.
    offset
        Byte at which the first record starts.
    before
        Names and types of what precedes the pattern in each record.
    after
        Bytes of each record after the pattern.
    count
        Number of records that the file should hold; those it does hold are mapped, and no more than `count`.

    Returns
    -------
    numpy.memmap
        Structured, of shape (patterns,); its field 'pattern' has the shape (patterns, k_y, k_x).

    Raises
    ------
    ValueError
        If the file holds not one whole record, or cannot be of such records.
    """
    if offset < 0 or after < 0 or min(pattern_shape) < 1:
        raise ValueError("its header is damaged")
    record = np.dtype([*before, ("pattern", dtype, pattern_shape), ("after", f"V{after}")])
    if record.itemsize < math.prod(pattern_shape) * np.dtype(dtype).itemsize:  # numpy counts large sizes over
        raise ValueError("its header states patterns that are too large")
    present = max(0, path.stat().st_size - offset) // record.itemsize
    number = present if count is None else min(count, present)
    if number < 1:
        raise ValueError("it ends before its first pattern")
    return np.memmap(path, record, mode="r", offset=offset, shape=(number,))


class Frames:
    """Patterns of several lazy arrays in a row, folded to the leading axes of a scan, read only when indexed.

    Parameters
    ----------
    sources
        Lazy arrays of shape (patterns, k_y, k_x) or (scan_y, scan_x, k_y, k_x), all with the same detector.
    leading
        Shape of the axes before (k_y, k_x): (patterns,) or (scan_y, scan_x). Patterns beyond it are left out.
    dtype, convert
        Type of the elements and how a block is brought to it; by default as stored.
    first, pitch
        Number of the pattern that comes first, and the number of patterns from one row of the scan to the next.
    """

    def __init__(
        self,
        sources: Sequence[LazyArray],
        leading: tuple[int, ...],
        dtype: DTypeLike = None,
        convert: Callable[[NDArray[Any]], NDArray[Any]] = np.asarray,
        first: int = 0,
        pitch: int | None = None,
    ) -> None:
        self._sources = tuple(sources)
        self._convert = convert
        self._starts = np.cumsum([0, *(int(np.prod(source.shape[:-2])) for source in self._sources)])
        self._leading = leading
        self._first, self._pitch = first, leading[-1] if pitch is None else pitch
        self.dtype: np.dtype[Any] = np.dtype(dtype or self._sources[0].dtype)
        self.shape: tuple[int, ...] = (*leading, *self._sources[0].shape[-2:])
        self.ndim = len(self.shape)

    def folded(self, leading: tuple[int, ...], first: int = 0, pitch: int | None = None) -> Frames:
        """Give the same patterns other leading axes."""
        return Frames(self._sources, leading, self.dtype, self._convert, first, pitch)

    def __getitem__(self, key: Any, /) -> NDArray[Any]:
        full = full_key(key, self.ndim)
        order = self._first + _numbers(full[: len(self._leading)], self._leading, self._pitch)
        numbers = order.ravel()
        block = np.empty((numbers.size, *self.shape[-2:]), self.dtype)
        breaks = np.flatnonzero(np.diff(numbers) != 1) + 1
        for run in np.split(np.arange(numbers.size), breaks):  # as many patterns at once as lie in a row
            if run.size:
                self._read(int(numbers[run[0]]), block[run[0] : run[-1] + 1])
        patterns = block.reshape(*order.shape, *self.shape[-2:])
        return patterns[(..., *full[len(self._leading) :])]

    def __array__(self, dtype: DTypeLike = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[...], dtype)

    def __len__(self) -> int:
        return self.shape[0]

    def _read(self, first: int, block: NDArray[Any]) -> None:
        """Fill `block` with the patterns from number `first` on."""
        done = 0
        while done < len(block):
            index = int(np.searchsorted(self._starts, first + done, side="right")) - 1
            source, local = self._sources[index], first + done - int(self._starts[index])
            here = min(len(block) - done, int(self._starts[index + 1]) - first - done)
            if len(source.shape) == 4:
                y, x = divmod(local, source.shape[1])
                here = min(here, source.shape[1] - x)
                part = present(source)[y, x : x + here]
            else:
                part = present(source)[local : local + here]
            block[done : done + here] = self._convert(np.asarray(part))
            done += here


class Part:
    """One element of the leading axes of a larger lazy array, such as one time of a series; nothing is read."""

    def __init__(self, whole: LazyArray, index: tuple[int, ...]) -> None:
        self._whole, self._index = whole, index
        self.dtype: np.dtype[Any] = np.dtype(whole.dtype)
        self.shape: tuple[int, ...] = tuple(whole.shape[len(index) :])
        self.ndim = len(self.shape)

    def __getitem__(self, key: Any, /) -> NDArray[Any]:
        return np.asarray(present(self._whole)[(*self._index, *full_key(key, self.ndim))])

    def __array__(self, dtype: DTypeLike = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[...], dtype)

    def __len__(self) -> int:
        return self.shape[0]


class Summed:
    """The sum of several lazy arrays of one shape, such as frames of the same positions; read only when indexed.

    Whole numbers are given in a type that holds their sum.
    """

    def __init__(self, parts: Sequence[LazyArray]) -> None:
        self._parts = tuple(parts)
        first = self._parts[0]
        self.dtype: np.dtype[Any] = _type_of_sum(np.dtype(first.dtype), len(self._parts))
        self.shape: tuple[int, ...] = tuple(first.shape)
        self.ndim = len(self.shape)

    def __getitem__(self, key: Any, /) -> NDArray[Any]:
        total = np.asarray(present(self._parts[0])[key]).astype(self.dtype)
        for part in self._parts[1:]:
            total = total + np.asarray(present(part)[key]).astype(self.dtype)
        return np.asarray(total)

    def __array__(self, dtype: DTypeLike = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[...], dtype)

    def __len__(self) -> int:
        return self.shape[0]


def _type_of_sum(dtype: np.dtype[Any], parts: int) -> np.dtype[Any]:
    """Give the smallest type that holds a sum of so many."""
    if dtype.kind not in "ui":
        return np.dtype(np.float32) if dtype == np.float16 else dtype.newbyteorder("=")
    ends = np.iinfo(dtype)
    larger = [np.dtype(f"{dtype.kind}{size}") for size in (1, 2, 4)]
    fits = [one for one in larger if np.iinfo(one).max >= ends.max * parts]
    return fits[0] if fits else np.dtype(f"{dtype.kind}8")


def _numbers(key: tuple[Any, ...], leading: tuple[int, ...], pitch: int) -> NDArray[np.int64]:
    """Give the numbers, counted along the rows, of the patterns that a key of the leading axes means."""
    places = [
        np.arange(*entry.indices(length)) if isinstance(entry, slice) else np.asarray(range(length)[entry])
        if isinstance(entry, (int, np.integer)) else np.arange(length)[entry]
        for entry, length in zip(key, leading, strict=True)
    ]  # fmt: skip
    if len(places) == 1:
        return places[0]
    rows, columns = places
    if rows.ndim and columns.ndim and any(isinstance(entry, slice) for entry in key):  # not two lists that go in pairs
        rows = rows[:, None]
    return rows * pitch + columns


def full_key(key: Any, ndim: int) -> tuple[Any, ...]:
    """Expand an index, with its Ellipsis and left-out axes, to one entry per axis."""
    given = key if isinstance(key, tuple) else (key,)
    if len([entry for entry in given if entry is not Ellipsis]) > ndim:
        raise IndexError(f"too many indices for an array of {ndim} axes")
    at = next((index for index, entry in enumerate(given) if entry is Ellipsis), len(given))
    head, tail = given[:at], given[at + 1 :]
    return (*head, *(slice(None),) * (ndim - len(head) - len(tail)), *tail)
