"""Gatan .dm5: the tags and images of a .dm4 file in HDF5, read with h5py. RosettaSciIO 0.15 does not know it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from napari_ghosthunter.errors import DatasetError, ScanError
from napari_ghosthunter.scan.boundary import reading
from napari_ghosthunter.scan.readers import gatan
from napari_ghosthunter.scan.readers.choose import choose
from napari_ghosthunter.scan.readers.hdf5 import mapped
from napari_ghosthunter.scan.readers.hierarchy import numeric, text
from napari_ghosthunter.scan.readers.links import Attributes, check_sources, follow, open_file
from napari_ghosthunter.scan.readers.stack import Stack, Wanted
from napari_ghosthunter.scan.units import Axis, calibration_of

_FORMAT = "a Gatan .dm5 file"
_SHAPE_GROUPS = ("4D STEM Tags", "SI/Acquisition/Spatial Sampling")


def read(path: Path, wanted: Wanted) -> Stack:
    """Find the scan in a .dm5 file.

    Raises
    ------
    DatasetError
        If the file holds several scans and none was chosen.
    ScanError
        If it holds no scan or only the first of a series in .raw files, or is damaged.
    """
    import h5py

    with reading(path, _FORMAT):
        file = open_file(path)
        images: dict[str, Any] = {}
        arrays: dict[str, Any] = {}
        for key in follow(file, "ImageList") or ():
            data = follow(file, f"ImageList/{key}/ImageData/Data")
            if isinstance(data, h5py.Dataset):
                check_sources(data)
                name = f"image{key.strip('[]')}"
                images[name], arrays[name] = follow(file, f"ImageList/{key}"), data
        shapes = numeric(arrays)
    name, index = choose(shapes, wanted.dataset)
    if index:
        raise DatasetError(
            f"{name} has the shape {tuple(shapes[name])}; parts of it cannot be chosen.", tuple(shapes), shapes
        )
    with reading(path, _FORMAT):
        if follow(images[name], "ImageTags/In-situ/Recorded") is not None and path.with_suffix(".raw").is_file():
            raise ScanError(
                f"{path.name} is the first of a series in time, which is kept in {path.stem}.raw: export the scan of "
                "one time from Gatan's software."
            )
        stack = _stack(path, images[name], arrays[name])
    several = len([shape for shape in shapes.values() if len(shape) > 2]) > 1
    return Stack(
        stack.patterns, stack.calibration, hints=stack.hints, dataset=name if several else None, notes=stack.notes
    )


def _stack(path: Path, image: Any, data: Any) -> Stack:
    patterns, number = mapped(path, data), len(data.shape)
    axes = _axes(image, number)
    tags = _tags(image)
    if number != 4:
        hint = gatan.scan_shape_in_tags(tags)
        return Stack(
            patterns, calibration_of([None, None, *axes[-2:]]), hints=(hint,) if hint else (),
            notes=(f"Its tags state a scan of {hint[0]} x {hint[1]}.",) if hint else (),
        )  # fmt: skip
    scan_fastest, notes = gatan.scan_is_fastest({"ImageTags": tags}, axes)
    if not scan_fastest:
        return Stack(patterns, calibration_of(axes), notes=notes)
    if not isinstance(patterns, np.ndarray):
        raise ScanError(
            f"{path.name} is ordered by detector pixel, and packed: each pattern would need all of it. Save it as .dm4."
        )
    return Stack(patterns.transpose(2, 3, 0, 1), calibration_of([*axes[2:], *axes[:2]]), notes=notes)


def _axes(image: Any, number: int) -> list[Axis | None]:
    """Give (step, units) of each axis in numpy's order; Gatan counts them from the fastest."""
    axes: list[Axis | None] = []
    for n in range(number):
        found = follow(image, f"ImageData/Calibrations/Dimension/[{n}]")
        stated = None if found is None else Attributes(found)
        axes.append(
            None if stated is None else (float(np.ravel(stated.get("Scale", 1.0))[0]), text(stated.get("Units")))
        )
    return axes[::-1]


def _tags(image: Any) -> dict[str, Any]:
    """Read the few tags that matter here, as those of a .dm4 file are."""
    tags: dict[str, Any] = {}
    order = _attribute(image, "ImageTags/Meta Data", "Data Order Swapped")
    if order is not None:
        tags["Meta Data"] = {"Data Order Swapped": bool(order)}
    for group in _SHAPE_GROUPS:
        keys = [key for pair in gatan.SHAPE_TAGS for key in pair]
        stated = {key: _attribute(image, f"ImageTags/{group}", key) for key in keys}
        tags[group] = {key: value for key, value in stated.items() if value is not None}
    return tags


def _attribute(image: Any, group: str, name: str) -> int | float | None:
    """Read a tag that is a number; None if there is none."""
    found = follow(image, group)
    value = None if found is None else np.ravel(Attributes(found).get(name, ()))
    if value is None or value.size != 1 or value.dtype.kind not in "uifb":
        return None
    number: int | float = value[0].item()
    return number
