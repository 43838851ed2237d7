"""How a training feels in the window: gaps of the event loop, and what the preview of the map costs.

A simulated scan is labelled from its known domains and trained on the CPU in a real napari window, as a user would. A
timer should come every 20 ms; a gap is by how much it comes late. Without a screen, on Linux:

    xvfb-run -a -s "-screen 0 1600x1000x24" python benchmarks/window.py
    xvfb-run -a -s "-screen 0 1600x1000x24" python benchmarks/window.py --epochs 200 --size 64
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import QEventLoop, Qt, QTimer

TICK_MS = 20


class Gaps:
    """Measures by how many milliseconds a timer of 20 ms comes late."""

    def __init__(self) -> None:
        self.late: list[float] = []
        self._last = time.perf_counter()
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        """Begin."""
        self._last = time.perf_counter()
        self._timer.start()

    def _tick(self) -> None:
        now = time.perf_counter()
        self.late.append(max(0.0, (now - self._last) * 1000 - TICK_MS))
        self._last = now


def wait_for(signal: Any) -> None:
    """Let the window run until a signal comes."""
    loop = QEventLoop()
    signal.connect(lambda *_: loop.quit())
    loop.exec()


def main() -> None:
    """Train, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--size", type=int, default=128, help="input size of the network")
    arguments = parser.parse_args()

    import napari

    from napari_ghosthunter.learning.config import PatternConfig, TrainingConfig
    from napari_ghosthunter.plugin.mapper.desk import Desk
    from napari_ghosthunter.plugin.mapper.training.preview import Preview
    from napari_ghosthunter.plugin.mapper.training.train_page import TrainPage
    from napari_ghosthunter.plugin.mapper.training.training import Training
    from napari_ghosthunter.plugin.scan_image import scan_layer
    from napari_ghosthunter.scan.simulate import SimulationConfig, simulate
    from napari_ghosthunter.session.session import Session

    sample = simulate(SimulationConfig(scan_shape=(34, 103), detector_shape=(128, 128)))
    viewer = napari.Viewer()
    data, layer, _ = scan_layer(sample.scan)
    viewer.add_image(data, **layer)
    desk = Desk(viewer)
    training = Training(desk)
    preview = Preview(desk, training)
    viewer.window.add_dock_widget(TrainPage(desk, training, preview), area="right")
    maps: list[Any] = []
    preview.ready.connect(maps.append)

    with tempfile.TemporaryDirectory() as folder:
        session = Session.start(sample.scan, data_folder=Path(folder))
        for name in sample.names:
            session.labels.add_class(name)
        session.propose(10)
        while session.current is not None:
            session.label_current(sample.names[sample.truth[session.current]])
        session.training_config = TrainingConfig(epochs=arguments.epochs)
        session.pattern_config = PatternConfig(size=arguments.size)
        desk.layer = viewer.layers[0]
        desk.take(session)
        gaps = Gaps()
        gaps.start()
        training.start("cpu")
        wait_for(training.ended)
        took = training.report.figures.seconds if training.report else float("nan")
        spent = preview.pace.spent if preview.pace else 0.0
        desk.close()
    viewer.close()
    late = np.array(gaps.late)
    found = [
        f"{len(session.labels)} labels, {arguments.epochs} epochs of {arguments.size} pixels, {os.cpu_count()} cores",
        f"training: {took:.1f} s",
        f"gaps of the event loop: 95 % under {np.percentile(late, 95):.1f} ms, longest {late.max():.0f} ms",
        f"preview: {len(maps)} maps, {spent:.2f} s, {spent / took:.1%} of the time",
    ]
    print("\n".join(found))  # noqa: T201


if __name__ == "__main__":
    main()
