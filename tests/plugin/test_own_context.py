"""Objects of OpenGL are deleted in the context that they were made in; elsewhere software drawing ends the process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from vispy.gloo import gl

from napari_ghosthunter.plugin.diffraction.canvas import PatternCanvas
from napari_ghosthunter.plugin.diffraction.pattern_view import PatternView
from napari_ghosthunter.plugin.own_context import delete_in_own_context


@pytest.fixture
def canvas(window):
    """The main canvas of a viewer in a window, drawn before anything is in it."""
    delete_in_own_context(window.window._qt_viewer)
    native = window.window._qt_viewer.canvas.native
    native.repaint()
    return native


def add_two(window, canvas) -> None:
    window.add_image(np.eye(9))
    window.add_vectors(np.ones((30, 2, 2)))  # drawn last, so that the shader of the image is free to go
    canvas.repaint()


@pytest.mark.parametrize("current", ["none", "that of the window"])
def test_removed_layers_go_in_the_context_of_their_canvas(window, canvas, deleted_in, qtbot, current) -> None:
    add_two(window, canvas)
    if current == "none":
        canvas.doneCurrent()
    else:
        qtbot.wait(50)
    window.layers.clear()
    assert deleted_in
    assert all(context == canvas.context() for context in deleted_in)


def test_what_is_drawn_after_a_removal_can_be_drawn_again(window, canvas, qtbot) -> None:
    add_two(window, canvas)
    qtbot.wait(50)
    window.layers.clear()
    image = window.add_image(np.eye(9))
    for value in range(3):  # here napari alone ends the process
        image.data = np.eye(9) * value
        canvas.repaint()
        qtbot.wait(20)
    drawn = window.screenshot(canvas_only=True, flash=False)
    assert drawn[..., :3].max() == 255


def test_asking_twice_changes_nothing(make_napari_viewer) -> None:
    viewer = make_napari_viewer(show=True).window._qt_viewer
    delete_in_own_context(viewer)
    finish = viewer.canvas._scene_canvas.context.finish
    delete_in_own_context(viewer)
    assert viewer.canvas._scene_canvas.context.finish is finish


def test_a_canvas_that_was_never_drawn_or_is_gone_is_left_alone(make_napari_viewer, monkeypatch) -> None:
    viewer = make_napari_viewer(show=False)
    context = viewer.window._qt_viewer.canvas._scene_canvas.context
    deleting: list[Any] = []
    monkeypatch.setattr(type(context), "finish", deleting.append)
    delete_in_own_context(viewer.window._qt_viewer)
    viewer.add_image(np.eye(9))
    viewer.layers.clear()
    context.finish()
    assert deleting == [], "nothing is drawn yet"
    viewer.close()
    context.finish()
    assert deleting == [], "all is gone"


def test_a_canvas_that_goes_takes_what_it_drew_with(window, qtbot, monkeypatch) -> None:
    made = {"glCreateProgram": 0, "glDeleteProgram": 0, "glCreateTexture": 0, "glDeleteTexture": 0}

    def count(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*values: Any) -> Any:
            made[name] += 1
            return call(*values)

        return counted

    for name in made:
        monkeypatch.setattr(gl, name, count(name, getattr(gl, name)))
    view = PatternView()
    canvas = PatternCanvas(view)
    window.window.add_dock_widget(canvas, area="right")
    view.open((16, 16), (1.0, 1.0), "pixel", "gray")
    canvas.say("")
    canvas.wake()
    qtbot.waitUntil(lambda: canvas.drawing is not None)
    canvas.drawing.canvas.native.repaint()
    assert made["glCreateProgram"]
    assert made["glCreateTexture"]
    canvas.sleep()
    assert (made["glDeleteProgram"], made["glDeleteTexture"]) == (made["glCreateProgram"], made["glCreateTexture"])
    assert len(view.viewer.layers) == 1  # of the next canvas
