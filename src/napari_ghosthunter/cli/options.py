"""Options that several commands share, and how their texts are read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

SCAN_SHAPE = re.compile(r"\s*(\d+)\s*[xX,×]\s*(\d+)\s*")


def parse_scan_shape(text: str) -> tuple[int, int]:
    """Read 'YxX', as in 34x206: rows (scan_y) first."""
    found = SCAN_SHAPE.fullmatch(text)
    if found is None or 0 in (int(found[1]), int(found[2])):
        raise typer.BadParameter(f"{text!r} is not a scan shape; write rows x columns, as in 34x206.")
    return int(found[1]), int(found[2])


ScanPath = Annotated[Path, typer.Argument(metavar="SCAN", help="A 4D-STEM file (or folder).")]
ScanShape = Annotated[
    str | None,
    typer.Option("--scan-shape", metavar="YxX", help="Rows x columns of probe positions, where the file does not say."),
]
Dataset = Annotated[
    str | None,
    typer.Option(
        "--dataset", metavar="NAME", help="Which array, where a file holds several; the last part of its path will do."
    ),
]
Reader = Annotated[
    str | None, typer.Option("--reader", metavar="NAME", help="Force a reader; a wrong name lists them.")
]
Device = Annotated[
    str, typer.Option("--device", metavar="auto|cpu|cuda|mps", help="Where to compute; auto takes the fastest.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace outputs that exist already.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
