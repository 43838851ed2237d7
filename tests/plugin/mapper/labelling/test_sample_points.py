"""The points in the viewer show the session, whatever anybody does to them."""

from __future__ import annotations

import time

import numpy as np
import pytest

from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.plugin.layers import bare
from napari_ghosthunter.plugin.mapper.desk import Desk
from napari_ghosthunter.plugin.mapper.labelling.point_layers import CURRENT, POINT_PIXELS, POINTS
from napari_ghosthunter.plugin.mapper.labelling.points_look import UNLABELLED, colours_of
from napari_ghosthunter.plugin.mapper.labelling.sample_points import SamplePoints
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.session.session import Session

NAMES = ("none", "vertical", "horizontal")


@pytest.fixture
def session(desk):
    desk.session.labels.set_classes(ClassScheme.from_names(NAMES))
    return desk.session


@pytest.fixture
def points(desk, session):
    return SamplePoints(desk)


def names(viewer) -> list[str]:
    return [layer.name for layer in viewer.layers]


def shown(points) -> dict:
    """What the layer says of each position."""
    layer = points.layer
    table = layer.features
    assert len(layer.data) == len(table) == len(layer.face_color) == len(layer.border_color) == len(layer.size)
    return {
        tuple(int(number) for number in spot): (table["label"][row], table["reason"][row], tuple(layer.face_color[row]))
        for row, spot in enumerate(layer.data)
    }


def expected(session) -> dict:
    labels = session.labels
    return {
        spot: (labels.get(spot, UNLABELLED), reason, tuple(np.float32(colours_of(labels.get(spot), labels.classes)[0])))
        for spot, reason in labels.points.items()
    }


def agrees(points, session) -> bool:
    ring = [] if session.current is None else [session.current]
    seen, wanted = shown(points), expected(session)
    assert list(seen) == list(wanted)
    for spot, (label, reason, face) in wanted.items():
        assert seen[spot][:2] == (label, reason)
        assert seen[spot][2] == pytest.approx(face)
    assert [tuple(spot) for spot in points.ring.data] == ring
    return True


def test_nothing_is_shown_before_the_first_point(points, viewer) -> None:
    assert len(viewer.layers) == 1
    assert points.layer is None


def test_they_follow_all_edits(points, session, viewer, layer) -> None:
    viewer.layers.selection.active = layer
    session.propose(4)
    assert names(viewer)[1:] == [CURRENT, POINTS]
    assert bare(viewer.layers.selection.active) is layer, "a script must not take the layer from under the user"
    assert agrees(points, session)
    session.label_current("vertical")
    assert agrees(points, session)
    session.label_current("none")
    session.labels.recolour_class("vertical", "#123456")
    assert agrees(points, session)
    session.labels.rename_class("none", "nothing")
    assert agrees(points, session)
    session.labels.remove_class("nothing")
    assert agrees(points, session)
    session.add_point((1, 1))
    session.remove_point((0, 4))
    assert agrees(points, session)
    while session.labels.can_undo:
        session.undo()
        assert agrees(points, session)
    assert len(points.layer.data) == 0
    while session.labels.can_redo:
        session.redo()
        assert agrees(points, session)


def test_hollow_until_labelled_then_in_the_colour_of_the_class(points, session) -> None:
    session.propose(4)
    assert points.layer.face_color[0][3] < 0.6
    session.label_current("vertical")
    assert points.layer.face_color[0] == pytest.approx([0, 1, 0, 1])
    assert points.layer.border_color[0] == pytest.approx([0, 0, 0, 1])  # dark, round a light colour


def test_what_is_gone_on_with_is_shown_at_once(points, session, desk, viewer, sample, tmp_path) -> None:
    session.add_point((3, 4))
    labels = LabelSet(ClassScheme.from_names(NAMES), sample.scan.scan_shape, {(5, 6): "vertical"})
    other = Session.start(sample.scan, labels, data_folder=tmp_path)
    desk.take(other)
    assert agrees(points, other)
    assert names(viewer)[1:] == [CURRENT, POINTS]
    session.labels.changed.emit(None, "apply")  # nobody listens any more


def test_they_go_with_the_session(qtbot, points, session, desk, viewer, layer) -> None:
    session.propose(4)
    desk.close()
    qtbot.waitUntil(lambda: len(viewer.layers) == 1)
    assert points.layer is None
    assert not [call for call in layer.events.scale.callbacks if "PointLayers" in str(call)]


@pytest.mark.parametrize("way", ["scan", "all", "scan and points"])
def test_the_scan_may_be_deleted(qtbot, points, session, viewer, layer, way) -> None:
    session.propose(4)
    if way == "scan":
        viewer.layers.remove(layer)
    elif way == "all":
        viewer.layers.clear()
    else:
        viewer.layers.selection = {layer, points.layer}
        viewer.layers.remove_selected()
    qtbot.waitUntil(lambda: len(viewer.layers) == 0)
    qtbot.wait(20)
    assert points.layer is None


def test_a_deleted_layer_loses_nothing(qtbot, points, session, viewer) -> None:
    session.propose(4)
    viewer.layers.remove(points.layer)
    qtbot.waitUntil(lambda: len(viewer.layers) == 1)
    session.label_current("vertical")
    session.undo()
    assert len(viewer.layers) == 1, "it comes back when the user asks, not by itself"
    points.show()
    assert agrees(points, session)
    assert bare(viewer.layers.selection.active) is points.layer
    viewer.layers.remove(points.layer)
    session.add_point((1, 1))  # at once: the ring of before is not gone yet
    assert agrees(points, session)
    assert names(viewer)[1:] == [CURRENT, POINTS]
    qtbot.wait(20)
    assert names(viewer)[1:] == [CURRENT, POINTS]


def test_a_deleted_ring_comes_back(points, session, viewer) -> None:
    session.propose(4)
    viewer.layers.remove(points.ring)
    session.label_current("vertical")
    assert points.layer is not None
    points.show()
    assert agrees(points, session)
    assert names(viewer)[1:] == [CURRENT, POINTS]


def test_napari_s_tools_are_kept_away(points, session, viewer) -> None:
    session.propose(4)
    for layer in (points.layer, points.ring):
        for mode in ("add", "select", "transform"):
            layer.mode = mode
            assert layer.mode == "pan_zoom"
    session.add_point((1, 1))  # napari makes a layer editable with each change of its data
    viewer.dims.ndisplay = 3
    viewer.dims.ndisplay = 2
    assert not points.layer.editable
    assert not points.ring.editable


def test_what_else_is_done_to_the_points_is_put_back(qtbot, points, session) -> None:
    session.propose(4)
    session.label_current("vertical")
    layer = points.layer
    layer.selected_data = {0, 3}
    layer.remove_selected()
    assert len(layer.data) != len(session.labels.points)
    qtbot.waitUntil(lambda: len(layer.data) == len(session.labels.points))
    assert agrees(points, session)
    layer.add([[2, 2]])
    layer.data = layer.data + 1
    qtbot.waitUntil(lambda: tuple(layer.data[0]) == (0, 0))
    assert agrees(points, session)
    layer.selected_data = {1}
    layer.remove_selected()
    session.label_current("none")  # before it is put back
    qtbot.wait(20)
    assert agrees(points, session)


PLACES = [
    {"scale": (2.0, 2.0)},
    {"scale": (-2.0, 3.0)},
    {"scale": (2.0, -2.0), "translate": (5.0, -7.0), "rotate": 30.0, "shear": [0.5]},
    {"affine": [[0.0, 2.0, 1.0], [-2.0, 0.0, 4.0], [0.0, 0.0, 1.0]]},
]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("when", ["before", "after"])
def test_they_lie_on_the_scan(points, session, layer, place, when) -> None:
    def put() -> None:
        for name, value in place.items():
            setattr(layer, name, value)

    if when == "before":
        put()
    session.propose(4)
    if when == "after":
        put()
    for mine in (points.layer, points.ring):
        assert mine.data_to_world((3, 5)) == pytest.approx(layer.data_to_world((3, 5)))
        assert mine.units == layer.units
        assert mine.axis_labels == layer.axis_labels


@pytest.mark.parametrize(
    ("zoom", "pixels"),
    [(10, 16), (0.5, POINT_PIXELS[0]), (100, POINT_PIXELS[1])],  # 0.8 of a step of 2 nm is 16 pixels at 10 for a nm
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_points_are_as_large_as_a_step_but_never_tiny_or_huge(points, session, viewer, layer, zoom, pixels, when):
    layer.scale = (2.0, -4.0)  # a circle fits between the points of the narrower axis
    if when == "before":
        viewer.scene.camera.zoom = zoom
    session.propose(4)
    viewer.scene.camera.zoom = zoom
    session.add_point((1, 1))
    assert points.layer.size * 4 * zoom == pytest.approx(pixels)
    assert points.ring.size * 4 * zoom > pixels


def test_the_camera_does_not_jump(points, session, viewer) -> None:
    viewer.scene.camera.center, viewer.scene.camera.zoom = (0, 3.0, 4.0), 7.0
    session.propose(4)
    points.show()
    assert viewer.scene.camera.center == (0, 3.0, 4.0)
    assert viewer.scene.camera.zoom == 7.0


def test_show_brings_them_to_the_front(points, session, viewer) -> None:
    session.propose(4)
    viewer.add_image(np.zeros((12, 20)), name="map")
    points.layer.visible = False
    points.show()
    assert names(viewer)[1:] == ["map", CURRENT, POINTS]
    assert points.layer.visible


def test_show_without_points_gives_a_layer_to_click_on(points, session, viewer, desk) -> None:
    points.show()
    assert agrees(points, session)
    assert bare(viewer.layers.selection.active) is points.layer
    desk.close()
    points.show()  # nothing to show


def test_a_label_among_thousands_is_shown_at_once(qtbot, viewer) -> None:
    viewer.add_image(np.zeros((100, 100)), metadata={"scan": Scan(np.zeros((100, 100, 4, 4), np.uint16))})
    desk = Desk(viewer)
    desk.wake()
    qtbot.waitUntil(lambda: desk.session is not None)
    points, session = SamplePoints(desk), desk.session
    session.labels.set_classes(ClassScheme.from_names(NAMES))
    session.labels.add_points({(y, x): "grid" for y in range(0, 100, 2) for x in range(40)})
    session.make_current((0, 0))
    times = []
    for _ in range(9):
        before = time.perf_counter()
        session.label_current("vertical")
        times.append(time.perf_counter() - before)
    assert len(points.layer.data) == 2000
    assert points.layer.face_color[8] == pytest.approx([0, 1, 0, 1])
    assert sorted(times)[4] < 0.05
    desk.sleep()
