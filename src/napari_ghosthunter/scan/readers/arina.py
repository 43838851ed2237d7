"""DECTRIS Arina: a _master.h5 file that links to files of patterns.

py4DSTEM and RosettaSciIO both load the whole scan and fail on a detector that is not square; the linked arrays are
joined lazily here. What RosettaSciIO does right is kept: 32-bit counts are given as 16-bit where they fit. Pixels that
the file masks, or that hold what is no count, are given as 0.
"""

from __future__ import annotations

import math
import re
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

DETECTOR = "entry/instrument/detector"
_PART = re.compile(r"^(?P<stem>.+?)(_data_\d+)?\.h5$", re.IGNORECASE)


def is_arina(file: Any) -> bool:
    """Whether an open HDF5 file is a DECTRIS master file."""
    import h5py

    group = follow(file, "entry/data")
    return isinstance(group, h5py.Group) and any(key.startswith("data_0") for key in group)


def master_beside(path: Path) -> Path | None:
    """Find the master file that a file of patterns, or that of the microscope, belongs to; None if there is none."""
    part = _PART.match(path.name)
    master = path.with_name(f"{part['stem']}_master.h5") if part is not None else path
    return master if master != path and master.is_file() else None


def stack_of_master(path: Path, file: Any, wanted: Wanted) -> Stack:
    """Join the patterns that a master file links to, shape (patterns, k_y, k_x).

    The file does not keep the scan shape. A square number of patterns is taken for a square scan, as other programs
    do, with a note that says so.

    Raises
    ------
    ScanError
        If the first linked file is missing or damaged, or the others hold no patterns of its kind.
    """
    import hdf5plugin  # noqa: F401  (its filters are what the patterns are compressed with)

    parts, missing = _parts(path, follow(file, "entry/data"))
    count = recorded = sum(len(part) for part in parts)
    patterns, notes = _joined(file, parts, count)
    if missing:
        recorded = _recorded(file, count)
        notes = (f"{missing}: {count} of {recorded} patterns are there, up to it.", *notes)
    side, scan_shape = math.isqrt(recorded), None
    if not (wanted.scan_shape or wanted.skip_frames or wanted.flyback) and side * side == recorded:
        scan_shape = (side, side)
        square = f"The scan shape is not stated; {recorded} patterns were taken for a square scan of {side} x {side}."
        notes = (f"{square} If it was not square, give the scan shape.", *notes)
    return Stack(patterns, _calibration(path), scan_shape=scan_shape, notes=notes)


def _parts(path: Path, group: Any) -> tuple[list[Any], str]:
    """List the arrays of patterns, up to the first whose file is missing or damaged, and say which that is."""
    import h5py

    parts: list[Any] = []
    told = ""
    for key in sorted(group):
        try:
            part = follow(group, key)
        except ScanError as error:
            if not parts:
                raise
            told = str(error).rstrip(".")
            break
        if not isinstance(part, h5py.Dataset):
            missing = getattr(group.get(key, getlink=True), "filename", key)
            told = f"{path.name} keeps its patterns in {missing}, which is missing beside it, or holds none"
            if part is not None or not parts:
                raise ScanError(f"{told}.")
            break
        check_sources(part)
        check_stored(part)
        parts.append(part)
    kinds = {(part.dtype, part.shape[1:], part.dtype.kind in "uif") for part in parts}
    if len(kinds) != 1 or not all(len(shape) == 2 and plain for _, shape, plain in kinds):
        raise ScanError(f"{path.name} does not lead to patterns of one size and type.")
    return parts, told


def _recorded(file: Any, count: int) -> int:
    """Give how many patterns the detector recorded, as the master file states; `count` if it does not."""
    stated = [_number(file, f"{DETECTOR}/detectorSpecific/{name}") for name in ("nimages", "ntrigger")]
    return int(stated[0] * stated[1]) if stated[0] and stated[1] else count


def _number(file: Any, name: str) -> float | None:
    found = follow(file, name)
    number = getattr(found, "size", None) == 1 and found.dtype.kind in "uif"
    return float(np.ravel(found[()])[0]) if number else None


def _joined(file: Any, parts: list[Any], count: int) -> tuple[Frames, tuple[str, ...]]:
    """Join the parts; 32-bit counts that cannot exceed 16 bits are narrowed, and dead pixels count nothing."""
    dtype = parts[0].dtype
    if dtype.kind != "u":
        return Frames(parts, (count,)), ()
    mask, highest = _mask(file, parts[0].shape[1:]), _highest(file, dtype)
    narrow = dtype.itemsize > 2 and highest <= np.iinfo(np.uint16).max
    given = np.dtype(np.uint16) if narrow else dtype

    def counts(block: NDArray[Any]) -> NDArray[Any]:
        bad = block > highest if mask is None else (block > highest) | mask
        return np.where(bad, 0, block).astype(given)

    notes = []
    if narrow:
        notes.append(f"The counts, stored with {8 * dtype.itemsize} bits, are given with 16, into which they fit.")
    bad = int(np.count_nonzero(parts[0][0] > highest if mask is None else mask))
    if bad:
        whose = "that hold no count in the first pattern" if mask is None else "that the file masks"
        notes.append(f"{bad} dead pixel(s) {whose} are given as 0.")
    return Frames(parts, (count,), given, counts), tuple(notes)


def _mask(file: Any, detector_shape: tuple[int, ...]) -> NDArray[np.bool_] | None:
    """Read which pixels the file masks; None if it does not say so."""
    found = follow(file, f"{DETECTOR}/detectorSpecific/pixel_mask")
    if found is None or getattr(found, "shape", None) != detector_shape or found.dtype.kind not in "uib":
        return None
    check_stored(found)
    mask: NDArray[np.bool_] = np.asarray(found[()]) != 0
    return mask


def _highest(file: Any, dtype: np.dtype[Any]) -> int:
    """Give the highest number that is a count; the largest that the type holds stands for a pixel that is dead."""
    most = int(np.iinfo(dtype).max) - 1
    saturation = _number(file, f"{DETECTOR}/saturation_value")
    return most if saturation is None or not 0 < saturation < most else int(saturation)


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
