"""`ghosthunter demo`: the whole main job on a simulated scan whose domains are known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_ghosthunter.cli import console
from napari_ghosthunter.cli.learn import run_training, summary
from napari_ghosthunter.cli.mapping import report, run_segmentation
from napari_ghosthunter.cli.options import Device, Overwrite
from napari_ghosthunter.cli.progress import progress_bar
from napari_ghosthunter.files import check_outputs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_ghosthunter.labelling.labels import LabelSet
    from napari_ghosthunter.mapping.domains import DomainMap
    from napari_ghosthunter.scan.simulate import Simulation

STEM = "boracite"
STEP = 12  # grid distance: 18 grid points on the sample scan, the rest of the budget along the walls
BUDGET = 50  # labels, as in the paper's smallest experiment


def demo(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the results.")],
    device: Device = "auto",
    overwrite: Overwrite = False,
) -> None:
    """Sample, label, train and map a simulated boracite scan, and compare with the truth."""
    from napari_ghosthunter.labelling.labelfiles import write_labels
    from napari_ghosthunter.learning.config import PatternConfig, TrainingConfig
    from napari_ghosthunter.learning.modelfile import save_model
    from napari_ghosthunter.mapping.evaluation import evaluate
    from napari_ghosthunter.mapping.export import output_paths
    from napari_ghosthunter.mapping.overview import save_overview
    from napari_ghosthunter.scan.simulate import simulate
    from napari_ghosthunter.scan.virtual.quick import quick_bright_field

    labels_path, model_path, overview_path = out / "labels.csv", out / "model.safetensors", out / "overview.png"
    check_outputs([labels_path, model_path, overview_path, *output_paths(out, STEM)], overwrite=overwrite)
    with progress_bar("simulating a scan"):
        simulation = simulate()
    scan = simulation.scan
    console.say("A simulated boracite scan: {} x {} positions, patterns of {} x {} pixels.".format(*scan.shape))
    labels = label_from_truth(simulation, STEP, BUDGET)
    write_labels(labels_path, labels)
    model = run_training(scan, labels, TrainingConfig(), PatternConfig(), device)
    save_model(model, model_path)
    console.say(summary(model))
    domains = run_segmentation(scan, model, device)
    domains.save(out, STEM, overwrite=overwrite, bright_field=quick_bright_field(scan))
    save_overview(overview_path, panels(simulation, labels, domains), labels.classes)
    console.say("\nCompared with the truth, without the labelled positions:")
    console.say(report(evaluate(domains, simulation.truth, simulation.names, labels)))
    console.say(f"\nLook at it: {overview_path}\nThe map as figure: {out / STEM}_figure.png; as data: {out / STEM}_*")


def panels(simulation: Simulation, labels: LabelSet, domains: DomainMap) -> dict[str, NDArray[np.uint8]]:
    """Picture what goes in and what comes out, each as (y, x, 3)."""
    import numpy as np

    from napari_ghosthunter.mapping.overview import grey
    from napari_ghosthunter.scan.virtual.images import virtual_image
    from napari_ghosthunter.scan.virtual.masks import bright_field_mask
    from napari_ghosthunter.scan.virtual.means import measure_scan_beam

    scan, colours = simulation.scan, labels.classes.rgb()
    mask = bright_field_mask(scan.detector_shape, measure_scan_beam(scan))
    bright_field = grey(virtual_image(scan, mask))
    labelled = (bright_field // 2).astype(np.uint8)
    for position, name in labels.items():
        labelled[position] = colours[labels.classes.id_of(name) - 1]
    examples = {name: next(position for position, given in labels.items() if given == name) for name in labels.counts()}
    return {
        "Bright field": bright_field,
        "Labelled positions": labelled,
        "True domains": colours[simulation.truth],
        "Mapped domains (softmax as colour)": domains.rgb,
        "Confidence of the map (white is sure)": grey(domains.confidence),
    } | {f"A pattern labelled '{name}' (log)": grey(np.log1p(scan.pattern(*examples[name]))) for name in examples}


def label_from_truth(simulation: Simulation, step: int, budget: int) -> LabelSet:
    """Label what Algorithm 1 proposes, round by round, as an expert who makes no mistakes."""
    from napari_ghosthunter.labelling.classes import ClassScheme
    from napari_ghosthunter.labelling.labels import LabelSet
    from napari_ghosthunter.labelling.sampling import next_round

    scan_shape = simulation.scan.scan_shape
    labels = LabelSet(ClassScheme.from_names(simulation.names), scan_shape)
    while len(labels) < budget:
        proposed = next_round(labels, scan_shape, step, budget - len(labels))
        console.say(f"{len(proposed.proposals):3d} more points to label: {proposed.message}")
        if not proposed.proposals:
            break
        positions = [point.position for point in proposed.proposals]
        labels.label_many({position: simulation.names[simulation.truth[position]] for position in positions})
    return labels
