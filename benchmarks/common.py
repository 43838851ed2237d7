"""What several benchmarks need: a large scan on disk, and a model of it that nobody trained."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from napari_ghosthunter.learning.model import Model
    from napari_ghosthunter.scan.scan import Scan

PAPER_NETWORK = "ghosthunter"
PAPER_SIZE = 128  # pixels a side that it sees in the paper
PAPER_SCAN = (34, 206)
SIMULATED_POSITIONS = 64  # different patterns of a written scan; then they repeat


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a temporary folder while the block runs."""
    with tempfile.TemporaryDirectory(prefix="ghosthunter-bench-") as folder:
        yield Path(folder)


def write_scan(path: Path, scan_shape: tuple[int, int], detector_shape: tuple[int, int]) -> Path:
    """Write a uint16 scan that repeats some simulated patterns, row by row."""
    from napari_ghosthunter.scan.simulate import SimulationConfig, simulate

    side = min(detector_shape)
    width = min(SIMULATED_POSITIONS, scan_shape[1])
    simulation = simulate(SimulationConfig(scan_shape=(1, width), detector_shape=(side, side), seed=0))
    few = np.resize(np.asarray(simulation.scan.data)[0], (width, *detector_shape))
    row = few[np.arange(scan_shape[1]) % width]
    cube = np.lib.format.open_memmap(path, "w+", np.uint16, (*scan_shape, *detector_shape))
    for target in cube:
        target[...] = row
    cube.flush()
    return path


def opened(folder: Path, scan_shape: tuple[int, int], detector_shape: tuple[int, int], name: str = "scan") -> Scan:
    """Write such a scan into a folder and open it."""
    from napari_ghosthunter.scan.readers import open_scan

    return open_scan(write_scan(folder / f"{name}.npy", scan_shape, detector_shape))


def random_model(scan: Scan, network: str | None = None, **patterns: Any) -> Model:
    """Make a model of a network (the default one) with random weights; `patterns` are fields of `PatternConfig`.

    Every pattern is measured against a template, as in a scan that drifts, unless `align` is false.
    """
    import torch

    from napari_ghosthunter.labelling.classes import ClassScheme
    from napari_ghosthunter.learning.config import PatternConfig, TrainingConfig
    from napari_ghosthunter.learning.model import Model, TrainingRecord
    from napari_ghosthunter.learning.network import build_network
    from napari_ghosthunter.learning.offered import DEFAULT_NETWORK
    from napari_ghosthunter.learning.patterns import FittedPatterns, fit_patterns, fit_template
    from napari_ghosthunter.learning.validation import HeldOut

    names, name = ("none", "vertical", "horizontal"), network or DEFAULT_NETWORK
    laid = fit_template(fit_patterns(PatternConfig(**patterns), scan), scan)
    fitted = FittedPatterns(**{**dict(laid), "offset": None})
    record = TrainingRecord(
        config=TrainingConfig(network=name), labels_per_class=dict.fromkeys(names, 1), best_epoch=1, history=(),
        held_out=HeldOut(names=names, confusion=((0, 0, 0),) * 3),
    )  # fmt: skip
    torch.manual_seed(0)
    weights = build_network(name, len(names), fitted.size).state_dict()
    return Model(ClassScheme.from_names(names), name, fitted, weights, record)
