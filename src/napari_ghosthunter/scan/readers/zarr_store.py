"""Zarr folders and .zip files, and HyperSpy's .zspy, which is Zarr inside: opened with zarr itself, 2.18 or 3.

RosettaSciIO opens .zspy only, and through dask, whose chunks of some 100 MB are read whole for one pattern.
"""

from __future__ import annotations

import itertools
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.boundary import reading
from napari_ghosthunter.scan.readers.choose import choose, label
from napari_ghosthunter.scan.readers.chunks import CHUNK_BYTES, check_chunks
from napari_ghosthunter.scan.readers.hierarchy import numeric, stack_of
from napari_ghosthunter.scan.readers.stack import Stack, Wanted

MOST_ARRAYS, MOST_DEPTH = 10_000, 12
# What unpacks numbers; others of numcodecs make Python objects, one of them by running what the file says.
CODECS = frozenset({
    "adler32", "astype", "bitround", "blosc", "bytes", "bz2", "crc32", "crc32c", "delta", "fixedscaleoffset",
    "fletcher32", "gzip", "jenkins_lookup3", "lz4", "lzma", "packbits", "pcodec", "quantize", "sharding_indexed",
    "shuffle", "transpose", "zfpy", "zlib", "zstd",
})  # fmt: skip
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
    # zarr 2 has an error that derives from nothing else
    with reading(path, "a Zarr store", getattr(zarr.errors, "MetadataError", ValueError)):
        _check_format(path, zarr.__version__)
        root = zarr.open(str(path) if path.is_dir() else zarr.storage.ZipStore(str(path), mode="r"), mode="r")
        if isinstance(root, zarr.Array):
            name, index = choose({path.stem: root.shape}, wanted.dataset)
            _check_array(path, root)
            return stack_of(root, index, None, label((name, index)))
        arrays = dict(sorted(itertools.islice(_arrays(root, "", 0), MOST_ARRAYS)))  # zarr 3 gives them in any order
        name, index = choose(numeric(arrays), wanted.dataset)
        _check_array(path, arrays[name])
        parent = root[name.rpartition("/")[0]] if "/" in name else root
        return stack_of(arrays[name], index, parent, label((name, index)))


def _arrays(group: Any, prefix: str, depth: int) -> Iterator[tuple[str, Any]]:
    for name, array in group.arrays():
        yield prefix + name, array
    if depth < MOST_DEPTH:  # a folder may hold a link to itself
        for name, inner in group.groups():
            yield from _arrays(inner, f"{prefix}{name}/", depth + 1)


def _check_format(path: Path, version: str) -> None:
    """Refuse what is no store, or one that this zarr cannot read, or that has members which unpack without end."""
    names = {marker for marker in MARKERS if (path / marker).is_file()} if path.is_dir() else set(_members(path))
    if not names & set(MARKERS):
        raise ScanError(
            f"It is no Zarr store: it has none of {', '.join(MARKERS)} at its top. If a folder in it is the store, "
            "unpack it, and open that folder."
        )
    if version.startswith("2.") and not names & {".zarray", ".zgroup"}:
        raise ScanError(
            f"It is a Zarr store of format 3, which zarr {version} here cannot read; zarr 3 can: pip install 'zarr>=3'."
        )


def _members(path: Path) -> Iterator[str]:
    """Give what lies in a zip file; zarr unpacks members whole, so that none may be far larger than the file."""
    limit = max(CHUNK_BYTES, path.stat().st_size)
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.file_size > limit:
                raise ScanError(f"{info.filename} in it unpacks to {info.file_size / 1e9:.1f} GB; it is not read.")
            yield info.filename


def _check_array(path: Path, array: Any) -> None:
    """Refuse what cannot be read, or may do more than unpack numbers, or was never written."""
    whole = all(isinstance(number, int) and number >= 0 for number in (*array.shape, *array.chunks))
    if not whole or len(array.shape) != len(array.chunks):
        raise ScanError(f"Its shape {array.shape}, in chunks of {array.chunks}, is damaged.")
    unknown = [name for name in _codecs(array) if name.removeprefix("numcodecs.") not in CODECS]
    if unknown:
        raise ScanError(f"Its patterns are packed with {', '.join(unknown)}, which is not read: only numbers are.")
    if not _is_written(path, array.path):
        raise ScanError(f"Its array of shape {array.shape} has no chunks: nothing was ever written to it.")
    check_chunks(array.chunks, array.dtype, _stored_bytes(path))


def _codecs(array: Any) -> list[str]:
    """Name what packs an array; format 3 has it all in one list, with lists within."""
    described = getattr(array, "metadata", array)  # where zarr 3 keeps it
    if hasattr(described, "codecs"):
        return list(_names(described.codecs))
    return [codec.codec_id for codec in (described.compressor, *(described.filters or ())) if codec is not None]


def _names(codecs: Iterable[Any]) -> Iterator[str]:
    for codec in codecs:
        yield codec.to_dict()["name"]
        for inner in ("codecs", "index_codecs"):  # of shards
            yield from _names(getattr(codec, inner, ()))


def _is_written(path: Path, name: str) -> bool:
    """Whether anything but descriptions lies in the folder of an array, in either format."""
    if path.is_dir():
        there = (entry.name for entry in (path / name).iterdir())
    else:
        within = f"{name}/" if name else ""
        there = (one.removeprefix(within) for one in _members(path) if one.startswith(within))
    return any(one and one != "zarr.json" and not one.startswith(".") for one in there)


def _stored_bytes(path: Path) -> int:
    """Give the size of a zip file; for a folder 0, since it would take long to count."""
    return path.stat().st_size if path.is_file() else 0
