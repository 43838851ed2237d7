"""Blocks of lazy arrays as plain numpy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def native(block: Any) -> NDArray[Any]:
    """Turn what a lazy array gives into a contiguous numpy array of the machine's byte order, copied only if need be.

    torch refuses foreign byte orders and rows stored bottom up, and dask arrays compute here.
    """
    array = np.asarray(block)
    return np.ascontiguousarray(array, array.dtype.newbyteorder("="))
