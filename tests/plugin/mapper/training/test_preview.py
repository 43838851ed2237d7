"""The map that is previewed while it trains: soon, coarse, cheap, and of the training that runs."""

from __future__ import annotations

import pytest

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.mapping import coarse
from napari_ghosthunter.plugin.mapper.training.pace import LONGEST, MOST_SHARE, Pace
from napari_ghosthunter.plugin.mapper.training.preview import Preview
from napari_ghosthunter.plugin.mapper.training.training import Training

PAPER, LARGE = (34, 206), (512, 512)


def train(pace: Pace, seconds_each: float, duration: float, epoch: float = 0.25, slow_down: float = 1.0) -> list[tuple]:
    """Let a training of `duration` go by, with previews that take as long as their positions; list them."""
    now, busy_until, previews = 0.0, 0.0, []
    while now < duration:
        now += epoch
        turn = pace.next_turn(now) if now >= busy_until else None
        if turn is not None:
            cost = seconds_each * pace._count(turn.stride) * (slow_down if previews else 1)
            taken = min(cost, turn.seconds + 16 * seconds_each)  # given up after the part it is at
            busy_until = now + taken
            pace.took(turn, taken, cost <= turn.seconds)
            previews.append((now, turn.stride, cost <= turn.seconds))
    return previews


@pytest.mark.parametrize("scan_shape", [(1, 3), (12, 20), PAPER, LARGE])
@pytest.mark.parametrize("seconds_each", [0.0001, 0.002, 0.01, 0.05])
@pytest.mark.parametrize("slow_down", [1.0, 5.0])
def test_it_costs_less_than_a_tenth_of_the_time(scan_shape, seconds_each, slow_down) -> None:
    pace = Pace(scan_shape, 128)
    train(pace, seconds_each, 120, slow_down=slow_down)
    assert 0 < pace.spent < 0.1 * 120


def test_the_first_comes_within_seconds_and_finer_ones_follow() -> None:
    previews = train(Pace(PAPER, 128), 0.003, 60)
    assert previews[0][0] < 5
    strides = [stride for _, stride, _ in previews]
    assert strides == sorted(strides, reverse=True)
    assert strides[-1] <= 4
    assert all(3 * 0.003 <= 0.003 * Pace(PAPER, 128)._count(stride) <= LONGEST for stride in strides)


def test_a_small_scan_is_soon_seen_whole() -> None:
    assert train(Pace((12, 20), 48), 0.0005, 20)[-1][1] == 1


def test_inputs_that_are_kept_stay_few() -> None:
    previews = train(Pace(LARGE, 512), 1e-5, 60)
    assert all(Pace(LARGE, 512)._count(stride) * 512**2 * 4 <= 128 * 2**20 for _, stride, _ in previews)


def test_one_that_was_given_up_is_not_tried_again_at_once() -> None:
    pace = Pace(PAPER, 128)
    turn = pace.next_turn(10)
    pace.took(turn, 0.9, finished=False)
    assert pace.next_turn(11.5) is None
    assert turn.seconds == pytest.approx(MOST_SHARE * 10)


@pytest.fixture
def training(labelled, fake_training):
    return Training(labelled)


@pytest.fixture
def preview(training):
    return Preview(training.desk, training)


@pytest.fixture
def maps(preview):
    seen = []
    preview.ready.connect(seen.append)
    return seen


def test_it_shows_the_scan_with_the_model_of_now(qtbot, training, preview, maps, fake_training) -> None:
    training.start()
    report = fake_training.epoch(seconds=20_000)
    qtbot.waitUntil(lambda: bool(maps), timeout=20_000)
    assert maps[0].scan_shape == training.desk.scan.scan_shape
    assert maps[0].classes == report.model.classes
    assert maps[0].provenance["preview"]
    assert preview.pace.spent > 0
    fake_training.end()
    qtbot.waitUntil(lambda: not training.running)


def test_there_is_none_before_there_is_time(qtbot, training, preview, maps, fake_training, monkeypatch) -> None:
    monkeypatch.setattr(coarse.CoarseMaps, "classify", lambda *_: pytest.fail("was made"))
    training.start()
    fake_training.epoch(seconds=0.5)
    qtbot.waitUntil(lambda: training.report is not None)
    fake_training.end()
    qtbot.waitUntil(lambda: not training.running)
    assert maps == []


def test_it_can_be_switched_off(qtbot, training, preview, maps, fake_training) -> None:
    preview.wanted = False
    training.start()
    fake_training.epoch(seconds=20_000)
    qtbot.waitUntil(lambda: training.report is not None)
    qtbot.wait(50)
    assert maps == []
    preview.wanted = True
    fake_training.epoch(seconds=21_000)
    qtbot.waitUntil(lambda: bool(maps), timeout=20_000)


def test_one_that_comes_too_late_is_not_shown(qtbot, training, preview, maps, fake_training, monkeypatch) -> None:
    whole = coarse.CoarseMaps.classify
    began = []

    def slow(self, *arguments):
        import time

        began.append(True)
        time.sleep(0.3)
        return whole(self, *arguments)

    monkeypatch.setattr(coarse.CoarseMaps, "classify", slow)
    training.start()
    fake_training.epoch(seconds=20_000)
    qtbot.waitUntil(lambda: bool(began))
    training.desk.sleep()
    qtbot.wait(600)
    assert maps == []


def test_patterns_that_cannot_be_read_end_the_previews_only(
    qtbot, training, preview, maps, fake_training, monkeypatch
) -> None:
    def fail(*_):
        raise ScanError("The disk is gone.")

    monkeypatch.setattr(coarse.CoarseMaps, "classify", fail)
    training.start()
    fake_training.epoch(seconds=20_000)
    qtbot.waitUntil(lambda: preview.pace is not None and preview.pace.exhausted)
    assert training.running
    fake_training.epoch(seconds=60_000)
    fake_training.end()
    qtbot.waitUntil(lambda: not training.running)
    assert training.error == ""
    training.start()  # the next training tries again
    assert preview.pace is None
    fake_training.end()
    qtbot.waitUntil(lambda: not training.running)
