"""Row 3, second half: 40 labelled patterns and 400 epochs of the paper's network, and what the arithmetic allows.

The operations of forward and backward pass are counted by torch. The bound is their number over the rate of a large
matrix product, which no convolution reaches; the second bound is over the rate of this network's own forward and
backward pass on a batch that is ready, without optimizer, augmentation and validation. Both rates are the best of one
thread and of one for each core, which is slower where other work wants the cores too.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own idiom
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.common import PAPER_NETWORK, scratch
from benchmarks.labelled import labelled_case
from benchmarks.rows import Row, at_most, cores, run_alone
from benchmarks.turns import best_of, seconds_of
from napari_ghosthunter.learning.config import PatternConfig, TrainingConfig
from napari_ghosthunter.learning.network import build_network, placed
from napari_ghosthunter.learning.training import train

LABELS, EPOCHS = 40, 400
SIZE, CLASSES, BATCH = 128, 3, 8
MATRIX = 2048
ROUNDS = 12


def rows(quick: bool) -> Iterator[Row]:
    """Train, and measure the rates."""
    network = placed(build_network(PAPER_NETWORK, CLASSES, SIZE), "cpu")
    inputs, truth = torch.randn(BATCH, 1, SIZE, SIZE), torch.arange(BATCH) % CLASSES
    matrix = torch.randn(MATRIX, MATRIX)
    best = dict.fromkeys(("product", "pass"), float("inf"))
    for threads in sorted({1, cores()}):
        torch.set_num_threads(threads)
        timed = {"product": lambda: matrix @ matrix, "pass": lambda: both_ways(network, inputs, truth)}
        found = best_of(timed, 2 if quick else ROUNDS)
        best = {name: min(best[name], found[name]) for name in best}
    operations = counted(network, inputs, truth)
    rates = {"product": 2 * MATRIX**3 / best["product"], "pass": operations / best["pass"]}
    with scratch() as folder:
        case, labels = labelled_case(folder, SIZE, LABELS, (12, 103) if quick else (34, 206))
        config = TrainingConfig(network=PAPER_NETWORK, epochs=2 if quick else EPOCHS)
        patterns = PatternConfig(size=SIZE)
        history: list[int] = []

        def training() -> None:
            history.extend(report.figures.epoch for report in train(case.scan, labels, config, patterns, device="cpu"))

        seconds = seconds_of(training)
    trained = len(labels) - round(len(labels) * config.validation_share)
    total = operations / BATCH * trained * len(history)
    what = f"training with {len(labels)} labels, {len(history)} epochs of `{PAPER_NETWORK}` on the CPU"
    yield at_most(what, seconds, 60, " s")
    counts = f"{trained} x {len(history)} x {operations / BATCH / 1e6:.0f} MFLOP"
    for name, which in {"product": "a large matrix product", "pass": "its own passes on ready batches"}.items():
        told = f"{total / rates[name]:.1f} s ({counts}, at {rates[name] / 1e9:.0f} GFLOP/s)"
        yield Row(f"the least it could take, at the rate of {which}", told)


def both_ways(network: nn.Module, inputs: Tensor, truth: Tensor) -> None:
    """Go through the network forward and backward."""
    F.cross_entropy(network(inputs), truth).backward()


def counted(network: nn.Module, inputs: Tensor, truth: Tensor) -> int:
    """Count the floating point operations of that."""
    with FlopCounterMode(display=False) as counter:
        both_ways(network, inputs, truth)
    return int(counter.get_total_flops())


if __name__ == "__main__":
    run_alone("benchmarks.train_bound", rows)
