"""`ghosthunter map` and `ghosthunter evaluate`: maps of whole scans, and how good they are."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_ghosthunter.cli import console
from napari_ghosthunter.cli.label import open_labels
from napari_ghosthunter.cli.options import AsJson, Device, Overwrite, Said, opens_scans
from napari_ghosthunter.cli.progress import progress_bar
from napari_ghosthunter.cli.scan import open_scan
from napari_ghosthunter.mapping.offered import NEIGHBOURS_HELP, STRONGEST

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_ghosthunter.learning.model import Model
    from napari_ghosthunter.mapping.batch import MapReport
    from napari_ghosthunter.mapping.domains import DomainMap
    from napari_ghosthunter.mapping.evaluation import Evaluation
    from napari_ghosthunter.scan.scan import Scan


@opens_scans
def map_scans(
    scans: Annotated[list[Path], typer.Argument(metavar="SCAN...", help="One or more 4D-STEM files.")],
    model: Annotated[Path, typer.Option("--model", metavar="model.safetensors", help="A trained model.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the maps.")],
    device: Device = "auto",
    overwrite: Overwrite = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Skip scans whose map by this model is whole; make the others anew.")
    ] = False,
    neighbours: Annotated[
        float, typer.Option("--neighbours", metavar="STRENGTH", min=0, max=STRONGEST, help=NEIGHBOURS_HELP)
    ] = 0.0,
    scheduler: Annotated[
        str | None,
        typer.Option("--scheduler", metavar="tcp://HOST:8786", help="Compute on the workers of a Dask scheduler."),
    ] = None,
    *,
    said: Said,
) -> None:
    """Classify every position of one or more scans and write the maps; a scan that fails does not stop the others."""
    _refuse_twice(scans)
    if overwrite and resume:
        raise typer.BadParameter("--overwrite makes every map anew, --resume keeps those that are whole; choose one.")
    if scheduler is not None and not scheduler.strip():
        raise typer.BadParameter("--scheduler has no address; it is like tcp://host:8786, and the scheduler tells it.")
    from napari_ghosthunter.scan.options import ScanOptions

    ScanOptions.of(**said)  # wrong usage is answered at once, not by each scan
    from napari_ghosthunter.learning.modelfile import load_model
    from napari_ghosthunter.mapping.batch import map_scans as map_all
    from napari_ghosthunter.mapping.connections import computing

    def opener(path: Path) -> Scan:
        return open_scan(path, said, quiet=True)

    failed, trained = [], load_model(model)
    with computing(scheduler or "") as segmenter, _stop_told():
        reports = map_all(
            trained, scans, out,
            device=device, overwrite=overwrite, resume=resume, neighbours=neighbours, opener=opener,
            segmenter=segmenter,
        )  # fmt: skip
        for end in told_on_the_way(reports, scans):
            path = scans[end.index]
            if end.domain_map is not None:
                written = "was there already, in" if end.resumed else f"{len(end.written)} files written to"
                console.say(f"{path.name}: {fractions(end.domain_map)}; {written} {out / end.name}_*")
            else:
                failed.append(path)
                console.fail(end.error if len(scans) == 1 or path.name in end.error else f"{path.name}: {end.error}")
    if failed and len(scans) > 1:
        names = ", ".join(path.name for path in failed)
        console.hint(f"{len(scans) - len(failed)} of {len(scans)} scans have their maps; not mapped: {names}")
    if failed:
        raise typer.Exit(2)


@contextmanager
def _stop_told() -> Iterator[None]:
    """Tell that Ctrl+C was heard: a block that is being computed takes a moment to end."""
    try:
        yield
    except KeyboardInterrupt:
        console.hint("Stopping...")
        raise


def told_on_the_way(reports: Iterator[MapReport], scans: list[Path]) -> Iterator[MapReport]:
    """Show progress bars, notes and warnings of several scans, and give the last report of each."""
    for report in reports:
        last = report
        if not report.finished:
            for note in report.notes:
                console.hint(f"note: {note}")
            for difference in report.differences:
                console.hint(f"warning: {difference}")
            with progress_bar(f"mapping {scans[report.index].name}") as bar:
                while not last.finished:
                    last = next(reports)
                    bar.update(bar.task_ids[0], completed=last.rows, total=last.of)
        for warning in last.notes[len(report.notes) :]:
            console.hint(f"warning: {warning}")
        yield last


def run_segmentation(scan: Scan, model: Model, device: str = "auto") -> DomainMap:
    """Classify a scan with a progress bar."""
    from napari_ghosthunter.mapping.segmentation import segment

    with progress_bar(f"mapping {scan.name}") as bar:
        return segment(
            scan, model, device=device, progress=lambda done, of: bar.update(bar.task_ids[0], completed=done, total=of)
        )


def fractions(domains: DomainMap) -> str:
    """Tell the share of each class in one line."""
    return ", ".join(f"{entry.name} {entry.area_fraction:.1%}" for entry in domains.statistics)


def evaluate(
    map_dir: Annotated[Path, typer.Argument(metavar="MAP_DIR", help="A folder that `ghosthunter map` wrote.")],
    truth: Annotated[
        Path, typer.Option("--truth", metavar="truth.npy", help="True ids, (scan_y, scan_x); negative is unknown.")
    ],
    truth_names: Annotated[
        str | None,
        typer.Option(
            "--truth-names", metavar="A,B,...", help="Names of the ids 0, 1, ...; if not given, those of the map."
        ),
    ] = None,
    exclude: Annotated[
        list[Path] | None,
        typer.Option("--exclude", metavar="labels.csv", help="Positions to leave out: those trained on; repeatable."),
    ] = None,
    stem: Annotated[
        str | None, typer.Option("--stem", metavar="NAME", help="Which map, where the folder holds several.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare a map with the truth."""
    from napari_ghosthunter.mapping import evaluation
    from napari_ghosthunter.mapping.domains import DomainMap

    domains = DomainMap.load(map_dir, stem)
    names = [name.strip() for name in truth_names.split(",")] if truth_names else None
    left_out = open_labels(exclude or [], domains.scan_shape)
    result = evaluation.evaluate(domains, _read_truth(truth), names, left_out)
    likelier = evaluation.likelier_names(result) if names is None else None
    if likelier is not None:
        raise typer.BadParameter(
            f"More of the map would be right if the ids were those of {','.join(likelier)} than if they were in the "
            f"map's order, {','.join(result.truth_names)}; say with --truth-names which classes 0, 1, ... are."
        )
    if as_json:
        console.say(json.dumps(result.to_dict()))
        return
    if names is None:
        console.say(_taken_as(result.truth_names))
    console.say(report(result))


def report(result: Evaluation) -> str:
    """Write an evaluation for a person."""
    low, high = result.accuracy_interval
    lines = [
        f"accuracy          {result.accuracy:.4f}  (95 % interval {low:.3f} to {high:.3f}, {result.n} positions)",
        f"balanced accuracy {result.balanced_accuracy:.4f}",
    ]
    if result.wall_accuracy is not None:
        lines.append(f"near a wall       {result.wall_accuracy:.4f}  (within 2 pixels, {result.wall_n} positions)")
    for name, score in result.per_class.items():
        recall = "-" if score.recall is None else f"{score.recall:.4f}"
        lines.append(f"  {name:<15} {recall}  of {score.count}")
    return "\n".join(lines)


def _taken_as(names: tuple[str, ...]) -> str:
    """Tell which class each id of the truth was taken for."""
    ids = ", ".join(f"{number} = {name}" for number, name in enumerate(names))
    return f"truth ids taken as {ids} (the map's order; --truth-names says otherwise)"


def _refuse_twice(scans: list[Path]) -> None:
    """Refuse a slip: the two maps would be the same."""
    path, count = Counter(scan.absolute() for scan in scans).most_common(1)[0]
    if count > 1:
        raise typer.BadParameter(f"{path.name} is named {count} times.")


def _read_truth(path: Path) -> NDArray[np.generic]:
    """Read the array of true ids.

    Raises
    ------
    MapError
        If it is no .npy file.
    """
    import numpy as np

    from napari_ghosthunter.errors import MapError

    try:
        with path.open("rb") as stream:
            return np.lib.format.read_array(stream, allow_pickle=False)  # type: ignore[no-untyped-call, no-any-return]
    except OSError as error:
        raise MapError(f"Cannot read {path}: {error.strerror or error}.") from error
    except (ValueError, EOFError) as error:
        raise MapError(f"{path} is no whole .npy file of numbers; write one with numpy.save.") from error
