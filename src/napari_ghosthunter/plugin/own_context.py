"""Lets a canvas of napari delete its OpenGL objects in its own context.

When a layer is removed, napari deletes the shaders, buffers and textures of its drawing at once (`finish` of vispy's
context), in whichever context is current: most often that in which Qt has just put the window together. Where shaders
belong to a context, as with Mesa's software drawing (remote desktops, virtual machines, CI), Mesa then takes the shader
that the canvas draws with away from under it, and the second next frame ends the process.
"""

from __future__ import annotations

from typing import Any

from qtpy.compat import isalive


def delete_in_own_context(qt_viewer: Any) -> None:
    """Make every `finish` of the canvas of a `QtViewer` run in the context of that canvas; once is enough."""
    scene = qt_viewer.canvas._scene_canvas
    context = scene.context
    if "finish" in vars(context):
        return
    finish, native = context.finish, scene.native

    def finish_here() -> None:
        alive = isalive(native)  # type: ignore[no-untyped-call]
        if alive and native.isValid():  # else nothing is drawn yet, or all is gone: what waits may wait on
            scene.set_current()
            finish()

    context.finish = finish_here


def delete_drawn(qt_viewer: Any) -> None:
    """Delete what the canvas of a `QtViewer` drew its layers with, before it goes itself, and empty its model.

    Qt lets all canvases share their OpenGL objects. So what a canvas has not deleted stays when it is gone, for good.
    """
    layers = qt_viewer.viewer.layers
    for layer in layers:
        layer.locked = False
    layers.clear()
    qt_viewer.canvas._scene_canvas.context.finish()
