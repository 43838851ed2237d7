"""Training from the window: begun, stopped, failed, and left behind."""

from __future__ import annotations

import threading

import pytest

from napari_ghosthunter.errors import TrainingError
from napari_ghosthunter.plugin.mapper import running
from napari_ghosthunter.plugin.mapper.training import training as training_module
from napari_ghosthunter.plugin.mapper.training.training import LOADING, READING, Training
from napari_ghosthunter.session.session import Session


@pytest.fixture
def told(monkeypatch):
    """What the user was told, errors and others."""
    messages = []
    for module, name in ((training_module, "tell"), (running, "tell_error")):
        monkeypatch.setattr(module, name, lambda text, name=name: messages.append((name, text)))
    return messages


@pytest.fixture
def training(labelled, fake_training, told):
    return Training(labelled)


@pytest.fixture
def ends(training):
    seen = []
    training.ended.connect(seen.append)
    return seen


def test_it_hands_each_epoch_to_the_session_and_ends(qtbot, training, fake_training, ends) -> None:
    stages, reports, threads = [], [], []
    training.changed.connect(lambda: stages.append(training.stage))
    training.reported.connect(lambda report: (reports.append(report), threads.append(threading.current_thread())))
    first = fake_training.epoch()
    training.start("cpu")
    assert training.running
    qtbot.waitUntil(lambda: bool(reports))
    assert training.desk.session.model is first.model
    assert training.report is first
    last = fake_training.epoch()
    fake_training.end()
    qtbot.waitUntil(lambda: not training.running)
    assert reports == [first, last]
    assert set(threads) == {threading.main_thread()}
    assert [stage for stage in stages if stage][:1] == [LOADING]
    assert READING in stages
    assert ends == [True]
    session = training.desk.session
    choices = session.training_config, session.pattern_config
    assert fake_training.arguments == [(session.scan, dict(session.labels), *choices, "cpu")]


def test_stop_keeps_the_best_model_so_far(qtbot, training, fake_training, ends) -> None:
    training.start()
    fake_training.epoch()
    qtbot.waitUntil(lambda: training.report is not None)
    training.stop()
    assert training.stopping
    assert training.running
    last = fake_training.epoch()  # the one it was at
    fake_training.epoch()  # must not come any more
    qtbot.waitUntil(lambda: not training.running)
    assert ends == [False]
    assert training.desk.session.model is last.model
    assert training.error == ""


def test_stopped_while_it_loads_it_never_begins(training, fake_training) -> None:
    run = training.desk.session.training.start()
    steps = training_module._steps(run)
    assert next(steps) == LOADING
    run.stop()
    assert list(steps) == [READING]
    assert fake_training.arguments == []


def test_an_error_is_told_and_stays_until_the_next_start(qtbot, training, fake_training, told, ends) -> None:
    kept = fake_training.epoch()
    fake_training.fail(TrainingError("Use a lower learning rate."))
    training.start()
    qtbot.waitUntil(lambda: not training.running)
    assert told == [("tell_error", "Use a lower learning rate.")]
    assert training.error == "Use a lower learning rate."
    assert training.desk.session.model is kept.model
    assert ends == [False]
    training.start()
    assert training.error == ""
    fake_training.end()
    qtbot.waitUntil(lambda: not training.running)
    assert ends == [False, True]


def test_a_bug_is_raised_and_leaves_nothing_running(qtbot, training, fake_training, told, ends) -> None:
    fake_training.fail(ZeroDivisionError("by zero"))
    with qtbot.capture_exceptions() as raised:
        training.start()
        qtbot.waitUntil(lambda: bool(raised))
    assert raised[0][0] is ZeroDivisionError
    assert not training.running
    assert "by zero" in training.error
    assert ends == [False]
    assert told == []  # napari tells of what is raised


def test_notes_are_told_once(qtbot, training, fake_training, told) -> None:
    for notes in ((), ("Half the batch size.",), ("Half the batch size.",)):
        fake_training.epoch(notes=notes)
    fake_training.end()
    training.start()
    qtbot.waitUntil(lambda: not training.running)
    assert told == [("tell", "Half the batch size.")]


def test_a_deleted_layer_ends_it_and_nothing_comes_after(qtbot, training, fake_training, viewer, layer, ends) -> None:
    session, reports = training.desk.session, []
    training.reported.connect(reports.append)
    training.start()
    fake_training.epoch()
    qtbot.waitUntil(lambda: len(reports) == 1)
    viewer.layers.remove(layer)
    assert not training.running
    assert ends == [False]
    fake_training.epoch()
    qtbot.wait(100)
    assert len(reports) == 1
    assert session.model is reports[0].model
    assert training.report is None


def test_another_session_gets_nothing_of_it_and_trains_itself(qtbot, training, fake_training, labelled, ends) -> None:
    reports = []
    training.reported.connect(reports.append)
    training.start()
    fake_training.epoch()
    qtbot.waitUntil(lambda: len(reports) == 1)
    other = Session(labelled.scan, labelled.session.labels)
    labelled.take(other)
    assert not training.running
    assert other.model is None
    fake_training.epoch()  # for the thread that still runs
    qtbot.wait(100)
    assert other.model is None
    training.start()
    fresh = fake_training.epoch()
    fake_training.end()
    qtbot.waitUntil(lambda: not training.running)
    assert other.model is fresh.model
    assert ends == [False, True]


def test_a_model_that_is_opened_meanwhile_wins(qtbot, training, fake_training, make_model, ends) -> None:
    model = make_model((48, 48))
    training.start()
    fake_training.epoch()
    qtbot.waitUntil(lambda: training.report is not None)
    training.desk.session.training.use_model(model)
    fake_training.epoch()
    qtbot.waitUntil(lambda: not training.running)
    assert training.desk.session.model is model
    assert ends == [False]


def test_without_a_session_nothing_starts(qtbot, training, labelled) -> None:
    labelled.sleep()
    training.start()
    assert not training.running
