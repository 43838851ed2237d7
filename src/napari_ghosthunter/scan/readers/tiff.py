"""TIFF: ImageJ stacks and hyperstacks, OME-TIFF and plain files of many pages, understood by tifffile.

Patterns that lie in one piece are mapped, others are unpacked page by page as they are asked for.
"""

from __future__ import annotations

import math
import weakref
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
from napari_ghosthunter.scan.readers.pictures import FAINT, GREY_IN_COLOUR
from napari_ghosthunter.scan.readers.stack import Stack, Wanted
from napari_ghosthunter.scan.readers.tiff_pages import Pages, open_tiff
from napari_ghosthunter.scan.scan import LazyArray
from napari_ghosthunter.scan.units import ANGULAR, Axis, calibration_of, plain_axis

WHITE_IS_ZERO = 0  # TIFF's PhotometricInterpretation
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
            file = opened.enter_context(open_tiff(path))
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
            more = (*more, *_white_is_zero(series[name].keyframe))
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
    with reading(path, "a TIFF file"), open_tiff(path) as file:
        if len(file.series) != 1 or math.prod(_shape(file.series[0])[:-2]) != 1:
            raise ScanError(f"{path.name} holds more than one picture: open that file itself.")
        pages = Pages(path, file.series[0].pages)
        try:
            return pages.read(0)
        finally:
            pages.close()


def describe_picture(path: Path) -> tuple[Calibration, tuple[str, ...]]:
    """Give the pixel size that a TIFF file states, where it is one of patterns, and a note where it is not."""
    with reading(path, "a TIFF file"), open_tiff(path) as file:
        calibration, notes = _calibration(file)
        return calibration, (*notes, *_white_is_zero(file.pages[0]))


def is_picture(path: Path) -> bool:
    """Whether a TIFF file holds a single picture, as far as its beginning tells: nothing for who reads scans."""
    try:
        with reading(path, "a TIFF file"), open_tiff(path) as file:
            return not file.is_imagej and len(file.pages) == 1 and len(_shape(file.series[0])) == 2
    except ScanError:
        return False


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
    pages = Pages(path, series.pages)
    example = pages.read(first)
    rows = OneByOne(
        lambda number: pages.read(first + number), (count, shape[-2], shape[-1]), example.dtype, serial=True
    )
    weakref.finalize(rows, file.close)
    weakref.finalize(rows, pages.close)
    notes = _notes(axes[len(index) :], example)
    if len(series.shape) > len(shape):
        notes = (*notes, GREY_IN_COLOUR)
    if len(leading) == 1:
        return rows, notes
    return Frames((rows,), leading), notes


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


def _white_is_zero(page: Any) -> tuple[str, ...]:
    """Say that a file is to be shown with dark and bright exchanged: the numbers may be meant, or may not."""
    if page.keyframe.photometric != WHITE_IS_ZERO:
        return ()
    return ("The file is to be shown with white as 0; its numbers were taken as they are stored.",)


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
