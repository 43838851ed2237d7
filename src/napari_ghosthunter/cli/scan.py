"""`ghosthunter info`: what is in a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from napari_ghosthunter.cli import console
from napari_ghosthunter.cli.options import AsJson, Said, ScanPath, opens_scans
from napari_ghosthunter.cli.progress import progress_bar

if TYPE_CHECKING:
    from napari_ghosthunter.scan.scan import Scan


def open_scan(path: Path, said: Said, *, quiet: bool = False) -> Scan:
    """Open a scan with the options that every command with a SCAN has, and tell the notes of its reader."""
    from napari_ghosthunter.scan.options import ScanOptions

    options = ScanOptions.of(**said)  # before the readers are imported: wrong usage is answered at once
    from napari_ghosthunter.scan.readers import open_with

    with progress_bar(f"opening {path.name}"):  # milliseconds, but for what has to be unpacked first
        scan = open_with(path, options)
    for note in () if quiet else scan.provenance.notes:
        console.hint(f"note: {note}")
    return scan


@opens_scans
def info(scan: ScanPath, as_json: AsJson = False, *, said: Said) -> None:
    """Say what is in a file: shape, type, pixel sizes, reader."""
    opened = open_scan(scan, said)
    from napari_ghosthunter.scan.describe import describe, in_words

    described = describe(opened)
    lines = (f"{name:<9} {value}" for name, value in in_words(described).items())
    console.say(json.dumps(described) if as_json else "\n".join(lines))
