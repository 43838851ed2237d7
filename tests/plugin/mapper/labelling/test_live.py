"""The live map beside the labels: made, shown, and never stale."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_ghosthunter.errors import TrainingError
from napari_ghosthunter.plugin.layers import bare
from napari_ghosthunter.plugin.mapper.desk import Desk
from napari_ghosthunter.plugin.mapper.labelling import live_bar, live_work
from napari_ghosthunter.plugin.mapper.labelling.label_page import LabelPage
from napari_ghosthunter.plugin.mapper.labelling.sample_points import SamplePoints
from napari_ghosthunter.plugin.scan_image import scan_layer
from napari_ghosthunter.session.session import Session

LIVE, SURE = "Live map", "Live confidence"
LONG = 60_000


@pytest.fixture
def page(qtbot, desk):
    page = LabelPage(desk, SamplePoints(desk))
    qtbot.addWidget(page)
    return page


def label_some(session, sample, step=4) -> None:
    for name in sample.names:
        session.labels.add_class(name)
    session.propose(step)
    while session.current is not None:
        session.label_current(sample.names[sample.truth[session.current]])


def settled(qtbot, session) -> None:
    """Wait until the map is of the labels of now, and all is known of it."""
    live = session.live
    qtbot.waitUntil(lambda: live.complete and live.settling is not None, timeout=LONG)
    qtbot.waitUntil(lambda: live.settling.labels[-1] == len(session.labels), timeout=LONG)
    qtbot.wait(20)


def shown_is_the_map(viewer, session) -> bool:
    return np.array_equal(viewer.layers[LIVE].data, session.live.domain_map.classes_image)


def test_labels_of_two_classes_bring_the_map(qtbot, page, desk, viewer, sample) -> None:
    session, bar = desk.session, page.live
    assert bar.state.text() == live_bar.NEEDS
    assert not page.unsure_button.isEnabled()
    label_some(session, sample)
    assert bar.work.running
    assert "Looking at all patterns" in bar.state.text()
    settled(qtbot, session)
    assert bar.state.text() == ""
    assert shown_is_the_map(viewer, session)
    assert not viewer.layers[SURE].visible
    np.testing.assert_array_equal(viewer.layers[SURE].data, session.live.domain_map.confidence)
    np.testing.assert_array_equal(viewer.layers[LIVE].scale, desk.layer.scale)
    names = [layer.name for layer in viewer.layers]
    assert names.index(SURE) < names.index(LIVE) < names.index("Sample points")
    assert "The last 5 labels changed" in bar.words.text()
    assert page.progress.text().endswith("press Uncertain points for more, or train.")
    page.unsure_button.click()
    assert "unlike any labelled one: 1" in page.note.text()
    assert session.model is None


def test_it_follows_labels_undo_and_classes(qtbot, page, desk, viewer, sample) -> None:
    session = desk.session
    label_some(session, sample)
    settled(qtbot, session)
    before = viewer.layers[LIVE].data.copy()
    spots = list(session.labels)
    session.labels.label_many(dict.fromkeys(spots[::2], "none"))
    qtbot.waitUntil(lambda: not np.array_equal(viewer.layers[LIVE].data, before))
    session.undo()
    qtbot.waitUntil(lambda: np.array_equal(viewer.layers[LIVE].data, before))
    session.labels.recolour_class("none", "#123456")
    qtbot.waitUntil(lambda: session.live.domain_map.classes.colours[0] == "#123456")
    assert np.allclose(viewer.layers[LIVE].colormap.color_dict[1][:3], np.array([0x12, 0x34, 0x56]) / 255, atol=0.01)
    session.labels.remove_class("none")
    qtbot.waitUntil(lambda: "none" not in session.live.domain_map.classes.names)
    session.labels.label_many(dict.fromkeys(session.labels, "vertical"))
    qtbot.waitUntil(lambda: session.live.domain_map is None)
    assert not viewer.layers[LIVE].data.any()
    assert page.live.words.text() == ""
    assert not page.unsure_button.isEnabled()


def test_off_and_on_again(qtbot, page, desk, viewer, sample, monkeypatch) -> None:
    kept = []
    monkeypatch.setattr(live_bar, "remember", lambda **chosen: kept.append(chosen))
    session = desk.session
    label_some(session, sample)
    settled(qtbot, session)
    page.live.tick.click()
    assert kept == [{"live": False}]
    qtbot.waitUntil(lambda: LIVE not in viewer.layers)
    assert session.live.domain_map is None
    session.labels.label(next(iter(session.labels)), None)
    qtbot.wait(100)
    assert session.live.domain_map is None
    page.live.tick.click()
    settled(qtbot, session)
    assert shown_is_the_map(viewer, session)


def test_a_layer_that_is_deleted_stays_away(qtbot, page, desk, viewer, sample) -> None:
    session = desk.session
    label_some(session, sample)
    settled(qtbot, session)
    viewer.layers.remove(LIVE)
    session.undo()
    settled(qtbot, session)
    assert LIVE not in viewer.layers
    assert SURE in viewer.layers


def test_nothing_is_left_when_the_session_goes(qtbot, page, desk, viewer, layer, sample) -> None:
    session = desk.session
    label_some(session, sample)
    assert page.live.work.running
    desk.close()
    qtbot.wait(50)
    assert not page.live.work.running
    assert session.live.share == 0
    desk.open(layer)
    qtbot.waitUntil(lambda: bool(desk.past))
    desk.go_on(desk.past[0])
    qtbot.waitUntil(lambda: desk.session is not None)
    settled(qtbot, desk.session)  # it comes by itself
    assert shown_is_the_map(viewer, desk.session)
    viewer.layers.remove(layer)
    qtbot.wait(50)
    assert [one.name for one in viewer.layers] == []


def test_what_takes_minutes_is_asked_for(qtbot, page, desk, sample, monkeypatch) -> None:
    monkeypatch.setattr(live_work, "PATIENCE_S", -1.0)
    from napari_ghosthunter.mapping import live as live_module

    whole = live_module.stream
    monkeypatch.setattr(live_module, "stream", lambda *a, **k: whole(*a, **k, block_bytes=20 * 48 * 48 * 4))
    label_some(desk.session, sample)
    qtbot.waitUntil(lambda: page.live.work.waits_s is not None, timeout=LONG)
    assert not page.live.ask_button.isHidden()
    assert "takes about" in page.live.state.text()
    desk.session.undo()
    assert not page.live.work.running
    page.live.ask_button.click()
    settled(qtbot, desk.session)
    assert page.live.ask_button.isHidden()


def test_why_it_cannot_be_is_said(qtbot, page, desk, sample) -> None:
    def fail() -> str:
        return "tpu"

    page.live.work.device = fail
    label_some(desk.session, sample)
    qtbot.waitUntil(lambda: "no device 'tpu'" in page.live.state.text(), timeout=LONG)
    assert not page.live.work.running
    with pytest.raises(TrainingError):
        desk.session.live.find("tpu")


def test_a_click_in_the_window(window, qtbot, sample) -> None:
    window.window._qt_window.resize(1200, 800)
    data, arguments, _ = scan_layer(sample.scan)
    bare(window.add_image(data, **arguments))
    desk = Desk(window)
    page = LabelPage(desk, SamplePoints(desk))
    window.window.add_dock_widget(page, area="right", name="Domain mapper")
    desk.wake()
    qtbot.waitUntil(lambda: desk.session is not None)
    session = desk.session
    qtbot.waitUntil(lambda: session.live.complete, timeout=LONG)  # the page is seen: it gets ready
    assert LIVE not in window.layers
    page.paper_button.click()
    page.propose_button.click()
    native = window.window._qt_viewer.canvas.native
    for key in (Qt.Key.Key_2, Qt.Key.Key_3):
        qtbot.keyClick(native, key)
    qtbot.waitUntil(lambda: LIVE in window.layers, timeout=LONG)
    assert window.layers[LIVE].visible
    assert set(np.unique(window.layers[LIVE].data)) <= {1, 2}
    assert window.layers.selection.active.name == "Sample points"
    qtbot.keyClick(native, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: not window.layers[LIVE].data.any(), timeout=LONG)
    desk.sleep()
    qtbot.wait(50)


def test_the_map_of_a_model_is_seen_on_other_pages(qtbot, page, desk, viewer, sample, make_model, mapped) -> None:
    from napari_ghosthunter.plugin.mapper.mapping.map_layers import MapLayers

    session = desk.session
    maps = MapLayers(desk)
    maps._turn(session)
    label_some(session, sample)
    page.show()
    settled(qtbot, session)
    assert viewer.layers[LIVE].visible
    session.training.use_model(make_model(sample.scan.detector_shape, sample.names))
    mapped(session)
    qtbot.waitUntil(lambda: "Domains" in viewer.layers)
    names = [layer.name for layer in viewer.layers]
    assert names.index("Domains") < names.index(LIVE) < names.index("Sample points")
    page.hide()
    assert not viewer.layers[LIVE].visible
    page.show()
    assert viewer.layers[LIVE].visible
    viewer.layers[LIVE].visible = False
    page.hide()
    page.show()
    assert not viewer.layers[LIVE].visible, "the user's choice"


def test_figures_of_earlier_labels_are_said_to_be_such(qtbot, page, desk, sample) -> None:
    session, words = desk.session, page.live.words
    label_some(session, sample)
    settled(qtbot, session)
    count = len(session.labels)
    before = words.text()
    assert "labels before" not in before
    session.undo()
    assert f"of the {count} labels before" in words.text()
    settled(qtbot, session)
    assert "labels before" not in words.text()
    session.redo()
    settled(qtbot, session)
    assert words.text() == before
    session.labels.remove_class("vertical")
    assert f"of the {count} labels before" in words.text()
    settled(qtbot, session)
    assert "labels before" not in words.text()
    held_out = session.live.settling.held_out
    assert held_out is None or held_out.names == ("none", "horizontal")


@pytest.fixture
def both(qtbot, page, desk, viewer, sample, make_model, mapped):
    """The live map in front, and the map of a model that makes room for it."""
    from napari_ghosthunter.plugin.mapper.mapping.map_layers import MapLayers

    maps = MapLayers(desk)
    maps._turn(desk.session)
    label_some(desk.session, sample)
    page.show()
    settled(qtbot, desk.session)
    desk.session.training.use_model(make_model(sample.scan.detector_shape, sample.names))
    mapped(desk.session)
    qtbot.waitUntil(lambda: "Domains" in viewer.layers)
    assert eyes(viewer) == (True, False)
    return maps


def eyes(viewer):
    """Whether the live map is seen, and the map of the model."""
    return viewer.layers[LIVE].visible, viewer.layers["Domains"].visible


def test_hiding_the_live_map_shows_no_other(qtbot, page, desk, viewer, both) -> None:
    viewer.layers[LIVE].visible = False
    assert eyes(viewer) == (False, False)
    desk.session.undo()
    settled(qtbot, desk.session)
    assert eyes(viewer) == (False, False)
    viewer.add_image(np.ones((3, 3)))  # neither does anything that comes
    assert eyes(viewer) == (False, False)
    page.hide()
    assert eyes(viewer) == (False, True)
    page.show()
    assert eyes(viewer) == (False, True)
    viewer.layers[LIVE].visible = True
    assert eyes(viewer) == (True, False)


def test_the_map_of_a_model_stays_as_the_user_has_it(qtbot, page, desk, viewer, both) -> None:
    domains = viewer.layers["Domains"]
    domains.visible = True
    desk.session.undo()
    settled(qtbot, desk.session)
    assert eyes(viewer) == (True, True)
    domains.visible = False
    page.hide()
    assert eyes(viewer) == (False, False), "he has hidden it last"


def test_a_live_map_that_is_shown_on_another_page_stays_there(page, viewer, both) -> None:
    page.hide()
    viewer.layers[LIVE].visible = True
    viewer.add_image(np.ones((3, 3)))
    assert eyes(viewer) == (True, True)
    page.show()
    page.hide()
    assert eyes(viewer) == (True, True)
    viewer.layers[LIVE].visible = False
    page.show()
    assert eyes(viewer) == (True, False)


def test_two_sessions_share_nothing(qtbot, page, desk, sample) -> None:
    label_some(desk.session, sample)
    settled(qtbot, desk.session)
    desk.take(Session(sample.scan))
    assert desk.session.live.domain_map is None
    assert page.live.words.text() == ""
