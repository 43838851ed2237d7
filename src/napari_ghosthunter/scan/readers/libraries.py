"""The two libraries' own readers, for formats without one here; used only where `reader` asks for them by name.

What is known to be wrong or slow with them is in docs/formats.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.boundary import reading
from napari_ghosthunter.scan.datacube import calibration_in, require_py4dstem
from napari_ghosthunter.scan.options import ScanOptions
from napari_ghosthunter.scan.readers.choose import choose, label
from napari_ghosthunter.scan.readers.hierarchy import text
from napari_ghosthunter.scan.readers.probing import probe
from napari_ghosthunter.scan.readers.stack import Stack
from napari_ghosthunter.scan.units import Axis, calibration_of


def read_rosettasciio(path: Path, wanted: ScanOptions) -> Stack:
    """Open a file as `rosettasciio`, after another process could do it in time.

    Raises
    ------
    DatasetError, ScanError
        As `rosettasciio` and `probe`.
    """
    probe(try_rosettasciio, "rsciio", path)
    return rosettasciio(path, wanted)


def read_py4dstem(path: Path, wanted: ScanOptions) -> Stack:
    """Open a file as `py4dstem`, after another process could do it in time.

    Raises
    ------
    ScanError
        As `py4dstem` and `probe`.
    MissingExtraError
        If py4DSTEM is not installed.
    """
    require_py4dstem("--reader py4dstem")
    probe(try_py4dstem, "py4DSTEM", path)
    return py4dstem(path, wanted)


def rosettasciio(path: Path, wanted: ScanOptions) -> Stack:
    """Open a file with RosettaSciIO, as a dask array where its reader for this format can be lazy.

    Raises
    ------
    DatasetError
        If the file holds several arrays that could be the scan and none was chosen.
    ScanError
        If RosettaSciIO does not read this file, or it is damaged.
    """
    import importlib

    import rsciio

    ending = path.suffix.lower().lstrip(".")
    known = [plugin for plugin in rsciio.IO_PLUGINS if ending in (end.lower() for end in plugin["file_extensions"])]
    if not known:
        raise ScanError(f"RosettaSciIO has no reader for {path.name}.")
    module = importlib.import_module(known[0]["api"])
    with reading(path, f"a file of RosettaSciIO's format {known[0]['name']}"):
        try:
            signals = module.file_reader(str(path), lazy=True)
        except NotImplementedError:  # some of its readers cannot be lazy
            signals = module.file_reader(str(path))
    named = {f"signal{number}": signal for number, signal in enumerate(signals)}
    name, index = choose({key: signal["data"].shape for key, signal in named.items()}, wanted.dataset)
    axes = [axis_of(axis) for axis in named[name]["axes"]][len(index) :]
    calibration = calibration_of([*[None] * (4 - len(axes)), *axes])
    return Stack(named[name]["data"][index], calibration, dataset=label((name, index)))


def py4dstem(path: Path, _wanted: ScanOptions) -> Stack:
    """Open a file with py4DSTEM's `import_file`, mapped where its reader for this format can map.

    Raises
    ------
    ScanError
        If py4DSTEM does not read this file, gives no DataCube, or the file is damaged.
    """
    py4DSTEM = require_py4dstem("--reader py4dstem")  # noqa: N806 - as everybody calls it
    with reading(path, "a file that py4DSTEM imports", Exception):  # it raises bare Exception for what it refuses
        cube = py4DSTEM.import_file(str(path), mem="MEMMAP")
    if not isinstance(cube, py4DSTEM.DataCube):
        raise ScanError(f"py4DSTEM finds no 4D-STEM scan in {path.name}; it holds an array of shape {cube.data.shape}.")
    return Stack(cube.data, calibration_in(cube))


def try_rosettasciio(path: Path) -> None:
    """Read the first and the last pattern with RosettaSciIO."""
    _read_ends(rosettasciio(path, ScanOptions()))


def try_py4dstem(path: Path) -> None:
    """Read the first and the last pattern with py4DSTEM."""
    _read_ends(py4dstem(path, ScanOptions()))


def _read_ends(stack: Stack) -> None:
    patterns: Any = stack.patterns
    for place in (0, -1):
        np.asarray(patterns[place, place])


def axis_of(axis: dict[str, Any]) -> Axis:
    """Give (step, units) of an axis as RosettaSciIO describes it."""
    return float(axis.get("scale") or 1.0), text(axis.get("units"))
