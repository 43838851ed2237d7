"""How a training feels in the window: gaps of the event loop, and what the preview of the map costs.

A simulated scan is labelled from its known domains and trained on the CPU in a real napari window, as a user would:
with the default network, and with that of the paper, which shows previews while it learns. A timer should come every
20 ms; a gap is by how much it comes late. Without a screen, on Linux, put `xvfb-run -a -s "-screen 0 1600x1000x24"`
before it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QEventLoop, Qt, QTimer

from benchmarks.common import PAPER_NETWORK, PAPER_SIZE, scratch
from benchmarks.rows import Row, at_most, run_alone
from napari_ghosthunter.learning.config import PatternConfig, TrainingConfig
from napari_ghosthunter.learning.offered import DEFAULT_NETWORK

TICK_MS = 20
EPOCHS, QUICK_EPOCHS = 60, 3


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


def rows(quick: bool) -> Iterator[Row]:
    """Measure a training of each network."""
    for network in dict.fromkeys((DEFAULT_NETWORK, PAPER_NETWORK)):
        config = TrainingConfig(network=network, epochs=QUICK_EPOCHS if quick else EPOCHS)
        choices = {"size": PAPER_SIZE} if network == PAPER_NETWORK else {}
        late, share, told = trained(config, PatternConfig(**choices))
        what = f"gap of the event loop while training `{network}`"
        yield at_most(f"{what}: 95th percentile", float(np.percentile(late, 95)), 100, " ms", told)
        yield Row(f"{what}: the longest", f"{late.max():.0f} ms")
        if not config.fitted:
            yield at_most("share of the training time that previews of the map take", 100 * share, 10, " %", told)


def trained(config: TrainingConfig, patterns: PatternConfig) -> tuple[NDArray[np.float64], float, str]:
    """Train; give the gaps in milliseconds, the share of the previews, and what was trained."""
    import napari

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

    with scratch() as folder:
        session = Session.start(sample.scan, data_folder=folder)
        for name in sample.names:
            session.labels.add_class(name)
        session.propose(10)
        while session.current is not None:
            session.label_current(sample.names[sample.truth[session.current]])
        session.training_config, session.pattern_config = config, patterns
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
    previews = "" if config.fitted else f", {config.epochs} epochs, {len(maps)} previews"
    told = f"{len(session.labels)} labels in {took:.1f} s{previews}"
    return np.array(gaps.late), spent / took, told


if __name__ == "__main__":
    run_alone("benchmarks.window", rows)
