"""Row 2, half precision: how many positions change their class by it, and on a GPU, what it gains.

Both networks are trained with 50 labels on a simulated scan of the paper's size. Then each classifies all positions
in single precision, and with its convolutions and matrix products in half precision (torch's autocast). It may be used
where it changes no more than 0.1 % of the positions; whether it pays, only a GPU can tell.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor, nn

from benchmarks.common import PAPER_NETWORK, PAPER_SIZE, scratch
from benchmarks.labelled import labelled_case
from benchmarks.rows import Row, at_most, run_alone
from benchmarks.turns import best_of
from napari_ghosthunter.learning.config import PatternConfig, TrainingConfig
from napari_ghosthunter.learning.device import choose_device
from napari_ghosthunter.learning.model import Model
from napari_ghosthunter.learning.offered import DEFAULT_NETWORK
from napari_ghosthunter.learning.training import train
from napari_ghosthunter.scan.scan import Scan

LABELS = 50
KINDS = {"float16": torch.float16, "bfloat16": torch.bfloat16}
ROUNDS = 5


def rows(quick: bool) -> Iterator[Row]:
    """Train and compare."""
    device = choose_device("auto")
    with scratch() as folder:
        case, labels = labelled_case(folder, PAPER_SIZE, LABELS, (12, 103) if quick else (34, 206))
        for name in dict.fromkeys((DEFAULT_NETWORK, PAPER_NETWORK)):
            patterns = PatternConfig(size=PAPER_SIZE) if name == PAPER_NETWORK else PatternConfig()
            config = TrainingConfig(network=name, epochs=20 if quick else None)
            *_, last = train(case.scan, labels, config, patterns)
            yield from compared(last.model, case.scan, device, 1 if quick else ROUNDS)


def compared(model: Model, scan: Scan, device: torch.device, rounds: int) -> Iterator[Row]:
    """Classify all positions in either precision."""
    network, width = model.load_network(device), scan.shape[1]
    inputs = [model.patterns.inputs(scan, [(y, x) for x in range(width)]).to(device) for y in range(scan.shape[0])]
    single, count = answers(network, inputs, None), scan.shape[0] * width
    for name, kind in KINDS.items():
        changed = int((answers(network, inputs, kind) != single).sum())
        what = f"`{model.network}` in {name}: positions that change their class"
        yield at_most(what, 100 * changed / count, 0.1, " %", f"{changed} of {count}, on {device.type}")
    if device.type == "cuda":
        things = {"single": partial(answers, network, inputs, None)}
        things |= {name: partial(answers, network, inputs, kind) for name, kind in KINDS.items()}
        best = best_of(things, rounds)
        told = ", ".join(f"{name} {1000 * seconds:.1f} ms" for name, seconds in best.items())
        yield Row(f"`{model.network}` alone on {torch.cuda.get_device_name()}, {count} ready inputs", told)


def answers(network: nn.Module, inputs: list[Tensor], kind: torch.dtype | None) -> Tensor:
    """Give the classes of network inputs, a batch at a time, on the CPU; in single precision if `kind` is None."""
    device = inputs[0].device.type
    # without gradients only: in torch's inference mode, the network would choose half precision by itself on a GPU
    with torch.no_grad(), torch.autocast(device, kind, enabled=kind is not None):
        return torch.cat([network(batch).float().argmax(1) for batch in inputs]).cpu()


if __name__ == "__main__":
    run_alone("benchmarks.half", rows)
