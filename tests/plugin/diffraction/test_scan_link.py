"""Which scan is looked at, in a viewer without a window."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_ghosthunter.plugin.diffraction.scan_link import ScanLink
from napari_ghosthunter.scan.scan import Scan


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


@pytest.fixture
def link(viewer: ViewerModel) -> ScanLink:
    link = ScanLink(viewer)
    link.seen = []
    link.layer_changed.connect(lambda layer: link.seen.append(layer and layer.name))
    link.connect()
    return link


def add(viewer: ViewerModel, scan: Scan, name: str):
    return viewer.add_image(np.zeros(scan.scan_shape), name=name, metadata={"scan": scan})


def test_follows_the_active_scan_and_keeps_it_while_points_are_active(link, viewer, scan) -> None:
    first, _second = add(viewer, scan, "first"), add(viewer, scan, "second")
    viewer.add_points([[0, 0]])
    viewer.layers.selection.active = first
    viewer.add_image(np.zeros((4, 4)), name="no scan")
    assert link.seen == ["first", "second", "first"]
    assert link.scan is scan


def test_falls_back_when_its_layer_is_deleted(link, viewer, scan) -> None:
    add(viewer, scan, "first")
    add(viewer, scan, "second")
    viewer.layers.remove("second")
    viewer.layers.clear()
    assert link.seen == ["first", "second", "first", None]
    assert link.scan is None


def test_disconnected_hears_nothing_and_leaves_nothing(link, viewer, scan) -> None:
    link.disconnect()
    link.disconnect()
    add(viewer, scan, "first")
    assert link.seen == []
    own = (link._move, link._press)
    assert not any(callback in own for callback in (*viewer.mouse_move_callbacks, *viewer.mouse_drag_callbacks))
    link.connect()
    assert link.seen == ["first"]


def test_no_position_in_three_dimensions(link, viewer, scan) -> None:
    add(viewer, scan, "first")
    hovered = []
    link.hovered.connect(hovered.append)
    for dims in ((0, 1), (0, 1, 2)):
        event = SimpleNamespace(position=(2.2, 3.1), dims_displayed=dims, pos=(0, 0), type="mouse_move")
        link._move(viewer, event)
    assert hovered == [(2, 3)]


@pytest.mark.parametrize(("to", "clicks"), [((3, 3), [(2, 3)]), ((30, 0), [])])
def test_a_drag_is_no_click(link, viewer, scan, to, clicks) -> None:
    add(viewer, scan, "first")
    clicked = []
    link.clicked.connect(clicked.append)
    event = SimpleNamespace(position=(2.2, 3.1), dims_displayed=(0, 1), pos=(0, 0), type="mouse_press")
    steps = link._press(viewer, event)
    next(steps)
    event.type, event.pos = "mouse_move", to
    next(steps)
    event.type = "mouse_release"
    next(steps, None)
    assert clicked == clicks


def test_hears_when_something_else_is_said_of_its_scan(link, viewer, scan) -> None:
    layer = add(viewer, scan, "a")
    other = replace(scan, beam=(1.0, 2.0))
    layer.metadata = {**layer.metadata, "scan": other}
    assert link.seen == ["a", "a"]
    assert link.scan is other
    layer.metadata = {**layer.metadata, "preview": False}
    assert link.seen == ["a", "a"]
