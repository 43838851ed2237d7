"""Zarr folders and .zip files, and HyperSpy's .zspy, which is Zarr inside: opened with zarr itself.

RosettaSciIO opens .zspy only, and through dask, whose chunks of some 100 MB are read whole for one pattern.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.readers.boundary import reading
from napari_ghosthunter.scan.readers.choose import choose, label
from napari_ghosthunter.scan.readers.hierarchy import numeric, stack_of
from napari_ghosthunter.scan.readers.stack import Stack, Wanted

MARKERS = (".zarray", ".zgroup", "zarr.json")  # one of these lies in the folder of each array and group


def is_store(path: Path) -> bool:
    """Whether a folder is a Zarr array or group."""
    return any((path / marker).is_file() for marker in MARKERS)


def read(path: Path, wanted: Wanted) -> Stack:
    """Find the scan in a Zarr store.

    Raises
    ------
    DatasetError
        If several arrays could be the scan, or one has more than four axes, and none was chosen.
    ScanError
        If none can be the scan, or the store is damaged.
    """
    import zarr

    if path.is_dir() and not is_store(path):
        raise ScanError(f"{path.name} is a folder but no Zarr store: it has none of {', '.join(MARKERS)} in it.")
    with reading(path, "a Zarr store"):
        store = str(path) if path.is_dir() else zarr.storage.ZipStore(str(path), mode="r")
        root = zarr.open(store, mode="r")
        if isinstance(root, zarr.Array):
            name, index = choose({path.stem: root.shape}, wanted.dataset)
            return stack_of(root, index, None, label((name, index)))
        arrays = dict(_arrays(root, ""))
        name, index = choose(numeric(arrays), wanted.dataset)
        parent = root[name.rpartition("/")[0]] if "/" in name else root
        return stack_of(arrays[name], index, parent, label((name, index)))


def _arrays(group: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for name, array in group.arrays():
        yield prefix + name, array
    for name, inner in group.groups():
        yield from _arrays(inner, f"{prefix}{name}/")
