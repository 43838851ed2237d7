"""The fingerprint of a scan: knows it again after it was copied, moved or renamed, at a cost that does not grow.

Neither the path nor the date of a file says what was measured, and hashing terabytes takes hours; a few patterns,
spread over the scan, tell two scans apart.
"""

from __future__ import annotations

import hashlib

import numpy as np

from napari_ghosthunter.scan.remembered import once
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.spread import spread_positions

PATTERNS = 16  # read for a fingerprint, evenly spread over the scan
LARGEST_SAMPLE = 32 * 2**20  # bytes read for it; of larger patterns only the middle rows count
FORMAT = 1  # changes with whatever changes the fingerprint of the same scan


def fingerprint(scan: Scan) -> str:
    """Return 64 hexadecimal digits that depend on the shape, the type and a sample of the patterns of a scan.

    The sample is of 16 patterns, or of their middle rows where they are large: at most about 32 MiB are read. Two scans
    get the same fingerprint only if these patterns are the same, bit by bit. The path, the calibration and the byte
    order do not count; the scan shape does, because labels belong to positions.
    """
    return once(scan, "fingerprint", lambda: _digest(scan))


def _digest(scan: Scan) -> str:
    kind = f"{scan.dtype.kind}{scan.dtype.itemsize}"
    digest = hashlib.sha256(f"ghosthunter {FORMAT} {scan.shape} {kind}".encode())
    positions = spread_positions(scan.scan_shape, PATTERNS)
    height, width = scan.detector_shape
    rows = min(height, max(1, LARGEST_SAMPLE // (len(positions) * width * scan.dtype.itemsize)))
    top = (height - rows) // 2
    for y, x in positions:
        part = scan.read((y, x, slice(top, top + rows)))
        digest.update(np.ascontiguousarray(part, part.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()
