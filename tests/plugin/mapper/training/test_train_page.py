"""The Train page: what it offers, what it shows of a training, and models from files and to files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog

from napari_ghosthunter.errors import TrainingError
from napari_ghosthunter.learning.config import TrainingConfig
from napari_ghosthunter.learning.modelfile import load_model, save_model
from napari_ghosthunter.learning.training import train as real_train
from napari_ghosthunter.plugin.mapper import desk as desk_module
from napari_ghosthunter.plugin.mapper import running
from napari_ghosthunter.plugin.mapper.shares import estimate_text
from napari_ghosthunter.plugin.mapper.training import model_files
from napari_ghosthunter.plugin.mapper.training import training as training_module
from napari_ghosthunter.plugin.mapper.training.preview import Preview
from napari_ghosthunter.plugin.mapper.training.train_page import STOP, TRAIN, TrainPage
from napari_ghosthunter.plugin.mapper.training.train_progress import time_left
from napari_ghosthunter.plugin.mapper.training.training import Training
from napari_ghosthunter.session.session import Session


@pytest.fixture(autouse=True)
def told(monkeypatch):
    """What the user was told."""
    messages = []
    for module, name in (
        (desk_module, "tell_error"), (model_files, "tell"), (model_files, "tell_error"), (training_module, "tell"),
        (running, "tell_error"),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, messages.append)
    return messages


@pytest.fixture
def page(qtbot, desk, fake_training):
    training = Training(desk)
    page = TrainPage(desk, training, Preview(desk, training))
    qtbot.addWidget(page)
    page.show()
    qtbot.waitUntil(lambda: "looking" not in page.device_box.currentText(), timeout=20_000)
    return page


def click(qtbot, button) -> None:
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_it_says_what_is_missing_until_two_classes_have_labels(page, desk) -> None:
    assert "there are none yet" in page.needs_label.text()
    assert not page.train_button.isEnabled()
    assert page.files.open_button.isEnabled()  # a model of another scan needs no labels here
    session = desk.session
    for spot, name in (((0, 0), "a"), ((5, 5), "b")):
        session.labels.add_class(name)
        session.add_point(spot)
        session.label_current(name)
    assert page.needs_label.isHidden()
    assert page.train_button.isEnabled()
    session.undo()
    assert "only 'a' has some" in page.needs_label.text()
    assert not page.train_button.isEnabled()
    desk.sleep()
    assert page.needs_label.text() == desk.needs
    assert not page.body.isEnabled()


def test_settings_go_to_the_session_and_come_from_it(qtbot, page, desk) -> None:
    common = page.settings.training_forms[0].editors
    common["epochs"].widget.setValue(33)
    assert desk.session.training_config == TrainingConfig(epochs=33)
    desk.session.training_config = TrainingConfig(epochs=44, batch_size=2)  # by a script
    assert common["epochs"].widget.value() == 44
    assert page.settings.training_forms[1].editors["batch_size"].widget.value() == 2
    page.settings.training_forms[1].editors["seed"].widget.setValue(5)
    assert desk.session.training_config == TrainingConfig(epochs=44, batch_size=2, seed=5)
    common["network"].widget.setCurrentText("ghosthunter")
    assert desk.session.training_config == TrainingConfig(network="ghosthunter", epochs=44, batch_size=2, seed=5)
    desk.take(Session(desk.scan))
    assert common["epochs"].widget.text() == "auto"


def test_what_only_a_taught_network_knows_is_in_sight_for_such_a_one_alone(page, desk) -> None:
    page.settings.more.setChecked(True)
    editors = page.settings.training_forms[1].editors
    taught = {"seed", "batch_size", "learning_rate", "min_learning_rate", "weight_decay", "plateau_factor",
              "plateau_patience", "validation_share", "shift"}  # fmt: skip
    assert set(editors) == taught
    assert not any(editor.widget.isVisible() for editor in editors.values())
    assert not page.preview_box.isVisible()
    assert page.settings.network_words.text().startswith("Takes seconds")
    page.settings.training_forms[0].editors["network"].widget.setCurrentText("ghosthunter")
    assert all(editor.widget.isVisible() for editor in editors.values())
    assert page.preview_box.isVisible()
    assert page.settings.network_words.text().startswith("The network of the paper")
    desk.session.training_config = TrainingConfig(network="mine")  # by a script; the training says that there is none
    assert page.settings.network_words.text() == ""


def test_fields_that_mean_nothing_are_off(page, desk) -> None:
    common, rest = page.settings.pattern_forms
    size = common.editors["pool_size"].widget
    assert not size.isEnabled()
    assert "Without pooling" in size.toolTip()
    common.editors["pool"].widget.setCurrentText("mean")
    assert size.isEnabled()
    assert desk.session.pattern_config.pool == "mean"
    rest.editors["scaling"].widget.setCurrentText("sqrt")
    assert not rest.editors["log_floor"].widget.isEnabled()


def test_a_training_from_start_to_end(qtbot, page, labelled, fake_training) -> None:
    click(qtbot, page.train_button)
    assert page.train_button.text() == STOP
    assert page.progress.text.text() in ("Loading…", "Reading labelled and spread patterns…")
    assert not page.settings.training_forms[0].isEnabled()
    assert not page.files.open_button.isEnabled()
    for number in range(1, 4):
        fake_training.epoch(seconds=60.0 * number)
    qtbot.waitUntil(lambda: "Epoch 3 of 10" in page.progress.text.text())
    assert "about 7 min left" in page.progress.text.text()
    assert (page.progress.bar.value(), page.progress.bar.maximum()) == (3, 10)
    assert len(page.curves._history) == 3
    fake_training.end()
    qtbot.waitUntil(lambda: page.train_button.text() == TRAIN)
    assert page.progress.bar.isHidden()
    assert page.progress.text.text().startswith("Best model: epoch 3. No labels could be kept back")
    assert page.settings.training_forms[0].isEnabled()
    assert page.files.save_button.isEnabled()


def test_stop_ends_with_this_epoch(qtbot, page, labelled, fake_training) -> None:
    click(qtbot, page.train_button)
    fake_training.epoch()
    qtbot.waitUntil(lambda: page.training.report is not None)
    labelled.session.undo()  # whatever becomes of the labels, what runs can be stopped
    click(qtbot, page.train_button)
    assert "stopping after this epoch" in page.progress.text.text()
    assert not page.train_button.isEnabled()
    fake_training.epoch()
    qtbot.waitUntil(lambda: page.train_button.text() == TRAIN)
    assert page.train_button.isEnabled()
    assert labelled.session.model.record.best_epoch == 2


def test_a_fit_goes_on_until_it_has_converged(qtbot, page, labelled, monkeypatch) -> None:
    monkeypatch.setattr("napari_ghosthunter.learning.training.train", real_train)
    click(qtbot, page.train_button)
    qtbot.waitUntil(lambda: page.training.report is not None, timeout=60_000)
    words = page.progress.text.text()
    if page.training.running:  # it may be done already
        assert words.startswith("Step ")
        assert "going on until nothing more is gained\nSo far, " in words
        assert page.progress.bar.maximum() == 0  # busy, for nobody knows how long
    qtbot.waitUntil(lambda: not page.training.running, timeout=60_000)
    record = labelled.session.model.record
    assert record.converged
    words = page.progress.text.text()
    assert words.startswith(f"Fit: converged after {len(record.history)} steps. {estimate_text(record.estimate)} ")
    held = record.held_out
    assert f" {held.right} of {held.count} held-out labels right" in words
    assert ("which are harder than the map" in words) == (held.right < held.count)
    assert page.curves._best is None


def test_an_error_stays_on_the_page(qtbot, page, labelled, fake_training, told) -> None:
    fake_training.fail(TrainingError("Choose the CPU."))
    click(qtbot, page.train_button)
    qtbot.waitUntil(lambda: not page.training.running)
    assert told == ["Choose the CPU."]
    assert page.error.toPlainText() == "⚠ Choose the CPU."
    fake_training.end()
    click(qtbot, page.train_button)
    assert page.error.isHidden()
    qtbot.waitUntil(lambda: not page.training.running)


def test_what_is_typed_counts_without_enter(qtbot, page, labelled, fake_training) -> None:
    widget = page.settings.training_forms[0].editors["epochs"].widget
    widget.selectAll()
    qtbot.keyClicks(widget, "77")
    click(qtbot, page.train_button)
    qtbot.waitUntil(lambda: bool(fake_training.arguments))
    assert fake_training.arguments[0][2].epochs == 77
    fake_training.end()
    qtbot.waitUntil(lambda: not page.training.running)


def test_devices_that_are_not_here_cannot_be_chosen(qtbot, page, monkeypatch) -> None:
    box = page.device_box
    box._show({"cuda": "NVIDIA H100", "cpu": "CPU"})
    assert [box.itemText(i) for i in range(4)] == [
        "Auto: NVIDIA H100", "CPU", "NVIDIA GPU: NVIDIA H100", "Apple GPU: none found"
    ]  # fmt: skip
    assert [box.model().item(i).isEnabled() for i in range(4)] == [True, True, True, False]
    box._show({"cpu": "CPU"})
    assert box.itemText(0) == "Auto: CPU (no GPU found)"
    box.setCurrentIndex(1)
    assert page.device == "cpu"


def test_a_model_goes_to_a_file_and_comes_back(qtbot, page, desk, make_model, tmp_path, monkeypatch, told) -> None:
    model, path = make_model((48, 48), ("a", "b")), tmp_path / "mine"
    desk.session.training.use_model(model)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    click(qtbot, page.files.save_button)
    saved = Path(f"{path}.safetensors")
    qtbot.waitUntil(lambda: bool(told))
    assert told == [f"Saved {saved}."]
    assert load_model(saved).hash == model.hash
    desk.take(Session(desk.scan))
    assert not page.files.save_button.isEnabled()
    assert len(page.curves._history) == 0
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(saved), ""))
    click(qtbot, page.files.open_button)
    qtbot.waitUntil(lambda: desk.session.model is not None)
    assert desk.session.model.hash == model.hash
    assert len(page.curves._history) == 1
    assert "epoch 1" in page.progress.text.text()


def test_a_file_that_is_no_model_is_told(qtbot, page, desk, tmp_path, told) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(b"nothing")
    page.files.open(str(path))
    qtbot.waitUntil(lambda: bool(told))
    assert "not a readable" in told[0]
    assert desk.session.model is None


def test_a_model_of_another_detector_is_refused(qtbot, page, desk, make_model, tmp_path, monkeypatch, told) -> None:
    monkeypatch.setattr(model_files, "tell", lambda _: pytest.fail("it is an error"))
    own = make_model((48, 48))
    desk.session.training.use_model(own)
    save_model(make_model((16, 16)), tmp_path / "x.safetensors")
    page.files.open(str(tmp_path / "x.safetensors"))
    qtbot.waitUntil(lambda: bool(told))
    (said,) = told
    assert "16 x 16" in said
    assert "cannot be applied" in said
    assert desk.session.model is own


def test_a_model_of_another_camera_length_is_used_and_told(
    qtbot, page, desk, make_model, tmp_path, monkeypatch, told
) -> None:
    monkeypatch.setattr(model_files, "tell_error", pytest.fail)
    model = make_model((48, 48))
    trained = {"k_step": [123.0, 123.0], "k_units": desk.scan.calibration.k_units}
    model = replace(model, record=model.record.model_copy(update={"scan": trained}))
    save_model(model, tmp_path / "x.safetensors")
    page.files.open(str(tmp_path / "x.safetensors"))
    qtbot.waitUntil(lambda: desk.session.model is not None)
    (said,) = told
    assert "detector pixel" in said


def test_back_to_the_model_before_the_training(qtbot, page, labelled, fake_training, make_model, told) -> None:
    button, session, good = page.files.back_button, labelled.session, make_model((48, 48), seed=50)
    assert not button.isEnabled()
    session.training.use_model(good)
    assert not button.isEnabled()
    went = []
    page.files.went_back.connect(lambda: went.append(session.model))
    click(qtbot, page.train_button)
    fake_training.epoch()
    qtbot.waitUntil(lambda: page.training.report is not None)
    assert session.training.model_before is good
    assert not button.isEnabled()  # not while it trains
    fake_training.end()
    qtbot.waitUntil(lambda: not page.training.running)
    assert button.isEnabled()
    bad = session.model
    click(qtbot, button)
    assert (session.model, session.training.model_before) == (good, bad)
    click(qtbot, button)
    assert (session.model, session.training.model_before) == (bad, good)
    assert went == [good, bad]
    labelled.take(Session(labelled.scan))
    assert not button.isEnabled()
    assert told == []


def test_a_model_that_comes_after_the_session_is_gone_is_dropped(qtbot, page, desk, make_model, tmp_path) -> None:
    save_model(make_model((48, 48)), tmp_path / "x.safetensors")
    page.files.open(str(tmp_path / "x.safetensors"))
    other = Session(desk.scan)
    desk.take(other)
    qtbot.wait(200)
    assert other.model is None


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(3, "a few seconds left"), (42, "about 40 s left"), (130, "about 2 min left"), (7300, "about 2.0 h left")],
)
def test_time_left_is_no_finer_than_known(seconds, said) -> None:
    assert time_left(seconds) == said


def test_nothing_is_cut_off_in_a_narrow_dock(qtbot, page, labelled) -> None:
    page.settings.more.setChecked(True)
    page.settings.pattern_forms[0].editors["size"].widget.setValue(100)
    qtbot.wait(50)
    assert page.minimumSizeHint().width() <= 340


def test_a_map_of_an_earlier_model_is_said_to_be_one(page, desk, make_model, mapped, stream) -> None:
    session = desk.session
    session.training.use_model(make_model((48, 48)))
    mapped(session)
    assert page.stale.isHidden()
    session.training.use_model(make_model((48, 48), seed=3))
    assert page.stale.isVisible()
    stream(session, session.domain_map.probabilities, [(0, 4)])
    assert page.stale.isHidden()
