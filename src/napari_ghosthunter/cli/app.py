"""The commands by name; each lives in the module of its stage."""

from __future__ import annotations

from typing import Annotated

import typer

from napari_ghosthunter.cli import demo, label, learn, mapping, reproduce, scan

app = typer.Typer(
    name="ghosthunter",
    help="Map the domains of 4D-STEM scans: sample, label, train, map, evaluate, reproduce.",
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(version("napari-ghosthunter"))
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Hold the options that come before a command."""


app.command("info")(scan.info)
app.command("sample")(label.sample)
app.add_typer(label.labels_app, name="labels")
app.command("train")(learn.train)
app.command("map")(mapping.map_scans)
app.command("evaluate")(mapping.evaluate)
app.command("reproduce")(reproduce.reproduce)
app.command("demo")(demo.demo)
