"""Training and mapping from a session: in steps, in a thread, stopped, and overtaken by a newer run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from napari_ghosthunter.errors import LabelError, ModelError
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.learning.config import PatternConfig, TrainingConfig
from napari_ghosthunter.learning.model import Model
from napari_ghosthunter.mapping.segmentation import segment
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.simulate import Simulation
from napari_ghosthunter.session.session import Session
from tests.session.kept import kept_model

pytestmark = pytest.mark.usefixtures("one_thread")


def test_it_trains_and_maps_for_real(simulation: Simulation, session: Session) -> None:
    assert "none yet" in session.training.needs
    session.propose(2)
    names = ("a", "b", "c")
    while (spot := session.current) is not None:
        session.label_current(names[simulation.truth[spot]])
    assert session.training.needs == ""
    session.training_config = TrainingConfig(epochs=2)
    heard: list[int] = []
    session.training.changed.connect(lambda: heard.append(len(session.training.history)))
    reports = list(session.training.run("cpu"))
    assert heard == [1, 2]
    assert session.training.history == tuple(report.figures for report in reports)
    assert session.model is reports[-1].model
    assert kept_model(session).hash == session.model.hash
    assert kept_model(session).record.history == session.training.history
    assert session.segmentation.needs == ""
    list(session.segmentation.run("cpu"))
    assert session.domain_map is not None
    np.testing.assert_array_equal(
        session.domain_map.probabilities, segment(session.scan, session.model, device="cpu").probabilities
    )
    assert session.segmentation.is_current


def test_what_is_missing_is_said(session: Session) -> None:
    session.propose(3)
    session.label_current("a")
    assert "only 'a' has some" in session.training.needs
    with pytest.raises(LabelError, match="at least two classes"):
        next(session.training.run("cpu"))
    assert "needs a model" in session.segmentation.needs
    with pytest.raises(ModelError, match="needs a model"):
        next(session.segmentation.run("cpu"))


def test_a_view_hears_of_other_choices(session: Session) -> None:
    heard: list[int | None] = []
    session.choices_changed.connect(lambda: heard.append(session.training_config.epochs))
    session.training_config = TrainingConfig(epochs=5)
    session.training_config = TrainingConfig(epochs=5)
    session.pattern_config = PatternConfig(pool="mean")
    assert heard == [5, 5]


def test_a_run_sees_the_labels_as_they_were(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[Any, str]] = []

    def train(scan: Scan, labels: LabelSet, *_: Any, **__: Any) -> Iterator[Any]:
        seen.append(dict(labels))
        yield from ()

    monkeypatch.setattr("napari_ghosthunter.learning.training.train", train)
    session.propose(3)
    session.label_current("a")
    run = session.training.start("cpu")
    session.label_current("b")
    assert list(run) == []
    assert seen == [{(0, 0): "a"}]


@pytest.mark.usefixtures("small_blocks")
def test_runs_in_threads_while_the_user_labels(
    session: Session, scan: Scan, fake_training: Callable[[int], Model]
) -> None:
    """What a window does: the run in a thread, its reports taken over in the thread of the session."""
    session.propose(2)
    here, heard = threading.get_ident(), set()
    session.training.changed.connect(lambda: heard.add(threading.get_ident()))
    session.segmentation.changed.connect(lambda *_: heard.add(threading.get_ident()))

    def through(run: Any, take: Callable[[Any, Any], bool]) -> None:
        came: list[Any] = []
        worker = threading.Thread(target=lambda: came.extend(run))
        worker.start()
        while worker.is_alive():
            if session.current is not None:
                session.label_current("a")
            time.sleep(0.001)
        assert all(take(run, step) for step in came)

    through(session.training.start("cpu"), session.training.take)
    through(session.segmentation.start("cpu"), session.segmentation.take)
    assert heard == {here}
    expected = dict(session.labels)
    session.close()
    assert session.folder is not None
    again = Session.resume(scan, session.folder)
    assert dict(again.labels) == expected
    assert again.segmentation.is_current
    again.close()


def test_a_closed_session_stops_its_runs(session: Session, fake_training: Callable[[int], Model]) -> None:
    run = session.training.start("cpu")
    steps = iter(run)
    next(steps)
    session.close()
    assert list(steps) == []
    assert session.folder is not None
    assert not session.folder.exists()


def test_what_comes_after_closing_is_dropped(
    session: Session, fake_training: Callable[[int], Model], make_model: Callable[..., Model]
) -> None:
    session.training.use_model(make_model())
    training, mapping = session.training.start("cpu"), session.segmentation.start("cpu")
    report, band = next(iter(training)), next(iter(mapping))
    session.close()
    heard: list[str] = []
    session.training.changed.connect(lambda: heard.append("model"))
    session.segmentation.changed.connect(lambda *_: heard.append("map"))
    assert not session.training.take(training, report)
    assert not session.segmentation.take(mapping, band)
    assert (session.domain_map, heard) == (None, [])


def test_closing_in_the_middle_keeps_the_best_model(session: Session, fake_training: Callable[[int], Model]) -> None:
    run = session.training.start("cpu")
    steps = iter(run)
    for _ in range(2):
        session.training.take(run, next(steps))
    session.close()
    session.close()
    assert kept_model(session).hash == fake_training(2).hash


def test_a_session_in_memory_needs_no_disk(scan: Scan, three: LabelSet, fake_training: Callable[[int], Model]) -> None:
    session = Session(scan, three)
    assert session.folder is None
    session.propose(3)
    session.label_current("a")
    session.training_config = TrainingConfig(epochs=2)
    assert [report.figures.epoch for report in session.training.run("cpu")] == [1, 2]
    list(session.segmentation.run("cpu"))
    assert session.segmentation.is_current
    assert session.model is fake_training(2)
    session.training_config = TrainingConfig(epochs=1)
    list(session.training.run("cpu"))
    assert session.training.go_back() is fake_training(2)
    session.close()


def test_a_new_session_has_no_results(session: Session) -> None:
    assert session.training.history == ()
    assert session.domain_map is None
    assert not session.segmentation.is_current
