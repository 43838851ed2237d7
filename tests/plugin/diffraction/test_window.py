"""The dock in a real window, driven by mouse events."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import numpy as np
import pytest

from napari_ghosthunter.learning.config import PatternConfig
from napari_ghosthunter.learning.patterns import fit_patterns
from napari_ghosthunter.plugin.scan_image import scan_layer
from napari_ghosthunter.scan.calibration import Calibration
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.virtual.images import virtual_image
from napari_ghosthunter.scan.virtual.masks import dark_field_mask, total_mask

CALIBRATION = Calibration((2.0, 2.0), "nm", (0.02, 0.02), "1/nm")


class Slow:
    """An array on a disk that waits for a gate."""

    def __init__(self, array: np.ndarray, gate: threading.Event) -> None:
        self.array, self.gate = array, gate
        self.shape, self.dtype = array.shape, array.dtype

    def __getitem__(self, key):
        assert self.gate.wait(10)
        return self.array[key]


@pytest.fixture
def scan(patterns: np.ndarray) -> Scan:
    noise = np.random.default_rng(0).integers(0, 3, patterns.shape)  # no two patterns alike
    return Scan((patterns + noise).astype(np.uint16), CALIBRATION)


@pytest.fixture
def shown(window, qtbot, mouse, on_screen):
    """The dock as napari makes it, beside a viewer in a window."""
    window.window._qt_window.resize(1200, 900)
    dock, widget = window.window.add_plugin_dock_widget("napari-ghosthunter", "Diffraction viewer")
    qtbot.waitUntil(lambda: widget.canvas.drawing is not None)
    return SimpleNamespace(viewer=window, dock=dock, widget=widget, mouse=mouse, on_screen=on_screen)


def add(shown, qtbot, scan: Scan, **more):
    data, arguments, _ = scan_layer(scan)
    layer = shown.viewer.add_image(data, **(arguments | more))
    qtbot.waitUntil(lambda: shown.widget.detector is not None and shown.widget.showing.frame is not None)
    qtbot.wait(100)
    return layer


def hover(shown, layer, position: tuple[int, int]) -> None:
    native = shown.viewer.window._qt_viewer.canvas.native
    world = np.asarray(layer.data_to_world(position))[list(shown.viewer.dims.displayed)]
    shown.mouse(native, "MouseMove", *shown.on_screen(shown.viewer, native, world))


def frame_at(shown, position: tuple[int, int]):
    frame = shown.widget.showing.frame
    return frame is not None and frame.position == position


def test_says_what_to_do_without_a_scan(shown) -> None:
    widget = shown.widget
    assert "File > Open" in widget.canvas.words.text()
    assert widget.canvas.words.isVisible()
    assert not widget.source_bar.isEnabled()
    assert not widget.detector_bar.isEnabled()


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
def test_hover_shows_the_pattern_under_the_cursor(shown, qtbot, scan, place, order) -> None:
    layer = add(shown, qtbot, scan, **place)
    shown.viewer.dims.order = order
    shown.viewer.reset_view()
    qtbot.wait(50)
    for position in ((0, 0), (5, 1), (2, 9)):
        hover(shown, layer, position)
        qtbot.waitUntil(lambda position=position: frame_at(shown, position))
        np.testing.assert_array_equal(shown.widget.showing.frame.values, scan.pattern(*position))
        assert shown.widget.position_label.text().startswith(f"scan_y {position[0]}, scan_x {position[1]}")
    drawn = shown.widget.view.image.data
    assert drawn.max() == pytest.approx(np.log1p(scan.pattern(2, 9).max() / shown.widget.showing.facts.levels.floor))


def test_hold_keeps_the_position_until_a_click(shown, qtbot, scan) -> None:
    layer = add(shown, qtbot, scan)
    hover(shown, layer, (1, 1))
    qtbot.waitUntil(lambda: frame_at(shown, (1, 1)))
    shown.widget.source_bar.hold.click()
    hover(shown, layer, (4, 8))
    qtbot.wait(100)
    assert frame_at(shown, (1, 1))
    native = shown.viewer.window._qt_viewer.canvas.native
    at = shown.on_screen(shown.viewer, native, layer.data_to_world((3, 7)))
    shown.mouse(native, "MouseButtonPress", *at)
    shown.mouse(native, "MouseButtonRelease", *at)
    qtbot.waitUntil(lambda: frame_at(shown, (3, 7)))


def test_what_the_network_sees(shown, qtbot, scan) -> None:
    add(shown, qtbot, scan)
    widget = shown.widget
    widget.source_bar.source.setCurrentIndex(1)
    qtbot.waitUntil(lambda: widget.showing.frame.network, timeout=20000)
    position = widget.showing.position
    for config in (PatternConfig(), PatternConfig(scaling="linear", pool="mean")):
        expected = fit_patterns(config, scan).inputs(scan, [position])[0, 0].numpy()
        widget.set_patterns(config)
        qtbot.waitUntil(lambda expected=expected: np.array_equal(widget.view.image.data, expected))
    widget.source_bar.source.setCurrentIndex(0)
    qtbot.waitUntil(lambda: not widget.showing.frame.network)
    np.testing.assert_array_equal(widget.showing.frame.values, scan.pattern(*position))


def test_buttons_make_the_image_of_the_core_and_one_click_undoes_it(shown, qtbot, scan) -> None:
    layer = add(shown, qtbot, scan)
    before, widget = layer.data.copy(), shown.widget
    beam = widget.showing.facts.beam
    for kind, mask in (
        ("annular dark field", dark_field_mask(scan.detector_shape, beam)),
        ("total", total_mask(scan.detector_shape)),
    ):
        widget.detector_bar.buttons[kind].click()
        qtbot.waitUntil(lambda kind=kind: layer.name == f"scan: {kind}")
        np.testing.assert_array_equal(layer.data, virtual_image(scan, mask))
    widget.detector_bar.buttons["bright field"].click()
    qtbot.waitUntil(lambda: layer.name == "scan: bright field")
    np.testing.assert_array_equal(layer.data, before)


def test_dragging_the_circle_moves_the_detector_and_the_image_follows(shown, qtbot, scan) -> None:
    layer, widget = add(shown, qtbot, scan), shown.widget
    native, start = widget.canvas.drawing.canvas.native, widget.detector
    center = tuple(widget.view.viewer.scene.camera.center)

    def at(k_y: float, k_x: float) -> tuple[float, float]:
        return shown.on_screen(widget.view.viewer, native, np.multiply((k_y, k_x), CALIBRATION.k_step))

    shown.mouse(native, "MouseMove", *at(start.k_y, start.k_x))
    assert widget.value_label.text().startswith("k_y 7, k_x 8")
    shown.mouse(native, "MouseButtonPress", *at(start.k_y, start.k_x))
    for step in (1, 2, 3):
        shown.mouse(native, "Drag", *at(start.k_y + step, start.k_x - step))
    shown.mouse(native, "MouseButtonRelease", *at(start.k_y + 3, start.k_x - 3))
    moved = widget.detector
    assert (moved.k_y, moved.k_x) == pytest.approx((start.k_y + 3, start.k_x - 3), abs=0.2)
    assert moved.outer == start.outer
    assert tuple(widget.view.viewer.scene.camera.center) == center  # the pattern stayed where it was
    assert widget.detector_bar.buttons["custom"].isChecked()
    qtbot.waitUntil(lambda: np.array_equal(layer.data, virtual_image(scan, moved.mask())))
    assert layer.name == "scan: custom disk"
    widget.detector_bar.inner.setValue(0.04)
    qtbot.waitUntil(lambda: layer.name == "scan: custom annulus")
    assert widget.detector.inner == pytest.approx(2)


def test_class_means_come_on_demand_and_a_click_compares(shown, qtbot, scan) -> None:
    add(shown, qtbot, scan)
    widget, strip = shown.widget, shown.widget.class_strip
    assert not strip.isVisible()
    widget.set_class_patterns({"left": ("#e69f00", []), "right": ("#56b4e9", [])})
    assert strip.isVisible()
    strip.toggle.click()
    qtbot.waitUntil(lambda: "Label some positions" in strip.note.text())
    classes = {"left": ("#e69f00", [(0, 0), (1, 1)]), "right": ("#56b4e9", [(3, 9)]), "empty": ("#009e73", [])}
    widget.set_class_patterns(classes)
    qtbot.waitUntil(lambda: list(strip.buttons) == ["left", "right"])
    pattern = widget.view.image.data.copy()
    strip.buttons["right"].click()
    assert "right" in widget.position_label.text()
    floor = widget.showing.facts.levels.floor
    np.testing.assert_allclose(widget.view.image.data, np.log1p(scan.pattern(3, 9) / floor), rtol=1e-5)
    strip.buttons["right"].click()
    np.testing.assert_array_equal(widget.view.image.data, pattern)


def test_a_slow_disk_neither_freezes_nor_brings_stale_images(shown, qtbot, scan) -> None:
    gate = threading.Event()
    gate.set()
    layer = add(shown, qtbot, Scan(Slow(scan.data, gate), CALIBRATION))
    widget, before = shown.widget, layer.data.copy()
    gate.clear()
    for position in ((0, 0), (1, 1), (2, 2)):
        hover(shown, layer, position)
    widget.detector_bar.buttons["total"].click()
    qtbot.wait(150)
    widget.detector_bar.buttons["bright field"].click()
    qtbot.wait(150)
    gate.set()
    qtbot.waitUntil(lambda: layer.name == "scan: bright field")
    qtbot.waitUntil(lambda: frame_at(shown, (2, 2)))
    np.testing.assert_array_equal(layer.data, before)


def test_deleting_and_switching_layers(shown, qtbot, scan) -> None:
    first, widget = add(shown, qtbot, scan), shown.widget
    other = Scan(scan.data[:4, :4, 2:13, 1:14].astype(np.float32), CALIBRATION)
    data, arguments, _ = scan_layer(other)
    second = shown.viewer.add_image(data, **arguments)
    qtbot.waitUntil(lambda: widget.showing.frame is not None and widget.showing.frame.values.shape == (11, 13))
    widget.detector_bar.buttons["total"].click()
    shown.viewer.layers.remove(second)
    qtbot.waitUntil(lambda: widget.showing.frame is not None and widget.showing.frame.values.shape == (16, 16))
    widget.detector_bar.buttons["total"].click()
    shown.viewer.layers.remove(first)
    qtbot.wait(200)
    assert widget.canvas.words.isVisible()


def test_both_canvases_delete_what_they_drew_in_their_own_context(shown, qtbot, scan, deleted_in) -> None:
    add(shown, qtbot, scan)
    natives = [viewer.canvas.native for viewer in (shown.viewer.window._qt_viewer, shown.widget.canvas.drawing)]
    for native in natives:
        native.repaint()
    qtbot.wait(50)
    shown.viewer.layers.clear()
    owners = [[context == native.context() for native in natives].index(True) for context in deleted_in]
    assert set(owners) == {0, 1}


@pytest.mark.parametrize("how", ["close", "hide", "float", "window"])
def test_closing_at_any_time(shown, qtbot, scan, how) -> None:
    gate = threading.Event()
    gate.set()
    layer, widget, viewer = add(shown, qtbot, Scan(Slow(scan.data, gate), CALIBRATION)), shown.widget, shown.viewer
    gate.clear()
    before = layer.data.copy()
    callbacks = len(viewer.mouse_move_callbacks)
    hover(shown, layer, (1, 1))
    widget.detector_bar.buttons["total"].click()
    qtbot.wait(150)
    if how == "float":
        shown.dock.setFloating(True)
        gate.set()
        qtbot.waitUntil(lambda: widget.canvas.drawing is not None)
        qtbot.waitUntil(lambda: layer.name == "scan: total")
        shown.dock.setFloating(False)
        qtbot.waitUntil(lambda: widget.canvas.drawing is not None)
        return
    destroyed = []
    widget.destroyed.connect(lambda: destroyed.append(True))
    {"close": shown.dock.destroyOnClose, "hide": shown.dock.hide, "window": viewer.close}[how]()
    gate.set()
    qtbot.wait(200)
    assert widget.canvas.drawing is None
    np.testing.assert_array_equal(layer.data, before)
    assert bool(destroyed) == (how != "hide")
    if how != "window":
        assert len(viewer.mouse_move_callbacks) == callbacks - 1
