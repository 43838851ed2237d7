"""NanoMEGAS ASTAR .blo: header read by RosettaSciIO, patterns mapped from the file.

RosettaSciIO pads a file that was cut short with zeros; here the missing patterns are reported.
"""

from __future__ import annotations

from pathlib import Path

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.boundary import reading
from napari_ghosthunter.scan.readers.frames import map_records
from napari_ghosthunter.scan.readers.stack import Stack, Wanted
from napari_ghosthunter.scan.units import UNCALIBRATED, calibration_of

FRAME_HEADER = [("mark", "<u2"), ("number", "<u4")]


def read(path: Path, _wanted: Wanted) -> Stack:
    """Map the patterns of a .blo file, shape (patterns, k_y, k_x).

    Raises
    ------
    ScanError
        If the file is damaged.
    """
    from rsciio.blockfile import file_reader

    with reading(path, "a NanoMEGAS .blo file"):
        with path.open("rb") as stream:
            magic = stream.read(8)
        if magic[:6] != b"IMGBLO" or magic[6:] not in (b"\x02\x01", b"\x01\x02"):
            raise ScanError(f"{path.name} is no NanoMEGAS .blo file: it does not begin with 'IMGBLO'.")
        endianness = "<" if magic[6:] == b"\x02\x01" else ">"
        header = file_reader(str(path), lazy=True, endianness=endianness)[0]["original_metadata"]["blockfile_header"]
        scan_shape, side = (int(header["NY"]), int(header["NX"])), int(header["DP_SZ"])
        frames = map_records(path, "u1", (side, side), offset=int(header["Data_offset_2"]), before=FRAME_HEADER)
    pixel = (100.0 / header["SDP"], "cm") if header["SDP"] else UNCALIBRATED  # on the screen: no angle is stated
    calibration = calibration_of([(float(header["SY"]), "nm"), (float(header["SX"]), "nm"), pixel, pixel])
    return Stack(frames["pattern"], calibration, scan_shape=scan_shape)
