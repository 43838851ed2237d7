"""Scans that take no time, and what a session holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.labelling.labels import LabelSet
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
