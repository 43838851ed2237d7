"""A domain map in one HDF5 file: everything in it, in the layout of EMD 1.0, which py4DSTEM and emdfile read.

    /domain_map                    provenance as JSON, version of the format
        class_names, class_colours in the order of the ids
        classes                    data: uint8, (scan_y, scan_x), 0 = no data, 1..n = classes
        confidence                 data: float32, (scan_y, scan_x)
        probabilities              data: float32, (scan_y, scan_x, class), NaN = no data

Each of the last three is a group of an array `data` and its axes `dim0`, `dim1`, ... with their names and units.
EMD 0.2 is not used, because programs disagree on the order of its axes.

The file is made in memory: where a disk is full, the HDF5 library ends the whole program with a segmentation fault.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_ghosthunter.mapping.contents import MapContents
from napari_ghosthunter.scan.calibration import PIXELS

EMD_VERSION = (1, 0)
FORMAT_VERSION = 1  # of what lies in /domain_map


def write_hdf5(path: Path | str, domain_map: MapContents) -> None:
    """Write probabilities, classes, confidence, names, colours, calibration and provenance to one file."""
    import h5py

    with h5py.File("map", "w", driver="core", backing_store=False) as file:
        file.attrs["version_major"], file.attrs["version_minor"] = EMD_VERSION
        file.attrs["emd_group_type"], file.attrs["authoring_program"] = "file", "napari-ghosthunter"
        group = file.create_group("domain_map")
        group.attrs["emd_group_type"], group.attrs["python_class"] = "root", "Root"
        group.attrs["format"] = FORMAT_VERSION
        group.attrs["provenance"] = json.dumps(dict(domain_map.provenance), ensure_ascii=False, allow_nan=False)
        text = h5py.string_dtype("utf-8")
        group.create_dataset("class_names", data=list(domain_map.classes.names), dtype=text)
        group.create_dataset("class_colours", data=list(domain_map.classes.colours), dtype=text)
        _write_array(group, "classes", domain_map.classes_image, domain_map)
        _write_array(group, "confidence", domain_map.confidence, domain_map)
        _write_array(group, "probabilities", domain_map.probabilities, domain_map)
        file.flush()
        Path(path).write_bytes(file.id.get_file_image())


def _write_array(group: Any, name: str, array: NDArray[Any], domain_map: MapContents) -> None:
    """Write one array whose first axes are (scan_y, scan_x), with a calibrated axis beside it for each of its own."""
    entry = group.create_group(name)
    entry.attrs["emd_group_type"], entry.attrs["python_class"] = "array", "Array"
    data = entry.create_dataset("data", data=array, compression="gzip", compression_opts=4)
    data.attrs["units"] = ""
    step_y, step_x = domain_map.calibration.scan_step
    units = domain_map.calibration.scan_units
    units = "pixel" if units == PIXELS else units
    axes = [("scan_y", step_y, 0, units), ("scan_x", step_x, 0, units), ("class", 1, 1, "")]
    for number, (length, (axis, step, start, unit)) in enumerate(zip(array.shape, axes, strict=False)):
        values = entry.create_dataset(f"dim{number}", data=start + step * np.arange(length))
        values.attrs["name"], values.attrs["units"] = axis, unit
