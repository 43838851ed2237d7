"""TIFF: ImageJ stacks and hyperstacks, OME-TIFF and plain files of many pages, understood by tifffile.

Patterns that lie in one piece are mapped, others are unpacked page by page as they are asked for.
"""

from __future__ import annotations

import logging
import math
import struct
import weakref
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.boundary import reading
from napari_ghosthunter.scan.calibration import Calibration
from napari_ghosthunter.scan.readers.choose import choose, label
from napari_ghosthunter.scan.readers.frames import Frames
from napari_ghosthunter.scan.readers.one_by_one import OneByOne
from napari_ghosthunter.scan.readers.pictures import FAINT, GREY_IN_COLOUR, MOST_PIXELS, grey
from napari_ghosthunter.scan.readers.stack import Stack, Wanted
from napari_ghosthunter.scan.scan import LazyArray
from napari_ghosthunter.scan.units import ANGULAR, Axis, calibration_of, plain_axis

MOST_BYTES = 2**62  # of a file
FULL_SCALE = 255  # what the brightest pixel of a pattern of 8 bits has, if it was scaled to them


def read(path: Path, wanted: Wanted) -> Stack:
    """Find the patterns of a TIFF file, shape (patterns, k_y, k_x) or (scan_y, scan_x, k_y, k_x).

    Raises
    ------
    DatasetError
        If it holds several stacks, or one of five axes, and none was chosen.
    ScanError
        If it holds one picture or pictures in colours, keeps patterns in other files, is packed in a way that is not
        known, or is damaged.
    """
    with ExitStack() as opened:  # closes the file if it cannot be read
        with reading(path, "a TIFF file"):
            file = opened.enter_context(_open(path))
            series = {f"series{number}": one for number, one in enumerate(file.series)}
            shapes = {name: _shape(one) for name, one in series.items()}
        if shapes and all(len(shape) == 2 for shape in shapes.values()):
            height, width = next(iter(shapes.values()))
            raise ScanError(
                f"It holds {'one picture' if len(shapes) == 1 else 'pictures'} of {height} x {width} pixels, not a "
                "scan. If each file of its folder holds the pattern of one position, open the folder."
            )
        name, index = choose(shapes, wanted.dataset)
        with reading(path, "a TIFF file"):
            patterns, notes = _patterns(path, file, series[name], shapes[name], index)
            calibration, more = _calibration(file)
        if not isinstance(patterns, np.ndarray):
            opened.pop_all()
    several = index or len([shape for shape in shapes.values() if len(shape) > 2]) > 1
    return Stack(patterns, calibration, dataset=label((name, index)) if several else None, notes=(*notes, *more))


def read_picture(path: Path) -> NDArray[Any]:
    """Read the pattern in a TIFF file that holds no other, shape (k_y, k_x).

    Raises
    ------
    ScanError
        If it holds several or one in colours, is packed in a way that is not known, or is damaged.
    """
    with reading(path, "a TIFF file"), _open(path) as file:
        if len(file.series) != 1 or math.prod(_shape(file.series[0])[:-2]) != 1:
            raise ScanError(f"{path.name} holds more than one picture: open that file itself.")
        _check_packing(path, file.series[0].pages[0])
        return _page(path, file.series[0].pages[0])


def describe_picture(path: Path) -> tuple[Calibration, tuple[str, ...]]:
    """Give the pixel size that a TIFF file states, where it is one of patterns, and a note where it is not."""
    with reading(path, "a TIFF file"), _open(path) as file:
        return _calibration(file)


def is_picture(path: Path) -> bool:
    """Whether a TIFF file holds a single picture, as far as its beginning tells: nothing for who reads scans."""
    try:
        with reading(path, "a TIFF file"), _open(path) as file:
            return not file.is_imagej and len(file.pages) == 1 and len(_shape(file.series[0])) == 2
    except ScanError:
        return False


def _open(path: Path) -> Any:
    import tifffile

    _check_chain(path)
    log = logging.getLogger("tifffile")
    if not log.handlers:  # what it says of each tag of a damaged file would go to the terminal
        log.addHandler(logging.NullHandler())
    return tifffile.TiffFile(path, _multifile=False)  # OME may name other files, anywhere


def _check_chain(path: Path) -> None:
    """Refuse a file whose pages lead in a circle, which tifffile would follow for ever."""
    with path.open("rb") as stream:
        order, version = stream.read(2), stream.read(2)
        endian = {b"II": "<", b"MM": ">"}.get(order, "=")
        if version not in (struct.pack(f"{endian}H", 42), struct.pack(f"{endian}H", 43)):
            raise ValueError("it does not begin as one")
        large = version == struct.pack(f"{endian}H", 43)
        count, entry, link = (f"{endian}Q", 20, f"{endian}Q") if large else (f"{endian}H", 12, f"{endian}I")
        place, seen = (8 if large else 4), set[int]()
        while True:
            stream.seek(place)
            found = stream.read(struct.calcsize(link))
            if len(found) < struct.calcsize(link) or not (page := struct.unpack(link, found)[0]):
                return
            if page in seen:
                raise ValueError("its pages lead in a circle")
            seen.add(page)
            stream.seek(min(page, MOST_BYTES))
            found = stream.read(struct.calcsize(count))
            if len(found) < struct.calcsize(count):
                return
            place = min(page + struct.calcsize(count) + struct.unpack(count, found)[0] * entry, MOST_BYTES)


def _shape(series: Any) -> tuple[int, ...]:
    """Give the shape of a series without the axis of equal channels that a grey picture may have."""
    shape = tuple(int(length) for length in series.shape)
    return shape[:-1] if series.axes.endswith("S") else shape


def _patterns(
    path: Path, file: Any, series: Any, shape: tuple[int, ...], index: tuple[int, ...]
) -> tuple[LazyArray, tuple[str, ...]]:
    axes = series.axes.removesuffix("S")
    if not axes.endswith("YX"):
        raise ScanError(f"{path.name} has the axes {series.axes}, where those of a picture, YX, come last in a scan.")
    if len(series.shape) == len(shape) and series.dataoffset is not None:
        dtype = np.dtype(series.dtype).newbyteorder(file.byteorder)
        mapped = np.memmap(path, dtype, "r", series.dataoffset, shape)[index]
        return mapped, _notes(axes[len(index) :], mapped[(0,) * (mapped.ndim - 2)])
    leading = shape[len(index) : -2]
    count = math.prod(leading)
    first = int(np.ravel_multi_index(index, shape[: len(index)])) * count if index else 0
    if len(series.pages) != math.prod(shape[:-2]) or any(page is None for page in series.pages):
        raise ScanError(f"{path.name} keeps some of its pictures in other files: export it as one file.")
    _check_packing(path, series.pages[first])
    example = _page(path, series.pages[first])
    fetch = _fetcher(path, series.pages, first)
    rows = OneByOne(fetch, (count, shape[-2], shape[-1]), example.dtype, serial=True)
    weakref.finalize(rows, file.close)
    notes = _notes(axes[len(index) :], example)
    if len(series.shape) > len(shape):
        notes = (*notes, GREY_IN_COLOUR)
    if len(leading) == 1:
        return rows, notes
    return Frames((rows,), leading), notes


def _fetcher(path: Path, pages: Any, first: int) -> Callable[[int], NDArray[Any]]:
    def fetch(number: int) -> NDArray[Any]:
        with reading(path, "a TIFF file"):
            return _page(path, pages[first + number])

    return fetch


def _page(path: Path, page: Any) -> NDArray[Any]:
    """Unpack a page, of which tifffile would give as zeros what is missing."""
    size = path.stat().st_size
    parts = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    if not parts or any(count < 1 or offset + count > size for offset, count in parts):
        raise ValueError("a page of it lies beyond its end")
    height, width = page.keyframe.imagelength, page.keyframe.imagewidth
    if height * width > MOST_PIXELS:
        raise ScanError(f"{path.name} states a picture of {height} x {width} pixels, which no detector gives.")
    return grey(np.asarray(page.asarray()), path)


def _check_packing(path: Path, page: Any) -> None:
    import tifffile

    try:
        tifffile.TIFF.DECOMPRESSORS[page.compression]
    except KeyError:
        known = getattr(page.compression, "name", page.compression)
        raise ScanError(
            f"{path.name} is packed with {known}, which needs the package imagecodecs: pip install imagecodecs, or "
            "save it without compression."
        ) from None


def _notes(axes: str, example: NDArray[Any]) -> tuple[str, ...]:
    """Say which axes became the scan, where the file calls them otherwise, and what 8 bits may have cost."""
    notes = []
    if len(axes) == 4:
        notes.append(
            f"Its axes {axes[0]} and {axes[1]} were taken as the scan's, {axes[0]} as scan_y (the slower one)."
        )
    if example.dtype == np.uint8 and example.max() == FULL_SCALE:
        notes.append(FAINT)
    return tuple(notes)


def _calibration(file: Any) -> tuple[Calibration, tuple[str, ...]]:
    """Take ImageJ's pixel size where its unit is one of patterns; a length may be of anything, and is only told."""
    unit = str((file.imagej_metadata or {}).get("unit") or "")
    tags = file.pages[0].tags
    sizes: list[Axis | None] = []
    for name in ("YResolution", "XResolution"):
        pixels, units = tags[name].value if name in tags else (0, 0)
        sizes.append((units / pixels, unit) if pixels and units else None)
    if not unit or None in sizes:
        return Calibration(), ()
    plain = plain_axis(*sizes[1]) if sizes[1] else (1.0, "px")
    if plain[1] in ANGULAR:
        return calibration_of([None, None, *sizes]), ()
    if plain[1] == "px":
        return Calibration(), ()
    note = f"The file states a pixel size of {plain[0]:.6g} {plain[1]}, a length, which is none of patterns: not used."
    return Calibration(), (note,)
