"""Options that several commands share, and how their texts are read."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from napari_ghosthunter.scan.offered import OPTION_HELP

Said = dict[str, Any]  # what was said of how to open a scan, as it was typed: see `ScanOptions`

PANEL = "How the scan is opened"
_METAVARS = {
    "scan_shape": "YxX",
    "dataset": "NAME",
    "reader": "NAME",
    "skip_frames": "N",
    "flyback": "N",
    "scan_step": "2nm",
    "k_step": "0.02/nm",
    "detector": "flip_x|flip_y|transpose,...",
    "rows": "FIRST:END",
    "columns": "FIRST:END",
    "beam": "K_Y,K_X",
    "mask": "mask.npy",
}


def opens_scans(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options with which a scan is opened; it gets what was said of them as `said`."""
    signature = inspect.signature(command, eval_str=True)
    own = [parameter for parameter in signature.parameters.values() if parameter.name != "said"]
    shared = [_parameter(name, metavar) for name, metavar in _METAVARS.items()]

    @functools.wraps(command)
    def run(**given: Any) -> None:
        said = {name: given.pop(name) for name in _METAVARS}
        command(**given, said={name: value for name, value in said.items() if value is not None})

    run.__signature__ = signature.replace(parameters=[*own, *shared])  # type: ignore[attr-defined]
    return run


def _parameter(name: str, metavar: str) -> inspect.Parameter:
    option = typer.Option(f"--{name.replace('_', '-')}", metavar=metavar, help=OPTION_HELP[name], rich_help_panel=PANEL)
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[str | None, option]
    )


ScanPath = Annotated[Path, typer.Argument(metavar="SCAN", help="A 4D-STEM file (or folder).")]
Device = Annotated[
    str, typer.Option("--device", metavar="auto|cpu|cuda|mps", help="Where to compute; auto takes the fastest.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace outputs that exist already.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
