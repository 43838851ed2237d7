"""A small scan with known domains and its labels, as the trainings of several tests see it."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.learning import kernels
from napari_ghosthunter.learning.config import PatternConfig, TrainingConfig
from napari_ghosthunter.learning.report import EpochReport
from napari_ghosthunter.learning.training import train
from napari_ghosthunter.scan.simulate import Simulation, SimulationConfig, simulate


@pytest.fixture(scope="session")
def simulation() -> Simulation:
    return simulate(
        SimulationConfig(
            scan_shape=(16, 24), detector_shape=(32, 32), disk_radius=0.06, ghost_strength=0.05, wall_fraction=0.05
        )
    )


@pytest.fixture(scope="session")
def labelled(simulation: Simulation) -> Callable[..., LabelSet]:
    """Label some positions of each class, drawn by chance, as an expert who makes no mistakes."""

    def label(per_class: int, seed: int = 0) -> LabelSet:
        rng, found = np.random.default_rng(seed), LabelSet(ClassScheme.from_names(simulation.names))
        for index, name in enumerate(simulation.names):
            drawn = rng.permutation(np.argwhere(simulation.truth == index))[:per_class].tolist()
            found.label_many(dict.fromkeys(map(tuple, drawn), name))
        return found

    return label


@pytest.fixture
def labels(labelled: Callable[..., LabelSet]) -> LabelSet:
    return labelled(12)


@pytest.fixture(scope="session")
def run(simulation: Simulation) -> Callable[..., list[EpochReport]]:
    """Train to the end on the small scan."""

    def trained(
        labels: LabelSet, *, epochs: int | None = 4, patterns: PatternConfig | None = None, **choices: Any
    ) -> list[EpochReport]:
        config = TrainingConfig(epochs=epochs, **choices)
        return list(train(simulation.scan, labels, config, patterns or PatternConfig(size=32), device="cpu"))

    return trained


@pytest.fixture(scope="session")
def of_classes() -> Callable[..., LabelSet]:
    """Label the first positions of the first row."""

    def label(*names: str, classes: tuple[str, ...] | list[str] = ("a", "b", "c")) -> LabelSet:
        return LabelSet(ClassScheme.from_names(classes), labels={(0, x): name for x, name in enumerate(names)})

    return label


@pytest.fixture(scope="module", params=["kernels", "torch"])
def arithmetic(request: pytest.FixtureRequest) -> Iterator[str]:
    """Compute with the compiled loops, as on a CPU, and then with torch, as on a GPU."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "torch":
            patch.setattr(kernels, "serve", lambda _: False)
        yield request.param
