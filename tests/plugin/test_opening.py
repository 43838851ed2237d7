"""Opening and saving as a user does it, in a real window: drop, dialogs, notifications."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from napari.utils.notifications import NotificationSeverity, notification_manager
from qtpy.QtCore import QMimeData, QPointF, Qt, QTimer, QUrl
from qtpy.QtGui import QDropEvent
from qtpy.QtWidgets import QApplication, QFileDialog

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.plugin.opening import ask_for_scans
from napari_ghosthunter.plugin.questions.shape_dialog import ShapeDialog
from napari_ghosthunter.plugin.window import main_window


@pytest.fixture
def said():
    """The notifications of this test, as (severity, message)."""
    notification_manager.records.clear()
    return lambda: [(one.severity, one.message) for one in notification_manager.records]


@pytest.fixture
def drop(window, qtbot):
    """Drop a file on the canvas, and wait for what comes of it."""

    def do(path):
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(str(path))])
        event = QDropEvent(
            QPointF(10, 10), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        )
        # from the event loop, as a drop comes
        QTimer.singleShot(0, lambda: window.window._qt_viewer.dropEvent(event))
        qtbot.wait(50)

    return do


def answer(act, seen=None):
    """Act on the dialog as soon as its pictures are there."""

    def look():
        dialog = QApplication.activeModalWidget()
        if dialog is None or dialog.thumbnails.busy:
            QTimer.singleShot(20, look)
            return
        if seen is not None:
            seen.append(dialog)
        act(dialog)

    QTimer.singleShot(0, look)


def test_a_dropped_scan_becomes_a_layer(drop, window, patterns, tmp_path):
    path = tmp_path / "scan.emd"  # napari itself opens some others too, and would ask which of the two shall
    with h5py.File(path, "w") as file:
        file["data"] = patterns
    drop(path)
    (layer,) = window.layers
    assert layer.data.shape == (6, 10)
    assert layer.metadata["scan"].scan_shape == (6, 10)


def test_the_shape_is_asked_over_the_window(window, row_file, said):
    seen = []
    answer(ShapeDialog.accept, seen)
    (layer,) = window.open(row_file, plugin="napari-ghosthunter")
    assert layer.metadata["scan"].scan_shape == (6, 10)
    assert said() == []


def test_cancel_opens_nothing_and_says_so(window, row_file, said):
    answer(ShapeDialog.reject)
    assert window.open(row_file, plugin="napari-ghosthunter") == []
    assert said() == [(NotificationSeverity.INFO, "Cancelled: row.npy was not opened.")]


def test_an_error_is_one_notification_that_says_what_is_wrong(drop, window, tmp_path, said):
    path = tmp_path / "broken.emd"
    path.write_bytes(b"nothing of the kind")
    drop(path)
    ((severity, message),) = said()
    assert severity == NotificationSeverity.ERROR
    assert message.startswith("broken.emd cannot be read as an HDF5 file")
    assert not window.layers


def test_a_file_that_is_no_scan_is_told_and_the_others_open(window, tmp_path, scan_file, monkeypatch, said):
    wrong = tmp_path / "copy.ghosthunter"
    wrong.write_text("work, and no scan")
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([str(wrong), str(scan_file)], ""))
    ask_for_scans(window)
    ((severity, message),) = said()
    assert severity == NotificationSeverity.ERROR
    assert "copy.ghosthunter" in message
    assert len(window.layers) == 1


def test_a_script_gets_the_error_itself(window, tmp_path, said):
    path = tmp_path / "flat.npy"
    np.save(path, np.ones((3, 3)))
    with pytest.raises(ScanError):
        window.open(path, plugin="napari-ghosthunter")
    assert said() == []


def test_what_the_reader_has_to_say_is_told(window, tmp_path, patterns, said):
    path = tmp_path / "row.npy"
    np.save(path, np.concatenate([patterns.reshape(60, 16, 16), patterns[0, :1]]))  # a frame too many
    answer(lambda dialog: (dialog.rows.setValue(6), dialog.columns.setValue(10), dialog.accept()))
    window.open(path, plugin="napari-ghosthunter")
    ((severity, message),) = said()
    assert severity == NotificationSeverity.INFO
    assert message.startswith("row.npy: The file holds 1 pattern(s) more")


def test_the_sample_opens_from_its_menu(window):
    (layer,) = window.open_sample("napari-ghosthunter", "boracite")
    assert layer.name == "Boracite domains (simulated)"
    assert [str(unit) for unit in layer.units] == ["nanometer", "nanometer"]


def test_a_map_is_saved_through_the_dialog(window, tmp_path, monkeypatch):
    probabilities = np.random.default_rng(0).dirichlet([1, 1, 1], (4, 5)).astype(np.float32)
    domain_map = DomainMap(probabilities, ClassScheme.from_names(["a", "b", "c"]))
    layer = window.add_labels(domain_map.classes_image, name="Domains", metadata={"domain_map": domain_map})
    window.layers.selection = {layer}

    def choose(self, parent, caption, directory, filter, options):
        (wanted,) = [one for one in filter.split(";;") if one.startswith("GhostHunter classes, with pixel size")]
        return str(tmp_path / "map"), wanted

    monkeypatch.setattr(QFileDialog, "getSaveFileName", choose)
    window.window._qt_viewer._save_layers_dialog(selected=True)
    domain_map.save(tmp_path / "set", "m")
    assert (tmp_path / "map.tif").read_bytes() == (tmp_path / "set" / "m_classes.tif").read_bytes()


def test_the_window_is_found_only_while_it_is_seen(window):
    assert main_window() is window.window._qt_window
    window.window._qt_window.hide()
    assert main_window() is None
