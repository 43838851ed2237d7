"""DECTRIS Arina: a _master.h5 file that links to files of patterns.

py4DSTEM and RosettaSciIO both load the whole scan and fail on a detector that is not square; the linked arrays are
joined lazily here. What RosettaSciIO does right is kept: 32-bit counts are given as 16-bit where they fit.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.calibration import Calibration
from napari_ghosthunter.scan.readers.chunks import check_stored
from napari_ghosthunter.scan.readers.frames import Frames
from napari_ghosthunter.scan.readers.links import Attributes, check_sources, follow
from napari_ghosthunter.scan.readers.stack import Stack, Wanted
from napari_ghosthunter.scan.units import calibration_of

DEAD = np.iinfo(np.uint32).max  # the value of a pixel that does not count


def is_arina(file: Any) -> bool:
    """Whether an open HDF5 file is a DECTRIS master file."""
    import h5py

    group = follow(file, "entry/data")
    return isinstance(group, h5py.Group) and any(key.startswith("data_0") for key in group)


def stack_of_master(path: Path, file: Any, wanted: Wanted) -> Stack:
    """Join the patterns that a master file links to, shape (patterns, k_y, k_x).

    The file does not keep the scan shape. A square number of patterns is taken for a square scan, as other programs
    do, with a note that says so.

    Raises
    ------
    ScanError
        If a linked file is missing.
    """
    import hdf5plugin  # noqa: F401  (its filters are what the patterns are compressed with)

    parts = _parts(path, follow(file, "entry/data"))
    count = sum(len(part) for part in parts)
    patterns, notes = _joined(file, parts, count)
    side, scan_shape = math.isqrt(count), None
    if wanted.scan_shape is None and side * side == count:
        scan_shape = (side, side)
        square = f"The scan shape is not stated; {count} patterns were taken for a square scan of {side} x {side}."
        notes = (f"{square} If it was not square, give the scan shape.", *notes)
    return Stack(patterns, _calibration(path), scan_shape=scan_shape, notes=notes)


def _parts(path: Path, group: Any) -> list[Any]:
    import h5py

    parts: list[Any] = []
    for key in sorted(group):
        part = follow(group, key)
        if not isinstance(part, h5py.Dataset):
            missing = getattr(group.get(key, getlink=True), "filename", key)
            raise ScanError(f"{path.name} keeps its patterns in {missing}, which is missing beside it or damaged.")
        check_sources(part)
        check_stored(part)
        parts.append(part)
    kinds = {(part.dtype, part.shape[1:], part.dtype.kind in "uif") for part in parts}
    if len(kinds) != 1 or not all(len(shape) == 2 and plain for _, shape, plain in kinds):
        raise ScanError(f"{path.name} does not lead to patterns of one size and type.")
    return parts


def _joined(file: Any, parts: list[Any], count: int) -> tuple[Frames, tuple[str, ...]]:
    """Join the parts; 32-bit counts that cannot exceed 16 bits are narrowed, and dead pixels count nothing."""
    saturation = follow(file, "entry/instrument/detector/saturation_value")
    highest = np.ravel(saturation[()])[0] if saturation is not None and saturation.size == 1 else DEAD
    if parts[0].dtype != np.uint32 or highest > np.iinfo(np.uint16).max:
        return Frames(parts, (count,)), ()
    note = "The counts, stored with 32 bits, are given with 16, into which they fit; dead pixels are given as 0."
    return Frames(parts, (count,), np.uint16, _narrowed), (note,)


def _narrowed(block: NDArray[Any]) -> NDArray[Any]:
    return np.where(block == DEAD, 0, block).astype(np.uint16)


def _calibration(path: Path) -> Calibration:
    """Take the scan step from the file of the microscope beside it, where there is one."""
    import h5py

    beside = path.with_name(path.name.replace("_master.h5", ".h5"))
    if beside == path or not beside.is_file():
        return Calibration()
    with h5py.File(beside, "r") as file:
        metadata = follow(file, "STEM Metadata")
        step = Attributes(metadata).get("Pixel Size") if metadata is not None else None
    axes = [(float(value), "nm") for value in np.ravel(step)[:1]] if step is not None else [None]
    return calibration_of([axes[0], axes[0], None, None])
