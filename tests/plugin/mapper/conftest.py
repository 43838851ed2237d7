"""A desk with a scan of known domains on it, over a viewer without a window."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.plugin.layers import bare
from napari_ghosthunter.plugin.mapper.desk import Desk
from napari_ghosthunter.plugin.mapper.mapping.warming import warm_up
from napari_ghosthunter.plugin.scan_image import scan_layer
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.simulate import Simulation, SimulationConfig, simulate


@pytest.fixture(scope="session", autouse=True)
def warm() -> None:
    """What napari compiles before it draws ids is compiled; one test looks at the wait for it."""
    list(warm_up())


@pytest.fixture(scope="session")
def sample() -> Simulation:
    """A small scan, whose domains are known."""
    return simulate(SimulationConfig(scan_shape=(12, 20), detector_shape=(48, 48)))


@pytest.fixture
def viewer() -> ViewerModel:
    """A viewer without a window."""
    return ViewerModel()


@pytest.fixture
def layer(viewer, sample):
    """The scan's layer in the viewer."""
    data, arguments, _ = scan_layer(sample.scan)
    return bare(viewer.add_image(data, **arguments))


@pytest.fixture
def desk(qtbot, viewer, layer):
    """A desk with a new session at the scan."""
    desk = Desk(viewer)
    desk.wake()
    qtbot.waitUntil(lambda: desk.session is not None)
    yield desk
    desk.sleep()


@pytest.fixture
def probabilities():
    """Give a function that makes probabilities of three classes for the sample, others for each seed."""
    return lambda seed=0: np.random.default_rng(seed).dirichlet([1, 1, 1], (12, 20)).astype(np.float32)


@pytest.fixture
def stream():
    """Give a function that hands bands of rows to a session, as a run would that found these probabilities."""
    from napari_ghosthunter.mapping.segmentation import GrowingMap, RowBand

    def hand_over(session, values, bands):
        run = session.segmentation.start()
        run._growing = GrowingMap(session.scan, session.model)
        run._growing._origin = {}
        run._growing.add(RowBand(0, len(values), values, 0))
        for start, stop in bands:
            assert session.segmentation.take(run, RowBand(start, stop, values[start:stop], 0))
        return run

    return hand_over


@pytest.fixture
def mapped(stream, probabilities):
    """Give a function that gives a session a whole map, and tells which one."""

    def give(session, values=None):
        values = probabilities() if values is None else values
        stream(session, values, [(0, 12)])
        return DomainMap(values, session.model.classes, session.scan.calibration)

    return give


@pytest.fixture(scope="session")
def make_cluster():
    """Give a function that starts a Dask cluster in this process, as a context: a scheduler, and so many workers."""
    distributed = pytest.importorskip("distributed")

    def make(workers):
        return distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=False, protocol="tcp://", host="127.0.0.1",
            scheduler_kwargs={"dashboard": False}, dashboard_address="127.0.0.1:0",
            worker_dashboard_address="127.0.0.1:0",
        )  # fmt: skip

    return make


class FakeTraining:
    """Stands for `learning.training.train`: every epoch, error and end comes when a test says so."""

    def __init__(self, make_model: Callable[..., Any], scan: Scan) -> None:
        self._make, self._scan = make_model, scan
        self._steps: queue.Queue[Any] = queue.Queue()
        self.arguments: list[tuple[Any, ...]] = []
        self.history: tuple[Any, ...] = ()

    def __call__(self, scan: Scan, labels: Any, config: Any, patterns: Any, *, device: str) -> Iterator[Any]:
        self.arguments.append((scan, dict(labels), config, patterns, device))
        while (step := self._steps.get(timeout=30)) is not None:
            if isinstance(step, Exception):
                raise step
            yield step

    def epoch(self, seconds: float = 1.0, notes: tuple[str, ...] = (), epochs: int = 10) -> Any:
        """Let the next epoch be done, `seconds` after the training began."""
        from napari_ghosthunter.learning.model import Epoch
        from napari_ghosthunter.learning.report import EpochReport

        number = len(self.history) + 1
        figures = Epoch(
            epoch=number, train_loss=1 / number, train_accuracy=0.5, validation_loss=1.2 / number,
            validation_accuracy=0.25, learning_rate=1e-3, seconds=seconds,
        )  # fmt: skip
        self.history = (*self.history, figures)
        model = self._make(self._scan.detector_shape, ("none", "vertical", "horizontal"), seed=number)
        record = model.record.model_copy(update={"history": self.history, "best_epoch": number})
        report = EpochReport(figures, epochs, replace(model, record=record), notes)
        self._steps.put(report)
        return report

    def fail(self, error: Exception) -> None:
        """Let it fail."""
        self._steps.put(error)

    def end(self) -> None:
        """Let it be done."""
        self._steps.put(None)


@pytest.fixture
def fake_training(make_model, sample, monkeypatch) -> Iterator[FakeTraining]:
    """A training that takes no time, and does what it is told."""
    fake = FakeTraining(make_model, sample.scan)
    monkeypatch.setattr("napari_ghosthunter.learning.training.train", fake)
    yield fake
    fake.end()


@pytest.fixture
def labelled(desk, sample) -> Desk:
    """A desk whose session has labels enough for a training."""
    session = desk.session
    for name in sample.names:
        session.labels.add_class(name)
    session.propose(4)
    while session.current is not None:
        session.label_current(sample.names[sample.truth[session.current]])
    return desk
