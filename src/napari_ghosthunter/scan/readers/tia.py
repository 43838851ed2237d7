"""FEI TIA .ser and .emi: header layout taken from RosettaSciIO, patterns mapped from the .ser file.

RosettaSciIO reads every pattern, also when asked to be lazy, and without the .emi takes 1/m for m.
"""

from __future__ import annotations

import glob
from pathlib import Path
from typing import Any

import numpy as np

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.boundary import reading
from napari_ghosthunter.scan.readers.choose import choose
from napari_ghosthunter.scan.readers.frames import map_records
from napari_ghosthunter.scan.readers.stack import ScanShape, Stack, Wanted
from napari_ghosthunter.scan.units import Axis, calibration_of

IMAGES = 0x4122  # DataTypeID of a .ser file of images; 0x4120 is spectra
# What precedes the pixels of each image.
ELEMENT = [
    ("CalibrationOffsetX", "<f8"), ("CalibrationDeltaX", "<f8"), ("CalibrationElementX", "<u4"),
    ("CalibrationOffsetY", "<f8"), ("CalibrationDeltaY", "<f8"), ("CalibrationElementY", "<u4"),
    ("DataType", "<u2"), ("SizeX", "<u4"), ("SizeY", "<u4"),
]  # fmt: skip


def read(path: Path, wanted: Wanted) -> Stack:
    """Map the patterns of a .ser file, or of the one .ser file that belongs to an .emi and holds a scan.

    Raises
    ------
    DatasetError
        If several .ser files of an .emi could be the scan and none was chosen.
    ScanError
        If there is no such file, or it is damaged or holds no images.
    """
    if path.suffix.lower() != ".emi":
        return _read_ser(path)
    files = sorted(file for file in path.parent.glob(f"{glob.escape(path.stem)}_*") if _is_ser(file))
    if not files:
        raise ScanError(f"{path.name} keeps its data in {path.stem}_1.ser and the like, and none is beside it.")
    shapes = {file.name: _shape(_header(file)) for file in files}
    name, _ = choose(shapes, wanted.dataset)
    stack = _read_ser(path.parent / name)
    return Stack(stack.patterns, stack.calibration, stack.scan_shape, stack.hints, name, stack.notes)


def _read_ser(path: Path) -> Stack:
    header = _header(path)
    if header["DataTypeID"] != IMAGES:
        raise ScanError(f"{path.name} holds spectra, not diffraction patterns; open the .ser file of the images.")
    if not header["ValidNumberElements"]:
        raise ScanError(f"{path.name} holds no patterns: the acquisition was stopped before the first.")
    from rsciio.tia._api import data_types

    with reading(path, "a TIA .ser file"):
        offsets = _offsets(path, header)
        steps = np.unique(np.diff(offsets))
        if len(steps) > 1:
            raise ScanError(f"{path.name} does not keep its patterns at equal distances; export it to another format.")
        element = np.fromfile(path, np.dtype(ELEMENT), count=1, offset=int(offsets[0]))[0]
        dtype, detector = data_types[str(int(element["DataType"]))], (int(element["SizeY"]), int(element["SizeX"]))
        own_bytes = np.dtype(ELEMENT).itemsize + np.dtype((dtype, detector)).itemsize
        after = int(steps[0]) - own_bytes if len(steps) else 0  # a tag with time and position follows
        records = map_records(
            path, dtype, detector, offset=int(offsets[0]), before=ELEMENT, after=after, count=len(offsets)
        )
    shape, axes, notes = _scan(header)
    k_axes = [_k_axis(float(element[f"CalibrationDelta{name}"])) for name in "YX"]
    patterns = records["pattern"][:, ::-1]  # the lowest row comes first
    return Stack(patterns, calibration_of([*axes, *k_axes]), scan_shape=shape, notes=notes)


def _is_ser(path: Path) -> bool:
    return path.suffix.lower() == ".ser" and path.is_file()


def _header(path: Path) -> Any:
    from rsciio.tia._api import get_header_dtype_list

    with reading(path, "a TIA .ser file"), path.open("rb") as stream:
        if stream.read(2) != b"II":
            raise ScanError(f"{path.name} is no TIA .ser file: it does not begin with 'II'.")
        stream.seek(0)
        return np.fromfile(stream, np.dtype(get_header_dtype_list(stream)), count=1)[0]


def _offsets(path: Path, header: Any) -> Any:
    """Read where each element begins: 4-byte numbers in older files, 8-byte numbers since version 0x220."""
    kind = "<u4" if header["SeriesVersion"] <= 528 else "<u8"
    start, count = int(header["OffsetArrayOffset"]), int(header["ValidNumberElements"])
    if start + count * np.dtype(kind).itemsize > path.stat().st_size:
        raise ValueError("its table of patterns is incomplete")
    with path.open("rb") as stream:
        stream.seek(start)
        offsets = np.fromfile(stream, kind, count=count)
    return offsets.astype(np.int64)


def _shape(header: Any) -> tuple[int, ...]:
    """Give the axes of a .ser file as far as `choose` needs them, without reading its first pattern."""
    detector = (1, 1) if header["DataTypeID"] == IMAGES else (1,)
    return (*(int(header[f"Dim-{n}_DimensionSize"]) for n in range(1, int(header["NumberDimensions"]) + 1)), *detector)


def _scan(header: Any) -> tuple[ScanShape | None, list[Axis | None], tuple[str, ...]]:
    """Find scan shape and scan axes; TIA lists its dimensions with the fastest, x, first."""
    count = int(header["NumberDimensions"])
    sizes = [int(header[f"Dim-{n}_DimensionSize"]) for n in range(1, count + 1)]
    axes: list[Axis | None] = [
        (float(header[f"Dim-{n}_CalibrationDelta"]), header[f"Dim-{n}_Units"].decode("latin-1"))
        for n in range(1, count + 1)
    ]
    if count == 2:
        return (sizes[1], sizes[0]), [axes[1], axes[0]], ()
    if count == 1 and axes[0] is not None and axes[0][1] == "meters":
        return (1, sizes[0]), [None, axes[0]], ("The file holds a line of positions, read as a scan of one row.",)
    return None, [None, None], ()


def _k_axis(step: float) -> Axis:
    """TIA calibrates images in metres and patterns in 1/m; a pixel of over a metre can only be the latter."""
    return (step, "m" if abs(step) < 1 else "1/m")
