"""What lies in a Zarr store, of format 2 or 3, by its own descriptions, before zarr is let near it.

zarr makes the codecs that a description names, and zarr 3 gives a whole group up for one array of Python objects in it.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.readers.chunks import CHUNK_BYTES

MARKERS = (".zarray", ".zgroup", "zarr.json")  # one of these lies in the folder of each array and group
MOST_NODES, MOST_DEPTH = 10_000, 12
DESCRIPTION_BYTES = 64 * 2**20  # format 3 may repeat in a group what all its arrays are


@dataclass(frozen=True)
class Node:
    """An array or a group of a store.

    Attributes
    ----------
    zarr_format
        2 or 3.
    shape
        That of an array; None for a group.
    numeric
        Whether the array holds numbers.
    codecs
        What the array is packed with, and what its shards are.
    """

    zarr_format: int
    shape: tuple[int, ...] | None = None
    numeric: bool = False
    codecs: tuple[str, ...] = ()


def nodes_of(path: Path) -> dict[str, Node]:
    """Look through a folder or zip file; each array and group by its path, '' for the store itself.

    Raises
    ------
    ScanError
        If a zip file is no store, or a member of it or a description is far too large.
    ValueError, LookupError, TypeError
        If a description is none.
    """
    found: dict[str, Node] = {}
    for name, marker, text in _in_folder(path, "", 0) if path.is_dir() else _in_zip(path):
        node = _node(marker, text)
        if name not in found or node.zarr_format > found[name].zarr_format:
            found[name] = node
        if len(found) >= MOST_NODES:
            break
    return dict(sorted(found.items()))


def members(path: Path) -> Iterator[str]:
    """Give what lies in a zip file; zarr unpacks members whole, so that none may be far larger than the file."""
    limit = max(CHUNK_BYTES, path.stat().st_size)
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.file_size > limit:
                raise ScanError(f"{info.filename} in it unpacks to {info.file_size / 1e9:.1f} GB; it is not read.")
            yield info.filename


def _in_folder(folder: Path, name: str, depth: int) -> Iterator[tuple[str, str, bytes]]:
    """Give (path, kind of description, description) of a folder and of those in it, but none within an array."""
    here = [marker for marker in MARKERS if (folder / marker).is_file()]
    within = depth < MOST_DEPTH  # a folder may hold a link to itself
    for marker in here:
        _check_size(folder / marker, (folder / marker).stat().st_size)
        text = (folder / marker).read_bytes()
        within = within and _node(marker, text).shape is None
        yield name, marker, text
    if here and within:
        for entry in sorted(folder.iterdir()):
            if entry.is_dir():
                yield from _in_folder(entry, f"{name}/{entry.name}".lstrip("/"), depth + 1)


def _in_zip(path: Path) -> Iterator[tuple[str, str, bytes]]:
    names = [name for name in members(path) if name.rpartition("/")[2] in MARKERS]
    if not set(names) & set(MARKERS):
        raise ScanError(
            f"It is no Zarr store: it has none of {', '.join(MARKERS)} at its top. If a folder in it is the store, "
            "unpack it, and open that folder."
        )
    with zipfile.ZipFile(path) as archive:
        for name in names:
            folder, _, marker = name.rpartition("/")
            _check_size(name, archive.getinfo(name).file_size)
            yield folder, marker, archive.read(name)


def _check_size(name: Path | str, size: int) -> None:
    if size > DESCRIPTION_BYTES:
        raise ScanError(f"{Path(name).name} in it is too large for a description ({size / 1e6:.0f} MB).")


def _node(marker: str, text: bytes) -> Node:
    if marker == ".zgroup":
        return Node(2)
    said: dict[str, Any] = json.loads(text)
    if marker == "zarr.json":
        if said["node_type"] != "array":
            return Node(3)
        return Node(3, _whole(said["shape"]), _is_numeric(said["data_type"]), tuple(_names(said["codecs"])))
    packing = [codec["id"] for codec in (said.get("compressor"), *(said.get("filters") or ())) if codec]
    return Node(2, _whole(said["shape"]), _is_numeric(said["dtype"]), tuple(packing))


def _whole(shape: Any) -> tuple[int, ...]:
    """Give a shape, if it is one."""
    if not isinstance(shape, list) or not all(type(length) is int and length >= 0 for length in shape):
        raise ValueError(f"{shape} is no shape")
    return tuple(shape)


def _is_numeric(dtype: Any) -> bool:
    """Whether the name of a type is one of numbers; records and later types have more than a name."""
    if not isinstance(dtype, str):
        return False
    try:
        return np.dtype(dtype).kind in "uifbc"
    except TypeError:
        return False


def _names(codecs: Any) -> Iterator[str]:
    """Name the codecs of format 3, and those within shards."""
    for codec in codecs:
        said = codec if isinstance(codec, dict) else {"name": codec}
        yield str(said["name"])
        within = said.get("configuration") or {}
        for inner in ("codecs", "index_codecs"):
            yield from _names(within.get(inner) or ())
