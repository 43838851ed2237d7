"""A part of a scan, with its patterns turned: what a user asks for beyond what the file holds. Nothing is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.calibration import Calibration
from napari_ghosthunter.scan.options import ScanOptions, Turn
from napari_ghosthunter.scan.presence import present
from napari_ghosthunter.scan.readers.frames import full_key
from napari_ghosthunter.scan.scan import LazyArray


def as_asked(data: LazyArray, calibration: Calibration, options: ScanOptions) -> tuple[LazyArray, Calibration]:
    """Crop the scan and turn the patterns as the user asks; pixel sizes that the user states are of the turned ones.

    Raises
    ------
    ScanError
        If the rows or columns asked for lie outside the scan.
    """
    places = _places("rows", options.rows, data.shape[0]), _places("columns", options.columns, data.shape[1])
    if options.rows is not None or options.columns is not None:
        data = data[places] if isinstance(data, np.ndarray) else View(data, places, ())
    if options.detector:
        data = turned(data, options.detector) if isinstance(data, np.ndarray) else View(data, (), options.detector)
        calibration = _turned_calibration(calibration, options.detector)
    return data, options.calibrated(calibration)


def turned(patterns: NDArray[Any], turns: Sequence[Turn]) -> NDArray[Any]:
    """Flip or transpose the last two axes (k_y, k_x), in the order of `turns`; a view."""
    for turn in turns:
        if turn == "transpose":
            patterns = patterns.swapaxes(-1, -2)
        elif turn == "flip_y":
            patterns = patterns[..., ::-1, :]
        else:
            patterns = patterns[..., ::-1]
    return patterns


class View:
    """Some positions of a lazy scan, and its patterns turned, read only when indexed.

    Parameters
    ----------
    whole
        Lazy array of shape (scan_y, scan_x, k_y, k_x).
    places
        Slices of its rows and columns; none for all of them.
    turns
        What is done to each pattern, in this order.
    """

    def __init__(self, whole: LazyArray, places: tuple[slice, ...], turns: Sequence[Turn]) -> None:
        self._whole, self._turns = whole, tuple(turns)
        self._places = [range(length) for length in whole.shape[:2]]
        for axis, place in enumerate(places):
            self._places[axis] = self._places[axis][place]
        k_y, k_x = whole.shape[2:]
        detector = (k_x, k_y) if self._turns.count("transpose") % 2 else (k_y, k_x)
        self.dtype: np.dtype[Any] = np.dtype(whole.dtype)
        self.shape: tuple[int, ...] = (len(self._places[0]), len(self._places[1]), *detector)
        self.ndim = 4

    def __getitem__(self, key: Any, /) -> NDArray[Any]:
        *scan_key, k_y, k_x = full_key(key, self.ndim)
        there = tuple(_shifted(entry, places) for entry, places in zip(scan_key, self._places, strict=True))
        if not self._turns:
            return np.asarray(present(self._whole)[(*there, k_y, k_x)])
        patterns = turned(np.asarray(present(self._whole)[there]), self._turns)
        return patterns[..., k_y, k_x]

    def __array__(self, dtype: DTypeLike = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[...], dtype)

    def __len__(self) -> int:
        return self.shape[0]


def _shifted(entry: Any, places: range) -> Any:
    """Say where in the whole an index of the part is."""
    if isinstance(entry, slice):
        part = places[entry]
        end = part.stop if part.stop >= 0 else None  # a part that is read backwards to the first position
        return slice(part.start, end, part.step)
    if isinstance(entry, (int, np.integer)):
        return places[int(entry)]
    return np.asarray(places)[entry]


def _places(name: str, asked: tuple[int, int] | None, length: int) -> slice:
    if asked is None:
        return slice(None)
    if asked[1] > length:
        raise ScanError(f"The scan has {length} {name}, 0 to {length - 1}; {asked[0]}:{asked[1]} goes beyond them.")
    return slice(*asked)


def _turned_calibration(calibration: Calibration, turns: Sequence[Turn]) -> Calibration:
    """Exchange the steps of the detector where its axes are."""
    if turns.count("transpose") % 2 == 0:
        return calibration
    step_y, step_x = calibration.k_step
    return replace(calibration, k_step=(step_x, step_y))
