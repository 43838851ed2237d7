"""Mapping the scan beside the window: to its end, stopped, failed, overtaken by another session."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ghosthunter.errors import ModelError
from napari_ghosthunter.mapping.segmentation import segment
from napari_ghosthunter.plugin.mapper import running
from napari_ghosthunter.plugin.mapper.mapping.mapping import Mapping

ROW = 20 * 48 * 48 * 4  # bytes of a reduced row of the sample


@pytest.fixture
def told(monkeypatch):
    """What the user was told of errors."""
    messages = []
    monkeypatch.setattr(running, "tell_error", messages.append)
    return messages


@pytest.fixture
def small_bands(monkeypatch):
    """Bands of a row or two."""
    from napari_ghosthunter.mapping import segmentation

    whole = segmentation.segment_rows
    monkeypatch.setattr(segmentation, "segment_rows", lambda *a, **k: whole(*a, **k, block_bytes=ROW))


@pytest.fixture
def trained(desk, make_model):
    """A session with a model."""
    desk.session.training.use_model(make_model((48, 48)))
    return desk.session


@pytest.fixture
def mapping(desk):
    return Mapping(desk)


def test_the_map_is_that_of_the_stages(qtbot, desk, sample, trained, mapping, small_bands) -> None:
    bands, shares = [], []
    trained.segmentation.changed.connect(lambda start, stop: bands.append((start, stop)))
    mapping.changed.connect(lambda: shares.append(mapping.share))
    with qtbot.waitSignal(mapping.ended, timeout=20_000) as ended:
        mapping.start()
        assert mapping.running
        assert mapping.seconds_left is None
    assert ended.args == [True]
    assert not mapping.running
    assert len(bands) >= 4
    assert bands[0][0] == 0
    assert bands[-1][1] == 12
    assert shares == sorted(shares)
    assert shares[-1] == 1
    expected = segment(sample.scan, trained.model)
    np.testing.assert_array_equal(trained.domain_map.probabilities, expected.probabilities)


def test_stop_keeps_the_rows_that_are_done(qtbot, trained, mapping, small_bands) -> None:
    trained.segmentation.changed.connect(lambda *_: mapping.stop())
    with qtbot.waitSignal(mapping.ended, timeout=20_000) as ended:
        mapping.start()
    assert ended.args == [False]
    assert 0 < trained.domain_map.has_data[:, 0].sum() < 12


def test_without_a_model_the_user_is_told(desk, mapping, monkeypatch) -> None:
    told = []
    monkeypatch.setattr("napari_ghosthunter.plugin.mapper.desk.tell_error", told.append)
    mapping.start()
    assert not mapping.running
    assert told == [desk.session.segmentation.needs]


def test_an_error_is_told_and_can_be_tried_again(qtbot, trained, mapping, told, monkeypatch) -> None:
    from napari_ghosthunter.mapping import segmentation

    def fail(*_, **__):
        raise ModelError("It does not fit.")

    monkeypatch.setattr(segmentation, "segment_rows", fail)
    with qtbot.waitSignal(mapping.ended) as ended:
        mapping.start()
    assert (ended.args, told, mapping.running) == ([False], ["It does not fit."], False)
    assert mapping.error == "It does not fit."
    monkeypatch.undo()
    with qtbot.waitSignal(mapping.ended, timeout=20_000) as ended:
        mapping.start()
    assert ended.args == [True]
    assert mapping.error == ""


def test_nothing_lands_on_another_session(qtbot, desk, trained, mapping, small_bands) -> None:
    heard = []
    mapping.ended.connect(heard.append)
    mapping.start()
    qtbot.waitUntil(lambda: mapping.rows_done > 0, timeout=20_000)
    desk.start_anew()
    assert not mapping.running
    done = trained.domain_map.has_data.sum()
    qtbot.waitUntil(lambda: desk.session is not None)
    qtbot.wait(100)
    assert heard == []
    assert trained.domain_map.has_data.sum() == done
    assert desk.session.domain_map is None


def test_beginning_again_gives_the_first_run_up(qtbot, trained, mapping, small_bands) -> None:
    heard = []
    mapping.ended.connect(heard.append)
    mapping.start()
    qtbot.waitUntil(lambda: mapping.rows_done > 0, timeout=20_000)
    mapping.start()
    assert mapping.rows_done == 0
    qtbot.waitUntil(lambda: not mapping.running, timeout=20_000)
    assert heard == [True]
    assert trained.domain_map.has_data.all()
