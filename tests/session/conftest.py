"""Scans that take no time, and what a session holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_ghosthunter.errors import TrainingError
from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.learning.config import TrainingConfig
from napari_ghosthunter.learning.model import Epoch, Model
from napari_ghosthunter.learning.report import EpochReport
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.simulate import Simulation, SimulationConfig, simulate
from napari_ghosthunter.session.session import Session

NAMES = ("a", "b", "c")


@pytest.fixture(scope="session")
def simulation() -> Simulation:
    return simulate(SimulationConfig(scan_shape=(6, 8), detector_shape=(16, 16)))


@pytest.fixture(scope="session")
def scan(simulation: Simulation) -> Scan:
    return simulation.scan


@pytest.fixture
def other_scan(scan: Scan) -> Scan:
    return Scan(np.asarray(scan.data) + np.uint16(1))


@pytest.fixture
def three(scan: Scan) -> LabelSet:
    """Three classes, nothing labelled."""
    return LabelSet(ClassScheme.from_names(NAMES), scan.scan_shape)


@pytest.fixture
def session(scan: Scan, three: LabelSet, tmp_path: Path) -> Any:
    session = Session.start(scan, three, data_folder=tmp_path / "data")
    yield session
    session.close()


@pytest.fixture
def fake_training(monkeypatch: pytest.MonkeyPatch, make_model: Callable[..., Model]) -> Callable[[int], Model]:
    """Training that takes no time: epoch n gives the model of seed n."""
    models = {number: make_model(seed=number) for number in range(1, 5)}

    def train(scan: Scan, labels: LabelSet, config: TrainingConfig, patterns: Any, *, device: str) -> Iterator[Any]:
        for number in range(1, (config.epochs or 4) + 1):
            figures = Epoch(
                epoch=number, train_loss=1 / number, train_accuracy=0.5, validation_loss=None,
                validation_accuracy=None, learning_rate=1e-3, seconds=0.1,
            )  # fmt: skip
            yield EpochReport(figures, 4, models[number])
        if config.seed == 13:
            raise TrainingError("The loss is no longer a number")

    monkeypatch.setattr("napari_ghosthunter.learning.training.train", train)
    return lambda number: models[number]


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bands of one row each."""
    from napari_ghosthunter.mapping import segmentation

    whole = segmentation.segment_rows
    monkeypatch.setattr(segmentation, "segment_rows", lambda *a, **k: whole(*a, **k, block_bytes=8 * 16 * 16 * 4))
