"""Row 4: how far the Diffraction viewer is behind the cursor, from mouse move to drawn pattern, in a napari window.

The scan is a memory map of 512 x 512 uint16 patterns, in the page cache. Without a screen, on Linux, put
`xvfb-run -a -s "-screen 0 1600x1000x24"` before it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import scratch
from benchmarks.rows import Row, at_most, run_alone

SCAN_SHAPE, DETECTOR_SHAPE = (16, 32), (512, 512)
MOVES = 200
PAUSE_S = 0.03  # between two moves: vispy drops those that come within 10 ms


def rows(quick: bool) -> Iterator[Row]:
    """Measure the moves."""
    late = milliseconds_late(20 if quick else MOVES)
    what = f"pattern under the cursor, {DETECTOR_SHAPE[0]} x {DETECTOR_SHAPE[1]} uint16 memory map"
    yield Row(f"{what}: median of {len(late)} moves", f"{np.median(late):.0f} ms")
    yield at_most(f"{what}: 95th percentile", float(np.percentile(late, 95)), 50, " ms")


def milliseconds_late(moves: int) -> list[float]:
    """Move the mouse, and take the time until the pattern is drawn."""
    import napari
    from qtpy.QtCore import QEvent, QPointF, Qt
    from qtpy.QtGui import QMouseEvent
    from qtpy.QtWidgets import QApplication

    from napari_ghosthunter.plugin.docks import DIFFRACTION, open_dock
    from napari_ghosthunter.plugin.scan_image import scan_layer
    from napari_ghosthunter.plugin.window import canvas_of
    from napari_ghosthunter.scan.readers import open_scan

    def turn(until: Any, seconds: float = 20) -> None:
        end = time.perf_counter() + seconds
        while not until():
            QApplication.processEvents()
            if time.perf_counter() > end:
                raise TimeoutError("The pattern was not drawn.")

    with scratch() as folder:
        scan = open_scan(write_scan(folder / "scan.npy"))
        viewer = napari.Viewer()
        data, layer, _ = scan_layer(scan)
        shown = viewer.add_image(data, **layer)
        dock = open_dock(viewer, DIFFRACTION)
        turn(lambda: dock.showing.facts is not None and dock.canvas.drawing is not None)
        began = time.perf_counter()
        turn(lambda: time.perf_counter() > began + 2)
        drawn: list[float] = []
        taken: list[float] = []
        dock.showing.titled.connect(lambda _: taken.append(time.perf_counter()))
        dock.canvas.drawing.canvas._scene_canvas.events.draw.connect(lambda _: drawn.append(time.perf_counter()))
        canvas, camera = canvas_of(viewer), viewer.scene.camera
        rng, late, before = np.random.default_rng(0), [], (-1, -1)
        for _ in range(moves):
            position = tuple(int(value) for value in rng.integers(SCAN_SHAPE))
            if position == before:
                continue
            before = position
            y, x = (np.asarray(shown.data_to_world(position)) - camera.center[-2:]) * camera.zoom
            point = QPointF(canvas.width() / 2 + x, canvas.height() / 2 + y)
            none = Qt.MouseButton.NoButton
            event = QMouseEvent(
                QEvent.Type.MouseMove, point, canvas.mapToGlobal(point), none, none, Qt.KeyboardModifier.NoModifier
            )
            drawn.clear()
            taken.clear()
            start = time.perf_counter()
            QApplication.sendEvent(canvas, event)
            turn(lambda wanted=position: dock.showing.frame.position == wanted)
            turn(lambda: bool(taken and drawn) and drawn[-1] > taken[-1])
            late.append((drawn[-1] - start) * 1000)
            pause = time.perf_counter() + PAUSE_S
            turn(lambda until=pause: time.perf_counter() > until)
        viewer.close()
    return late


def write_scan(path: Path) -> Path:
    """Write a scan whose patterns are all different, one row at a time."""
    cube = np.lib.format.open_memmap(path, "w+", np.uint16, (*SCAN_SHAPE, *DETECTOR_SHAPE))
    k_y, k_x = np.indices(DETECTOR_SHAPE)
    disk = 2000 * (np.hypot(k_y - 256, k_x - 256) < 20)
    rng = np.random.default_rng(0)
    for row in cube:
        row[...] = rng.poisson(3, row.shape) + disk
    cube.flush()
    return path


if __name__ == "__main__":
    run_alone("benchmarks.hover", rows)
