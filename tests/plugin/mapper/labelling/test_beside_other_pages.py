"""Points and live map as the pages of the dock are turned, with real clicks and keys."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog

from napari_ghosthunter.plugin.docks import MAPPER, open_dock
from napari_ghosthunter.plugin.layers import bare
from napari_ghosthunter.plugin.mapper.labelling.point_layers import HELP
from napari_ghosthunter.plugin.scan_image import scan_layer
from napari_ghosthunter.plugin.window import canvas_of

LONG = 60_000
LIVE, DOMAINS = "Live map", "Domains"


@pytest.fixture
def mapper(qtbot, window, sample):
    data, arguments, _ = scan_layer(sample.scan)
    window.add_image(data, **arguments)
    mapper = open_dock(window, MAPPER)
    qtbot.waitUntil(lambda: mapper.desk.session is not None, timeout=LONG)
    for name in sample.names:
        mapper.desk.session.labels.add_class(name)
    mapper.show_page(mapper.label_page)
    return mapper


@pytest.fixture
def click(qtbot, window, mapper, mouse, on_screen):
    """Give a function that clicks on a position of the scan."""

    def at(position):
        qtbot.wait(50)
        place = on_screen(window, canvas_of(window), np.asarray(mapper.desk.layer.data_to_world(position)))
        for kind in ("MouseMove", "MouseButtonPress", "MouseButtonRelease"):
            mouse(canvas_of(window), kind, *place)

    return at


def test_a_click_adds_a_point_on_the_page_for_labels_only(qtbot, window, mapper, click) -> None:
    session = mapper.desk.session
    mapper.label_page.show_button.click()
    click((3, 4))
    assert list(session.labels.points) == [(3, 4)]
    mapper.points.layer.mode = "select"
    mapper.points.layer.mode = "pan_zoom"
    assert window.help == HELP  # and not napari's, of keys that are ours
    for page in (mapper.scan_page, mapper.train_page, mapper.map_page, mapper.export_page):
        mapper.show_page(page)
        click((8, 15))
        assert list(session.labels.points) == [(3, 4)]
    mapper.show_page(mapper.label_page)
    click((8, 15))
    assert list(session.labels.points) == [(3, 4), (8, 15)]
    mapper.show_page(mapper.map_page)
    click((3, 4))  # what is there can be chosen from everywhere
    assert session.current == (3, 4)


def test_the_map_of_the_model_makes_way_for_the_live_one(qtbot, window, mapper, sample, make_model, mapped) -> None:
    session, layers = mapper.desk.session, window.layers
    session.propose(4)
    while session.current is not None:
        session.label_current(sample.names[sample.truth[session.current]])
    qtbot.waitUntil(lambda: LIVE in layers and session.live.complete, timeout=LONG)
    mapper.show_page(mapper.map_page)
    session.training.use_model(make_model((48, 48), sample.names))
    mapped(session)
    qtbot.waitUntil(lambda: DOMAINS in layers, timeout=LONG)

    def seen():
        return bare(layers[DOMAINS]).visible, LIVE in layers and bare(layers[LIVE]).visible

    assert seen() == (True, False)
    mapper.show_page(mapper.label_page)
    assert seen() == (False, True)
    layers[LIVE].visible = False
    assert seen() == (False, False)
    layers[LIVE].visible = True
    assert seen() == (False, True)
    session.undo()  # another live map
    session.redo()
    qtbot.waitUntil(lambda: session.live.complete, timeout=LONG)
    assert seen() == (False, True)
    layers[DOMAINS].visible = True  # the user wants both
    session.undo()
    qtbot.wait(300)
    assert seen() == (True, True)
    mapper.show_page(mapper.map_page)
    assert seen() == (True, False)
    layers[DOMAINS].visible = False  # or neither
    for page in (mapper.label_page, mapper.map_page):
        mapper.show_page(page)
    assert seen() == (False, False)
    layers[DOMAINS].visible = True
    mapper.show_page(mapper.label_page)
    qtbot.mouseClick(
        mapper.label_page.live.tick, Qt.MouseButton.LeftButton, pos=mapper.label_page.live.tick.rect().center() * 0.1
    )
    assert not mapper.label_page.live.tick.isChecked()
    assert bare(layers[DOMAINS]).visible


def test_after_an_import_the_keys_label_at_once(qtbot, window, mapper, tmp_path, monkeypatch) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("scan_y,scan_x,label\n1,2,vertical\n3,4,horizontal\n")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    session = mapper.desk.session
    session.add_point((5, 6))
    window.layers.selection.active = mapper.desk.layer
    qtbot.mouseClick(mapper.label_page.import_button, Qt.MouseButton.LeftButton)
    assert len(session.labels) == 2
    assert window.layers.selection.active is mapper.points.layer
    assert session.current == (5, 6)
    qtbot.keyClick(window.window._qt_window.focusWidget(), Qt.Key.Key_1)
    assert session.labels[5, 6] == "none"
