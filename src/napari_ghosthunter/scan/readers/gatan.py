"""Gatan .dm3 and .dm4: tags parsed by RosettaSciIO, patterns mapped from the file.

RosettaSciIO's own lazy array is a dask array in chunks of some 128 MB, which a single pattern must read in full, and
it ignores the order in which Gatan wrote the axes; hence only its tags are used.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.boundary import reading
from napari_ghosthunter.scan.calibration import Calibration
from napari_ghosthunter.scan.readers.axis_order import (
    SLOW,
    SURPLUS_LAST,
    role_of,
    roles_of,
    squeeze_note,
    surplus_first,
    without_single_axes,
)
from napari_ghosthunter.scan.readers.choose import choose, label
from napari_ghosthunter.scan.readers.companion import whole_number
from napari_ghosthunter.scan.readers.stack import ScanShape, Stack, Wanted
from napari_ghosthunter.scan.units import ANGULAR, Axis, calibration_of, plain_axis

# Gatan's numbers for types of elements; complex, RGB and packed kinds are no patterns.
_DTYPES = {1: "i2", 2: "f4", 6: "u1", 7: "i4", 9: "i1", 10: "u2", 11: "u4", 12: "f8", 14: "u1", 39: "i8", 40: "u8"}
SHAPE_TAGS = (("Scan shape Y", "Scan shape X"), ("Height (pixels)", "Width (pixels)"))
MOST_DEPTH = 16  # of groups of tags in each other


def read(path: Path, wanted: Wanted) -> Stack:
    """Map the scan in a Gatan file.

    Raises
    ------
    DatasetError
        If the file holds several scans and none was chosen.
    ScanError
        If it holds no scan, or is damaged.
    """
    images = _images(path)
    shapes = {name: _shape(image) for name, image in images.items()}
    if wanted.dataset is None and not any(len(shape) >= 4 for shape in shapes.values()):
        _say_what_it_holds(images, shapes)
    name, index = choose(
        {name: _shape_to_choose(image, shapes[name]) for name, image in images.items()}, wanted.dataset
    )
    said = label((name, index)) if index or len(images) > 1 else None
    return _stack(path, images[name], shapes[name], index, said)


def read_image(path: Path) -> NDArray[Any]:
    """Map the one image in a Gatan file, shape (k_y, k_x).

    Raises
    ------
    ScanError
        If the file holds several, no image or more than one, or is damaged.
    """
    images = _images(path)
    flat = {name: shape for name, image in images.items() if len(shape := _shape(image)) == 2}
    if len(flat) != 1 or len(images) != 1:
        held = " and ".join(str(_shape(image)) for image in images.values()) or "no image"
        raise ScanError(f"{path.name} holds {held}, not one image; a file that holds a scan is opened itself.")
    (name,) = flat
    image: NDArray[Any] = _map(path, images[name], flat[name])
    return image


def describe_image(path: Path) -> tuple[Calibration, tuple[str, ...]]:
    """Give the pixel size of the one image in a Gatan file, where it is one of patterns."""
    (image,) = _images(path).values()
    axes = _axes(image, 2)
    angular = all(axis is not None and plain_axis(*axis)[1] in ANGULAR for axis in axes)
    return (calibration_of([None, None, *axes]) if angular else Calibration()), ()


def _images(path: Path) -> dict[str, dict[str, Any]]:
    """Read the tags of all images in the file but the thumbnails, by name."""
    from rsciio.digitalmicrograph._api import DigitalMicrographReader
    from rsciio.exceptions import DM3DataTypeError, DM3TagError, DM3TagIDError, DM3TagTypeError

    own = (DM3DataTypeError, DM3TagError, DM3TagIDError, DM3TagTypeError, UnboundLocalError)
    with reading(path, "a Gatan .dm3 or .dm4 file", *own), path.open("rb") as stream:
        parser = DigitalMicrographReader(stream)
        parser.parse_file()
        images = [image for image in parser.get_image_dictionaries() or [] if image["ImageData"].get("Dimensions")]
        names = [str(image.get("Name") or f"image{number}") for number, image in enumerate(images)]
        if len(set(names)) < len(names):
            names = [f"{name}-{number}" for number, name in enumerate(names)]
        return dict(zip(names, images, strict=True))


def _shape(image: dict[str, Any]) -> tuple[int, ...]:
    """Give the shape of an image; RosettaSciIO gives the sizes fastest first."""
    return tuple(image["ImageData"]["Dimensions"].values())[::-1]


def _surplus_first(image: dict[str, Any], shape: tuple[int, ...]) -> tuple[int, ...]:
    """Order the axes, those of length one left out, so that one that is neither the scan's nor the detector's leads."""
    single = without_single_axes(shape)
    axes = [axis for number, axis in enumerate(_axes(image, len(shape))) if number not in single]
    return surplus_first(roles_of(axes, [""] * len(axes)))


def _shape_to_choose(image: dict[str, Any], shape: tuple[int, ...]) -> tuple[int, ...]:
    left = [length for number, length in enumerate(shape) if number not in without_single_axes(shape)]
    return tuple(left[number] for number in _surplus_first(image, shape))


def _map(path: Path, image: dict[str, Any], shape: tuple[int, ...]) -> Any:
    content, kind = image["ImageData"].get("Data"), image["ImageData"].get("DataType")
    if not isinstance(content, dict) or not {"endian", "offset"} <= content.keys():
        raise ScanError(
            f"{path.name} describes an array of shape {shape} but does not hold it: its data lie in another file. Open "
            "that, or save the scan anew from DigitalMicrograph as one file."
        )
    if kind not in _DTYPES:
        raise ScanError(f"{path.name} holds elements of Gatan's type {kind} (complex or colour), not patterns.")
    dtype = np.dtype(_DTYPES[kind]).newbyteorder("<" if content["endian"] == "little" else ">")
    with reading(path, "a Gatan .dm3 or .dm4 file"):
        return np.memmap(path, dtype, mode="r", offset=content["offset"], shape=shape)


def _stack(
    path: Path, image: dict[str, Any], shape: tuple[int, ...], index: tuple[int, ...], dataset: str | None
) -> Stack:
    single, order = without_single_axes(shape), _surplus_first(image, shape)
    patterns = np.squeeze(_map(path, image, shape), single).transpose(order)[index]
    left = [axis for number, axis in enumerate(_axes(image, len(shape))) if number not in single]
    axes = [left[number] for number in order][len(index) :]
    notes: tuple[str, ...] = (squeeze_note(shape),) if single else ()
    if order != tuple(range(len(order))):
        notes += (SURPLUS_LAST,)
    if patterns.ndim == 4:
        scan_fastest, told = scan_is_fastest(image, axes)
        if scan_fastest:
            patterns, axes = patterns.transpose(2, 3, 0, 1), [*axes[2:], *axes[:2]]
        return Stack(patterns, calibration_of(axes), dataset=dataset, notes=(*notes, *told))
    hint = scan_shape_in_tags(image.get("ImageTags"))
    if hint is not None:
        notes = (f"Its tags state a scan of {hint[0]} x {hint[1]}.",)
    return Stack(
        patterns, calibration_of([None, None, *axes[-2:]]), hints=(hint,) if hint else (),
        dataset=dataset, notes=notes,
    )  # fmt: skip


def scan_shape_in_tags(tags: Any, depth: int = 0) -> ScanShape | None:
    """Find the scan shape that the TitanX of NCEM writes ('4D STEM Tags: Scan shape X') or that Gatan's STEM does.

    RosettaSciIO makes dicts of groups of tags; the keys of HDF5 are given the same way.
    """
    if not isinstance(tags, dict) or depth > MOST_DEPTH:
        return None
    for y, x in SHAPE_TAGS:
        sides = [whole_number(str(_plain(tags.get(key, "")))) for key in (y, x)]
        if all(sides):
            return sides[0], sides[1]
    found = (scan_shape_in_tags(inner, depth + 1) for inner in tags.values())
    return next((shape for shape in found if shape is not None), None)


def _plain(value: Any) -> Any:
    """Give a number as a whole one, where it is: some scripts write 34.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _axes(image: dict[str, Any], number: int) -> list[Axis | None]:
    """Give (step, units) of each axis in numpy's order; axes without a calibration tag stay unknown."""
    tags = (image["ImageData"].get("Calibrations") or {}).get("Dimension") or {}
    axes: list[Axis | None] = [(float(tag.get("Scale", 1.0)), str(tag.get("Units") or "")) for tag in tags.values()]
    return (axes + [None] * number)[:number][::-1]


def scan_is_fastest(image: dict[str, Any], axes: list[Axis | None]) -> tuple[bool, tuple[str, ...]]:
    """Tell whether neighbouring bytes belong to neighbouring probe positions, as in older Gatan cubes.

    Gatan says so by a tag; files without it are judged by the units of their axes.
    """
    tags = image.get("ImageTags") or {}
    swapped = (tags.get("Meta Data") or {}).get("Data Order Swapped") if isinstance(tags, dict) else None
    if swapped is not None:
        pattern_by_pattern = str(swapped).lower() not in ("0", "false")
        return not pattern_by_pattern, () if pattern_by_pattern else (SLOW,)
    detector = [role_of(axis) == "detector" for axis in axes]
    if detector == [True, True, False, False]:
        return True, (SLOW,)
    if detector == [False, False, True, True]:
        return False, ()
    return False, ("Neither tags nor units say which axes are the scan's; the slower two were taken, as usual.",)


def _say_what_it_holds(images: dict[str, dict[str, Any]], shapes: dict[str, tuple[int, ...]]) -> None:
    """Refuse a file of images and spectra; only a plain stack of images may be a scan that lost its shape."""
    kinds = []
    for name, image in images.items():
        tags = image.get("ImageTags") or {}
        spectral = isinstance(tags, dict) and "Spectrum" in str((tags.get("Meta Data") or {}).get("Format", ""))
        if len(shapes[name]) == 3 and not spectral:
            return
        what = "a spectrum image" if spectral else {1: "a line", 2: "an image"}.get(len(shapes[name]), "an array")
        kinds.append(f"{what} of shape {shapes[name]}")
    raise ScanError(
        f"It holds {' and '.join(kinds) or 'no image'}, but no 4D-STEM scan: that has four axes. Open the file of the "
        "diffraction patterns instead."
    )
