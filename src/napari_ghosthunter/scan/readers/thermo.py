"""What Thermo Fisher's software (Velox, EPU) writes of a scan before the images of an MRC file: 'FEI1' and 'FEI2'."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from napari_ghosthunter.scan.calibration import Calibration
from napari_ghosthunter.scan.readers.stack import ScanShape
from napari_ghosthunter.scan.units import calibration_of

HEADER_BYTES = 1024  # what follows them describes each image; that of the first is enough
KINDS = (b"FEI1", b"FEI2")
KIND_AT = 104
MOST_POSITIONS = 2**20  # along a side
# Places in the description of an image; what both kinds have is at the same place.
_FIELDS = np.dtype({
    "names": ["size", "pixel_x", "pixel_y", "left", "top", "right", "bottom"],
    "formats": ["<i4", "<f8", "<f8", "<i4", "<i4", "<i4", "<i4"],
    "offsets": [0, 156, 164, 587, 591, 595, 599],
    "itemsize": 768,
})  # fmt: skip


@dataclass(frozen=True)
class ThermoHeader:
    """What the header says: the scan shape as a hint, since a scan may have been stopped, and the pixel size."""

    hints: tuple[ScanShape, ...] = ()
    calibration: Calibration = field(default_factory=Calibration)
    notes: tuple[str, ...] = ()


def thermo_header(path: Path) -> ThermoHeader:
    """Read the description of the first image of an MRC file; one without content if the file has none."""
    with path.open("rb") as stream:
        kind = stream.read(HEADER_BYTES)[KIND_AT : KIND_AT + 4]
        content = stream.read(_FIELDS.itemsize)
    if kind not in KINDS or len(content) < _FIELDS.itemsize:
        return ThermoHeader()
    found = np.frombuffer(content, _FIELDS)[0]
    if found["size"] < _FIELDS.itemsize:
        return ThermoHeader()
    shape = abs(int(found["bottom"]) - int(found["top"])), abs(int(found["right"]) - int(found["left"]))
    steps = float(found["pixel_y"]), float(found["pixel_x"])
    # As in TIA's files: metres of images, or 1/m of patterns; a pixel of over a metre can only be the latter.
    per_metre = all(np.isfinite(step) and step > 1 for step in steps)
    calibration = calibration_of([None, None, *((step, "1/m") for step in steps)]) if per_metre else Calibration()
    if not all(1 <= side <= MOST_POSITIONS for side in shape):
        return ThermoHeader(calibration=calibration)
    return ThermoHeader((shape,), calibration, (f"Its header states a scan of {shape[0]} x {shape[1]}.",))
