"""The docks open with a scan, and the steps are commands of the palette."""

from __future__ import annotations

import numpy as np
import pytest
from napari._app_model import get_app_model
from npe2 import PluginManifest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog

from napari_ghosthunter.plugin import commands
from napari_ghosthunter.plugin.diffraction.dock import DiffractionViewer
from napari_ghosthunter.plugin.docks import DIFFRACTION, MAPPER, find_dock, open_dock, open_docks
from napari_ghosthunter.plugin.layers import bare
from napari_ghosthunter.plugin.mapper.dock import DomainMapper
from napari_ghosthunter.plugin.mapper.labelling import point_keys
from napari_ghosthunter.plugin.own_context import delete_in_own_context
from napari_ghosthunter.plugin.scan_image import scan_layer
from napari_ghosthunter.plugin.window import canvas_of
from napari_ghosthunter.scan.scan import Scan

LONG = 60_000


@pytest.fixture
def mapper(window, scan_file, qtbot):
    window.open(scan_file, plugin="napari-ghosthunter")
    qtbot.waitUntil(lambda: find_dock(window, MAPPER) is not None, timeout=LONG)
    mapper = find_dock(window, MAPPER)
    qtbot.waitUntil(lambda: mapper.desk.session is not None, timeout=LONG)
    return mapper


def test_both_open_with_a_scan_and_once_only(window, mapper, scan_file, qtbot) -> None:
    diffraction = find_dock(window, DIFFRACTION)
    assert diffraction.isVisible()
    assert mapper.isVisible()
    window.open(scan_file, plugin="napari-ghosthunter")
    qtbot.wait(100)
    open_docks(window)
    assert find_dock(window, MAPPER) is mapper
    assert find_dock(window, DIFFRACTION) is diffraction
    assert len(window.window.dock_widgets) == 2


def test_the_menu_knows_the_docks_that_a_scan_opened(window, mapper, qtbot) -> None:
    get_app_model().commands.execute_command("napari-ghosthunter.domain_mapper")
    qtbot.wait(20)
    assert not mapper.isVisible()  # the entry of the menu hides it, and opens no second one
    assert len(window.window.dock_widgets) == 2
    get_app_model().commands.execute_command("napari-ghosthunter.domain_mapper")
    assert mapper.isVisible()


def test_commands_do_the_steps_or_say_what_is_missing(window, mapper, qtbot, monkeypatch) -> None:
    told = []
    monkeypatch.setattr(commands, "tell", told.append)
    commands.train()
    assert mapper.tabs.currentIndex() == 2
    assert told == ["Training needs labels of at least two classes; there are none yet."]
    commands.map_scan()
    assert mapper.tabs.currentIndex() == 3
    assert "needs a model" in told[1]
    session = mapper.desk.session
    session.labels.add_class("a")
    commands.propose_points()
    assert mapper.tabs.currentIndex() == 1
    assert session.labels.points
    commands.export()
    assert mapper.tabs.currentIndex() == 4
    find_dock(window, MAPPER).parent().destroyOnClose()
    commands.open_both()
    assert find_dock(window, MAPPER) is not mapper


def test_a_scan_is_opened_from_the_palette(window, scan_file, monkeypatch, qtbot) -> None:
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([str(scan_file)], ""))
    commands.open_scan()
    assert window.layers[0].metadata["scan"].scan_shape == (6, 10)


def test_every_command_of_the_palette_can_be_called_without_a_file() -> None:
    manifest = PluginManifest.from_distribution("napari-ghosthunter")
    with_a_file = {"get_reader", "write_tiff", "write_png", "write_hdf5", "write_csv"}
    for command in manifest.contributions.commands:
        name = command.id.split(".")[-1]
        assert (command.enablement == "False") == (name in with_a_file), name


def test_the_diffraction_viewer_is_told_whenever_it_opens(window, mapper, qtbot) -> None:
    session = mapper.desk.session
    session.labels.add_class("a", "#123456")
    session.add_point((2, 3))
    session.label_current("a")
    session.add_point((4, 5))
    for _ in range(2):  # the one that opened with the scan, and one that is opened later
        viewer = open_dock(window, DIFFRACTION)
        qtbot.waitUntil(lambda viewer=viewer: viewer.showing.position == (4, 5), timeout=LONG)
        assert viewer.comparing._classes == {"a": ("#123456", [(2, 3)])}
        viewer.parent().destroyOnClose()


def test_the_pattern_takes_no_keys_away_from_the_points(window, mapper, qtbot) -> None:
    session = mapper.desk.session
    session.labels.add_class("a")
    session.add_point((2, 3))
    mapper.points.show()
    diffraction = find_dock(window, DIFFRACTION)
    qtbot.waitUntil(lambda: diffraction.canvas.drawing is not None, timeout=LONG)
    qtbot.mouseClick(diffraction.canvas.drawing.canvas.native, Qt.MouseButton.LeftButton)
    qtbot.keyClick(window.window._qt_window.focusWidget(), "1")  # where a window manager would send it
    assert dict(session.labels) == {(2, 3): "a"}


def test_plugins_get_a_guarded_viewer_and_the_docks_work_with_it(make_napari_viewer_proxy, scan_file, qtbot) -> None:
    viewer = make_napari_viewer_proxy(show=True)
    delete_in_own_context(bare(viewer).window._qt_viewer)
    viewer.open(scan_file, plugin="napari-ghosthunter")
    mapper, diffraction = DomainMapper(viewer), DiffractionViewer(viewer)
    for widget, name in ((mapper, MAPPER), (diffraction, DIFFRACTION)):
        bare(viewer).window.add_dock_widget(widget, name=name, area="right")
    qtbot.waitUntil(lambda: mapper.desk.session is not None and diffraction.showing.frame is not None, timeout=LONG)
    mapper.desk.session.labels.add_class("a")
    mapper.desk.session.add_point((2, 3))
    mapper.points.show()
    qtbot.keyClick(canvas_of(bare(viewer)), "1")
    assert dict(mapper.desk.session.labels) == {(2, 3): "a"}
    assert viewer.layers.selection.active.name == "Sample points"


@pytest.fixture
def labelling(window, mapper, qtbot):
    """Two points wait for a label of class 'a', and the pattern of the first is shown."""
    session = mapper.desk.session
    session.labels.add_class("a")
    session.add_point((4, 5))
    session.add_point((2, 3))
    mapper.points.show()
    diffraction = find_dock(window, DIFFRACTION)
    qtbot.waitUntil(lambda: diffraction.showing.position == (2, 3), timeout=LONG)
    return session, diffraction


def test_a_key_labels_only_what_is_seen(window, mapper, labelling, qtbot, monkeypatch) -> None:
    session, diffraction = labelling
    told = []
    monkeypatch.setattr(point_keys, "tell", told.append)
    diffraction.link.hovered.emit((0, 1))
    assert diffraction.showing.position == (0, 1)
    qtbot.keyClick(canvas_of(window), "1")
    assert dict(session.labels) == {}
    assert told == [point_keys.NOT_SEEN]
    assert diffraction.showing.position == (2, 3)
    qtbot.keyClick(canvas_of(window), "1")
    assert dict(session.labels) == {(2, 3): "a"}


def test_the_pattern_of_the_point_comes_back_when_the_cursor_leaves(window, mapper, labelling) -> None:
    _, diffraction = labelling
    diffraction.link.hovered.emit((0, 1))
    diffraction.link.left.emit()
    assert diffraction.showing.position == (2, 3)


def test_the_patterns_are_those_of_the_scan_that_is_labelled(window, mapper, labelling, qtbot) -> None:
    session, diffraction = labelling
    scan = Scan(np.tile(session.scan.data[:3, :4], 1))
    data, arguments, _ = scan_layer(scan)
    window.add_image(data, **arguments)  # active, and looked at
    qtbot.waitUntil(lambda: diffraction.link.scan is scan, timeout=LONG)
    mapper.points.show()
    qtbot.keyClick(canvas_of(window), "1")
    assert diffraction.link.scan is session.scan
    assert dict(session.labels) == {}
    assert window.layers[0].visible
    assert not window.layers["scan [1]"].visible


def test_what_the_network_sees_follows_the_choices_of_the_page_train(window, mapper, make_model, monkeypatch) -> None:
    session, told = mapper.desk.session, []
    monkeypatch.setattr(find_dock(window, DIFFRACTION), "set_patterns", told.append)
    session.pattern_config = session.pattern_config.model_copy(update={"pool": "mean"})
    assert told[-1] == session.pattern_config
    model = make_model((16, 16), ("a", "b"))
    session.training.use_model(model)
    assert told[-1] is model.patterns
    session.pattern_config = session.pattern_config.model_copy(update={"pool": "max"})
    assert told[-1] == session.pattern_config, "what the next training will see"
    session.training.use_model(make_model((16, 16), ("a", "b"), seed=1))
    assert told[-1] is session.model.patterns
    session.pattern_config = session.model.patterns.config
    assert told[-1] is session.model.patterns
