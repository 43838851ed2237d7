"""HDF5 in its dialects: EMD, py4DSTEM's files old and new, HyperSpy's .hspy, DECTRIS Arina, and plain files.

All are read with h5py itself: py4DSTEM would load the cube, and RosettaSciIO finds no scan axes in py4DSTEM's files
and takes Prismatic's depths for scan positions. An array that lies in one piece is mapped, which is quicker than
HDF5's own reading and needs no lock.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.readers import arina
from napari_ghosthunter.scan.readers.boundary import reading
from napari_ghosthunter.scan.readers.choose import choose, label
from napari_ghosthunter.scan.readers.hierarchy import numeric, stack_of
from napari_ghosthunter.scan.readers.stack import Stack, Wanted
from napari_ghosthunter.scan.scan import LazyArray

CACHE_BYTES = 64 * 2**20  # room for a chunk of many patterns; HDF5's own 1 MiB unpacks it anew for each pattern
OWN_FILTERS = 32_000  # numbers of compression filters from here on come from hdf5plugin


def read(path: Path, wanted: Wanted) -> Stack:
    """Find the scan in an HDF5 file.

    Raises
    ------
    DatasetError
        If several arrays could be the scan, or one has more than four axes, and none was chosen.
    ScanError
        If none can be the scan, or the file is damaged.
    """
    import h5py

    with reading(path, "an HDF5 file"):
        file = h5py.File(path, "r", rdcc_nbytes=CACHE_BYTES)
        if wanted.dataset is None and arina.is_arina(file):
            return arina.stack_of_master(path, file, wanted)
        arrays = _datasets(file)
        shapes = numeric(arrays)
    name, index = choose(shapes, wanted.dataset)
    with reading(path, "an HDF5 file"):
        return stack_of(_mapped(path, arrays[name]), index, arrays[name].parent, label((name, index)))


def read_arina(path: Path, wanted: Wanted) -> Stack:
    """Find the scan behind a DECTRIS Arina master file.

    Raises
    ------
    ScanError
        If this is no master file, or one of its data files is missing or damaged.
    """
    import h5py

    with reading(path, "a DECTRIS Arina master file"):
        file = h5py.File(path, "r", rdcc_nbytes=CACHE_BYTES)
        if not arina.is_arina(file):
            raise ScanError(f"{path.name} is no DECTRIS master file; --reader hdf5 opens other HDF5 files.")
        return arina.stack_of_master(path, file, wanted)


def _datasets(file: Any) -> dict[str, Any]:
    """List all arrays in a file by path, each once."""
    import h5py

    found: dict[str, Any] = {}

    def note(name: str, member: Any) -> None:
        if isinstance(member, h5py.Dataset) and member.shape:
            found[name] = member

    file.visititems(note)
    return found


def _mapped(path: Path, dataset: Any) -> LazyArray:
    """Map an array that lies in one piece in this file; give any other as it is, ready to be unpacked."""
    import h5py

    offset = dataset.id.get_offset()
    plain = np.dtype(dataset.dtype).kind in "uif" and h5py.check_enum_dtype(dataset.dtype) is None
    if offset is not None and plain and not dataset.external and dataset.size:
        return np.memmap(path, dataset.dtype, "r", offset, dataset.shape)
    settings = dataset.id.get_create_plist()
    if any(settings.get_filter(n)[0] >= OWN_FILTERS for n in range(settings.get_nfilters())):
        import hdf5plugin  # noqa: F401  (importing it is what makes the filters known)
    array: LazyArray = dataset
    return array
