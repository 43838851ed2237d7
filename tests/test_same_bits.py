"""The same seed gives the same bits: in another process, and with other numbers of threads."""

import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from napari_ghosthunter.scan.simulate import SimulationConfig, simulate

LEARN = """
import hashlib, json, sys
import napari_ghosthunter as gh
scan = gh.open_scan(sys.argv[1])
labels, _ = gh.read_labels(sys.argv[2], scan.scan_shape)
found = {}
for network, epochs in (("swift", None), ("ghosthunter", 2)):
    config = gh.TrainingConfig(network=network, epochs=epochs, seed=5)
    model = list(gh.train(scan, labels, config, gh.PatternConfig(size=32, pool="mean"), device="cpu"))[-1].model
    domains = gh.segment(scan, model, device="cpu")
    losses = [(epoch.train_loss, epoch.validation_loss) for epoch in model.record.history]
    found[network] = [model.hash, losses, hashlib.sha256(domains.probabilities.tobytes()).hexdigest()]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A scan, and labels of a quarter of it."""
    folder = tmp_path_factory.mktemp("bits")
    simulation = simulate(SimulationConfig(scan_shape=(10, 11), detector_shape=(40, 32), seed=1))
    np.save(folder / "scan.npy", np.asarray(simulation.scan.data))
    rows = [f"{y},{x},{simulation.names[simulation.truth[y, x]]}" for y in range(0, 10, 2) for x in range(0, 11, 2)]
    (folder / "labels.csv").write_text("\n".join(["scan_y,scan_x,label", *rows]) + "\n")
    return folder


def learned(files, *threads):
    """Learn in processes at once, one for each number of threads, each with its own order of sets."""
    command, started = [sys.executable, "-c", LEARN, str(files / "scan.npy"), str(files / "labels.csv")], []
    for number, count in enumerate(threads):
        environment = os.environ | {"OMP_NUM_THREADS": str(count), "PYTHONHASHSEED": str(number)}
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment))
    outputs = [process.communicate()[0] for process in started]
    assert [process.returncode for process in started] == [0] * len(started)
    return [json.loads(out) for out in outputs]


def test_two_processes_learn_and_map_the_same(files):
    one, other = learned(files, 1, 1)
    assert one == other
    assert one["swift"][0] != one["ghosthunter"][0]


@pytest.mark.slow
@pytest.mark.parametrize("threads", [2, 3, 8])
def test_any_number_of_threads_learns_and_maps_the_same_again(files, threads):
    first, again, single = learned(files, threads, threads, 1)
    assert first == again == single


@pytest.mark.slow
@pytest.mark.parametrize("network", ["swift", "ghosthunter"])
def test_the_command_line_gives_the_same_files_again(files, tmp_path, network):
    def call(*arguments):
        command = [sys.executable, "-m", "napari_ghosthunter", *map(str, arguments)]
        subprocess.run(command, check=True, capture_output=True)

    scan, labels, models, maps = files / "scan.npy", files / "labels.csv", [], set()
    for number in range(2):
        models.append(tmp_path / f"{number}.safetensors")
        choices = ("--network", network, "--epochs", 3, "--seed", 5, "--device", "cpu")
        call("train", scan, "--labels", labels, "--out", models[-1], *choices)
    for number, model in enumerate(models):
        out = tmp_path / f"maps{number}"
        call("map", scan, "--model", model, "--out", out, "--device", "cpu")
        maps.add(hashlib.sha256((out / "scan_probabilities.npy").read_bytes()).hexdigest())
        call("reproduce", out / "scan_map.json", "--device", "cpu")
    assert len(maps) == 1
