"""Labelling in a real window, with the mouse and the keyboard."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.plugin.layers import bare
from napari_ghosthunter.plugin.mapper.desk import Desk
from napari_ghosthunter.plugin.mapper.labelling import point_keys
from napari_ghosthunter.plugin.mapper.labelling.label_page import LabelPage
from napari_ghosthunter.plugin.mapper.labelling.sample_points import SamplePoints
from napari_ghosthunter.plugin.scan_image import scan_layer

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def told(monkeypatch):
    messages = []
    monkeypatch.setattr(point_keys, "tell", messages.append)
    return messages


@pytest.fixture
def shown(window, qtbot, mouse, on_screen, sample):
    """The page beside a scan, with three classes."""
    window.window._qt_window.resize(1200, 800)
    data, arguments, _ = scan_layer(sample.scan)
    layer = bare(window.add_image(data, **arguments))
    desk = Desk(window)
    points = SamplePoints(desk)
    page = LabelPage(desk, points)
    window.window.add_dock_widget(page, area="right", name="Domain mapper")
    desk.wake()
    qtbot.waitUntil(lambda: desk.session is not None)
    desk.session.labels.set_classes(ClassScheme.from_names(["none", "vertical", "horizontal"]))
    native = window.window._qt_viewer.canvas.native
    qtbot.wait(100)
    yield SimpleNamespace(
        viewer=window,
        layer=layer,
        desk=desk,
        points=points,
        page=page,
        native=native,
        session=desk.session,
        mouse=mouse,
        on_screen=on_screen,
    )
    desk.sleep()
    qtbot.wait(20)


def send(shown, kind: str, position: tuple[float, float], aside: float = 0) -> None:
    """Send a mouse event at a position of the scan, or some pixels right of it."""
    viewer, native = shown.viewer, shown.native
    world = np.asarray(shown.layer.data_to_world(position))[list(viewer.dims.displayed)]
    x, y = shown.on_screen(viewer, native, world)
    shown.mouse(native, kind, x + aside, y)


def click(shown, position: tuple[float, float], drag: float = 0) -> None:
    send(shown, "MouseMove", position)
    send(shown, "MouseButtonPress", position)
    if drag:
        send(shown, "Drag", position, drag / 2)
        send(shown, "Drag", position, drag)
    send(shown, "MouseButtonRelease", position, drag)


def press(qtbot, shown, key, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    qtbot.keyClick(shown.native, key, modifier)


def test_keys_label_point_after_point(qtbot, shown, told) -> None:
    session = shown.session
    shown.page.step_box.setValue(6)
    shown.page.propose_button.click()
    assert shown.viewer.window._qt_window.focusWidget() is shown.native
    order = list(session.labels.points)
    for key in (Qt.Key.Key_1, Qt.Key.Key_2, Qt.Key.Key_3, Qt.Key.Key_2):
        press(qtbot, shown, key)
    assert [session.labels.get(spot) for spot in order[:5]] == ["none", "vertical", "horizontal", "vertical", None]
    press(qtbot, shown, Qt.Key.Key_N, SHIFT)
    assert session.current == order[3]
    press(qtbot, shown, Qt.Key.Key_Backspace)
    assert order[3] not in session.labels
    assert session.current == order[3]
    press(qtbot, shown, Qt.Key.Key_Delete)
    assert order[3] not in session.labels.points
    for _ in range(3):
        press(qtbot, shown, Qt.Key.Key_Z, CTRL)
    assert order[3] not in session.labels
    assert len(session.labels) == 3
    press(qtbot, shown, Qt.Key.Key_Z, CTRL | SHIFT)
    assert session.labels[order[3]] == "vertical"
    press(qtbot, shown, Qt.Key.Key_Z, CTRL)
    press(qtbot, shown, Qt.Key.Key_Y, CTRL)
    assert session.labels[order[3]] == "vertical"
    assert shown.viewer.dims.ndisplay == 2  # which napari's Ctrl+Y would have changed
    press(qtbot, shown, Qt.Key.Key_N)
    assert session.current == order[5]
    assert told == []


def test_keys_without_a_class_do_no_harm(qtbot, shown, told) -> None:
    session, labels = shown.session, shown.session.labels
    press_all = [getattr(Qt.Key, f"Key_{number}") for number in range(4, 10)]
    shown.page.propose_button.click()
    layer, count = shown.points.layer, len(labels.points)
    for key in press_all:
        press(qtbot, shown, key)
    assert layer.mode == "pan_zoom"
    assert len(told) == 6
    assert told[3] == "Key 7 has no class. Keys: 1 none, 2 vertical, 3 horizontal."
    labels.remove_class("none")
    press(qtbot, shown, Qt.Key.Key_A)  # napari selects all points
    press(qtbot, shown, Qt.Key.Key_1)  # and would delete them
    qtbot.wait(20)
    assert len(labels.points) == len(layer.data) == count
    assert len(labels) == 0
    labels.add_class("first again")  # takes the free key
    press(qtbot, shown, Qt.Key.Key_1)
    assert dict(labels) == {(0, 0): "first again"}
    assert session.current != (0, 0)


def test_without_a_current_point_it_says_what_to_do(qtbot, shown, told) -> None:
    shown.page.show_button.click()
    for key in (Qt.Key.Key_1, Qt.Key.Key_Backspace, Qt.Key.Key_Delete):
        press(qtbot, shown, key)
    assert told == [point_keys.NO_POINT] * 3
    shown.session.labels.set_classes(ClassScheme())
    press(qtbot, shown, Qt.Key.Key_1)
    assert told[-1] == point_keys.NO_CLASSES


def test_napari_has_its_keys_back_on_other_layers(qtbot, shown, told) -> None:
    shown.page.propose_button.click()
    session, viewer = shown.session, shown.viewer
    viewer.layers.selection.active = shown.layer
    shown.native.setFocus()
    press(qtbot, shown, Qt.Key.Key_2)
    assert shown.layer.mode == "transform"  # napari's own 2 of an image
    press(qtbot, shown, Qt.Key.Key_1)
    assert shown.layer.mode == "pan_zoom"
    assert len(session.labels) == 0
    other = bare(viewer.add_points(np.array([[1, 1], [2, 2]]), name="others"))
    other.selected_data = {0}
    press(qtbot, shown, Qt.Key.Key_1)
    assert len(other.data) == 1
    press(qtbot, shown, Qt.Key.Key_3)
    assert other.mode == "select"
    press(qtbot, shown, Qt.Key.Key_Y, CTRL)
    assert viewer.dims.ndisplay == 3
    press(qtbot, shown, Qt.Key.Key_Y, CTRL)
    assert len(session.labels) == 0
    viewer.layers.selection.active = shown.points.layer
    press(qtbot, shown, Qt.Key.Key_2)
    assert dict(session.labels) == {(0, 0): "vertical"}


def test_keys_work_after_a_click_in_the_dock(qtbot, shown) -> None:
    shown.page.propose_button.click()
    shown.page.table.setFocus()
    shown.page.table.setCurrentCell(1, 1)
    qtbot.keyClick(shown.page.table, Qt.Key.Key_2)
    assert dict(shown.session.labels) == {(0, 0): "vertical"}
    shown.page.undo_button.setFocus()
    qtbot.keyClick(shown.page.undo_button, Qt.Key.Key_1)
    assert len(shown.session.labels) == 2


@pytest.mark.parametrize(
    ("place", "order"),
    [
        ({}, (0, 1)),
        ({"scale": (-3.0, 2.0)}, (0, 1)),
        ({"scale": (2.0, -2.0), "translate": (70.0, -30.0)}, (0, 1)),
        ({}, (1, 0)),
        ({"scale": (-1.0, 2.0), "translate": (5.0, 8.0)}, (1, 0)),
    ],
)
def test_a_click_adds_a_point_or_chooses_one(qtbot, shown, place, order) -> None:
    for name, value in place.items():
        setattr(shown.layer, name, value)
    shown.viewer.dims.order = order
    shown.viewer.reset_view()
    shown.page.show_button.click()
    qtbot.wait(50)
    clicked = [(0, 0), (11, 1), (2, 19), (5.3, 8.4), (4.6, 12.4)]
    for position in clicked:
        click(shown, position)
    spots = [tuple(round(number) for number in position) for position in clicked]
    assert list(shown.session.labels.points) == spots
    assert shown.session.current == spots[-1]
    click(shown, (0.2, 0.1))
    assert shown.session.current == (0, 0)
    click(shown, (2.45, 18.6))  # in the corner of its pixel
    assert shown.session.current == (2, 19)
    assert len(shown.session.labels.points) == len(spots)
    press(qtbot, shown, Qt.Key.Key_3)
    assert dict(shown.session.labels) == {(2, 19): "horizontal"}


def test_a_click_beside_the_scan_does_nothing(qtbot, shown) -> None:
    shown.page.show_button.click()
    shown.viewer.scene.camera.zoom /= 2
    qtbot.wait(50)
    click(shown, (-3, 5))
    click(shown, (5, 21))
    assert not shown.session.labels.points
    click(shown, (5, 19))
    assert list(shown.session.labels.points) == [(5, 19)]


def test_a_drag_still_pans(qtbot, shown) -> None:
    shown.page.show_button.click()
    before = shown.viewer.scene.camera.center
    click(shown, (5, 5), drag=60)
    assert not shown.session.labels.points
    assert shown.viewer.scene.camera.center != before


def test_clicks_on_other_layers_are_not_ours(qtbot, shown) -> None:
    shown.page.propose_button.click()
    count = len(shown.session.labels.points)
    shown.viewer.layers.selection.active = shown.layer
    click(shown, (4, 4))
    assert len(shown.session.labels.points) == count


def test_zoomed_out_a_point_is_chosen_where_it_is_drawn(qtbot, shown) -> None:
    shown.session.add_point((6, 6))
    shown.session.add_point((2, 15))
    shown.points.show()
    shown.viewer.scene.camera.zoom = 1.5 / 2  # 1.5 screen pixels for a scan step of 2 nm; points are 9 wide
    qtbot.wait(50)
    click(shown, (4, 7))
    assert shown.session.current == (6, 6)
    assert len(shown.session.labels.points) == 2


def test_hover_tells_the_reason(qtbot, shown) -> None:
    shown.page.propose_button.click()
    session, viewer = shown.session, shown.viewer
    session.label_current("vertical")
    for position, words in (((0, 0), "vertical; grid"), ((0, 3), "not labelled; grid"), ((1, 5), "")):
        send(shown, "MouseMove", position)
        assert shown.native.toolTip() == words
    send(shown, "MouseMove", (0, 0))
    viewer.cursor.position = shown.layer.data_to_world((0, 0))
    status = shown.points.layer.get_status(viewer.cursor.position, dims_displayed=[0, 1], world=True)
    assert "label: vertical, reason: grid" in status["coordinates"]
    shown.desk.close()
    assert shown.native.toolTip() == ""


def test_the_window_may_be_closed_while_points_are_shown(qtbot, shown) -> None:
    shown.page.propose_button.click()
    send(shown, "MouseMove", (0, 0))
    assert shown.native.toolTip()
    shown.viewer.close()
    shown.desk.sleep()
    qtbot.wait(50)
    assert shown.points.layer is None


@pytest.fixture
def among_layers(shown):
    """Two points, the page in sight, and a layer of somebody else."""
    shown.points.listening.labelling = lambda: True
    shown.session.add_point((2, 3))
    shown.session.add_point((7, 12))
    shown.points.show()
    shown.foreign = bare(shown.viewer.add_image(np.ones((4, 4)), name="foreign"))
    return shown


def choose_in_list(qtbot, shown, layer) -> None:
    """Click on a layer in the list of layers, which takes the keyboard, too."""
    view = shown.viewer.window._qt_viewer.layers
    row = len(shown.viewer.layers) - 1 - shown.viewer.layers.index(layer)
    place = view.visualRect(view.model().index(row, 0)).center()
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    view.setFocus()
    assert bare(shown.viewer.layers.selection.active) is layer


def type_key(qtbot, shown, key) -> None:
    """Press a key wherever the keyboard is."""
    qtbot.keyClick(shown.viewer.window._qt_window.focusWidget(), key)


def test_keys_and_clicks_label_whichever_of_our_layers_is_selected(qtbot, among_layers) -> None:
    shown, session = among_layers, among_layers.session
    for number, layer in enumerate((shown.layer, shown.points.ring, shown.points.layer), 1):
        choose_in_list(qtbot, shown, layer)
        assert shown.page.select_button.isHidden()
        assert "1 none" in shown.page.hint.text()
        click(shown, (2, 3))
        assert session.current == (2, 3)
        type_key(qtbot, shown, getattr(Qt.Key, f"Key_{number}"))
        assert session.labels[2, 3] == ("none", "vertical", "horizontal")[number - 1]
        session.make_current((2, 3))
        before = len(session.labels.points)
        click(shown, (10, 2 * number))
        assert len(session.labels.points) == before + 1, "a click adds one"
    shown.layer.mode = "transform"
    choose_in_list(qtbot, shown, shown.layer)
    click(shown, (5, 5))
    assert (5, 5) not in session.labels.points, "that tool has clicks of its own"


def test_a_layer_of_somebody_else_keeps_its_keys_and_the_page_says_so(qtbot, among_layers) -> None:
    shown, session = among_layers, among_layers.session
    choose_in_list(qtbot, shown, shown.foreign)
    type_key(qtbot, shown, Qt.Key.Key_1)
    click(shown, (5, 5))
    assert not dict(session.labels)
    assert (5, 5) not in session.labels.points
    assert "label nothing" in shown.page.hint.text()
    qtbot.mouseClick(shown.page.select_button, Qt.MouseButton.LeftButton)
    assert shown.page.select_button.isHidden()
    assert "1 none" in shown.page.hint.text()
    type_key(qtbot, shown, Qt.Key.Key_1)
    assert list(session.labels.values()) == ["none"]


def test_keys_are_given_back_when_nothing_is_labelled(qtbot, among_layers) -> None:
    shown, session = among_layers, among_layers.session
    choose_in_list(qtbot, shown, shown.layer)
    shown.points.layer.visible = False
    type_key(qtbot, shown, Qt.Key.Key_1)
    shown.points.layer.visible = True
    shown.points.listening.labelling = lambda: False
    shown.points.listening.follow()
    type_key(qtbot, shown, Qt.Key.Key_1)
    assert not dict(session.labels)
    shown.points.listening.labelling = lambda: True
    shown.points.listening.follow()
    session.labels.add_class("more")  # whose key is 4
    type_key(qtbot, shown, Qt.Key.Key_4)
    assert list(session.labels.values()) == ["more"]
    keys = set(map(str, shown.layer.keymap))
    shown.desk.close()
    assert keys
    assert not shown.layer.keymap
    assert not shown.layer.mouse_drag_callbacks


def test_points_at_the_edges_of_a_scan_that_is_seen_whole_move_nothing(qtbot, shown) -> None:
    session, camera = shown.session, shown.viewer.scene.camera
    shown.viewer.reset_view()
    qtbot.wait(50)
    before = camera.center, camera.zoom
    for spot in ((0, 0), (11, 19), (0, 19), (11, 0), (5, 0), (0, 9)):
        session.add_point(spot)
    shown.points.show()
    for _ in range(6):
        press(qtbot, shown, Qt.Key.Key_N)
        assert (camera.center, camera.zoom) == before


def test_the_current_point_comes_into_view(qtbot, shown) -> None:
    session, camera = shown.session, shown.viewer.scene.camera
    for spot in ((1, 1), (2, 2), (10, 18)):
        session.add_point(spot)
    session.make_current((1, 1))
    shown.points.show()
    camera.zoom *= 3
    camera.center = (0, *shown.layer.data_to_world((1, 1)))
    before = camera.zoom
    press(qtbot, shown, Qt.Key.Key_N)
    assert session.current == (2, 2)
    np.testing.assert_allclose(camera.center[-2:], shown.layer.data_to_world((1, 1)), err_msg="it is seen already")
    press(qtbot, shown, Qt.Key.Key_N)
    assert session.current == (10, 18)
    np.testing.assert_allclose(camera.center[-2:], shown.layer.data_to_world((10, 18)))
    assert camera.zoom == before
    press(qtbot, shown, Qt.Key.Key_N, SHIFT)
    np.testing.assert_allclose(camera.center[-2:], shown.layer.data_to_world((2, 2)))
    native, world = shown.native, shown.layer.data_to_world((2, 2))
    x, y = shown.on_screen(shown.viewer, native, world)
    assert (abs(x - native.width() / 2), abs(y - native.height() / 2)) < (2, 2)
