"""How well a map scales: patterns a second with one local worker and with two, each with one thread.

The scan lies in the page cache; the networks have random weights. Each figure is the best of some runs, without the
start of the processes, but with the opening of the file. What two cores can do at most that share memory and caches is
told beside: the same processes map the whole scan, each for itself, without a word to the scheduler.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from distributed import Client

from benchmarks.common import PAPER_NETWORK, PAPER_SCAN, PAPER_SIZE, opened, random_model, scratch
from benchmarks.local_cluster import local_cluster
from benchmarks.rows import Row, at_least, cores, run_alone
from benchmarks.turns import seconds_of
from napari_ghosthunter.learning.model import Model
from napari_ghosthunter.learning.offered import DEFAULT_NETWORK
from napari_ghosthunter.mapping.cluster import segment_on
from napari_ghosthunter.mapping.segmentation import segment
from napari_ghosthunter.scan.readers import open_scan
from napari_ghosthunter.scan.scan import Scan

WORKERS = (1, 2)
DETECTOR_SHAPE = (256, 256)
LONG_SCAN = (136, 206)  # 3.7 GB, as much as the paper's scan: a quarter is done so soon that it tells how Dask begins
RUNS = 3  # of each number of workers, in turn


def rows(quick: bool) -> Iterator[Row]:
    """Measure the default network, and the one of the paper where that is another."""
    with scratch() as folder, local_cluster(WORKERS[0]) as one, local_cluster(WORKERS[1]) as two:
        clients = dict(zip(WORKERS, (one, two), strict=True))
        for network in dict.fromkeys((DEFAULT_NETWORK, PAPER_NETWORK)):
            choices = {"size": PAPER_SIZE} if network == PAPER_NETWORK else {}
            scan_shape = PAPER_SCAN if network == PAPER_NETWORK else LONG_SCAN
            scan = opened(folder, (4, 64) if quick else scan_shape, DETECTOR_SHAPE)
            yield from compared(clients, scan, random_model(scan, network, **choices), 1 if quick else RUNS)


def compared(clients: dict[int, Client], scan: Scan, model: Model, runs: int) -> Iterator[Row]:
    """Tell the ratio of two workers to one, and that of two processes without a scheduler to one."""
    rates, alone = measured(clients, scan, model, runs)
    megabytes = scan.size_bytes / 1e6 / scan.shape[0] / scan.shape[1]
    told = ", ".join(
        f"{workers} worker{'s' * (workers > 1)} {rate:.0f} patterns/s, {rate * megabytes:.0f} MB/s"
        for workers, rate in rates.items()
    )
    which = f"{scan.shape[0]} x {scan.shape[1]} x {scan.shape[2]} x {scan.shape[3]} {scan.dtype}, `{model.network}`"
    what = f"map of {which}, with 2 local workers against 1, one thread each"
    yield at_least(what, rates[2] / rates[1], 1.7, " times", f"{told}; {cores()} cores")
    ratio = f"{alone[2] / alone[1]:.3g} times"
    yield Row("the most that two processes can do here: maps of their own, against one", ratio)


def measured(
    clients: dict[int, Client], scan: Scan, model: Model, runs: int
) -> tuple[dict[int, float], dict[int, float]]:
    """Give the best patterns/s of each number of workers, together and each for itself; all take turns."""
    together, alone = dict.fromkeys(WORKERS, 0.0), dict.fromkeys(WORKERS, 0.0)
    path, count = str(scan.provenance.path), scan.shape[0] * scan.shape[1]
    for client in clients.values():
        client.run(__import__, "torch")
        segment_on(client, scan_of_one_row(scan), model, device="cpu")
    for _ in range(runs):
        for workers, client in clients.items():
            seconds = seconds_of(lambda client=client: segment_on(client, scan, model, device="cpu"))
            together[workers] = max(together[workers], count / seconds)
            seconds = seconds_of(lambda client=client: client.run(map_alone, path, model))
            alone[workers] = max(alone[workers], workers * count / seconds)
    return together, alone


def map_alone(path: str, model: Model) -> None:
    """Map a scan in the process of a worker, with the one thread that torch has there."""
    segment(open_scan(path), model, device="cpu")


def scan_of_one_row(scan: Scan) -> Scan:
    """Write a small scan of the same patterns, for the workers to warm up with."""
    path = scan.provenance.path
    assert path is not None
    small = path.with_name("small.npy")
    np.save(small, scan.rows(0, 2)[:, :64])
    return open_scan(small)


if __name__ == "__main__":
    run_alone("benchmarks.cluster", rows)
