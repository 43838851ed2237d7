"""Opening files as scans: `open_scan` finds the reader, settles the scan shape, and keeps where it all came from."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_ghosthunter.errors import DatasetError, ScanError
from napari_ghosthunter.scan.bad_pixels import read_mask
from napari_ghosthunter.scan.boundary import reading
from napari_ghosthunter.scan.options import ScanOptions, Turn
from napari_ghosthunter.scan.readers.fold import fold
from napari_ghosthunter.scan.readers.signatures import check_kind
from napari_ghosthunter.scan.readers.table import READERS, Reader, pick_reader
from napari_ghosthunter.scan.readers.views import as_asked
from napari_ghosthunter.scan.scan import LazyArray, Provenance, Scan

__all__ = ["READERS", "Reader", "open_again", "open_scan", "open_with", "restated"]

PATTERN_BYTES = 256 * 2**20  # 8192 x 8192 pixels of 4 bytes
MOST_LETTERS = 3000  # of an error


def open_scan(  # noqa: PLR0913 - as many as a user can say of a file
    path: str | Path,
    *,
    scan_shape: tuple[int, int] | str | None = None,
    dataset: str | None = None,
    reader: str | None = None,
    skip_frames: int | None = None,
    flyback: int | None = None,
    scan_step: str | tuple[float, float, str] | None = None,
    k_step: str | tuple[float, float, str] | None = None,
    detector: str | Sequence[Turn] = (),
    rows: str | tuple[int, int] | None = None,
    columns: str | tuple[int, int] | None = None,
    beam: str | tuple[float, float] | None = None,
    mask: str | Path | None = None,
) -> Scan:
    """Open a file as a scan, without reading its patterns.

    Parameters
    ----------
    path
        A file, or a folder: a Zarr store, or one file a pattern with the position in its name.
    scan_shape
        (scan_y, scan_x), for files that keep their patterns in one row. A scan of as many patterns is folded anew.
    dataset
        Which array of a file with several, by its path or a last part of it that no other has; 'name[2]' is one
        element of the first axis of an array of five axes.
    reader
        Name of the reader to use, one of `READERS`; by default the one for the file's ending.
    skip_frames, flyback
        Patterns to leave out before the scan, and after each of its rows, in files that keep them in one row.
    scan_step, k_step
        Pixel sizes along (y, x) and their unit, instead of what the file says: '2nm' or (2.0, 2.0, 'nm'), '0.02/nm'
        or (0.02, 0.02, '1/nm').
    detector
        'flip_x', 'flip_y', 'transpose': what is done to each pattern, in this order.
    rows, columns
        First and end of the part of the scan to open, as in a slice.
    beam
        (k_y, k_x) of the direct beam in pixels of the detector, instead of measuring it.
    mask
        A .npy or .tif file of the detector's shape, not 0 where a pixel is bad or in the shadow of a beam stop.

    Returns
    -------
    Scan
        Lazy, of axis order (scan_y, scan_x, k_y, k_x). `open_again` opens it once more, in another process too.

    Raises
    ------
    ScanShapeError
        If the scan shape is not known or does not fit; its message and `candidates` offer plausible ones.
    DatasetError
        If a file holds several arrays that could be the scan; its message and `candidates` name them.
    ScanError
        If there is no such file, no reader for it, it is damaged or holds no scan, or an option makes no sense.
    """
    said = {key: value for key, value in locals().items() if key != "path"}
    return open_with(path, ScanOptions.of(**said))


def open_with(path: str | Path, options: ScanOptions) -> Scan:
    """Open a file as `open_scan` does, with all that a user said of it in one object."""
    path = _a_file(path)
    chosen = pick_reader(path, options.reader)
    try:
        with reading(path, chosen.description):
            check_kind(path, chosen.name)
        stack = chosen.read(path, options)
        if options.dataset is not None and stack.dataset is None:
            raise DatasetError(f"It holds one scan and no datasets to choose from; leave {options.dataset!r} out.")
        data, notes = fold(stack, options)
        _check_pattern(data, path)
        data, calibration = as_asked(data, stack.calibration, options)
        told_notes = tuple(_one_line(note) for note in (*stack.notes, *stack.calibration.notes, *notes))
        provenance = Provenance(path, chosen.name, stack.dataset, options, told_notes)
        scan = Scan(data, replace(calibration, notes=()), provenance, beam=options.beam)
        return scan if options.mask is None else scan.with_mask(read_mask(options.mask))
    except ScanError as error:
        told = _one_line(str(error))
        if _one_line(path.name) not in told:  # the user may have opened many files
            told = f"{_one_line(path.name)}: {told}"
        error.args = (told,)
        raise


def open_again(provenance: Provenance, path: str | Path) -> Scan:
    """Open a scan once more, as it was opened before, from where it is now.

    A reader that is none, as that of a simulation, is chosen by the file's ending.

    Raises
    ------
    ScanError
        As `open_scan` does.
    """
    scan = open_with(path, options_of(provenance))
    return replace(scan, provenance=replace(scan.provenance, options=provenance.options))


def options_of(provenance: Provenance) -> ScanOptions:
    """Give what opens the same array by the same reader again, beside what the user said."""
    reader = provenance.reader if provenance.reader in {known.name for known in READERS} else None
    return provenance.options.updated(dataset=provenance.dataset, reader=reader)


def restated(scan: Scan, options: ScanOptions) -> Scan:
    """Give a scan that is open as it is when something else is said of it; one from no file keeps what is left unsaid.

    Raises
    ------
    ScanError
        As `open_scan` does.
    """
    provenance = replace(scan.provenance, options=options)
    if provenance.path is not None and provenance.path.exists():
        return open_again(provenance, provenance.path)
    scan = replace(scan, calibration=options.calibrated(scan.calibration), beam=options.beam, provenance=provenance)
    return scan if options.mask is None else scan.with_mask(read_mask(options.mask))


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
