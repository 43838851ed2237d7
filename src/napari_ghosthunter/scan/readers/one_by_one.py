"""Patterns that are fetched one at a time: each a file, a page of a file, or a list of electrons."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.readers.frames import full_key

KEPT_BYTES = 64 * 2**20  # of the patterns fetched last, which are often asked for again


class OneByOne:
    """Patterns in one row, shape (patterns, k_y, k_x), each fetched when it is asked for; the latest are kept.

    Parameters
    ----------
    fetch
        Gives the pattern of a number, shape (k_y, k_x). It is called by several threads, but by one at a time if it is
        `serial`.
    shape, dtype
        What the patterns are said to be. One that is not is refused when it is fetched.
    name
        Says for the error message which pattern a number is.
    serial
        Whether `fetch` shares something, such as an open file, that two threads must not use at once.
    """

    def __init__(
        self,
        fetch: Callable[[int], NDArray[Any]],
        shape: tuple[int, int, int],
        dtype: DTypeLike,
        name: Callable[[int], str] = "pattern {}".format,
        *,
        serial: bool = False,
    ) -> None:
        self._fetch, self._name = fetch, name
        self.shape: tuple[int, ...] = shape
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.ndim = 3
        self._kept: OrderedDict[int, NDArray[Any]] = OrderedDict()
        self._most = max(1, KEPT_BYTES // max(1, shape[1] * shape[2] * self.dtype.itemsize))
        self._lock = threading.Lock()
        self._turn = threading.Lock() if serial else None

    def __getitem__(self, key: Any, /) -> NDArray[Any]:
        first, *rest = full_key(key, self.ndim)
        some = isinstance(first, (slice, int, np.integer))
        numbers = np.asarray(range(self.shape[0])[first]) if some else np.arange(self.shape[0])[first]
        block = np.empty((numbers.size, *self.shape[1:]), self.dtype)
        for place, number in enumerate(numbers.ravel()):
            block[place] = self._pattern(int(number))
        patterns = block.reshape(*numbers.shape, *self.shape[1:])
        return patterns[(..., *rest)]

    def __array__(self, dtype: DTypeLike = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[...], dtype)

    def __len__(self) -> int:
        return self.shape[0]

    def _pattern(self, number: int) -> NDArray[Any]:
        with self._lock:
            if number in self._kept:
                self._kept.move_to_end(number)
                return self._kept[number]
        if self._turn is None:
            pattern = self._fetch(number)
        else:
            with self._turn:
                pattern = self._fetch(number)
        if pattern.shape != self.shape[1:] or pattern.dtype.newbyteorder("=") != self.dtype.newbyteorder("="):
            raise ScanError(f"{self._name(number)} is {kind_of(pattern)}; the first pattern is {kind_of(self)}.")
        with self._lock:
            self._kept[number] = pattern
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return pattern


def kind_of(array: Any) -> str:
    """Say the size and the type of a pattern, or of the patterns of an array."""
    height, width = array.shape[-2:]
    return f"of {height} x {width} pixels ({np.dtype(array.dtype).name})"
