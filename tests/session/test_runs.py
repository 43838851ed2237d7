"""Training and mapping from a session: in steps, in a thread, stopped, and overtaken by a newer run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from napari_ghosthunter.errors import LabelError, ModelError, OutputError, TrainingError
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.learning.config import PatternConfig, TrainingConfig
from napari_ghosthunter.learning.model import Epoch, Model
from napari_ghosthunter.learning.modelfile import load_model
from napari_ghosthunter.learning.report import EpochReport
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.mapping.segmentation import segment
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.simulate import Simulation
from napari_ghosthunter.session import runs
from napari_ghosthunter.session.session import Session

pytestmark = pytest.mark.usefixtures("one_thread")


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


def kept_model(session: Session) -> Model:
    assert session.folder is not None
    return load_model(session.folder / "model.safetensors")


def kept_before(session: Session) -> Model | None:
    assert session.folder is not None
    path = session.folder / "model-before.safetensors"
    return load_model(path) if path.exists() else None


def test_it_trains_and_maps_for_real(simulation: Simulation, session: Session) -> None:
    assert "none yet" in session.training_needs
    session.propose(2)
    names = ("a", "b", "c")
    while (spot := session.current) is not None:
        session.label_current(names[simulation.truth[spot]])
    assert session.training_needs == ""
    session.training_config = TrainingConfig(epochs=2)
    heard: list[int] = []
    session.model_changed.connect(lambda: heard.append(len(session.history)))
    reports = list(session.train("cpu"))
    assert heard == [1, 2]
    assert session.history == tuple(report.figures for report in reports)
    assert session.model is reports[-1].model
    assert kept_model(session).hash == session.model.hash
    assert kept_model(session).record.history == session.history
    assert session.segmentation_needs == ""
    list(session.segment("cpu"))
    assert session.domain_map is not None
    np.testing.assert_array_equal(
        session.domain_map.probabilities, segment(session.scan, session.model, device="cpu").probabilities
    )
    assert session.map_is_current


def test_what_is_missing_is_said(session: Session) -> None:
    session.propose(3)
    session.label_current("a")
    assert "only 'a' has some" in session.training_needs
    with pytest.raises(LabelError, match="at least two classes"):
        next(session.train("cpu"))
    assert "needs a model" in session.segmentation_needs
    with pytest.raises(ModelError, match="needs a model"):
        next(session.segment("cpu"))


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
    run = session.start_training("cpu")
    session.label_current("b")
    assert list(run) == []
    assert seen == [{(0, 0): "a"}]


def test_a_stopped_training_keeps_its_best_model(session: Session, fake_training: Callable[[int], Model]) -> None:
    for number, _ in enumerate(session.train("cpu"), start=1):
        if number == 2:
            session.stop_training()
    assert number == 2
    assert session.model is fake_training(2)
    assert kept_model(session).hash == fake_training(2).hash


def test_a_training_that_fails_keeps_its_best_model(session: Session, fake_training: Callable[[int], Model]) -> None:
    session.training_config = TrainingConfig(epochs=3, seed=13)
    with pytest.raises(TrainingError):
        list(session.train("cpu"))
    assert session.model is fake_training(3)
    assert kept_model(session).hash == fake_training(3).hash


def test_the_model_is_kept_now_and_then(
    session: Session, fake_training: Callable[[int], Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "KEEP_SECONDS", -1.0)
    steps = session.train("cpu")
    next(steps)
    assert kept_model(session).hash == fake_training(1).hash
    next(steps)
    assert kept_model(session).hash == fake_training(2).hash


def test_what_an_older_training_brings_is_dropped(session: Session, fake_training: Callable[[int], Model]) -> None:
    old = session.start_training("cpu")
    steps = iter(old)
    assert session.take_report(old, next(steps))
    late = next(steps)
    new = session.start_training("cpu")
    assert old.stopped
    assert not session.take_report(old, late)
    assert session.model is fake_training(1)
    assert list(steps) == [], "it ends by itself, and keeps nothing"
    assert session.folder is not None
    assert not (session.folder / "model.safetensors").exists()
    for report in new:
        assert session.take_report(new, report)
    assert kept_model(session).hash == fake_training(4).hash


def test_a_model_from_elsewhere_ends_the_training(
    session: Session, fake_training: Callable[[int], Model], make_model: Callable[..., Model]
) -> None:
    other = make_model(seed=99)
    numbers = []
    for report in session.train("cpu"):
        numbers.append(report.figures.epoch)
        session.use_model(other)
    assert numbers == [1]
    assert session.model is other
    assert kept_model(session).hash == other.hash


def test_a_training_sets_the_model_of_before_aside(
    session: Session, scan: Scan, fake_training: Callable[[int], Model], make_model: Callable[..., Model]
) -> None:
    good = make_model(seed=50)
    session.use_model(good)
    assert session.model_before is None
    run = session.start_training("cpu")
    assert session.model_before is None, "nothing came of it yet"
    steps = iter(run)  # held: a run that is let go ends, and keeps its model
    session.take_report(run, next(steps))
    assert (session.model, session.model_before) == (fake_training(1), good)
    assert kept_model(session).hash == good.hash, "a crash now loses nothing"
    session.close()
    assert kept_model(session).hash == fake_training(1).hash
    assert kept_before(session).hash == good.hash
    again = Session.resume(scan, session.folder)
    assert again.model.hash == fake_training(1).hash
    assert again.model_before.hash == good.hash
    assert again.notes == ()
    again.close()


def test_the_model_set_aside_is_that_of_the_latest_training(
    session: Session, fake_training: Callable[[int], Model], make_model: Callable[..., Model]
) -> None:
    session.use_model(make_model(seed=50))
    session.training_config = TrainingConfig(epochs=2)
    list(session.train("cpu"))
    session.training_config = TrainingConfig(epochs=3)
    list(session.train("cpu"))
    assert (session.model, session.model_before) == (fake_training(3), fake_training(2))
    assert kept_before(session).hash == fake_training(2).hash


@pytest.mark.parametrize("how", ["stopped", "failed"])
def test_a_training_without_a_report_changes_nothing(
    session: Session, fake_training: Callable[[int], Model], monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    session.training_config = TrainingConfig(epochs=1)
    list(session.train("cpu"))
    session.training_config = TrainingConfig(epochs=2)
    list(session.train("cpu"))
    if how == "stopped":
        run = session.start_training("cpu")
        session.stop_training()
        assert list(run) == []
    else:

        def fail(*_: Any, **__: Any) -> Iterator[Any]:
            raise TrainingError("No such device")
            yield

        monkeypatch.setattr("napari_ghosthunter.learning.training.train", fail)
        with pytest.raises(TrainingError):
            list(session.train("cpu"))
    assert (session.model, session.model_before) == (fake_training(2), fake_training(1))
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
    session.use_model(good)
    run = session.start_training("cpu")
    steps = iter(run)
    first = next(steps)
    assert kept_model(session).hash == fake_training(1).hash
    assert kept_before(session).hash == good.hash
    assert (session.model, session.model_before) == (good, None)
    second = next(steps)
    assert session.take_report(run, first)
    assert session.take_report(run, second)
    next(steps)
    assert (session.model, session.model_before) == (fake_training(2), good)
    assert kept_before(session).hash == good.hash


def test_what_a_run_wrote_is_put_right_if_its_reports_are_dropped(
    session: Session,
    fake_training: Callable[[int], Model],
    make_model: Callable[..., Model],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session.use_model(make_model(seed=50))
    session.training_config = TrainingConfig(epochs=1)
    list(session.train("cpu"))
    monkeypatch.setattr(runs, "KEEP_SECONDS", -1.0)
    session.training_config = TrainingConfig(epochs=3)
    steps = iter(session.start_training("cpu"))
    for _ in range(2):
        next(steps)
    assert (kept_model(session).hash, kept_before(session).hash) == (fake_training(2).hash, fake_training(1).hash)
    session.close()
    assert (kept_model(session).hash, kept_before(session).hash) == (fake_training(1).hash, make_model(seed=50).hash)


def test_a_model_that_was_never_on_disk_is_set_aside_too(
    session: Session, fake_training: Callable[[int], Model]
) -> None:
    old = session.start_training("cpu")
    steps = iter(old)  # held: a run that is let go ends, and keeps its model
    session.take_report(old, next(steps))
    assert session.folder is not None
    assert not session.folder.exists()
    list(session.train("cpu"))
    assert session.model_before is fake_training(1)
    assert kept_before(session).hash == fake_training(1).hash


def test_there_and_back_again(
    session: Session, scan: Scan, fake_training: Callable[[int], Model], make_model: Callable[..., Model]
) -> None:
    with pytest.raises(ModelError, match="no model from before"):
        session.go_back()
    good = make_model(seed=50)
    session.use_model(good)
    list(session.train("cpu"))
    heard: list[Model | None] = []
    session.model_changed.connect(lambda: heard.append(session.model_before))
    assert session.go_back() is good
    assert (session.model, session.model_before) == (good, fake_training(4))
    assert (kept_model(session).hash, kept_before(session).hash) == (good.hash, fake_training(4).hash)
    assert session.go_back() is fake_training(4)
    assert (kept_model(session).hash, kept_before(session).hash) == (fake_training(4).hash, good.hash)
    assert heard == [fake_training(4), good]


def test_going_back_ends_the_training(
    session: Session, fake_training: Callable[[int], Model], make_model: Callable[..., Model]
) -> None:
    good = make_model(seed=50)
    session.use_model(good)
    numbers = []
    for report in session.train("cpu"):
        numbers.append(report.figures.epoch)
        session.go_back()
    assert numbers == [1]
    assert (session.model, session.model_before) == (good, fake_training(1))
    session.close()
    assert (kept_model(session).hash, kept_before(session).hash) == (good.hash, fake_training(1).hash)


def test_a_full_disk_leaves_both_models_as_they_were(
    session: Session,
    fake_training: Callable[[int], Model],
    make_model: Callable[..., Model],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    good = make_model(seed=50)
    session.use_model(good)
    list(session.train("cpu"))

    def full(*_: Any) -> None:
        raise OutputError("The disk is full")

    with monkeypatch.context() as patched:
        patched.setattr("napari_ghosthunter.learning.modelfile.save_model", full)
        with pytest.raises(OutputError, match="full"):
            session.go_back()
    for _ in range(2):
        assert (session.model, session.model_before) == (fake_training(4), good)
        assert (kept_model(session).hash, kept_before(session).hash) == (fake_training(4).hash, good.hash)
        session.close()
    assert [path.name for path in session.folder.iterdir() if path.name.startswith(".")] == []


def test_going_back_to_the_only_model_that_can_be_read(
    session: Session, scan: Scan, fake_training: Callable[[int], Model], make_model: Callable[..., Model]
) -> None:
    session.use_model(make_model(seed=50))
    list(session.train("cpu"))
    session.close()
    (session.folder / "model.safetensors").write_bytes(b"no model")
    again = Session.resume(scan, session.folder)
    assert again.model is None
    again.go_back()
    assert again.model_before is None
    assert kept_model(again).hash == make_model(seed=50).hash
    assert kept_before(again) is None
    again.close()


@pytest.mark.usefixtures("small_blocks")
def test_the_map_grows_row_by_row(session: Session, make_model: Callable[..., Model]) -> None:
    session.use_model(make_model())
    assert session.model is not None
    whole = segment(session.scan, session.model, device="cpu")
    heard: list[tuple[int, int]] = []
    session.map_changed.connect(lambda start, stop: heard.append((start, stop)))
    for band in session.segment("cpu"):
        now = session.domain_map
        assert now is not None
        np.testing.assert_array_equal(now.probabilities[: band.stop], whole.probabilities[: band.stop])
        assert not now.has_data[band.stop :].any()
        assert now is session.domain_map, "it is made once"
    assert heard == [(row, row + 1) for row in range(6)]
    assert session.domain_map is not None
    assert session.domain_map.provenance == whole.provenance


@pytest.mark.usefixtures("small_blocks")
def test_a_stopped_map_has_no_data_in_the_rest(session: Session, make_model: Callable[..., Model]) -> None:
    session.use_model(make_model())
    for band in session.segment("cpu"):
        if band.stop == 2:
            session.stop_segmenting()
    assert session.domain_map is not None
    assert session.domain_map.has_data.all(axis=1).tolist() == [True, True, False, False, False, False]
    assert session.folder is not None
    kept = DomainMap.load(session.folder / "map")
    np.testing.assert_array_equal(kept.probabilities, session.domain_map.probabilities)


@pytest.mark.usefixtures("small_blocks")
def test_what_an_older_map_brings_is_dropped(session: Session, make_model: Callable[..., Model]) -> None:
    session.use_model(make_model(seed=1))
    old = session.start_segmenting("cpu")
    steps = iter(old)
    assert session.take_band(old, next(steps))
    late = next(steps)
    session.use_model(make_model(seed=2))
    assert not session.map_is_current
    new = session.start_segmenting("cpu")
    assert old.stopped
    assert not session.take_band(old, late)
    before = session.domain_map
    assert before is not None
    assert before.has_data[0].all(), "the old map stays until the new one begins"
    assert list(steps) == []
    for band in new:
        assert session.take_band(new, band)
    assert session.map_is_current


@pytest.mark.usefixtures("small_blocks")
def test_runs_in_threads_while_the_user_labels(
    session: Session, scan: Scan, fake_training: Callable[[int], Model]
) -> None:
    """What a window does: the run in a thread, its reports taken over in the thread of the session."""
    session.propose(2)
    here, heard = threading.get_ident(), set()
    session.model_changed.connect(lambda: heard.add(threading.get_ident()))
    session.map_changed.connect(lambda *_: heard.add(threading.get_ident()))

    def through(run: Any, take: Callable[[Any, Any], bool]) -> None:
        came: list[Any] = []
        worker = threading.Thread(target=lambda: came.extend(run))
        worker.start()
        while worker.is_alive():
            if session.current is not None:
                session.label_current("a")
            time.sleep(0.001)
        assert all(take(run, step) for step in came)

    through(session.start_training("cpu"), session.take_report)
    through(session.start_segmenting("cpu"), session.take_band)
    assert heard == {here}
    expected = dict(session.labels)
    session.close()
    assert session.folder is not None
    again = Session.resume(scan, session.folder)
    assert dict(again.labels) == expected
    assert again.map_is_current
    again.close()


def test_a_closed_session_stops_its_runs(session: Session, fake_training: Callable[[int], Model]) -> None:
    run = session.start_training("cpu")
    steps = iter(run)
    next(steps)
    session.close()
    assert list(steps) == []
    assert session.folder is not None
    assert not session.folder.exists()


def test_what_comes_after_closing_is_dropped(
    session: Session, fake_training: Callable[[int], Model], make_model: Callable[..., Model]
) -> None:
    session.use_model(make_model())
    training, mapping = session.start_training("cpu"), session.start_segmenting("cpu")
    report, band = next(iter(training)), next(iter(mapping))
    session.close()
    heard: list[str] = []
    session.model_changed.connect(lambda: heard.append("model"))
    session.map_changed.connect(lambda *_: heard.append("map"))
    assert not session.take_report(training, report)
    assert not session.take_band(mapping, band)
    assert (session.domain_map, heard) == (None, [])


def test_closing_in_the_middle_keeps_the_best_model(session: Session, fake_training: Callable[[int], Model]) -> None:
    run = session.start_training("cpu")
    steps = iter(run)
    for _ in range(2):
        session.take_report(run, next(steps))
    session.close()
    session.close()
    assert kept_model(session).hash == fake_training(2).hash


def test_a_session_in_memory_needs_no_disk(scan: Scan, three: LabelSet, fake_training: Callable[[int], Model]) -> None:
    session = Session(scan, three)
    assert session.folder is None
    session.propose(3)
    session.label_current("a")
    session.training_config = TrainingConfig(epochs=2)
    assert [report.figures.epoch for report in session.train("cpu")] == [1, 2]
    list(session.segment("cpu"))
    assert session.map_is_current
    assert session.model is fake_training(2)
    session.training_config = TrainingConfig(epochs=1)
    list(session.train("cpu"))
    assert session.go_back() is fake_training(2)
    session.close()


def test_a_longer_history_is_the_same_model(session: Session, make_model: Callable[..., Model]) -> None:
    session.use_model(make_model())
    list(session.segment("cpu"))
    assert session.model is not None
    session.use_model(replace(session.model, record=session.model.record.model_copy(update={"best_epoch": 9})))
    assert session.map_is_current


def test_a_new_session_has_no_results(session: Session) -> None:
    assert session.history == ()
    assert session.domain_map is None
    assert not session.map_is_current
