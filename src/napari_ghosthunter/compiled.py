"""Loops over pixels that are compiled for the processor when they are first called: numba, without its surprises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function of arrays and numbers; several threads may run it at once.

    It is compiled again for each new type of array, in some tenths of a second, and kept on disk for the next program.
    The loops are compiled as they are written: nothing is reordered, so that every processor gives the same bits.
    """
    try:
        kernel = njit(function, cache=True, nogil=True, error_model="numpy")
    except RuntimeError:  # numba finds no folder to keep it in: each program compiles for itself
        kernel = njit(function, nogil=True, error_model="numpy")
    return cast("Callable[P, R]", kernel)


def run(kernel: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call what `compiled` gave, from Python."""
    try:
        return kernel(*args, **kwargs)
    except OSError:  # it does not touch files: what failed was to keep it on a full disk, and it is compiled by now
        return kernel(*args, **kwargs)


def unguarded(array: NDArray[Any]) -> NDArray[Any]:
    """Give the memory of an array that is only read, without the mark that it must not be written to.

    Of such an array torch warns, and numba compiles for it anew.
    """
    return np.asarray(_Memory(array))


class _Memory:
    """The memory of an array, and nothing of whether it may be written to."""

    def __init__(self, array: NDArray[Any]) -> None:
        self._array = array  # kept, for it owns the memory
        interface = array.__array_interface__
        self.__array_interface__ = {**interface, "data": (interface["data"][0], False)}
