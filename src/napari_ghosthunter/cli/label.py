"""`ghosthunter sample` and `ghosthunter labels`: which positions to label, and labels from elsewhere."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_ghosthunter.cli import console
from napari_ghosthunter.cli.options import Overwrite, Said, ScanPath, opens_scans
from napari_ghosthunter.cli.scan import open_scan
from napari_ghosthunter.errors import LabelError
from napari_ghosthunter.files import check_outputs

if TYPE_CHECKING:
    from napari_ghosthunter.labelling.labels import LabelSet
    from napari_ghosthunter.labelling.sampling import Round
    from napari_ghosthunter.scan.scan import Scan

UNCERTAIN_COUNT = 5  # a handful at a time: the next map knows better where to look

labels_app = typer.Typer(help="Labels from other tools.")


class Method(StrEnum):
    """How positions are chosen."""

    ADAPTIVE = "adaptive"
    RANDOM = "random"
    UNCERTAIN = "uncertain"


@opens_scans
def sample(
    scan: ScanPath,
    step: Annotated[
        int, typer.Option("--step", metavar="S", min=1, help="Distance of the grid points, in probe positions.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="points.csv", help="Where to write the points.")],
    labels: Annotated[
        list[Path] | None, typer.Option("--labels", metavar="labels.csv", help="Labels given so far; repeatable.")
    ] = None,
    count: Annotated[int | None, typer.Option("--count", metavar="N", min=0, help="At most so many points.")] = None,
    method: Annotated[
        Method,
        typer.Option(
            "--method",
            metavar="adaptive|uncertain|random",
            help="Algorithm 1 of the paper; where a map by the labels so far is least sure; or chance, to compare.",
        ),
    ] = Method.ADAPTIVE,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Seed of the random method.")] = 0,
    overwrite: Overwrite = False,
    *,
    said: Said,
) -> None:
    """Propose probe positions to label: a grid first, then midpoints, or where a map by the labels is least sure."""
    check_outputs([out], overwrite=overwrite, inputs=[scan, *(labels or [])])
    if method is Method.RANDOM and count is None:
        raise typer.BadParameter("The random method needs --count: how many points to draw.")
    opened = open_scan(scan, said)
    shape = opened.scan_shape
    from napari_ghosthunter.labelling import sampling
    from napari_ghosthunter.labelling.labelfiles import write_points

    given = open_labels(labels or [], shape)
    if method is Method.RANDOM:
        proposed = sampling.random_positions(shape, count or 0, seed, given)
    elif method is Method.UNCERTAIN:
        proposed = _uncertain(opened, given, UNCERTAIN_COUNT if count is None else count)
    else:
        proposed = sampling.next_round(given, shape, step, count)
    write_points(out, proposed.proposals)
    console.say(f"{proposed.message}\n{len(proposed.proposals)} points written to {out}")


def _uncertain(scan: Scan, labels: LabelSet, count: int) -> Round:
    """Look at all patterns, and propose where a map by the labels so far is least sure."""
    from napari_ghosthunter.session.session import Session

    if len(set(labels.values())) < 2:
        raise LabelError(
            "The uncertain method needs to know where a map by the labels is least sure: give labels of at least two "
            "classes with --labels FILE."
        )
    session = Session(scan, labels)
    session.live.find()
    return session.live.propose(count)


def open_labels(paths: list[Path], scan_shape: tuple[int, int]) -> LabelSet:
    """Read label files as one, and tell what in them may surprise."""
    from napari_ghosthunter.labelling.labelfiles import read_label_files

    labels, report = read_label_files(paths, scan_shape)
    if report.duplicates or report.unlabelled or report.alike:
        console.hint(f"note: {', '.join(map(str, paths))}: {report}")
    return labels


@labels_app.command("import")
def import_labels(
    source: Annotated[Path, typer.Argument(metavar="paper.yaml", help="A label file of the paper's tool.")],
    scan_shape: Annotated[str, typer.Option("--scan-shape", metavar="YxX", help="Probe positions of its scan.")],
    out: Annotated[Path, typer.Option("--out", metavar="labels.csv", help="Where to write the labels.")],
    rename: Annotated[
        list[str] | None, typer.Option("--rename", metavar="OLD=NEW", help="Rename a class, as in na=none; repeatable.")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Turn a label file of the paper's tool into labels.csv; contradictions are reported and left out."""
    from napari_ghosthunter.scan.options import scan_shape_in

    shape = scan_shape_in(scan_shape)
    if source.suffix.lower() in {".csv", ".tsv", ".txt"}:
        raise LabelError(
            f"{source} needs no import: a CSV table of scan_y, scan_x and label is what ghosthunter train and "
            "ghosthunter sample take with --labels."
        )
    names = dict(_pair(text) for text in rename or [])
    check_outputs([out], overwrite=overwrite, inputs=[source])
    from napari_ghosthunter.labelling.labelfiles import write_labels
    from napari_ghosthunter.labelling.paperlabels import read_paper_labels

    labels, report = read_paper_labels(source, shape, names)
    write_labels(out, labels)
    console.hint(f"note: {report}")
    console.say(f"{len(labels)} labels written to {out}")


def _pair(text: str) -> tuple[str, str]:
    old, separator, new = text.partition("=")
    if not (separator and old.strip() and new.strip()):
        raise typer.BadParameter(f"{text!r} is not OLD=NEW, as in na=none.")
    return old.strip(), new.strip()
