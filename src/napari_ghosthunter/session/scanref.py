"""The scan of a bundle, by reference: enough to find and open it again here or elsewhere, and to know that it is it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PureWindowsPath

from pydantic import BaseModel, ConfigDict

from napari_ghosthunter.errors import OtherScanError, ScanMovedError
from napari_ghosthunter.scan.fingerprint import fingerprint
from napari_ghosthunter.scan.options import ScanOptions
from napari_ghosthunter.scan.scan import Provenance, Scan


class ScanReference(BaseModel):
    """Where a scan was, how it was opened, and what it is known by."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fingerprint: str
    shape: tuple[int, int, int, int]
    path: str | None  # as the machine that wrote it calls it
    reader: str
    dataset: str | None
    scan_shape: tuple[int, int] | None = None  # in bundles of earlier versions, which knew no other option
    options: ScanOptions = ScanOptions()


def reference_to(scan: Scan, mark: str) -> ScanReference:
    """Refer to a scan whose fingerprint is `mark`."""
    source = scan.provenance
    return ScanReference(
        fingerprint=mark,
        shape=scan.shape,
        path=None if source.path is None else str(source.path),
        reader=source.reader,
        dataset=source.dataset,
        options=source.options,
    )


def find_scan(
    reference: ScanReference, bundle: Path, scan: Scan | None, scan_path: Path | str | None, *, force: bool
) -> tuple[Scan, tuple[str, ...]]:
    """Open the scan of a bundle: the one that is given, or the file that is given, or the file where it was.

    Returns
    -------
    scan, notes
        The scan, and what was said of it and does not fit any more, such as a mask of bad pixels that is not here.

    Raises
    ------
    ScanMovedError
        If it is not found.
    OtherScanError
        If it is another scan, unless that is forced.
    ScanError
        If it cannot be opened.
    """
    notes: tuple[str, ...] = ()
    if scan is None:
        scan, notes = _opened(reference, scan_path or _place(reference, bundle))
    if not force and fingerprint(scan) != reference.fingerprint:
        what = scan.provenance.path or "The scan that is open"
        raise OtherScanError(
            f"{what} is not the scan that {bundle.name} was made with: it holds other patterns, or has another shape "
            f"(now {scan.shape}, then {reference.shape}). Labels of one scan are wrong on another."
        )
    return scan, notes


def _place(reference: ScanReference, bundle: Path) -> Path:
    """Find the file where it was, or beside the bundle."""
    if reference.path is None:
        raise ScanMovedError(f"The scan of {bundle.name} came from no file; open it first, and give it as scan=.")
    # a path from Windows is one name elsewhere, and both kinds of slashes part names on Windows
    name = PureWindowsPath(reference.path).name if "\\" in reference.path else Path(reference.path).name
    for place in (Path(reference.path), bundle.absolute().parent / name):
        if place.exists():
            return place
    raise ScanMovedError(
        f"The scan of {bundle.name} is not at {reference.path} any more, nor is {name} beside the bundle; "
        "say where it is now (scan_path= in Python).",
        reference.path,
    )


def _opened(reference: ScanReference, path: Path | str) -> tuple[Scan, tuple[str, ...]]:
    """Open a file as the scan was opened."""
    from napari_ghosthunter.scan.readers import options_of
    from napari_ghosthunter.scan.readers.recalled import PATTERNS_SAME, open_recalled

    options = reference.options
    if reference.scan_shape is not None:
        options = options.updated(scan_shape=reference.scan_shape)
    before = options_of(Provenance(None, reference.reader, reference.dataset, options))
    scan, notes = open_recalled(Path(path), before, PATTERNS_SAME)
    kept = scan.provenance.options.updated(dataset=options.dataset, reader=options.reader)
    return replace(scan, provenance=replace(scan.provenance, options=kept)), notes
