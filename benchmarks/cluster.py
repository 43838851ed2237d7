"""How well a map scales: patterns a second with one local worker and with two, each with one thread.

The scan lies in the page cache; the network has random weights. Each figure is the best of some runs, without the start
of the processes, but with the opening of the file.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from benchmarks.common import opened, random_model, scratch
from benchmarks.rows import Row, at_least, cores, run_alone
from napari_ghosthunter.learning.model import Model
from napari_ghosthunter.mapping.cluster import segment_on
from napari_ghosthunter.mapping.connections import local_workers
from napari_ghosthunter.scan.readers import open_scan
from napari_ghosthunter.scan.scan import Scan

WORKERS = (1, 2)
SCAN_SHAPE, DETECTOR_SHAPE = (34, 206), (256, 256)
RUNS = 3  # of each number of workers, in turn


def rows(quick: bool) -> Iterator[Row]:
    """Measure both, and their ratio."""
    with scratch() as folder:
        scan = opened(folder, (4, 64) if quick else SCAN_SHAPE, DETECTOR_SHAPE)
        model = random_model(scan)
        rates = measured(scan, model, 1 if quick else RUNS)
    megabytes = scan.size_bytes / 1e6 / scan.shape[0] / scan.shape[1]
    told = ", ".join(
        f"{workers} worker{'s' * (workers > 1)} {rate:.0f} patterns/s, {rate * megabytes:.0f} MB/s"
        for workers, rate in rates.items()
    )
    what = f"map of {DETECTOR_SHAPE[0]} x {DETECTOR_SHAPE[1]} uint16 with 2 local workers against 1, one thread each"
    yield at_least(what, rates[2] / rates[1], 1.7, " times", f"{told}; {cores()} cores")


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
    run_alone("benchmarks.cluster", rows)
