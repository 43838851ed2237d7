"""The whole way in one window, by mouse and keys: from File > Open to files that the command line writes, too."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QFileDialog

from napari_ghosthunter.cli import run
from napari_ghosthunter.plugin.docks import DIFFRACTION, MAPPER, find_dock
from napari_ghosthunter.plugin.layers import scan_of
from napari_ghosthunter.plugin.window import canvas_of
from napari_ghosthunter.scan.simulate import SimulationConfig, simulate

LEFT = Qt.MouseButton.LeftButton
LONG = 120_000  # ms; for machines with much else to do


@pytest.fixture(scope="module")
def simulation():
    return simulate(SimulationConfig(scan_shape=(16, 30), detector_shape=(32, 32), jitter=0, drift=0))


@pytest.fixture
def file(simulation, tmp_path):
    path = tmp_path / "boracite.emd"
    with h5py.File(path, "w") as target:
        data = target.create_dataset("data", data=np.asarray(simulation.scan.data))
        for axis, name in enumerate(("scan_y", "scan_x", "k_y", "k_x")):
            data.dims[axis].label = name
    return path


def click(qtbot, button) -> None:
    assert button.isVisible(), button.text()
    assert button.isEnabled(), button.text()
    qtbot.mouseClick(button, LEFT)


def turn_to(qtbot, mapper, page) -> None:
    bar = mapper.tabs.tabBar()
    index = [mapper.tabs.tabText(i) for i in range(bar.count())].index(page.title)
    qtbot.mouseClick(bar, LEFT, pos=bar.tabRect(index).center())
    assert page.isVisible()


def open_by_menu(window, path, monkeypatch, qtbot) -> None:
    """File > Open File(s)…, with the file chosen in the dialog."""
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_, **__: ([str(path)], ""))
    QTimer.singleShot(0, window.window._qt_viewer._open_files_dialog)
    qtbot.waitUntil(lambda: len(window.layers) == 1, timeout=LONG)


def label_all(qtbot, window, session, simulation) -> None:
    """Press the key of the right class for each point that waits, as fast as the keys come."""
    canvas = canvas_of(window)
    for _ in range(200):
        if session.current is None or session.current in session.labels:
            return
        truth = simulation.names[simulation.truth[session.current]]
        key = session.labels.classes.classes[session.labels.classes.id_of(truth) - 1].key
        qtbot.keyClick(canvas, key)
    pytest.fail("Points were still waiting after 200 keys.")


def test_from_the_menu_to_the_files_of_the_command_line(
    window, qtbot, file, simulation, tmp_path, monkeypatch, sittings
) -> None:
    window.window._qt_window.resize(1600, 1000)
    open_by_menu(window, file, monkeypatch, qtbot)
    qtbot.waitUntil(lambda: find_dock(window, MAPPER) is not None, timeout=LONG)
    mapper = find_dock(window, MAPPER)
    qtbot.waitUntil(lambda: mapper.desk.session is not None, timeout=LONG)
    session = mapper.desk.session
    assert scan_of(window.layers[0]) is session.scan

    turn_to(qtbot, mapper, mapper.label_page)
    click(qtbot, mapper.label_page.paper_button)
    mapper.label_page.step_box.setValue(5)
    click(qtbot, mapper.label_page.propose_button)
    assert window.layers.selection.active.name == "Sample points"
    label_all(qtbot, window, session, simulation)
    grid = len(session.labels)
    diffraction = find_dock(window, DIFFRACTION)
    click(qtbot, mapper.label_page.propose_button)
    qtbot.waitUntil(lambda: diffraction.showing.position == session.current, timeout=LONG)
    label_all(qtbot, window, session, simulation)
    assert len(session.labels) > grid
    qtbot.keyClick(canvas_of(window), Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert session.current is not None  # the last label is taken back, and its point chosen
    label_all(qtbot, window, session, simulation)

    turn_to(qtbot, mapper, mapper.train_page)
    click(qtbot, mapper.train_page.train_button)
    qtbot.waitUntil(lambda: mapper.training.running is False and session.model is not None, timeout=LONG)
    assert session.model.record.converged
    qtbot.waitUntil(lambda: session.segmentation.is_current and not mapper.mapping.running, timeout=LONG)
    qtbot.waitUntil(lambda: "Domains" in window.layers, timeout=LONG)
    qtbot.waitUntil(lambda: np.array_equal(window.layers["Domains"].data, session.domain_map.classes_image))
    assert set(np.unique(window.layers["Domains"].data)) <= {1, 2, 3}
    assert {"Domain probabilities", "Confidence"} <= {layer.name for layer in window.layers}

    turn_to(qtbot, mapper, mapper.export_page)
    page = mapper.export_page
    page.folder.setText(str(tmp_path / "from_window"))
    page.name.setText("boracite")
    page.labels.setChecked(True)
    page.model.setChecked(True)
    click(qtbot, page.export_button)
    qtbot.waitUntil(lambda: not page.background.busy, timeout=LONG)

    written = tmp_path / "from_window"
    (labels,) = written.glob("*labels*.csv")
    model, maps = tmp_path / "model.safetensors", tmp_path / "from_command_line"
    train = ["train", str(file), "--labels", str(labels), "--out", str(model)]
    assert run(train) == 0
    assert run(["map", str(file), "--model", str(model), "--out", str(maps)]) == 0
    for name in ("boracite_classes.tif", "boracite_confidence.tif", "boracite_rgb.png", "boracite_domains.csv"):
        assert (written / name).read_bytes() == (maps / name).read_bytes(), name

    window.close()
    assert any(sittings.rglob("journal.jsonl"))
