"""NumPy's .npy and .npz: mapped, also inside the .npz; compressed arrays are unpacked to a temporary file first.

Nothing is ever unpickled.
"""

from __future__ import annotations

import math
import shutil
import struct
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path
from tokenize import TokenError  # raised by numpy on a damaged header
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.boundary import reading
from napari_ghosthunter.scan.readers.axis_order import squeeze_note, without_single_axes
from napari_ghosthunter.scan.readers.choose import choose, label
from napari_ghosthunter.scan.readers.stack import Stack, Wanted

_LOCAL_HEADER = struct.Struct("<26xHH")  # lengths of name and extra field, which precede the data of a zip member
COPY_BYTES = 16 * 2**20
MOST_ARRAYS = 10_000
MOST_PACKED, LARGE_BYTES = 100, 2**30  # times that a scan above this size is smaller packed than unpacked

Header = tuple[tuple[int, ...], bool, np.dtype[Any]]  # shape, whether in Fortran's order, dtype


def read_npy(path: Path, wanted: Wanted) -> Stack:
    """Map the array of a .npy file.

    Raises
    ------
    DatasetError
        If the array has more than four axes and no element was chosen.
    ScanError
        If the file is damaged or holds Python objects.
    """
    array = _map_npy(path)
    name = path.stem
    _, index = choose({name: array.shape}, wanted.dataset)
    return _stack(array, index, label((name, index)) if index else None)


def read_single(path: Path) -> NDArray[Any]:
    """Map the one pattern in a .npy file, shape (k_y, k_x).

    Raises
    ------
    ScanError
        If it holds another array, is damaged or holds Python objects.
    """
    array = _map_npy(path)
    if array.ndim != 2 or array.dtype.kind not in "uifb":
        raise ScanError(f"{path.name} holds an array of shape {array.shape}, not one pattern: open that file itself.")
    return array


def _map_npy(path: Path) -> NDArray[Any]:
    with reading(path, "a NumPy .npy file", TokenError):
        npy_format: Any = npy  # numpy 1 ships it without types
        array: NDArray[Any] = npy_format.open_memmap(path, mode="r")
    return array


def read_npz(path: Path, wanted: Wanted) -> Stack:
    """Map the one array of a .npz file that can be a scan, or the one chosen.

    Raises
    ------
    DatasetError
        If there are several and none was chosen.
    ScanError
        If the file is damaged, or there is no room to unpack a compressed array.
    """
    with reading(path, "a NumPy .npz file", TokenError), zipfile.ZipFile(path) as archive:
        listed = archive.infolist()[:MOST_ARRAYS]
        members = {info.filename.removesuffix(".npy"): info for info in listed if info.filename.endswith(".npy")}
        headers = {name: _header_of(archive, info) for name, info in members.items()}
        shapes = {name: shape for name, (shape, _, dtype) in headers.items() if dtype.kind in "uifbc"}
        name, index = choose(shapes, wanted.dataset)
        info = members[name]
        if info.compress_type == zipfile.ZIP_STORED:
            return _stack(_map_stored(path, info), index, label((name, index)))
        array = _unpack(archive, info, headers[name])
    note = f"'{name}' is compressed; it was unpacked to a temporary file, which goes when the scan is closed."
    stack = _stack(array, index, label((name, index)))
    return replace(stack, notes=(note, *stack.notes))


def _stack(array: NDArray[Any], index: tuple[int, ...], dataset: str | None) -> Stack:
    single = without_single_axes(array.shape)
    notes = (squeeze_note(array.shape),) if single else ()
    return Stack(np.squeeze(array, single)[index], dataset=dataset, notes=notes)


def read_text(path: Path, name: str) -> str:
    """Read a text among the arrays of a .npz file; empty if there is none of this name.

    Raises
    ------
    ScanError
        If it is too large to be one, or damaged.
    """
    with reading(path, "a NumPy .npz file", TokenError), zipfile.ZipFile(path) as archive:
        if f"{name}.npy" not in archive.namelist():
            return ""
        info = archive.getinfo(f"{name}.npy")
        if info.file_size > COPY_BYTES:
            raise ScanError(f"'{name}' in it unpacks to {info.file_size / 1e6:.0f} MB, which is no description.")
        with archive.open(info) as stream:
            shape, _, dtype = _read_header(stream)
            content = stream.read(COPY_BYTES)
        if dtype.kind != "U" or math.prod(shape) != 1:
            raise ValueError(f"'{name}' is no text")
        return str(np.frombuffer(content, dtype, 1)[0])


def _header_of(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Header:
    with archive.open(info) as stream:
        return _read_header(stream)


def _read_header(stream: IO[bytes]) -> Header:
    npy_format: Any = npy  # numpy 1 ships it without types
    version = npy_format.read_magic(stream)
    read = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
    header: Header = read(stream)
    return header


def _map_stored(path: Path, info: zipfile.ZipInfo) -> NDArray[Any]:
    """Map an array that lies in the archive as it is."""
    with path.open("rb") as stream:
        stream.seek(info.header_offset)
        name_bytes, extra_bytes = _LOCAL_HEADER.unpack(stream.read(_LOCAL_HEADER.size))
        stream.seek(name_bytes + extra_bytes, 1)
        shape, fortran, dtype = _read_header(stream)
        return np.memmap(path, dtype, "r", stream.tell(), shape, "F" if fortran else "C")


def _unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo, header: Header) -> NDArray[Any]:
    """Unpack a compressed array to a file without a name, and map that; the file goes with the map."""
    shape, fortran, dtype = header
    wanted = math.prod(shape) * dtype.itemsize
    if info.file_size > LARGE_BYTES and info.file_size > MOST_PACKED * info.compress_size:
        raise ScanError(
            f"Unpacking would give {info.file_size / 1e9:.1f} GB, over {MOST_PACKED} times what is packed, as no scan "
            "does. If it is one, save it as .npy."
        )
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if info.file_size > free:
        raise ScanError(
            f"Unpacking takes {info.file_size / 1e9:.1f} GB, but {tempfile.gettempdir()} has {free / 1e9:.1f} GB free: "
            "make room, point TMPDIR elsewhere, or save the array as .npy."
        )
    with tempfile.TemporaryFile() as room:
        with archive.open(info) as stream:
            _read_header(stream)
            while wanted > 0 and (part := stream.read(min(COPY_BYTES, wanted))):
                wanted -= room.write(part)
        if wanted:
            raise ScanError(f"Its array of shape {shape} is cut short: {wanted} bytes are missing.")
        room.flush()
        return np.memmap(room, dtype, "r", 0, shape, "F" if fortran else "C")
