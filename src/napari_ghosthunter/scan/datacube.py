"""To and from py4DSTEM: its DataCube over the same array, and its .h5 files.

py4DSTEM names the axes (Rx, Ry, Qx, Qy), where its x is the first, slow axis: our (scan_y, scan_x, k_y, k_x) in the
same order, so that no axis is turned. It keeps one pixel size for each plane; a scan whose steps differ in y and x
keeps both in the dimension vectors of the cube and of the file, until py4DSTEM itself recalibrates the cube.
"""

from __future__ import annotations

import math
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from napari_ghosthunter.errors import MissingExtraError, OutputError
from napari_ghosthunter.files import whole_file
from napari_ghosthunter.scan.calibration import PIXELS, Calibration
from napari_ghosthunter.scan.native import native
from napari_ghosthunter.scan.units import Axis, calibration_of, convert

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from numpy.typing import NDArray
    from py4DSTEM import DataCube

_R_UNITS = {"angstrom": "A", PIXELS: "pixels"}  # py4DSTEM's names, where they differ from ours


class _Scan(Protocol):
    """What is needed of a scan to write it."""

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(scan_y, scan_x, k_y, k_x)."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the stored intensities."""
        ...

    @property
    def calibration(self) -> Calibration:
        """Pixel sizes."""
        ...

    def row_blocks(self) -> Iterator[tuple[int, int]]:
        """Give the bounds of blocks of rows that fit the memory."""
        ...

    def read(self, key: Any) -> NDArray[Any]:
        """Read a part of the data as it is stored."""
        ...


def require_py4dstem(what: str) -> ModuleType:
    """Give py4DSTEM, an extra, for what a user asked for.

    Raises
    ------
    MissingExtraError
        If it is not installed, or does not fit what else is.
    """
    try:
        import py4DSTEM
    except ImportError as error:
        if sys.version_info >= (3, 13):
            raise MissingExtraError(f"{what} needs py4DSTEM, which there is for Python 3.11 and 3.12 only.") from error
        raise MissingExtraError.of(what, "py4dstem", error) from error
    except AttributeError as error:  # what an older numpy had
        raise MissingExtraError(
            f"{what} needs py4DSTEM, which does not fit the libraries that are installed ({error}); those that it "
            "takes come with pip install 'napari-ghosthunter[py4dstem]'."
        ) from error
    package: ModuleType = py4DSTEM
    return package


def calibration_in(cube: DataCube) -> Calibration:
    """Give the pixel sizes of a py4DSTEM DataCube, whose axes (Rx, Ry, Qx, Qy) are our (scan_y, scan_x, k_y, k_x)."""
    calibration = cube.calibration
    sizes = [calibration.get_R_pixel_size()] * 2 + [calibration.get_Q_pixel_size()] * 2
    units = [calibration.get_R_pixel_units()] * 2 + [calibration.get_Q_pixel_units()] * 2
    axes: list[Axis | None] = [
        (float(dim[1] - dim[0]) if len(dim) > 1 else float(size), str(unit))
        for dim, size, unit in zip(cube.dims, sizes, units, strict=True)
    ]
    return calibration_of(axes)


def datacube_of(array: Any, calibration: Calibration, name: str) -> DataCube:
    """Give a py4DSTEM DataCube over a lazy array (scan_y, scan_x, k_y, k_x), with its calibration.

    The array is neither read nor copied: memory maps and HDF5 datasets are handed over as they are, and any other
    lazy array as a dask array. Detector steps in 1/nm are given in 1/angstrom, and those in units that py4DSTEM does
    not know (lengths on the detector) as pixels.

    Raises
    ------
    MissingExtraError
        If py4DSTEM is not installed.
    """
    return _cube(_array_for_py4dstem(array), calibration, name)


def write_py4dstem(scan: _Scan, path: Path | str) -> None:
    """Write a scan as py4DSTEM's .h5, row by row, whole or not at all.

    py4DSTEM writes the file and its metadata around a cube of at most two elements along each axis, in whose place
    the patterns are then streamed; given the whole array, it would load any that is not one piece on disk.

    Raises
    ------
    OutputError
        If the file cannot be written, or the disk has no room for it.
    MissingExtraError
        If py4DSTEM is not installed.
    """
    require_py4dstem("write_py4dstem")
    with whole_file(path) as temporary:
        _need_room(temporary, math.prod(scan.shape) * scan.dtype.itemsize, path)
        _stream(scan, temporary)


def _need_room(there: Path, size: int, path: Path | str) -> None:
    """Refuse what the disk has no room for: the HDF5 library ends the whole program when a disk becomes full."""
    free = shutil.disk_usage(there.parent).free
    if free < size:
        raise OutputError(
            f"Cannot write {path}: it takes {size / 1e9:.3f} GB, and the disk has {free / 1e9:.3f} GB left."
        )


def _stream(scan: _Scan, path: Path) -> None:
    import h5py

    small = np.zeros([min(length, 2) for length in scan.shape], scan.dtype.newbyteorder("="))
    cube = _cube(small, scan.calibration, "datacube")
    require_py4dstem("write_py4dstem").save(str(path), cube, mode="o")
    with h5py.File(path, "r+") as file:
        group = file[f"{cube.root.name}/{cube.name}"]
        attributes = dict(group["data"].attrs)
        del group["data"]
        data = group.create_dataset("data", scan.shape, small.dtype)
        data.attrs.update(attributes)
        for start, stop in scan.row_blocks():
            data[start:stop] = native(scan.read(slice(start, stop)))  # as measured


def _cube(array: Any, calibration: Calibration, name: str) -> DataCube:
    cube: DataCube = require_py4dstem("A DataCube").DataCube(data=array, name=name)
    units = _R_UNITS.get(calibration.scan_units, calibration.scan_units)
    cube.calibration.set_R_pixel_size(calibration.scan_step[0])
    cube.calibration.set_R_pixel_units(units)
    k_step, k_units = _k_for_py4dstem(calibration)
    cube.calibration.set_Q_pixel_size(k_step[0])
    cube.calibration.set_Q_pixel_units(k_units)
    if calibration.scan_step[0] != calibration.scan_step[1]:
        cube.set_dim(1, np.arange(array.shape[1]) * calibration.scan_step[1], units=units)
    if k_step[0] != k_step[1]:
        cube.set_dim(3, np.arange(array.shape[3]) * k_step[1], units=k_units)
    return cube


def _k_for_py4dstem(calibration: Calibration) -> tuple[tuple[float, float], str]:
    """Give the detector steps in one of the units that py4DSTEM allows: A^-1, mrad or pixels."""
    if calibration.k_units == "mrad":
        return calibration.k_step, "mrad"
    step_y, step_x = (convert(step, calibration.k_units, "1/angstrom") for step in calibration.k_step)
    return ((1.0, 1.0), "pixels") if step_y is None or step_x is None else ((step_y, step_x), "A^-1")


def _array_for_py4dstem(array: Any) -> Any:
    import h5py

    if isinstance(array, (np.ndarray, h5py.Dataset)) or hasattr(array, "dask"):
        return array
    import dask.array

    wrap: Any = dask.array.from_array  # has no types
    return wrap(array, chunks=(1, *array.shape[1:]))
