"""A domain map as pictures for other programs: TIFF files that keep the size of the pixels, and a PNG."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_ghosthunter.mapping.contents import MapContents
from napari_ghosthunter.mapping.origin import ORIGIN, origin_line
from napari_ghosthunter.scan.calibration import PIXELS
from napari_ghosthunter.scan.units import convert, plain_axis

LENGTHS = ("pm", "angstrom", "nm", "um")
LARGEST_RATIO = 1e9  # a TIFF resolution, a ratio of two 32-bit numbers, keeps six digits from 1e-9 to 1e9


def write_classes(path: Path, domain_map: MapContents) -> None:
    """Write a TIFF of the class ids, 0 for no data, which ImageJ shows in the colours of the classes."""
    table = np.zeros((3, 256), np.uint8)
    table[:, 1 : len(domain_map.classes) + 1] = domain_map.classes.rgb().T
    names = "\n".join(f"{number} = {name}" for number, name in enumerate(("no data", *domain_map.classes.names)))
    # the display range 0..255 makes ImageJ look each id up in the table
    _write_tiff(path, domain_map, domain_map.classes_image, f"{names}\n", LUTs=[table], min=0.0, max=255.0)


def write_confidence(path: Path, domain_map: MapContents) -> None:
    """Write a TIFF of the probability of each class that was chosen."""
    _write_tiff(path, domain_map, domain_map.confidence, min=0.0, max=1.0)


def write_rgb(path: Path, domain_map: MapContents) -> None:
    """Write a PNG of the class colours mixed by their probabilities, one pixel per position."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    told = PngInfo()
    told.add_itxt(ORIGIN, origin_line(domain_map))
    Image.fromarray(domain_map.rgb).save(path, pnginfo=told)


def tiff_calibration(steps: tuple[float, float], units: str) -> tuple[tuple[float, float], str]:
    """Express the scan step so that ImageJ understands its unit and a TIFF ratio keeps at least six of its digits.

    Parameters
    ----------
    steps, units
        Scan steps along (y, x), and their unit.

    Returns
    -------
    tuple
        (steps, unit). Lengths are given in 'nm', 'um', 'angstrom' or 'pm', in the one of `units` as far as it suits
        them; 'px' is 'pixel'. A step that no unit suits is given as 1 pixel; the JSON file keeps it.
    """
    factor, unit = plain_axis(1.0, units)
    if unit == PIXELS:  # or a unit that is no length: it is kept as it is
        unit = units if units != PIXELS and units.isascii() and units.isprintable() and units.strip() else "pixel"
        factor = 1.0
    for other in (unit, *LENGTHS):
        ratio = convert(factor, unit, other)
        if ratio is not None and all(1 / LARGEST_RATIO <= step * ratio <= LARGEST_RATIO for step in steps):
            return (steps[0] * ratio, steps[1] * ratio), other
    return (1.0, 1.0), "pixel"


def _write_tiff(path: Path, domain_map: MapContents, image: NDArray[Any], info: str = "", **metadata: Any) -> None:
    """Write one calibrated image, (scan_y, scan_x), as ImageJ does, whose Image > Show Info tells what it is."""
    import tifffile

    (step_y, step_x), unit = tiff_calibration(domain_map.calibration.scan_step, domain_map.calibration.scan_units)
    file = io.BytesIO()  # writing to a disk that is full, tifffile and numpy may leave half a file and say nothing
    tifffile.imwrite(
        file,
        image,
        imagej=True,
        resolution=(1 / step_x, 1 / step_y),
        resolutionunit="NONE",
        metadata={"axes": "YX", "unit": unit, "Info": f"{info}{ORIGIN} = {origin_line(domain_map)}", **metadata},
    )
    path.write_bytes(file.getvalue())  # not a view: Python 3.12.1 crashes when it collects one whose writing has failed
