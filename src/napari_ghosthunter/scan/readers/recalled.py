"""Opening a file as it was opened before: what does not fit any more is left out and named, the scan opens."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from napari_ghosthunter.errors import DatasetError, ScanError, ScanShapeError
from napari_ghosthunter.scan.options import ScanOptions
from napari_ghosthunter.scan.readers import open_with
from napari_ghosthunter.scan.scan import Scan

SAID_OF_A_SCAN = ("detector", "rows", "columns", "scan_step", "k_step", "beam", "mask")  # which no question asks for
PATTERNS_SAME = ("beam", "mask")  # with or without them, every pattern holds the same values
PLURAL = ("detector", "rows", "columns")
WORDS = {
    "detector": "turns of the detector",
    "scan_step": "scan step",
    "k_step": "size of a detector pixel",
    "beam": "place of the direct beam",
}


def open_recalled(
    path: Path, options: ScanOptions, may_go: Iterable[str] = SAID_OF_A_SCAN
) -> tuple[Scan, tuple[str, ...]]:
    """Open a file with options that were said of it another day.

    Parameters
    ----------
    path
        The file.
    options
        What was said of it.
    may_go
        Which of the options are left out where the file cannot be opened with them.

    Returns
    -------
    scan, notes
        The scan, and a sentence on each option that was left out: which it was, and why.

    Raises
    ------
    ScanError
        As `open_scan` does, for whatever is not about one of these options.
    """
    unsaid = ScanOptions()
    said = {name: getattr(options, name) for name in may_go if getattr(options, name) != getattr(unsaid, name)}
    try:
        return open_with(path, options), ()
    except (DatasetError, ScanShapeError):
        raise
    except ScanError:
        if not said:
            raise
    kept = options.updated(**{name: getattr(unsaid, name) for name in said})
    scan, notes = open_with(path, kept), []
    for name, value in said.items():
        with_it = kept.updated(**{name: value})
        try:
            scan = open_with(path, with_it)
        except ScanError as error:
            reason = str(error).removeprefix(f"{path.name}: ")
            were = "were" if name in PLURAL else "was"
            notes.append(f"The {WORDS.get(name, name)} of last time ({_written(value)}) {were} left out. {reason}")
        else:
            kept = with_it
    return scan, tuple(notes)


def _written(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(f"{one:g}" if isinstance(one, float) else str(one) for one in value)
    return str(value)
