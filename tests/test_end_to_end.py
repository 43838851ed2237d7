"""The main job from the command line alone: sample, label, train, map, evaluate, on a .dm4 file."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_ghosthunter.cli import run
from napari_ghosthunter.scan.simulate import Simulation, SimulationConfig, simulate

SHAPE = (20, 30, 64, 64)


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate(SimulationConfig(scan_shape=SHAPE[:2], detector_shape=SHAPE[2:], seed=5))


def ghosthunter(*arguments: object) -> None:
    assert run([str(argument) for argument in arguments]) == 0


def label_from_truth(points: Path, labels: Path, simulation: Simulation) -> int:
    """Do what the expert does: add a label to each point, and collect them."""
    with points.open(newline="") as stream:
        proposed = [(int(row["scan_y"]), int(row["scan_x"])) for row in csv.DictReader(stream)]
    if not labels.exists():
        labels.write_text("scan_y,scan_x,label\n")
    with labels.open("a", newline="") as stream:
        csv.writer(stream).writerows((y, x, simulation.names[simulation.truth[y, x]]) for y, x in proposed)
    return len(proposed)


def write_dm4(path: Path, simulation: Simulation) -> None:
    from nion.data import Calibration, DataAndMetadata
    from nionswift_plugin.DM_IO import dm3_image_utils

    steps = [(2.0, "nm"), (2.5, "nm"), (0.02, "1/nm"), (0.02, "1/nm")]
    xdata = DataAndMetadata.new_data_and_metadata(
        np.asarray(simulation.scan.data),
        dimensional_calibrations=[Calibration.Calibration(0.0, step, units) for step, units in steps],
        data_descriptor=DataAndMetadata.DataDescriptor(False, 2, 2),
    )
    with path.open("wb") as file:
        dm3_image_utils.save_image(xdata, file, 4)


def sample_and_label(scan: Path, simulation: Simulation, budget: int) -> Path:
    """Sample and label round by round until `budget` positions have labels; give the label file."""
    points, labels, labelled = scan.with_name("points.csv"), scan.with_name("labels.csv"), 0
    while labelled < budget:
        known = ("--labels", labels) if labels.exists() else ()
        ghosthunter("sample", scan, "--step", 8, "--count", budget - labelled, *known, "--out", points, "--overwrite")
        new = label_from_truth(points, labels, simulation)
        assert new, "the sampler ran dry"
        labelled += new
    return labels


def test_few_labels_give_the_domains(
    simulation: Simulation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scan, truth, model, maps = (tmp_path / name for name in ("scan.dm4", "truth.npy", "m.safetensors", "maps"))
    write_dm4(scan, simulation)
    np.save(truth, simulation.truth)

    labels = sample_and_label(scan, simulation, budget=40)
    ghosthunter("train", scan, "--labels", labels, "--out", model, "--epochs", 60, "--device", "cpu")
    ghosthunter("map", scan, "--model", model, "--out", maps)
    capsys.readouterr()
    names = ",".join(simulation.names)
    ghosthunter("evaluate", maps, "--truth", truth, "--truth-names", names, "--exclude", labels, "--json")

    told = json.loads(capsys.readouterr().out)
    assert (told["n"], told["excluded"]) == (simulation.truth.size - 40, 40)
    assert told["accuracy"] > 0.85
    assert told["balanced_accuracy"] > 0.75
    # the map lies as the scan does: a flip would agree with the truth far less
    classes = tifffile.imread(maps / "scan_classes.tif")
    agreement = [np.mean(turned == simulation.truth + 1) for turned in (classes, classes[::-1], classes[:, ::-1])]
    assert agreement[0] == max(agreement)

    # the same patterns in another format give the same map
    np.save(tmp_path / "plain.npy", np.asarray(simulation.scan.data))
    ghosthunter("map", tmp_path / "plain.npy", "--model", model, "--out", maps)
    one, other = (np.load(maps / f"{stem}_probabilities.npy") for stem in ("scan", "plain"))
    assert np.array_equal(one, other)
