"""Opening files as scans: `open_scan` finds the reader, settles the scan shape, and keeps where it all came from."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np

from napari_ghosthunter.errors import DatasetError, ScanError, ScanShapeError
from napari_ghosthunter.scan.readers.fold import fold
from napari_ghosthunter.scan.readers.stack import Wanted
from napari_ghosthunter.scan.readers.table import READERS, Reader, pick_reader
from napari_ghosthunter.scan.scan import LazyArray, Provenance, Scan

__all__ = ["READERS", "Reader", "open_scan"]

PATTERN_BYTES = 256 * 2**20  # 8192 x 8192 pixels of 4 bytes
MOST_LETTERS = 3000  # of an error


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
    path = _a_file(path)
    if scan_shape is not None and min(scan_shape) < 1:
        raise ScanShapeError(f"A scan shape is two whole numbers above 0, (scan_y, scan_x), not {tuple(scan_shape)}.")
    chosen = pick_reader(path, reader)
    wanted = Wanted(None if scan_shape is None else (int(scan_shape[0]), int(scan_shape[1])), dataset)
    try:
        stack = chosen.read(path, wanted)
        if dataset is not None and stack.dataset is None:
            raise DatasetError(f"It holds one scan and no datasets to choose from; leave {dataset!r} out.")
        data, notes = fold(stack, wanted.scan_shape)
        _check_pattern(data, path)
        provenance = Provenance(path, chosen.name, stack.dataset, wanted.scan_shape, (*stack.notes, *notes))
        return Scan(data, stack.calibration, provenance)
    except ScanError as error:
        told = _one_line(str(error))
        if _one_line(path.name) not in told:  # the user may have opened many files
            told = f"{_one_line(path.name)}: {told}"
        error.args = (told,)
        raise


def _a_file(path: str | Path) -> Path:
    """Give the absolute path of a file or folder that is there; what else a path may lead to can be waited for forever.

    Raises
    ------
    ScanError
        If there is none, it is empty, or neither file nor folder.
    """
    try:
        path = Path(path).expanduser().absolute()
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise ScanError(f"There is no file {path}.") from None
    except (OSError, ValueError, RuntimeError) as error:  # the last two: no path at all, and no such user's home
        reason = getattr(error, "strerror", None) or error
        raise ScanError(_one_line(f"Cannot open {path}: {reason}.")) from error
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
        raise ScanError(f"{path} is neither a file nor a folder, but a pipe or a device.")
    if stat.S_ISREG(found.st_mode) and found.st_size == 0:
        raise ScanError(f"{path} is empty (0 bytes).")
    return path


def _check_pattern(data: LazyArray, path: Path) -> None:
    """Refuse patterns that no detector gives: a damaged or spiteful file says so, and each would fill the memory."""
    height, width = data.shape[-2:]
    needed = int(height) * int(width) * np.dtype(data.dtype).itemsize
    if needed > max(PATTERN_BYTES, path.stat().st_size):
        raise ScanError(f"{path.name} states patterns of {height} x {width} pixels, {needed / 1e9:.1f} GB each.")


def _one_line(text: str) -> str:
    """Write names that a file made up on one line, and not without end."""
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    return plain if len(plain) <= MOST_LETTERS else f"{plain[:MOST_LETTERS]} ..."
