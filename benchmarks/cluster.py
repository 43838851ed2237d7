"""How well a map scales: patterns a second with one local worker and with two, each with one thread.

The scan is simulated and written to a temporary .npy, which stays in the page cache; the network has random weights.
Each figure is the best of some runs, without the start of the processes, but with the opening of the file.

    python benchmarks/cluster.py
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np

from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.learning.config import PatternConfig, TrainingConfig
from napari_ghosthunter.learning.model import Model, TrainingRecord
from napari_ghosthunter.learning.network import NETWORKS, build_network
from napari_ghosthunter.learning.patterns import fit_patterns
from napari_ghosthunter.learning.validation import HeldOut
from napari_ghosthunter.mapping.cluster import segment_on
from napari_ghosthunter.mapping.connections import local_workers
from napari_ghosthunter.scan.readers import open_scan
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.simulate import SimulationConfig, simulate

WORKERS = (1, 2)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=34, help="scan rows, of 206 positions")
    parser.add_argument("--detector", type=int, default=256, help="side of the patterns, in pixels")
    parser.add_argument("--runs", type=int, default=3, help="of each number of workers, in turn")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scan = open_scan(write_scan(Path(folder) / "scan.npy", (wanted.rows, 206), wanted.detector))
        model = random_model(scan)
        rates = measured(scan, model, wanted.runs)
    megabytes = scan.size_bytes / 1e6 / scan.shape[0] / scan.shape[1]
    print(f"{scan.shape} {scan.dtype}, {scan.size_bytes / 1e9:.2f} GB, {os.cpu_count()} cores, one thread a worker")  # noqa: T201
    for workers, rate in rates.items():
        print(f"{workers} worker{'s' * (workers > 1)}: {rate:.0f} patterns/s, {rate * megabytes:.0f} MB/s")  # noqa: T201
    print(f"ratio: {rates[WORKERS[1]] / rates[WORKERS[0]]:.2f}")  # noqa: T201


def write_scan(path: Path, scan_shape: tuple[int, int], side: int) -> Path:
    """Write a scan that repeats one simulated row, row by row."""
    simulation = simulate(SimulationConfig(scan_shape=(1, scan_shape[1]), detector_shape=(side, side), seed=0))
    row = np.asarray(simulation.scan.data)[0]
    cube = np.lib.format.open_memmap(path, "w+", np.uint16, (*scan_shape, side, side))
    for target in cube:
        target[...] = row
    cube.flush()
    return path


def random_model(scan: Scan) -> Model:
    """Make a model of the default network that nobody trained."""
    names, patterns = ("a", "b", "c"), fit_patterns(PatternConfig(), scan)
    held_out = HeldOut(names=names, confusion=((0, 0, 0),) * 3)
    record = TrainingRecord(
        config=TrainingConfig(), labels_per_class=dict.fromkeys(names, 1), best_epoch=1, history=(), held_out=held_out
    )
    network = next(iter(NETWORKS))
    weights = build_network(network, len(names), patterns.size).state_dict()
    return Model(ClassScheme.from_names(names), network, patterns, weights, record)


def measured(scan: Scan, model: Model, runs: int) -> dict[int, float]:
    """Give the best patterns/s of each number of workers; they take turns, because other work comes and goes."""
    best = dict.fromkeys(WORKERS, 0.0)
    with local_workers(WORKERS[0]) as one, local_workers(WORKERS[1]) as two:
        for client in (one, two):
            client.run(__import__, "torch")
            segment_on(client, scan_of_one_row(scan), model, device="cpu")
        for _ in range(runs):
            for workers, client in zip(WORKERS, (one, two), strict=True):
                begin = time.perf_counter()
                segment_on(client, scan, model, device="cpu")
                rate = scan.shape[0] * scan.shape[1] / (time.perf_counter() - begin)
                best[workers] = max(best[workers], rate)
    return best


def scan_of_one_row(scan: Scan) -> Scan:
    """Write a small scan of the same patterns, for the workers to warm up with."""
    path = scan.provenance.path
    assert path is not None
    small = path.with_name("small.npy")
    np.save(small, scan.rows(0, 2)[:, :64])
    return open_scan(small)


if __name__ == "__main__":
    main()
