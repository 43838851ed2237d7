"""Row 1: the map on the CPU, against the network alone and against the plain pipeline.

The scan is that of the paper in size, at 256 x 256 pixels (0.92 GB), in the page cache. The network alone is the torch
module, which gets tensors that are ready, in the batches and with the number of threads that suit it best here, all of
which are tried. The map runs the same layers in another layout (`learning/answering.py`), which is told beside.

The plain pipeline (benchmarks/plain.py) takes time in proportion to the patterns, so that it is timed on some of them,
with one thread or one for each core, whichever is faster. What no stream can do without is told beside: the sum of
all pixels, one thread for each core, is all that a map would take for its patterns if it did nothing but look at them.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks import plain
from benchmarks.common import PAPER_NETWORK, PAPER_SCAN, PAPER_SIZE, opened, random_model, scratch
from benchmarks.rows import Row, at_least, cores, run_alone
from benchmarks.turns import best_of, best_threads, with_threads
from napari_ghosthunter.learning.answering import Answer, answering
from napari_ghosthunter.learning.model import Model
from napari_ghosthunter.learning.offered import DEFAULT_NETWORK
from napari_ghosthunter.mapping.segmentation import segment
from napari_ghosthunter.scan.scan import Scan

BATCHES = (4, 8, 16, 32, 64, 128, 256)
READY = 1024  # patterns of which the network alone has ready tensors
PLAIN = 400  # patterns that the plain pipeline is timed on
ROUNDS = 3


def rows(quick: bool) -> list[Row]:
    """Measure the default network, and the one of the paper where that is another."""
    with scratch() as folder:
        scan = opened(folder, (2, 32) if quick else PAPER_SCAN, (256, 256))
        paper, rounds = random_model(scan, PAPER_NETWORK, size=PAPER_SIZE), 1 if quick else ROUNDS
        found = measured(scan, random_model(scan), paper, folder, rounds)
        return found if DEFAULT_NETWORK == PAPER_NETWORK else found + measured(scan, paper, paper, folder, rounds)


def measured(scan: Scan, model: Model, paper: Model, folder: Path, rounds: int) -> list[Row]:
    """Compare the three with one network, and the map with the plain pipeline of the paper, which has its own."""
    count = scan.shape[0] * scan.shape[1]
    network = model.load_network("cpu")
    inputs = torch.randn(min(READY, count), 1, model.patterns.size, model.patterns.size)
    batch, threads = fastest(network, inputs[:256])
    as_mapped = answering(network)
    their_batch, their_threads = fastest(as_mapped, inputs[:256])
    every = [(y, x) for y in range(scan.shape[0]) for x in range(scan.shape[1])]
    some = every[:: max(1, count // PLAIN)]
    theirs = paper.load_network("cpu")

    def through_pngs(of: Model, classifier: nn.Module, places: list[tuple[int, int]]) -> None:
        plain.infer(classifier, plain.write_pngs(scan, places, folder), of.patterns.size)

    plain_threads = best_threads(lambda: through_pngs(paper, theirs, some[:50]))
    rates = {
        "map": count,
        "alone": len(inputs),
        "answering": len(inputs),
        "looks": count,
        "plain": len(some),
        "paper": len(some),
    }
    best = best_of(
        {
            "map": lambda: segment(scan, model, device="cpu"),
            "alone": partial(alone, network, inputs, batch, threads),
            "answering": partial(alone, as_mapped, inputs, their_batch, their_threads),
            "looks": partial(look_at, scan),
            "plain": lambda: with_threads(plain_threads, lambda: through_pngs(model, network, some)),
            "paper": lambda: with_threads(plain_threads, lambda: through_pngs(paper, theirs, some)),
        },
        rounds,
    )
    rate = {name: rates[name] / best[name] for name in rates}
    which = f"{scan.shape[0]} x {scan.shape[1]} x {scan.shape[2]} x {scan.shape[3]} uint16, `{model.network}`"
    told = "{:.0f} patterns/s with PNGs, one at a time, {} threads"
    bound = 100 / (1 + rate["alone"] / rate["looks"])
    found = [
        at_least(
            f"map, CPU: {which}; share of the rate of the network alone", 100 * rate["map"] / rate["alone"], 85, " %",
            f"{rate['map']:.0f} of {rate['alone']:.0f} patterns/s; alone in batches of {batch}, {threads} threads",
        ),
        Row("the same, the most that a stream could reach that looks at each pixel once",
            f"{bound:.3g} % ({rate['looks']:.0f} patterns/s looked at)"),
        Row(
            f"map against the plain pipeline, end to end, both with `{model.network}`",
            f"{rate['map'] / rate['plain']:.3g} times ({told.format(rate['plain'], plain_threads)})",
        ),
    ]  # fmt: skip
    if as_mapped is not network:
        found.insert(1, Row(
            "the same, of the rate of the network as the map runs it, alone",
            f"{100 * rate['map'] / rate['answering']:.3g} % ({rate['answering']:.0f} patterns/s; in batches of "
            f"{their_batch}, {their_threads} threads)",
        ))  # fmt: skip
    if model is not paper:
        found.append(
            at_least(
                f"map with `{model.network}` against the plain pipeline of the paper, with `{paper.network}`",
                rate["map"] / rate["paper"], 40, " times", told.format(rate["paper"], plain_threads),
            )
        )  # fmt: skip
    return found


def look_at(scan: Scan) -> None:
    """Add up the pixels of each pattern, a row of the scan in each thread."""
    with ThreadPoolExecutor(cores()) as pool:
        list(pool.map(lambda row: np.add.reduce(row, axis=(1, 2), dtype=np.uint32), np.asarray(scan.data)))


def fastest(network: Answer, inputs: Tensor) -> tuple[int, int]:
    """Find the batch size and the number of threads with which the network alone is fastest."""
    choices = {
        f"{batch} {threads}": partial(alone, network, inputs, batch, threads)
        for threads in sorted({cores(), max(1, cores() - 1), 1})
        for batch in BATCHES
    }
    best = best_of(choices, 2)
    batch, threads = min(best, key=best.__getitem__).split()
    return int(batch), int(threads)


def alone(network: Answer, inputs: Tensor, batch: int, threads: int) -> None:
    """Let the network classify ready tensors."""

    def classify() -> None:
        with torch.inference_mode():
            for part in inputs.split(batch):
                network(part).softmax(1)

    with_threads(threads, classify)


if __name__ == "__main__":
    run_alone("benchmarks.map_cpu", rows)
