"""A simulated scan with labels where Algorithm 1 asks for them, for the benchmarks of training."""

from __future__ import annotations

from pathlib import Path

from benchmarks.common import PAPER_SCAN
from benchmarks.judging.oracle import oracle
from benchmarks.judging.samplings import algorithm_1
from benchmarks.judging.scans import PAPER_STEP, Case
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.scan.simulate import SimulationConfig, simulate


def labelled_case(
    folder: Path, detector: int, budget: int, scan_shape: tuple[int, int] = PAPER_SCAN
) -> tuple[Case, LabelSet]:
    """Simulate a scan of the paper's size, on disk, and label some of its positions."""
    config = SimulationConfig(
        scan_shape=scan_shape, detector_shape=(detector, detector), wall_fraction=0.15, seed=11, counts=60_000,
        ghost_strength=0.008,
    )  # fmt: skip
    simulation = simulate(config, path=folder / "scan.npy")
    step = min(PAPER_STEP, scan_shape[1] // 4)
    case = Case("labelled", simulation.scan, simulation.truth.astype(int), simulation.names, step)
    who = oracle(case, 0.0, 0)
    return case, who.label(algorithm_1(who, budget, 0))
