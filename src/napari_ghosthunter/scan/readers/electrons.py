"""Counted electrons in HDF5, as stempy writes them for the 4D Camera: a list of hit pixels for each frame.

A pattern is made of its lists when it is asked for. The lists lie in HDF5's heaps, which are read here without the
library: it takes its time for each list, and from a damaged heap it may never come back.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.boundary import reading
from napari_ghosthunter.scan.readers.chunks import CHUNK_BYTES, check_stored
from napari_ghosthunter.scan.readers.heap import REFERENCE, heap_object
from napari_ghosthunter.scan.readers.links import Attributes, check_sources, follow
from napari_ghosthunter.scan.readers.one_by_one import OneByOne
from napari_ghosthunter.scan.readers.stack import ScanShape, Stack

GROUP = "electron_events"
LISTS = ("frames", "data")  # what the dataset of the lists is called
CAMERA = (576, 576)  # pixels of the 4D Camera, for files that state none
MOST_SIDE = 8192
DEFLATE, SHUFFLE = 1, 2  # HDF5's numbers of filters
ONE_A_POSITION_SINCE = 3  # version of the format


def lists_in(file: Any) -> Any | None:
    """Give the dataset of the lists of an open HDF5 file of counted electrons; None if it is none."""
    import h5py

    for name in LISTS:
        found = follow(file, f"{GROUP}/{name}")
        kind = h5py.check_vlen_dtype(found.dtype) if isinstance(found, h5py.Dataset) else None
        if kind is not None and np.dtype(kind).kind in "iu":
            return found
    return None


def stack_of_lists(file: Any, lists: Any) -> Stack:
    """Make patterns of the lists of hit pixels, shape (patterns, k_y, k_x).

    Raises
    ------
    ScanError
        If the lists are kept in other files or packed in an unknown way, or what they state cannot be.
    """
    import h5py

    path = Path(lists.file.filename)
    references = _references(lists)
    notes: list[str] = []
    detector = _sides(lists)
    if detector is None:
        detector = CAMERA
        notes.append(f"The size of the detector is not stated; {CAMERA[0]} x {CAMERA[1]}, the 4D Camera's, was taken.")
    found = follow(file, f"{GROUP}/scan_positions")
    places = found if isinstance(found, h5py.Dataset) else None
    sides = None if places is None else _sides(places)
    scan_shape = None if sides is None else (sides[1], sides[0])  # Nx is the length of a row
    scan_shape, order, more = _order_of(file, lists, places, scan_shape, references.size)
    reader = _Lists(path, references, np.dtype(h5py.check_vlen_dtype(lists.dtype)), lists.file.userblock_size)

    def pattern(number: int) -> NDArray[np.uint16]:
        return reader.pattern(order.frames[order.starts[number] : order.starts[number + 1]], detector)

    patterns = OneByOne(pattern, (len(order.starts) - 1, *detector), np.uint16)
    return Stack(patterns, scan_shape=scan_shape, dataset=lists.name.strip("/"), notes=(*notes, *more))


def _sides(dataset: Any) -> tuple[int, int] | None:
    """Read the attributes Nx and Ny; None if they are not there."""
    stated = [Attributes(dataset).get(name) for name in ("Nx", "Ny")]
    if None in stated:
        return None
    numbers = [int(np.ravel(value)[0]) for value in stated]
    if min(numbers) < 1 or (dataset.name.rpartition("/")[2] in LISTS and max(numbers) > MOST_SIDE):
        raise ScanError(f"{dataset.name} states sides of {numbers[0]} x {numbers[1]}, which cannot be.")
    return numbers[0], numbers[1]


@dataclass(frozen=True, eq=False)
class _Order:
    """Frames in the order of their positions: those of position n are frames[starts[n]:starts[n + 1]]."""

    frames: NDArray[Any]
    starts: NDArray[Any]


def _regular(count: int, several: int = 1) -> _Order:
    return _Order(np.arange(count), np.arange(0, count + 1, several))


def _order_of(
    file: Any, lists: Any, places: Any | None, scan_shape: ScanShape | None, count: int
) -> tuple[ScanShape | None, _Order, tuple[str, ...]]:
    """Say which frames were taken at each position, where there may be several, or none."""
    positions = math.prod(scan_shape) if scan_shape else 0
    if len(lists.shape) == 2 and not (positions and positions == lists.shape[0]):
        return (lists.shape[0], lists.shape[1]), _regular(count), ()
    if len(lists.shape) == 2 or not positions:
        return scan_shape, _regular(count, math.prod(lists.shape[1:])), ()
    version = Attributes(file).get("version", 1)
    stated = places is not None and places.shape == (count,) and int(np.ravel(version)[0]) < ONE_A_POSITION_SINCE
    if places is None or not stated:
        several = count // positions if count % positions == 0 else 1
        note = (f"Each pattern is the sum of {several} frames that were taken at its position.",) if several > 1 else ()
        return scan_shape, _regular(count, several), note
    check_sources(places)
    check_stored(places)
    at = np.asarray(places[:]).astype(np.int64)
    if at.size and not (at.min() >= 0 and at.max() < positions):
        raise ScanError(f"{places.name} leads to positions outside the scan of {scan_shape}.")
    order = np.argsort(at, kind="stable")
    found = np.bincount(at, minlength=positions)
    notes = []
    if found.max() > 1:
        notes.append(f"{int((found > 1).sum())} of the patterns are sums of the frames taken at their position.")
    if found.min() < 1:
        notes.append(f"{int((found < 1).sum())} positions have no frame, as the file says; their patterns are empty.")
    return scan_shape, _Order(order, np.concatenate([[0], np.cumsum(found)])), tuple(notes)


class _Lists:
    """Reads lists of hit pixels from the heaps of a file."""

    def __init__(self, path: Path, references: NDArray[Any], dtype: np.dtype[Any], base: int) -> None:
        self._path, self._references, self._dtype, self._base = path, references, dtype, base

    def pattern(self, frames: NDArray[Any], detector: tuple[int, int]) -> NDArray[np.uint16]:
        """Count the electrons of some frames, shape (k_y, k_x)."""
        counts = np.zeros(math.prod(detector), np.uint16)
        with reading(self._path, "a file of counted electrons"), self._path.open("rb", buffering=0) as stream:
            hits = [heap_object(stream, self._references[frame], self._dtype, self._base) for frame in frames]
        for hit in hits:
            if hit.size and not (hit.min() >= 0 and hit.max() < counts.size):
                raise ScanError("It is damaged: an electron lies outside the detector.")
            np.add.at(counts, hit, 1)
        return counts.reshape(detector)


def _references(lists: Any) -> NDArray[Any]:
    """Read or map where each list lies."""
    if lists.is_virtual or lists.external:
        raise ScanError(f"{lists.name} keeps its lists in other files, and they are not followed there.")
    if tuple(lists.file.id.get_create_plist().get_sizes()) != (8, 8) or len(lists.shape) not in (1, 2):
        raise ScanError(f"{lists.name} has the shape {lists.shape}, or numbers its places in a way that is not known.")
    check_stored(lists)
    path, count = Path(lists.file.filename), int(np.prod(lists.shape))
    if lists.chunks is None:  # at most as large as the file
        return np.fromfile(path, REFERENCE, count, offset=lists.id.get_offset())
    chunk = math.prod(lists.chunks)
    if max(count, chunk) * REFERENCE.itemsize > max(CHUNK_BYTES, path.stat().st_size):
        raise ScanError(
            f"{lists.name} states {count} lists in chunks of {chunk}, which cannot be in a file of its size."
        )
    whole = np.zeros(lists.shape, REFERENCE)
    for number in range(lists.id.get_num_chunks()):
        where = lists.id.get_chunk_info(number).chunk_offset
        unpacked = _unpacked(lists, where, chunk * REFERENCE.itemsize)
        part = np.frombuffer(unpacked, REFERENCE, chunk).reshape(lists.chunks)
        room = whole[tuple(slice(start, start + length) for start, length in zip(where, lists.chunks, strict=True))]
        room[...] = part[tuple(slice(length) for length in room.shape)]
    return whole.ravel()


def _unpacked(lists: Any, where: tuple[int, ...], most: int) -> bytes:
    settings = lists.id.get_create_plist()
    mask, content = lists.id.read_direct_chunk(where)
    for number in reversed(range(settings.get_nfilters())):
        kind = settings.get_filter(number)[0]
        if mask >> number & 1:
            continue
        if kind == DEFLATE:
            content = zlib.decompressobj().decompress(content, most)
        elif kind == SHUFFLE:
            content = np.frombuffer(content, "u1").reshape(REFERENCE.itemsize, -1).T.tobytes()
        else:
            raise ScanError(f"{lists.name} is packed with HDF5's filter {kind}, which is not known for lists.")
    return bytes(content)
