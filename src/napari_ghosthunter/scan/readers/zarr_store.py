"""Zarr folders and .zip files, and HyperSpy's .zspy, which is Zarr inside: opened with zarr itself, 2.18 or 3.

RosettaSciIO opens .zspy only, and through dask, whose chunks of some 100 MB are read whole for one pattern.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.boundary import reading
from napari_ghosthunter.scan.readers.axis_order import DETECTOR_AXES, SCAN_AXES
from napari_ghosthunter.scan.readers.choose import choose, label
from napari_ghosthunter.scan.readers.chunks import check_chunks
from napari_ghosthunter.scan.readers.hierarchy import shape_to_choose, stack_of
from napari_ghosthunter.scan.readers.stack import Stack, Wanted
from napari_ghosthunter.scan.readers.zarr_layout import MARKERS, Node, members, nodes_of

# What unpacks numbers; others of numcodecs make Python objects, one of them by running what the file says.
CODECS = frozenset({
    "adler32", "astype", "bitround", "blosc", "bytes", "bz2", "crc32", "crc32c", "delta", "fixedscaleoffset",
    "fletcher32", "gzip", "jenkins_lookup3", "lz4", "lzma", "packbits", "pcodec", "quantize", "sharding_indexed",
    "shuffle", "transpose", "zfpy", "zlib", "zstd",
})  # fmt: skip


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
        If none can be the scan, the zarr that is installed cannot read it, or it is damaged.
    """
    import zarr

    if path.is_dir() and not is_store(path):
        raise ScanError(f"{path.name} is a folder but no Zarr store: it has none of {', '.join(MARKERS)} in it.")
    # zarr 2 has an error that derives from nothing else
    with reading(path, "a Zarr store", getattr(zarr.errors, "MetadataError", ValueError)):
        nodes = _readable(nodes_of(path), zarr.__version__)
        names = {name or path.stem: name for name, node in nodes.items() if node.numeric}
        said, index = choose({key: _shape_to_choose(path, nodes, name) for key, name in names.items()}, wanted.dataset)
        name = names[said]
        _check_codecs(nodes[name])
        array = _open(path, name, nodes[name])
        _check_array(path, array, name)
        return stack_of(array, index, _group_of(path, nodes, name), label((said, index)), array)


def _readable(nodes: dict[str, Node], version: str) -> dict[str, Node]:
    """Leave out what this zarr cannot read."""
    if not version.startswith("2."):
        return nodes
    older = {name: node for name, node in nodes.items() if node.zarr_format == 2}
    if not any(node.numeric for node in older.values()) and len(older) < len(nodes):
        raise ScanError(
            f"It is a Zarr store of format 3, which zarr {version} here cannot read; zarr 3 can: pip install 'zarr>=3'."
        )
    return older


def _shape_to_choose(path: Path, nodes: dict[str, Node], name: str) -> tuple[int, ...]:
    """Give the shape in the order in which an element is chosen; only arrays of many axes are opened for that."""
    shape = nodes[name].shape or ()
    if len(shape) <= SCAN_AXES + DETECTOR_AXES:
        return shape
    _check_codecs(nodes[name])
    return shape_to_choose(shape, _group_of(path, nodes, name), _open(path, name, nodes[name]))


def _group_of(path: Path, nodes: dict[str, Node], name: str) -> Any:
    """Open the group that an array lies in, if it lies in one."""
    parent = name.rpartition("/")[0]
    return _open(path, parent, nodes[parent]) if name and parent in nodes else None


def _open(path: Path, name: str, node: Node) -> Any:
    """Open an array or a group of a store."""
    import zarr

    store = str(path) if path.is_dir() else zarr.storage.ZipStore(str(path), mode="r")
    options: dict[str, Any] = {"path": name, "mode": "r"}
    if not zarr.__version__.startswith("2."):
        options["zarr_format"] = node.zarr_format
    if node.shape is not None:
        return zarr.open_array(store, **options)
    if "zarr_format" in options:
        options["use_consolidated"] = False  # which would be of all arrays, those that zarr cannot read too
    return zarr.open_group(store, **options)


def _check_codecs(node: Node) -> None:
    """Refuse what may do more than unpack numbers."""
    unknown = [name for name in node.codecs if name.removeprefix("numcodecs.") not in CODECS]
    if unknown:
        raise ScanError(f"Its patterns are packed with {', '.join(unknown)}, which is not read here.")


def _check_array(path: Path, array: Any, name: str) -> None:
    """Refuse what cannot be read, or was never written."""
    whole = all(isinstance(number, int) and number >= 0 for number in (*array.shape, *array.chunks))
    if not whole or len(array.shape) != len(array.chunks):
        raise ScanError(f"Its shape {array.shape}, in chunks of {array.chunks}, is damaged.")
    if not _is_written(path, name):
        raise ScanError(f"Its array of shape {array.shape} has no chunks: nothing was ever written to it.")
    check_chunks(array.chunks, array.dtype, _stored_bytes(path))


def _is_written(path: Path, name: str) -> bool:
    """Whether anything but descriptions lies in the folder of an array, in either format."""
    if path.is_dir():
        there = (entry.name for entry in (path / name).iterdir())
    else:
        within = f"{name}/" if name else ""
        there = (one.removeprefix(within) for one in members(path) if one.startswith(within))
    return any(one and one != "zarr.json" and not one.startswith(".") for one in there)


def _stored_bytes(path: Path) -> int:
    """Give the size of a zip file; for a folder 0, since it would take long to count."""
    return path.stat().st_size if path.is_file() else 0
