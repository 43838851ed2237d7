"""`ghosthunter map` and `ghosthunter evaluate`: maps of whole scans, and how good they are."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_ghosthunter.cli import console
from napari_ghosthunter.cli.label import open_labels
from napari_ghosthunter.cli.options import AsJson, Dataset, Device, Overwrite, Reader, ScanShape
from napari_ghosthunter.cli.scan import open_scan
from napari_ghosthunter.files import check_outputs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_ghosthunter.learning.model import Model
    from napari_ghosthunter.mapping.domains import DomainMap
    from napari_ghosthunter.mapping.evaluation import Evaluation
    from napari_ghosthunter.scan.scan import Scan


def map_scans(
    scans: Annotated[list[Path], typer.Argument(metavar="SCAN...", help="One or more 4D-STEM files.")],
    model: Annotated[Path, typer.Option("--model", metavar="model.safetensors", help="A trained model.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the maps.")],
    device: Device = "auto",
    scan_shape: ScanShape = None,
    dataset: Dataset = None,
    reader: Reader = None,
    overwrite: Overwrite = False,
) -> None:
    """Classify every position of one or more scans and write the maps."""
    from napari_ghosthunter.mapping.export import output_paths

    _refuse_equal_stems(scans)
    outputs = [path for scan in scans for path in output_paths(out, scan.stem)]
    check_outputs(outputs, overwrite=overwrite, inputs=[*scans, model])
    from napari_ghosthunter.learning.modelfile import load_model
    from napari_ghosthunter.mapping.compatibility import compare_scans
    from napari_ghosthunter.mapping.segmentation import segment_rows

    loaded = load_model(model)
    for scan in scans[1:]:  # a mistake in the last name should not come out after an hour of mapping
        segment_rows(open_scan(scan, scan_shape, dataset, reader, quiet=True), loaded, device=device)
    for scan in scans:
        opened = open_scan(scan, scan_shape, dataset, reader)
        if opened.detector_shape == loaded.patterns.detector_shape:  # else it is refused below
            for difference in compare_scans(loaded, opened):
                console.hint(f"warning: {difference}")
        domains = run_segmentation(opened, loaded, device)
        written = domains.save(out, scan.stem, overwrite=overwrite)
        console.say(f"{scan.name}: {fractions(domains)}; {len(written)} files written to {out / scan.stem}_*")


def run_segmentation(scan: Scan, model: Model, device: str = "auto") -> DomainMap:
    """Classify a scan with a progress bar."""
    from napari_ghosthunter.mapping.segmentation import segment

    with console.progress_bar(f"mapping {scan.name}") as bar:
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


def _refuse_equal_stems(scans: list[Path]) -> None:
    """Two scans whose files would have the same names must not overwrite each other."""
    stem, count = Counter(scan.stem for scan in scans).most_common(1)[0]
    if count > 1:
        raise typer.BadParameter(f"{count} of the scans are named '{stem}': map them into different folders.")


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
