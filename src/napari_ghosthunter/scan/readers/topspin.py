"""NanoMEGAS Topspin .app5: HDF5 with a group for each pattern, which holds the pattern and its position in XML.

RosettaSciIO reads all patterns at once. Here each is read when it is asked for, and the positions of the first row and
of the last pattern say how they were scanned.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.boundary import reading
from napari_ghosthunter.scan.readers.choose import choose
from napari_ghosthunter.scan.readers.chunks import check_stored
from napari_ghosthunter.scan.readers.companion import COMPANION_BYTES
from napari_ghosthunter.scan.readers.heap import REFERENCE, heap_object
from napari_ghosthunter.scan.readers.links import check_sources, follow, open_file
from napari_ghosthunter.scan.readers.one_by_one import OneByOne
from napari_ghosthunter.scan.readers.stack import ScanShape, Stack, Wanted
from napari_ghosthunter.scan.units import Axis, calibration_of

LONGEST_ROW = 65_536
_FORMAT = "a Topspin .app5 file"
_Place = tuple[float, float]  # (y, x) in metres


def read(path: Path, wanted: Wanted) -> Stack:
    """Find the scan in an .app5 file, shape (patterns, k_y, k_x).

    Raises
    ------
    DatasetError
        If it holds several scans and none was chosen.
    ScanError
        If it holds none, or is damaged.
    """
    with reading(path, _FORMAT):
        file = open_file(path)
        scans = _scans(file)
        shapes = {name: (len(group), *follow(group, "0/Data").shape) for name, group in scans.items()}
    if not shapes:
        raise ScanError("It holds images, but no 4D-STEM scan, which has a pattern at each position.")
    name, _ = choose(shapes, wanted.dataset)
    with reading(path, _FORMAT):
        group, count = scans[name], len(scans[name])
        first = _data(group, 0)
        patterns = OneByOne(
            lambda number: _pattern(path, group, number), (count, first.shape[0], first.shape[1]), first.dtype
        )
        k_axes = _k_axes(_metadata(group, 0))
        shape, scan_axes = _scan(group, count)
    notes = () if shape else ("The positions in the file do not run row by row.",)
    dataset = name if len(scans) > 1 else None
    return Stack(patterns, calibration_of([*scan_axes, *k_axes]), scan_shape=shape, dataset=dataset, notes=notes)


def _scans(file: Any) -> dict[str, Any]:
    """Find the groups of patterns: at the top of a file of one experiment, one below in a file of several."""
    found: dict[str, Any] = {}
    for name in file:
        for inner in (name, *(f"{name}/{key}" for key in _members(follow(file, name)))):
            group = follow(file, inner)
            data = follow(group, "0/Data") if _members(group) else None
            if data is not None and len(getattr(data, "shape", ())) == 2:
                found[inner] = group
    return found


def _members(group: Any) -> list[str]:
    """List the groups in one; of a group of patterns, the first is enough."""
    import h5py

    if not isinstance(group, h5py.Group):
        return []
    return ["0"] if "0" in group else list(group)


def _data(group: Any, number: int) -> Any:
    import h5py

    data = follow(group, f"{number}/Data")
    if not isinstance(data, h5py.Dataset):
        raise ScanError(f"Pattern {number} is missing in it.")
    check_sources(data)
    check_stored(data)
    return data


def _pattern(path: Path, group: Any, number: int) -> NDArray[Any]:
    with reading(path, _FORMAT):
        return np.asarray(_data(group, number)[()])


def _metadata(group: Any, number: int) -> ElementTree.Element:
    """Parse the description of a pattern; a text of any length lies in a heap."""
    import h5py

    found = follow(group, f"{number}/Metadata")
    if not isinstance(found, h5py.Dataset) or found.shape != ():
        raise ValueError(f"pattern {number} has no description")
    kind = h5py.check_string_dtype(found.dtype)
    if kind is None or (kind.length or 0) > COMPANION_BYTES:
        raise ValueError(f"the description of pattern {number} is no text")
    if kind.length is not None:
        return ElementTree.fromstring(bytes(found[()]).rstrip(b"\0"))
    with Path(found.file.filename).open("rb") as stream:
        reference = np.fromfile(stream, REFERENCE, 1, offset=found.id.get_offset())[0]
        return ElementTree.fromstring(heap_object(stream, reference, "u1", found.file.userblock_size).tobytes())


def _k_axes(root: ElementTree.Element) -> list[Axis | None]:
    """Read (step, units) along k_y and k_x, as RosettaSciIO finds them."""
    return [(float(axis[1].text or ""), str(axis[2][1].text or "")) for axis in (root[0][0], root[0][1])]


def _place(group: Any, number: int) -> _Place:
    place = _metadata(group, number)[1][0][1]
    x, y = float(place[0].text or ""), float(place[1].text or "")
    if not (math.isfinite(x) and math.isfinite(y)):
        raise ValueError(f"the position of pattern {number} is no number")
    return y, x


def _scan(group: Any, count: int) -> tuple[ScanShape | None, list[Axis | None]]:
    """Find the scan shape, and (step, units) along y and x; None where the positions do not run row by row."""
    start = _place(group, 0)
    row = [start]
    while len(row) < min(count, LONGEST_ROW) and (place := _place(group, len(row)))[0] == start[0]:
        row.append(place)
    length = len(row)
    rows, rest = divmod(count, length)
    step_x = abs(row[-1][1] - start[1]) / max(1, length - 1)
    last, second = _place(group, count - 1), _place(group, length) if rows > 1 else None
    step_y = abs(second[0] - start[0]) if second else 0.0
    near = max(step_x, step_y) / 4
    in_rows = (
        not rest and abs(last[1] - row[-1][1]) <= near and abs(abs(last[0] - start[0]) - (rows - 1) * step_y) <= near
    )
    if not in_rows or (second is not None and abs(second[1] - start[1]) > near):
        return None, [None, None]
    return (rows, length), [(step_y, "m") if step_y else None, (step_x, "m") if step_x else None]
