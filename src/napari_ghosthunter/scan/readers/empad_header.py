"""What the .xml beside an EMPAD's patterns says: which file they are in, how they were scanned, and the pixel sizes."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.boundary import reading
from napari_ghosthunter.scan.calibration import Calibration
from napari_ghosthunter.scan.readers.companion import companion_text, whole_number
from napari_ghosthunter.scan.row_layout import ScanShape
from napari_ghosthunter.scan.units import Axis, calibration_of

MEASURED = "iom_measurements"  # by the microscope
LARGE_FIELD = 1e-6  # metres from which on a step is given in um
_NAMED_SHAPE = re.compile(r"_x(?P<x>\d{1,9})_y(?P<y>\d{1,9})(?!\d)")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


@dataclass(frozen=True)
class EmpadHeader:
    """An .xml file.

    Attributes
    ----------
    path
        The file.
    raw
        Name of the file of the patterns; empty if it names none.
    scan_shape
        (scan_y, scan_x) that it states, None if it does not.
    series
        Whether the patterns were not scanned, but taken one after the other.
    """

    path: Path
    raw: str
    scan_shape: ScanShape | None
    series: bool
    _root: ElementTree.Element

    def calibration(self, scan_shape: ScanShape | None) -> Calibration:
        """Give the pixel sizes, those of the scan by its shape; EMPADs since version 1.2 keep none of the detector."""
        of_pattern = _first(self._number(f"{MEASURED}/calibrated_pixelsize"))
        k: Axis | None = (of_pattern * 1e9, "1/nm") if of_pattern else None
        return calibration_of([*self._scan_steps(scan_shape), k, k])

    def _scan_steps(self, scan_shape: ScanShape | None) -> list[Axis | None]:
        if scan_shape is None:
            return [None, None]
        rows, columns = scan_shape
        both = self._number(f"{MEASURED}/optics.get_full_scan_field_of_view")
        if len(both) == 2:
            return [_step(both[0], rows, both[0]), _step(both[1], columns, both[1])]
        wide = _first(self._number(f"{MEASURED}/full_scan_field_of_view/x"))
        factor = _first(self._number(f"{MEASURED}/full_scan_field_of_view/scale_factor"))
        if not wide or not factor:
            return [None, None]
        step = _step(wide / factor, max(rows, columns), wide / factor / max(rows, columns))  # of the longer side
        return [step, step]

    def _number(self, place: str) -> list[float]:
        """Read the numbers of an element, none if there is no such element."""
        return [float(text) for text in _NUMBER.findall(_text(self._root, place))]


def shape_in_name(name: str) -> ScanShape | None:
    """Read the scan shape from a name like scan_x4_y3.raw."""
    match = _NAMED_SHAPE.search(name)
    return (int(match["y"]), int(match["x"])) if match else None


def empad_header(path: Path) -> EmpadHeader:
    """Read an .xml file.

    Raises
    ------
    ScanError
        If it is no XML, or too large.
    """
    companion_text(path)  # for its size: it is parsed in memory
    with reading(path, "an EMPAD .xml file"):
        root = ElementTree.parse(path).getroot()
    file = root.find("raw_file")
    raw = file.get("filename", "") if file is not None else ""
    series = _text(root, "type") == "series" or root.find("scan_parameters/series_count") is not None
    sides = whole_number(_text(root, "pix_y")), whole_number(_text(root, "pix_x"))
    shape = sides if all(sides) else shape_in_name(raw)
    return EmpadHeader(path, raw, None if series else shape, series, root)


def headers_beside(path: Path) -> list[EmpadHeader]:
    """Read the .xml files beside a file that name a file of patterns; others are passed by."""
    found = []
    for one in sorted(path.parent.iterdir()):
        if one.suffix.lower() == ".xml" and one.is_file():
            try:
                found.append(empad_header(one))
            except ScanError:  # that of another program, or a broken one
                continue
    return [header for header in found if header.raw]


def _text(root: ElementTree.Element, place: str) -> str:
    *groups, last = place.split("/")
    for group in groups:
        found = root.find(group)
        if found is None:
            return ""
        root = found
    return next(((child.text or "").strip() for child in root if child.tag == last), "")


def _first(numbers: list[float]) -> float | None:
    return numbers[0] if numbers and math.isfinite(numbers[0]) else None


def _step(field: float, positions: int, shown: float) -> Axis | None:
    """Give the step of a field of view in metres, in um where what is shown is that large."""
    step = field / positions
    return (step * 1e6, "um") if abs(shown) >= LARGE_FIELD else (step * 1e9, "nm")
