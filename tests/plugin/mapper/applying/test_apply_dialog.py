"""The dialog `Apply to other scans`: what a user sees and does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from qtpy.compat import isalive
from qtpy.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from qtpy.QtGui import QDropEvent
from qtpy.QtWidgets import QFileDialog, QWidget

from napari_ghosthunter.learning.looks import describe_looks
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.mapping.segmentation import segment
from napari_ghosthunter.plugin.mapper.applying.apply_dialog import EMPTY, NO_FOLDER, ApplyDialog
from napari_ghosthunter.plugin.mapper.applying.apply_list import CHECK, SCAN
from napari_ghosthunter.plugin.mapper.applying.apply_run import NO_MODEL, NOTHING_LEFT
from napari_ghosthunter.scan.statistics import measure_statistics

pytestmark = pytest.mark.usefixtures("one_thread")


class Answers:
    """Someone who knows what files do not say."""

    def __init__(self, shape=(12, 20)) -> None:
        self.shape = shape

    def dataset(self, *question):
        return question[1][0]

    def scan_shape(self, _path, chosen, *_):
        return None if self.shape is None else chosen.updated(scan_shape=self.shape)


@pytest.fixture(scope="session")
def model(make_model, sample):
    model = make_model(detector_shape=(48, 48), names=("none", "vertical", "horizontal"), size=48)
    looks = describe_looks(sample.scan, model.patterns, measure_statistics(sample.scan))
    return replace(model, record=model.record.model_copy(update={"scan": looks}))


@pytest.fixture
def files(tmp_path, sample):
    """A scan like the training scan, one with the beam elsewhere, one that is cut short."""
    cube = np.asarray(sample.scan.data)
    np.save(tmp_path / "like.npy", cube)
    np.save(tmp_path / "moved.npy", np.roll(cube, 7, axis=2))
    (tmp_path / "cut.npy").write_bytes((tmp_path / "like.npy").read_bytes()[:1000])
    return [tmp_path / name for name in ("like.npy", "moved.npy", "cut.npy")]


@pytest.fixture
def dialog(qtbot, desk, model):
    desk.session.training.use_model(model)
    dialog = ApplyDialog(desk)
    dialog.asker = Answers()
    qtbot.addWidget(dialog)
    dialog.show()
    yield dialog
    dialog.close()


def column(dialog, index):
    return [dialog.list.topLevelItem(row).text(index) for row in range(dialog.list.topLevelItemCount())]


def finish(qtbot, dialog):
    qtbot.waitUntil(lambda: not dialog.run.running, timeout=20_000)


def checked(qtbot, dialog):
    qtbot.waitUntil(lambda: "checking…" not in column(dialog, CHECK), timeout=20_000)


def test_an_empty_dialog_says_what_to_do(dialog) -> None:
    assert dialog.details.toPlainText() == EMPTY
    assert dialog.state.text() == NOTHING_LEFT
    assert not dialog.start_button.isEnabled()
    assert not dialog.isModal()


def test_each_file_has_a_row_with_what_was_found(qtbot, dialog, files) -> None:
    dialog.add(files)
    checked(qtbot, dialog)
    assert column(dialog, SCAN) == ["like.npy", "moved.npy", "cut.npy"]
    assert column(dialog, CHECK)[0] == "fits"
    assert column(dialog, CHECK)[1].startswith("differs: ")
    assert column(dialog, CHECK)[2] == "cannot be opened"
    assert all(not dialog.list.topLevelItem(row).icon(CHECK).isNull() for row in range(3))
    assert "looks like the one" in dialog.details.toPlainText()
    dialog.list.setCurrentItem(dialog.list.topLevelItem(1))
    assert "The direct beam is 7.0 px" in dialog.details.toPlainText()
    dialog.list.setCurrentItem(dialog.list.topLevelItem(2))
    assert "cut short" in dialog.details.toPlainText()


def test_from_the_files_to_the_maps(qtbot, dialog, files, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([str(path) for path in files], ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "maps"))
    qtbot.mouseClick(dialog.add_button, Qt.MouseButton.LeftButton)
    checked(qtbot, dialog)
    assert dialog.state.text() == NO_FOLDER
    assert not dialog.start_button.isEnabled()
    qtbot.mouseClick(dialog.folder_button, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(dialog.start_button, Qt.MouseButton.LeftButton)
    assert dialog.start_button.text() == "Stop"
    assert not dialog.add_button.isEnabled()
    finish(qtbot, dialog)
    assert {path.name for path in (tmp_path / "maps").glob("*_map.json")} == {"like_map.json", "moved_map.json"}
    assert dialog.state.text() == "2 of 3 mapped, 1 cannot be."
    assert dialog.start_button.text() == "Start"
    assert not dialog.start_button.isEnabled()
    dialog.list.setCurrentItem(dialog.list.topLevelItem(0))
    assert "7 files written to" in dialog.details.toPlainText()


def test_neighbours_help_as_much_as_is_chosen(qtbot, dialog, files, tmp_path, model, sample) -> None:
    dialog.add(files[:1])
    checked(qtbot, dialog)
    dialog.folder.setText(str(tmp_path))
    dialog.neighbours_bar.box.setValue(1.5)
    qtbot.mouseClick(dialog.start_button, Qt.MouseButton.LeftButton)
    assert not dialog.neighbours_bar.box.isEnabled()
    finish(qtbot, dialog)
    assert dialog.neighbours_bar.box.isEnabled()
    made = DomainMap.load(tmp_path, "like")
    np.testing.assert_array_equal(made.probabilities, segment(sample.scan, model).with_neighbours(1.5).probabilities)
    assert made.provenance["neighbours"] == 1.5


def test_into_the_window(qtbot, dialog, files, viewer) -> None:
    dialog.add(files[:1])
    checked(qtbot, dialog)
    dialog.to_layers.setChecked(True)
    assert not dialog.folder.isEnabled()
    qtbot.mouseClick(dialog.start_button, Qt.MouseButton.LeftButton)
    finish(qtbot, dialog)
    assert "Domains of like" in viewer.layers


def test_stop(qtbot, dialog, files, tmp_path) -> None:
    dialog.add(files[:2])
    checked(qtbot, dialog)
    dialog.folder.setText(str(tmp_path))
    qtbot.mouseClick(dialog.start_button, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(dialog.start_button, Qt.MouseButton.LeftButton)
    assert not dialog.run.running
    assert dialog.start_button.text() == "Start"
    assert dialog.start_button.isEnabled()


def test_files_are_dropped_on_the_list(qtbot, dialog, files) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in files[:2]])
    where = dialog.list.viewport().rect().center()
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    event = QDropEvent(QPointF(QPoint(where)), Qt.DropAction.CopyAction, data, left, none)
    dialog.list.dropEvent(event)
    assert event.isAccepted()
    qtbot.waitUntil(lambda: column(dialog, SCAN) == ["like.npy", "moved.npy"])
    checked(qtbot, dialog)


def test_what_a_file_does_not_settle_is_asked_before(qtbot, dialog, files, sample) -> None:
    row = files[0].with_name("row.npy")
    np.save(row, np.asarray(sample.scan.data).reshape(-1, 48, 48))
    dialog.add([row])
    checked(qtbot, dialog)
    assert dialog.run.entries[0].scan.scan_shape == (12, 20)
    other = row.with_name("other.npy")
    np.save(other, np.asarray(sample.scan.data)[:6].reshape(-1, 48, 48))
    dialog.asker = Answers(None)
    dialog.add([other])
    assert column(dialog, SCAN) == ["row.npy"]


def test_rows_are_removed(qtbot, dialog, files) -> None:
    dialog.add(files)
    checked(qtbot, dialog)
    dialog.list.clearSelection()
    dialog.list.topLevelItem(2).setSelected(True)
    qtbot.mouseClick(dialog.remove_button, Qt.MouseButton.LeftButton)
    assert column(dialog, SCAN) == ["like.npy", "moved.npy"]


def test_closing_stops_and_the_list_stays(qtbot, dialog, files, tmp_path) -> None:
    dialog.add(files[:1])
    checked(qtbot, dialog)
    dialog.folder.setText(str(tmp_path / "maps"))
    dialog.run.start(tmp_path / "maps", device="cpu")
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()
    assert not dialog.run.running
    dialog.show()
    assert column(dialog, SCAN) == ["like.npy"]
    assert dialog.start_button.isEnabled()


def test_without_a_model_it_says_so(qtbot, desk) -> None:
    dialog = ApplyDialog(desk)
    qtbot.addWidget(dialog)
    assert dialog.state.text() == NO_MODEL


def test_a_deleted_parent_takes_it_along(qtbot, window, desk, model, files, tmp_path) -> None:
    parent = QWidget(window.window._qt_window)
    desk.session.training.use_model(model)
    dialog = ApplyDialog(desk, parent)
    dialog.show()
    dialog.add(files[:1])
    dialog.run.start(tmp_path, device="cpu")
    run = dialog.run
    assert run.running
    with qtbot.capture_exceptions() as raised:
        dialog.close()
        parent.deleteLater()
        qtbot.waitUntil(lambda: not isalive(dialog))
        desk.session.training.use_model(model)
        desk.sleep()  # whoever still hears must not trip over it
        qtbot.wait(50)
    assert raised == []
    assert not run.running
