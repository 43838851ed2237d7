"""The window answers while a network learns in it."""

from __future__ import annotations

import time

import numpy as np
import pytest
from qtpy.QtCore import Qt, QTimer

from napari_ghosthunter.learning.config import TrainingConfig
from napari_ghosthunter.plugin.mapper.desk import Desk
from napari_ghosthunter.plugin.mapper.training.preview import Preview
from napari_ghosthunter.plugin.mapper.training.train_page import TrainPage
from napari_ghosthunter.plugin.mapper.training.training import Training
from napari_ghosthunter.plugin.scan_image import scan_layer

TICK = 0.02
TRIES = 3  # other programs may be at work too


def gaps_while(qtbot, training: Training) -> list[float]:
    """Train, and give the seconds that a timer of 20 ms was late."""
    late, last = [], [time.perf_counter()]

    def tick() -> None:
        now = time.perf_counter()
        late.append(now - last[0] - TICK)
        last[0] = now

    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(tick)
    timer.start(int(1000 * TICK))
    training.start("cpu")
    qtbot.waitUntil(lambda: not training.running, timeout=120_000)
    timer.stop()
    return late


@pytest.mark.parametrize("config", [TrainingConfig(), TrainingConfig(network="ghosthunter", epochs=60)])
def test_no_gap_over_100_ms_at_the_95th_percentile(qtbot, window, sample, config) -> None:
    import torch  # noqa: F401 - to load it is no training

    data, arguments, _ = scan_layer(sample.scan)
    window.add_image(data, **arguments)
    desk = Desk(window)
    training = Training(desk)
    preview = Preview(desk, training)
    page = TrainPage(desk, training, preview)
    window.window.add_dock_widget(page, area="right")
    desk.wake()
    qtbot.waitUntil(lambda: desk.session is not None)
    session = desk.session
    for name in sample.names:
        session.labels.add_class(name)
    session.propose(3)
    while session.current is not None:
        session.label_current(sample.names[sample.truth[session.current]])
    session.training_config = config
    found = []
    for _ in range(TRIES):
        late = gaps_while(qtbot, training)
        assert training.report is not None, training.error
        assert session.model.record.converged or len(session.training.history) == 60
        found.append(float(np.percentile(late, 95)))
        if found[-1] <= 0.1:
            break
    desk.sleep()
    assert min(found) <= 0.1
