"""The model applied to other scans on the workers of a Dask scheduler."""

from __future__ import annotations

import socket

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.mapping.segmentation import segment
from napari_ghosthunter.plugin.mapper.applying.apply_dialog import ApplyDialog
from napari_ghosthunter.plugin.mapper.mapping.place import NO_ADDRESS
from napari_ghosthunter.scan.readers import open_scan

pytestmark = pytest.mark.usefixtures("one_thread")
LONG = 30_000


@pytest.fixture
def files(tmp_path, sample):
    cube = np.asarray(sample.scan.data)
    np.save(tmp_path / "one.npy", cube)
    np.save(tmp_path / "two.npy", cube[::-1, :15])
    return [tmp_path / "one.npy", tmp_path / "two.npy"]


@pytest.fixture
def model(make_model):
    return make_model((48, 48), names=("none", "vertical", "horizontal"))


@pytest.fixture
def dialog(qtbot, desk, model, files, tmp_path):
    desk.session.training.use_model(model)
    dialog = ApplyDialog(desk)
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.folder.setText(str(tmp_path / "maps"))
    dialog.add(files)
    qtbot.waitUntil(lambda: states(dialog) == ["ready", "ready"], timeout=LONG)
    yield dialog
    dialog.close()


def states(dialog):
    return [entry.state for entry in dialog.run.entries]


def start(qtbot, dialog, address):
    dialog.place.choose(True, address)
    qtbot.mouseClick(dialog.start_button, Qt.MouseButton.LeftButton)


def test_the_maps_are_those_of_this_machine(qtbot, dialog, make_cluster, model, files, tmp_path) -> None:
    with make_cluster(2) as running:
        qtbot.keyClick(dialog.place_bar.choice, Qt.Key.Key_Down)
        assert dialog.place_bar.words.text() == NO_ADDRESS
        assert not dialog.start_button.isEnabled()
        qtbot.keyClicks(dialog.place_bar.address, running.scheduler_address)
        qtbot.mouseClick(dialog.start_button, Qt.MouseButton.LeftButton)
        assert not dialog.place_bar.choice.isEnabled()
        qtbot.waitUntil(lambda: not dialog.run.running, timeout=LONG)
        assert states(dialog) == ["done", "done"]
        qtbot.waitUntil(lambda: not running.scheduler.tasks, timeout=LONG)
        assert len(running.scheduler.workers) == 2
    for path in files:
        local = segment(open_scan(path), model)
        found = DomainMap.load(tmp_path / "maps", path.stem)
        assert found.probabilities.tobytes() == local.probabilities.tobytes()


def test_no_scheduler_there_is_told_and_it_can_be_tried_again(qtbot, dialog) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    start(qtbot, dialog, f"tcp://127.0.0.1:{port}")
    qtbot.waitUntil(lambda: not dialog.run.running, timeout=10_000)
    assert "No Dask scheduler answers at" in dialog.details.toPlainText()
    assert dialog.start_button.isEnabled()
    dialog.place.choose(False, "")
    qtbot.mouseClick(dialog.start_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: states(dialog) == ["done", "done"], timeout=LONG)


def test_a_wait_for_workers_is_told_and_can_be_stopped(qtbot, dialog, make_cluster, tmp_path) -> None:
    with make_cluster(0) as empty:
        start(qtbot, dialog, empty.scheduler_address)
        qtbot.waitUntil(lambda: "has no workers yet" in dialog.place_bar.words.text(), timeout=LONG)
        qtbot.mouseClick(dialog.start_button, Qt.MouseButton.LeftButton)
        assert not dialog.run.running
        assert states(dialog) == ["stopped", "stopped"]
        qtbot.waitUntil(lambda: not empty.scheduler.tasks, timeout=LONG)
        qtbot.waitUntil(lambda: not dialog.run._background.busy, timeout=LONG)
    assert not list(tmp_path.glob("maps/*"))  # nothing that is not whole
