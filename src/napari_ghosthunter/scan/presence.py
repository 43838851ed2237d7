"""Whether the file of an array is still as long as it was.

To read a memory map past the end of its file would end the process (SIGBUS), and HDF5 gives zeros there.
"""

from __future__ import annotations

import mmap
import os
import sys
from typing import Any, TypeVar

import numpy as np

from napari_ghosthunter.errors import ScanError

_T = TypeVar("_T")


def present(array: _T) -> _T:
    """Give `array` back if the file that it maps, or that HDF5 reads it from, is still whole; any other as it is.

    A file that was renamed or removed is still there for who mapped it. One that is cut short between this look and
    the reading ends the process all the same: the time in between is that of one block.

    Raises
    ------
    ScanError
        If the file has been cut short since it was mapped.
    """
    h5py = sys.modules.get("h5py")
    if isinstance(array, np.ndarray):
        _check(array)
    elif h5py is not None and isinstance(array, h5py.Dataset) and array.file.mode == "r":
        file = array.file.id
        _compare(os.fstat(file.get_vfd_handle()).st_size, file.get_filesize())  # the latter is as it was opened
    return array


def _check(array: np.ndarray[Any, Any]) -> None:
    root: Any = array
    while hasattr(root.base, "base"):  # of an array, and of what numpy puts between two of them for a strided one
        root = root.base
    memory = root.base
    if not isinstance(memory, mmap.mmap) or not isinstance(root, np.memmap):
        return
    start = root.offset - root.offset % mmap.ALLOCATIONGRANULARITY  # where numpy lets the map begin
    _compare(memory.size(), start + len(memory))  # the former is of the file as it is now


def _compare(size: int, needed: int) -> None:
    if size < needed:
        raise ScanError(
            f"The file was cut short while it was open: it has {size} bytes, where {needed} are needed. Copy it again, "
            "and open it anew."
        )
