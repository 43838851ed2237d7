"""HDF5 in its dialects: EMD, py4DSTEM's files old and new, HyperSpy's .hspy, DECTRIS Arina, stempy's, and plain files.

All are read with h5py itself: py4DSTEM would load the cube, and RosettaSciIO finds no scan axes in py4DSTEM's files
and takes Prismatic's depths for scan positions. An array that lies in one piece is mapped, which is quicker than
HDF5's own reading and needs no lock.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.boundary import reading
from napari_ghosthunter.scan.readers import arina, electrons
from napari_ghosthunter.scan.readers.choose import choose, label
from napari_ghosthunter.scan.readers.chunks import check_stored
from napari_ghosthunter.scan.readers.hierarchy import numeric, shape_to_choose, stack_of
from napari_ghosthunter.scan.readers.links import Inside, Member, check_sources, open_file
from napari_ghosthunter.scan.readers.stack import Stack, Wanted
from napari_ghosthunter.scan.scan import LazyArray


def read(path: Path, wanted: Wanted) -> Stack:
    """Find the scan in an HDF5 file.

    Raises
    ------
    DatasetError
        If several arrays could be the scan, or one has more than four axes, and none was chosen.
    ScanError
        If none can be the scan, or the file is damaged.
    """
    with reading(path, "an HDF5 file"):
        file = open_file(path)
        if wanted.dataset is None and arina.is_arina(file):
            return arina.stack_of_master(path, file, wanted)
        lists = electrons.lists_in(file)
        if lists is not None and wanted.dataset in (None, lists.name.strip("/"), electrons.GROUP):
            return electrons.stack_of_lists(file, lists)
        arrays, left_out = _datasets(file)
        shapes = {
            name: shape_to_choose(shape, Inside(arrays[name].parent), Member(arrays[name]))
            for name, shape in numeric(arrays).items()
        }
    master = arina.master_beside(path)
    joined = () if master is None else (f"{master.name} beside it joins all patterns of this scan: open that instead.",)
    try:
        name, index = choose(shapes, wanted.dataset)
    except ScanError as error:
        if joined and not left_out:
            error.args = (f"{error} {joined[0]}",)
        raise (left_out or [error])[0] from error
    with reading(path, "an HDF5 file"):
        array = arrays[name]
        check_sources(array)
        stack = stack_of(mapped(path, array), index, Inside(array.parent), label((name, index)), Member(array))
        return replace(stack, notes=(*stack.notes, *joined))


def read_arina(path: Path, wanted: Wanted) -> Stack:
    """Find the scan behind a DECTRIS Arina master file.

    Raises
    ------
    ScanError
        If this is no master file, or one of its data files is missing or damaged.
    """
    with reading(path, "a DECTRIS Arina master file"):
        file = open_file(path)
        if not arina.is_arina(file):
            raise ScanError(f"{path.name} is no DECTRIS master file; --reader hdf5 opens other HDF5 files.")
        return arina.stack_of_master(path, file, wanted)


def _datasets(file: Any) -> tuple[dict[str, Any], list[ScanError]]:
    """List all arrays in a file by path, each once, and why those that lead elsewhere are left out."""
    import h5py

    found: dict[str, Any] = {}
    left_out: list[ScanError] = []

    def note(name: str, member: Any) -> None:
        if not isinstance(member, h5py.Dataset):
            return
        try:
            if member.is_virtual:  # before HDF5 looks into the other files for its shape
                check_sources(member)
        except ScanError as error:
            left_out.append(error)
            return
        if member.shape:
            found[name] = member

    file.visititems(note)
    return found, left_out


def mapped(path: Path, dataset: Any) -> LazyArray:
    """Map an array that lies in one piece in this file; give any other as it is, ready to be unpacked."""
    import h5py

    offset = dataset.id.get_offset()
    plain = np.dtype(dataset.dtype).kind in "uif" and h5py.check_enum_dtype(dataset.dtype) is None
    if offset is not None and plain and not dataset.external and dataset.size:
        return np.memmap(path, dataset.dtype, "r", offset, dataset.shape)
    check_stored(dataset)
    array: LazyArray = dataset
    return array
