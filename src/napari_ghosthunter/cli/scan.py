"""`ghosthunter info`: what is in a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from napari_ghosthunter.cli import console
from napari_ghosthunter.cli.options import AsJson, Dataset, Reader, ScanPath, ScanShape, parse_scan_shape

if TYPE_CHECKING:
    from napari_ghosthunter.scan.scan import Scan


def open_scan(
    path: Path, scan_shape: str | None, dataset: str | None, reader: str | None, *, quiet: bool = False
) -> Scan:
    """Open a scan with the options that every command with a SCAN has, and tell the notes of its reader."""
    shape = parse_scan_shape(scan_shape) if scan_shape else None  # before the imports: wrong usage answers at once
    from napari_ghosthunter.scan.readers import open_scan as open_file

    with console.progress_bar(f"opening {path.name}"):  # milliseconds, but for what has to be unpacked first
        scan = open_file(path, scan_shape=shape, dataset=dataset, reader=reader)
    for note in () if quiet else scan.provenance.notes:
        console.hint(f"note: {note}")
    return scan


def info(
    scan: ScanPath,
    scan_shape: ScanShape = None,
    dataset: Dataset = None,
    reader: Reader = None,
    as_json: AsJson = False,
) -> None:
    """Say what is in a file: shape, type, pixel sizes, reader."""
    opened = open_scan(scan, scan_shape, dataset, reader)
    from napari_ghosthunter.scan.describe import describe, in_words

    described = describe(opened)
    lines = (f"{name:<9} {value}" for name, value in in_words(described).items())
    console.say(json.dumps(described) if as_json else "\n".join(lines))
