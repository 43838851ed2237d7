"""Lists and texts of any length in HDF5, which lie in heaps, read without the library.

HDF5 takes its time for each of them, and may never come back from a damaged heap.
"""

from __future__ import annotations

import os
import struct
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

REFERENCE = np.dtype([("length", "<u4"), ("place", "<u8"), ("object", "<u4")])  # to what lies in a heap
_HEAP, _OBJECT = struct.Struct("<4sB3xQ"), struct.Struct("<HH4xQ")


def heap_object(stream: IO[bytes], reference: Any, dtype: DTypeLike, base: int = 0) -> NDArray[Any]:
    """Read what a `REFERENCE` leads to in an HDF5 file whose places are counted from `base`.

    Raises
    ------
    ValueError
        If it is not there, or not of the length that the reference states.
    """
    dtype = np.dtype(dtype)
    length, place = int(reference["length"]), int(reference["place"]) + base
    if not length:
        return np.empty(0, dtype)
    wanted, size = length * dtype.itemsize, os.fstat(stream.fileno()).st_size
    stream.seek(min(place, size))
    signature, version, heap_bytes = _HEAP.unpack(stream.read(_HEAP.size))
    if signature != b"GCOL" or version != 1 or place + heap_bytes > size or wanted > heap_bytes:
        raise ValueError("a list or a text of it is not where it should be")
    stream.seek(place)
    heap = stream.read(heap_bytes)
    at = _HEAP.size
    while at + _OBJECT.size <= len(heap):
        number, _, object_bytes = _OBJECT.unpack_from(heap, at)
        if not number:  # free space, to the end
            break
        if number == int(reference["object"]):
            if wanted > object_bytes or at + _OBJECT.size + wanted > len(heap):
                break
            return np.frombuffer(heap, dtype, length, at + _OBJECT.size)
        at += _OBJECT.size + -(-object_bytes // 8) * 8
    raise ValueError("a list or a text of it is missing")
