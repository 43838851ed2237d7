"""A Diffraction viewer in a real window with a scan from a file, and a mouse to drag on its pattern."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ghosthunter.plugin.scan_image import scan_layer
from napari_ghosthunter.scan.readers import open_scan


@pytest.fixture
def widget(window, qtbot, scan_file):
    """The Diffraction viewer with a scan from a file."""
    window.window._qt_window.resize(1280, 800)
    _, widget = window.window.add_plugin_dock_widget("napari-ghosthunter", "Diffraction viewer")
    qtbot.waitUntil(lambda: widget.canvas.drawing is not None)
    data, arguments, _ = scan_layer(open_scan(scan_file))
    window.add_image(data, **arguments)
    qtbot.waitUntil(lambda: widget.detector is not None and widget.showing.frame is not None)
    qtbot.wait(100)
    return widget


@pytest.fixture
def drag(widget, qtbot, mouse, on_screen):
    """Give a function that drags the mouse from one detector pixel to another."""

    def move(start, end):
        native = widget.canvas.drawing.canvas.native
        first, last = (on_screen(widget.view.viewer, native, place) for place in (start, end))
        mouse(native, "MouseMove", *first)
        qtbot.wait(30)
        mouse(native, "MouseButtonPress", *first)
        for share in np.linspace(0, 1, 12):
            mouse(native, "Drag", *np.add(np.multiply(1 - share, first), np.multiply(share, last)))
            qtbot.wait(15)
        mouse(native, "MouseButtonRelease", *last)
        qtbot.wait(30)

    return move
