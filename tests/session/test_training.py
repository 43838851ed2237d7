"""The models of a session: trained, stopped, set aside, swapped, and each of them on disk at any time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from napari_ghosthunter.errors import ModelError, OutputError, TrainingError
from napari_ghosthunter.learning.config import TrainingConfig
from napari_ghosthunter.learning.model import Model
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.session import runs
from napari_ghosthunter.session.session import Session
from tests.session.kept import kept_before, kept_model

pytestmark = pytest.mark.usefixtures("one_thread")


def test_a_stopped_training_keeps_its_best_model(session: Session, fake_training: Callable[[int], Model]) -> None:
    for number, _ in enumerate(session.training.run("cpu"), start=1):
        if number == 2:
            session.training.stop()
    assert number == 2
    assert session.model is fake_training(2)
    assert kept_model(session).hash == fake_training(2).hash


def test_a_training_that_fails_keeps_its_best_model(session: Session, fake_training: Callable[[int], Model]) -> None:
    session.training_config = TrainingConfig(epochs=3, seed=13)
    with pytest.raises(TrainingError):
        list(session.training.run("cpu"))
    assert session.model is fake_training(3)
    assert kept_model(session).hash == fake_training(3).hash


def test_the_model_is_kept_now_and_then(
    session: Session, fake_training: Callable[[int], Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "KEEP_SECONDS", -1.0)
    steps = session.training.run("cpu")
    next(steps)
    assert kept_model(session).hash == fake_training(1).hash
    next(steps)
    assert kept_model(session).hash == fake_training(2).hash


def test_what_an_older_training_brings_is_dropped(session: Session, fake_training: Callable[[int], Model]) -> None:
    old = session.training.start("cpu")
    steps = iter(old)
    assert session.training.take(old, next(steps))
    late = next(steps)
    new = session.training.start("cpu")
    assert old.stopped
    assert not session.training.take(old, late)
    assert session.model is fake_training(1)
    assert list(steps) == [], "it ends by itself, and keeps nothing"
    assert session.folder is not None
    assert not (session.folder / "model.safetensors").exists()
    for report in new:
        assert session.training.take(new, report)
    assert kept_model(session).hash == fake_training(4).hash


def test_a_model_from_elsewhere_ends_the_training(
    session: Session, fake_training: Callable[[int], Model], make_model: Callable[..., Model]
) -> None:
    other = make_model(seed=99)
    numbers = []
    for report in session.training.run("cpu"):
        numbers.append(report.figures.epoch)
        session.training.use_model(other)
    assert numbers == [1]
    assert session.model is other
    assert kept_model(session).hash == other.hash


def test_a_training_sets_the_model_of_before_aside(
    session: Session, scan: Scan, fake_training: Callable[[int], Model], make_model: Callable[..., Model]
) -> None:
    good = make_model(seed=50)
    session.training.use_model(good)
    assert session.training.model_before is None
    run = session.training.start("cpu")
    assert session.training.model_before is None, "nothing came of it yet"
    steps = iter(run)  # held: a run that is let go ends, and keeps its model
    session.training.take(run, next(steps))
    assert (session.model, session.training.model_before) == (fake_training(1), good)
    assert kept_model(session).hash == good.hash, "a crash now loses nothing"
    session.close()
    assert kept_model(session).hash == fake_training(1).hash
    assert kept_before(session).hash == good.hash
    again = Session.resume(scan, session.folder)
    assert again.model.hash == fake_training(1).hash
    assert again.training.model_before.hash == good.hash
    assert again.notes == ()
    again.close()


def test_the_model_set_aside_is_that_of_the_latest_training(
    session: Session, fake_training: Callable[[int], Model], make_model: Callable[..., Model]
) -> None:
    session.training.use_model(make_model(seed=50))
    session.training_config = TrainingConfig(epochs=2)
    list(session.training.run("cpu"))
    session.training_config = TrainingConfig(epochs=3)
    list(session.training.run("cpu"))
    assert (session.model, session.training.model_before) == (fake_training(3), fake_training(2))
    assert kept_before(session).hash == fake_training(2).hash


@pytest.mark.parametrize("how", ["stopped", "failed"])
def test_a_training_without_a_report_changes_nothing(
    session: Session, fake_training: Callable[[int], Model], monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    session.training_config = TrainingConfig(epochs=1)
    list(session.training.run("cpu"))
    session.training_config = TrainingConfig(epochs=2)
    list(session.training.run("cpu"))
    if how == "stopped":
        run = session.training.start("cpu")
        session.training.stop()
        assert list(run) == []
    else:

        def fail(*_: Any, **__: Any) -> Iterator[Any]:
            raise TrainingError("No such device")
            yield

        monkeypatch.setattr("napari_ghosthunter.learning.training.train", fail)
        with pytest.raises(TrainingError):
            list(session.training.run("cpu"))
    assert (session.model, session.training.model_before) == (fake_training(2), fake_training(1))
    session.close()
    assert kept_model(session).hash == fake_training(2).hash
    assert kept_before(session).hash == fake_training(1).hash


def test_a_run_that_writes_first_sets_aside_first(
    session: Session,
    fake_training: Callable[[int], Model],
    make_model: Callable[..., Model],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its thread may be ahead of the session's: the model is on disk before its report is taken over."""
    monkeypatch.setattr(runs, "KEEP_SECONDS", -1.0)
    good = make_model(seed=50)
    session.training.use_model(good)
    run = session.training.start("cpu")
    steps = iter(run)
    first = next(steps)
    assert kept_model(session).hash == fake_training(1).hash
    assert kept_before(session).hash == good.hash
    assert (session.model, session.training.model_before) == (good, None)
    second = next(steps)
    assert session.training.take(run, first)
    assert session.training.take(run, second)
    next(steps)
    assert (session.model, session.training.model_before) == (fake_training(2), good)
    assert kept_before(session).hash == good.hash


def test_what_a_run_wrote_is_put_right_if_its_reports_are_dropped(
    session: Session,
    fake_training: Callable[[int], Model],
    make_model: Callable[..., Model],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session.training.use_model(make_model(seed=50))
    session.training_config = TrainingConfig(epochs=1)
    list(session.training.run("cpu"))
    monkeypatch.setattr(runs, "KEEP_SECONDS", -1.0)
    session.training_config = TrainingConfig(epochs=3)
    steps = iter(session.training.start("cpu"))
    for _ in range(2):
        next(steps)
    assert (kept_model(session).hash, kept_before(session).hash) == (fake_training(2).hash, fake_training(1).hash)
    session.close()
    assert (kept_model(session).hash, kept_before(session).hash) == (fake_training(1).hash, make_model(seed=50).hash)


def test_a_model_that_was_never_on_disk_is_set_aside_too(
    session: Session, fake_training: Callable[[int], Model]
) -> None:
    old = session.training.start("cpu")
    steps = iter(old)  # held: a run that is let go ends, and keeps its model
    session.training.take(old, next(steps))
    assert session.folder is not None
    assert not session.folder.exists()
    list(session.training.run("cpu"))
    assert session.training.model_before is fake_training(1)
    assert kept_before(session).hash == fake_training(1).hash


def test_there_and_back_again(
    session: Session, scan: Scan, fake_training: Callable[[int], Model], make_model: Callable[..., Model]
) -> None:
    with pytest.raises(ModelError, match="no model from before"):
        session.training.go_back()
    good = make_model(seed=50)
    session.training.use_model(good)
    list(session.training.run("cpu"))
    heard: list[Model | None] = []
    session.training.changed.connect(lambda: heard.append(session.training.model_before))
    assert session.training.go_back() is good
    assert (session.model, session.training.model_before) == (good, fake_training(4))
    assert (kept_model(session).hash, kept_before(session).hash) == (good.hash, fake_training(4).hash)
    assert session.training.go_back() is fake_training(4)
    assert (kept_model(session).hash, kept_before(session).hash) == (fake_training(4).hash, good.hash)
    assert heard == [fake_training(4), good]


def test_going_back_ends_the_training(
    session: Session, fake_training: Callable[[int], Model], make_model: Callable[..., Model]
) -> None:
    good = make_model(seed=50)
    session.training.use_model(good)
    numbers = []
    for report in session.training.run("cpu"):
        numbers.append(report.figures.epoch)
        session.training.go_back()
    assert numbers == [1]
    assert (session.model, session.training.model_before) == (good, fake_training(1))
    session.close()
    assert (kept_model(session).hash, kept_before(session).hash) == (good.hash, fake_training(1).hash)


def test_a_full_disk_leaves_both_models_as_they_were(
    session: Session,
    fake_training: Callable[[int], Model],
    make_model: Callable[..., Model],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    good = make_model(seed=50)
    session.training.use_model(good)
    list(session.training.run("cpu"))

    def full(*_: Any) -> None:
        raise OutputError("The disk is full")

    with monkeypatch.context() as patched:
        patched.setattr("napari_ghosthunter.learning.modelfile.save_model", full)
        with pytest.raises(OutputError, match="full"):
            session.training.go_back()
    for _ in range(2):
        assert (session.model, session.training.model_before) == (fake_training(4), good)
        assert (kept_model(session).hash, kept_before(session).hash) == (fake_training(4).hash, good.hash)
        session.close()
    assert [path.name for path in session.folder.iterdir() if path.name.startswith(".")] == []


def test_going_back_to_the_only_model_that_can_be_read(
    session: Session, scan: Scan, fake_training: Callable[[int], Model], make_model: Callable[..., Model]
) -> None:
    session.training.use_model(make_model(seed=50))
    list(session.training.run("cpu"))
    session.close()
    (session.folder / "model.safetensors").write_bytes(b"no model")
    again = Session.resume(scan, session.folder)
    assert again.model is None
    again.training.go_back()
    assert again.training.model_before is None
    assert kept_model(again).hash == make_model(seed=50).hash
    assert kept_before(again) is None
    again.close()
