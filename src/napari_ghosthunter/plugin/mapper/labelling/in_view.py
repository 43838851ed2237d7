"""The current point is on the screen: a key would label one that nobody sees."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_ghosthunter.labelling.positions import Position

MARGIN = 4  # pixels that must be seen beside a point; the whole scan, fitted to the canvas, leaves more


def bring_into_view(viewer: Any, layer: Any, position: Position) -> None:
    """Move the view to a position if it lies outside; the zoom stays, and a scan seen in 3D is left alone.

    Parameters
    ----------
    viewer
        The viewer, not guarded.
    layer
        A layer of scan positions.
    position
        (scan_y, scan_x).
    """
    camera, displayed = viewer.scene.camera, list(viewer.dims.displayed)
    if len(displayed) != 2 or layer.ndim != 2:
        return
    spot = np.array(layer.data_to_world(position), np.float64)
    offset = (spot - camera.center[-2:]) * camera.zoom
    if (np.abs(offset) > np.array(viewer.canvas.size) / 2 - MARGIN).any():
        camera.center = (*camera.center[:-2], *(float(value) for value in spot))
