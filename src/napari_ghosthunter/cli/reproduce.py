"""`ghosthunter reproduce`: whether a map comes out again as it was."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from napari_ghosthunter.cli import console
from napari_ghosthunter.cli.options import AsJson, Device
from napari_ghosthunter.cli.progress import progress_bar

DIFFERENT = 1  # the exit code


def reproduce(
    map_file: Annotated[
        Path, typer.Argument(metavar="NAME_map.json", help="The JSON file of a map, with its other files beside it.")
    ],
    scan: Annotated[
        Path | None, typer.Option("--scan", metavar="SCAN", help="Where the scan is now, if not where it was.")
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option("--model", metavar="model.safetensors", help="Where the model is now, if not where it was."),
    ] = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Make a map again from its scan and its model, and compare the two bit by bit; exit code 1 if they differ."""
    from napari_ghosthunter.mapping.reproducing import reproduce as made_again

    with progress_bar("mapping again") as bar:
        result = made_again(
            map_file, scan=scan, model=model, device=device,
            progress=lambda done, of: bar.update(bar.task_ids[0], completed=done, total=of),
        )  # fmt: skip
    console.say(json.dumps({"identical": result.identical, **asdict(result)}) if as_json else str(result))
    if not result.identical:
        raise typer.Exit(DIFFERENT)
