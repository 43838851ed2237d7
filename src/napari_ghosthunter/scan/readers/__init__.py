"""Opening files as scans: `open_scan` finds the reader, settles the scan shape, and keeps where it all came from."""

from __future__ import annotations

from pathlib import Path

from napari_ghosthunter.errors import DatasetError, ScanError, ScanShapeError
from napari_ghosthunter.scan.readers.fold import fold
from napari_ghosthunter.scan.readers.stack import Wanted
from napari_ghosthunter.scan.readers.table import READERS, Reader, pick_reader
from napari_ghosthunter.scan.scan import Provenance, Scan

__all__ = ["READERS", "Reader", "open_scan"]


def open_scan(
    path: str | Path,
    *,
    scan_shape: tuple[int, int] | None = None,
    dataset: str | None = None,
    reader: str | None = None,
) -> Scan:
    """Open a file as a scan, without reading its patterns.

    Parameters
    ----------
    path
        A file, or the folder of a Zarr store.
    scan_shape
        (scan_y, scan_x), for files that keep their patterns in one row. A scan of as many patterns is folded anew.
    dataset
        Which array of a file with several, by its path or a last part of it that no other has; 'name[2]' is one
        element of the first axis of an array of five axes.
    reader
        Name of the reader to use, one of `READERS`; by default the one for the file's ending.

    Returns
    -------
    Scan
        Lazy, of axis order (scan_y, scan_x, k_y, k_x). Opening its provenance's path, reader, dataset and scan shape
        gives it again, in another process too.

    Raises
    ------
    ScanShapeError
        If the scan shape is not known or does not fit; its message and `candidates` offer plausible ones.
    DatasetError
        If a file holds several arrays that could be the scan; its message and `candidates` name them.
    ScanError
        If there is no such file, no reader for it, or it is damaged or holds no scan.
    """
    path = Path(path).expanduser().absolute()
    if not path.exists():
        raise ScanError(f"There is no file {path}.")
    if path.is_file() and path.stat().st_size == 0:
        raise ScanError(f"{path} is empty (0 bytes).")
    if scan_shape is not None and min(scan_shape) < 1:
        raise ScanShapeError(f"A scan shape is two whole numbers above 0, (scan_y, scan_x), not {tuple(scan_shape)}.")
    chosen = pick_reader(path, reader)
    wanted = Wanted(None if scan_shape is None else (int(scan_shape[0]), int(scan_shape[1])), dataset)
    try:
        stack = chosen.read(path, wanted)
        if dataset is not None and stack.dataset is None:
            raise DatasetError(f"It holds one scan and no datasets to choose from; leave {dataset!r} out.")
        data, notes = fold(stack, wanted.scan_shape)
        provenance = Provenance(path, chosen.name, stack.dataset, wanted.scan_shape, (*stack.notes, *notes))
        return Scan(data, stack.calibration, provenance)
    except ScanError as error:
        if path.name not in str(error):  # the user may have opened many files
            error.args = (f"{path.name}: {error}",)
        raise
