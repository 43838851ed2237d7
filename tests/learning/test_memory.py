"""A GPU whose memory is used up: again with smaller steps, or a sentence that says what to do. No GPU is needed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from napari_ghosthunter.errors import TrainingError
from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.learning import descent
from napari_ghosthunter.learning.config import PatternConfig, TrainingConfig
from napari_ghosthunter.learning.network import NETWORKS, GhostHunter
from napari_ghosthunter.learning.report import EpochReport
from napari_ghosthunter.learning.training import train
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.simulate import SimulationConfig, simulate

pytestmark = pytest.mark.usefixtures("one_thread")

CUDA_SAYS = torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")
MPS_SAYS = RuntimeError("MPS backend out of memory (MPS allocated: 9.05 GB, other allocations: 1.00 KB)")


@pytest.fixture(scope="module")
def scan() -> Scan:
    return simulate(SimulationConfig(scan_shape=(4, 10), detector_shape=(16, 16))).scan


@pytest.fixture(scope="module")
def labels(scan: Scan) -> LabelSet:
    spots = {(y, x): "ab"[(y + x) % 2] for y in range(4) for x in range(10)}
    return LabelSet(ClassScheme.from_names("ab"), scan.scan_shape, spots)


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """A network for which only so many patterns at once fit into the memory, and a CPU that takes batches whole."""
    limits: dict[str, object] = {"patterns": 10**6, "error": CUDA_SAYS}

    class Greedy(GhostHunter):
        def forward(self, patterns: torch.Tensor) -> torch.Tensor:
            if len(patterns) > limits["patterns"]:
                raise limits["error"]
            return super().forward(patterns)

    monkeypatch.setitem(NETWORKS, "greedy", Greedy)
    monkeypatch.setattr(descent, "logits_in_parts", lambda network, _, inputs: network(inputs))  # as on a GPU
    return limits


def run(scan: Scan, labels: LabelSet, **choices: object) -> Iterator[EpochReport]:
    config = TrainingConfig(**({"network": "greedy", "epochs": 3} | choices))
    return train(scan, labels, config, PatternConfig(size=16), device="cpu")


@pytest.mark.parametrize("error", [CUDA_SAYS, MPS_SAYS])
def test_it_goes_on_with_smaller_steps_and_says_so(scan, labels, memory, error) -> None:
    memory.update(patterns=3, error=error)
    reports = list(run(scan, labels))
    assert len(reports) == 3
    assert all("batch size of 2." in report.notes[0] for report in reports)
    assert reports[-1].model.record.config.batch_size == 2


def test_the_record_is_enough_to_train_the_same_model_again(scan, labels, memory) -> None:
    memory.update(patterns=4)
    short = list(run(scan, labels))[-1].model
    memory.update(patterns=10**6)
    again = list(train(scan, labels, short.record.config, PatternConfig(size=16), device="cpu"))[-1]
    assert again.model.hash == short.hash
    assert again.notes == ()


def test_memory_that_another_program_takes_later_costs_no_epoch(scan, labels, memory) -> None:
    reports = run(scan, labels)
    first = next(reports)
    memory.update(patterns=1)
    rest = list(reports)
    assert first.notes == ()
    assert "batch size of 1 since epoch 2" in rest[-1].notes[0]
    assert [report.figures.epoch for report in rest] == [2, 3]
    assert first.model.record.config.batch_size == 8


def test_too_little_for_one_pattern_says_what_to_do(scan, labels, memory) -> None:
    memory.update(patterns=0)
    with pytest.raises(TrainingError, match="choose the CPU, or a smaller input size"):
        list(run(scan, labels))


def test_too_little_for_the_network_says_what_to_do(scan, labels, memory, monkeypatch) -> None:
    def place(*_: object) -> None:
        raise CUDA_SAYS

    monkeypatch.setattr(descent, "placed", place)
    with pytest.raises(TrainingError, match="choose the CPU, or a smaller input size"):
        run(scan, labels)


def test_other_errors_of_torch_are_bugs(scan, labels, memory) -> None:
    memory.update(patterns=3, error=RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="mat1"):
        list(run(scan, labels))
