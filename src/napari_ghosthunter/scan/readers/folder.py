"""A folder with one file a pattern, as the paper's pipeline writes it: positions are taken from the names.

Of thousands of files only the names are listed, and a few are looked at; each is read when its pattern is asked for.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_ghosthunter.errors import DatasetError, ScanError
from napari_ghosthunter.scan.boundary import reading
from napari_ghosthunter.scan.calibration import Calibration
from napari_ghosthunter.scan.readers import arrays, direct_electron, gatan, merlin, pictures, tiff
from napari_ghosthunter.scan.readers.file_names import Series, series_in, turned
from napari_ghosthunter.scan.readers.one_by_one import OneByOne
from napari_ghosthunter.scan.readers.stack import Stack, Wanted
from napari_ghosthunter.scan.readers.thermo import thermo_header

Described = tuple[Calibration, tuple[str, ...]]  # the pixel sizes that one file states, and notes on them


def _undescribed(_path: Path) -> Described:
    return Calibration(), ()


# How the one pattern in a file of each ending is read, and what the file says of its pixels.
READ: dict[str, tuple[Callable[[Path], NDArray[Any]], Callable[[Path], Described]]] = {
    ".png": (pictures.read_png, _undescribed),
    ".tif": (tiff.read_picture, tiff.describe_picture),
    ".tiff": (tiff.read_picture, tiff.describe_picture),
    ".mib": (merlin.read_single, _undescribed),
    ".dm3": (gatan.read_image, gatan.describe_image),
    ".dm4": (gatan.read_image, gatan.describe_image),
    ".mrc": (direct_electron.read_single, lambda path: (thermo_header(path).calibration, ())),
    ".npy": (arrays.read_single, _undescribed),
}
PICTURES = (".png", ".tif", ".tiff")
OTHER_PICTURES = (".jpg", ".jpeg", ".bmp", ".gif", ".webp")  # kinds that are not read
_NUMBERED = re.compile(r"[0-9].*\.")
MOST_FILES = 4_000_000
LOOKED_AT = 8  # files of a series, evenly spread
FEWEST, LEAST_SHARE = 3, 0.1  # files that may be a scan beside a larger one; fewer are strays


def is_folder_of_patterns(path: Path) -> bool:
    """Whether a folder holds two or more files that may be patterns: pictures, or others with numbers in their names.

    Raises
    ------
    ScanError
        If it cannot be looked into.
    """
    try:
        found = (name for name in _names(path, tuple(READ)) if _ending(name) in PICTURES or _NUMBERED.search(name))
        return len(list(itertools.islice(found, 2))) > 1
    except OSError as error:
        raise ScanError(f"Cannot look into the folder {path}: {error.strerror or error}.") from error


def read(path: Path, wanted: Wanted) -> Stack:
    """Take the files of a folder for the patterns of a scan, shape (patterns, k_y, k_x).

    Raises
    ------
    DatasetError
        If it holds several series of files that could be the scan and none was chosen.
    ScanError
        If it holds none, positions are missing or come twice, or a file is no single pattern in shades of grey.
    """
    if not path.is_dir():
        raise ScanError(f"{path.name} is no folder; this reader takes a folder with one file a pattern.")
    series, left_out = _chosen(path, wanted)
    read_one, describe = READ[_ending(series.files[0])]
    first = _fetch(path / series.files[0], read_one)
    patterns = OneByOne(
        lambda number: _fetch(path / series.files[number], read_one),
        (len(series.files), first.shape[0], first.shape[1]), first.dtype, lambda number: series.files[number],
    )  # fmt: skip
    for place in np.unique(np.linspace(0, len(series.files) - 1, LOOKED_AT).astype(int)):
        patterns[place]  # refuses what is of another kind
    calibration, told = describe(path / series.files[0])
    notes = (*series.notes, *_kind_notes(path / series.files[0], first), *told, *left_out)
    return Stack(patterns, calibration, series.grid, dataset=series.name, notes=notes)


def _chosen(path: Path, wanted: Wanted) -> tuple[Series, tuple[str, ...]]:
    """Choose among the series of files in a folder, and say what is left out."""
    with reading(path, "a folder of patterns"):
        names = list(itertools.islice(_names(path, tuple(READ)), MOST_FILES + 1))
    if len(names) > MOST_FILES:
        raise ScanError(f"It holds over {MOST_FILES} files; patterns of so many positions belong in one file.")
    found = series_in(names)
    scans = [one for one in found if len(one.files) > 1]
    if not scans:
        raise ScanError(
            f"The folder holds no series of files with one pattern each ({', '.join(READ)}). A file that holds a whole "
            "scan is opened itself."
        )
    if wanted.dataset is None:
        plausible = [
            one for one in scans if len(one.files) >= max(FEWEST, LEAST_SHARE * len(scans[0].files))
        ]  # fmt: skip
        if len(plausible) > 1:
            offered = tuple(one.name for one in plausible)
            raise DatasetError(
                f"It holds several series of patterns; choose one with --dataset NAME (dataset= in Python): "
                f"{', '.join(offered[:8])}.", offered,
            )  # fmt: skip
        series = scans[0]
    else:
        series = _named(scans, wanted.dataset)
    if series.refused:
        raise ScanError(series.refused)
    other_way = turned(series)
    if other_way is not None and wanted.scan_shape == other_way.grid != series.grid:
        note = "The two numbers of the names were taken as Y_X (row, then column), as the scan shape asked for tells."
        series = replace(other_way, notes=(note, *other_way.notes))
    ours = set(series.files)
    rest = [name for name in (*names, *_names(path, OTHER_PICTURES)) if name not in ours]
    listed = ", ".join(rest[:3]) + (", ..." if len(rest) > 3 else "")
    return series, (f"{len(rest)} other file(s) that may be pictures were left out: {listed}.",) if rest else ()


def _named(scans: Sequence[Series], dataset: str) -> Series:
    """Find a series by its name, its name without the ending, or what it is called with x and y exchanged."""
    for one in scans:
        if dataset in (one.name, Path(one.name).stem):
            return one
        other_way = turned(one)
        if other_way is not None and dataset in (other_way.name, Path(other_way.name).stem):
            return other_way
    offered = tuple(one.name for one in scans)
    raise DatasetError(
        f"There is no dataset {dataset!r} in it; choose one with --dataset NAME (dataset= in Python): "
        f"{', '.join(offered[:8])}.", offered,
    )  # fmt: skip


def _names(path: Path, endings: tuple[str, ...]) -> Any:
    """List the regular files of some endings; names with a dot before them are of other programs."""
    with os.scandir(path) as entries:
        for entry in entries:
            if _ending(entry.name) in endings and not entry.name.startswith(".") and entry.is_file():
                yield entry.name


def _ending(name: str) -> str:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 - a Path for each of thousands of names takes long


def _fetch(path: Path, read_one: Callable[[Path], NDArray[Any]]) -> NDArray[Any]:
    if not path.is_file():
        raise ScanError(f"{path.name} is no longer in the folder: copy it back, and open the folder anew.")
    return np.array(read_one(path))  # a copy, which keeps no file open


def _kind_notes(path: Path, first: NDArray[Any]) -> tuple[str, ...]:
    if _ending(path.name) not in PICTURES:
        return ()
    coloured = _ending(path.name) == ".png" and pictures.is_coloured(path)
    faint = first.dtype == np.uint8
    return (*((pictures.GREY_IN_COLOUR,) if coloured else ()), *((pictures.FAINT,) if faint else ()))
