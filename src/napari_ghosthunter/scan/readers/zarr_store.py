"""Zarr folders and .zip files, and HyperSpy's .zspy, which is Zarr inside: opened with zarr itself.

RosettaSciIO opens .zspy only, and through dask, whose chunks of some 100 MB are read whole for one pattern.
"""

from __future__ import annotations

import itertools
import zipfile
from collections.abc import Iterator
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
    "adler32", "astype", "bitround", "blosc", "bz2", "crc32", "crc32c", "delta", "fixedscaleoffset", "fletcher32",
    "gzip", "jenkins_lookup3", "lz4", "lzma", "packbits", "pcodec", "quantize", "shuffle", "zfpy", "zlib", "zstd",
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
    with reading(path, "a Zarr store", zarr.errors.MetadataError):
        if path.is_file():
            _check_members(path)
        store = str(path) if path.is_dir() else zarr.storage.ZipStore(str(path), mode="r")
        root = zarr.open(store, mode="r")
        if isinstance(root, zarr.Array):
            name, index = choose({path.stem: root.shape}, wanted.dataset)
            _check_array(path, root)
            return stack_of(root, index, None, label((name, index)))
        arrays = dict(itertools.islice(_arrays(root, "", 0), MOST_ARRAYS))
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


def _check_members(path: Path) -> None:
    """Refuse a zip file with a member that unpacks to far more than the file: zarr unpacks members whole."""
    limit = max(CHUNK_BYTES, path.stat().st_size)
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.file_size > limit:
                raise ScanError(f"{info.filename} in it unpacks to {info.file_size / 1e9:.1f} GB; it is not read.")


def _check_array(path: Path, array: Any) -> None:
    """Refuse what cannot be read, or may do more than unpack numbers, or was never written."""
    whole = all(isinstance(number, int) and number >= 0 for number in (*array.shape, *array.chunks))
    if not whole or len(array.shape) != len(array.chunks):
        raise ScanError(f"Its shape {array.shape}, in chunks of {array.chunks}, is damaged.")
    codecs = [codec.codec_id for codec in (array.compressor, *(array.filters or ())) if codec is not None]
    unknown = [name for name in codecs if name not in CODECS]
    if unknown:
        raise ScanError(f"Its patterns are packed with {', '.join(unknown)}, which is not read: only numbers are.")
    stored = [name for name in _listing(array) if not name.startswith(".")]
    if not stored:
        raise ScanError(f"Its array of shape {array.shape} has no chunks: nothing was ever written to it.")
    check_chunks(array.chunks, array.dtype, _stored_bytes(path))


def _listing(array: Any) -> list[str]:
    """List what lies beside the description of an array: its chunks."""
    import zarr

    names: list[str] = zarr.storage.listdir(array.chunk_store, array.path)
    return names


def _stored_bytes(path: Path) -> int:
    """Give the size of a zip file; for a folder 0, since it would take long to count."""
    return path.stat().st_size if path.is_file() else 0
