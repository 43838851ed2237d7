"""The map of a session: row by row, stopped, overtaken, and of which model it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from napari_ghosthunter.errors import MapError
from napari_ghosthunter.learning.model import Model
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.mapping.segmentation import segment
from napari_ghosthunter.session.session import Session

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.usefixtures("small_blocks")
def test_the_map_grows_row_by_row(session: Session, make_model: Callable[..., Model]) -> None:
    session.training.use_model(make_model())
    assert session.model is not None
    whole = segment(session.scan, session.model, device="cpu")
    heard: list[tuple[int, int]] = []
    session.segmentation.changed.connect(lambda start, stop: heard.append((start, stop)))
    for band in session.segmentation.run("cpu"):
        now = session.domain_map
        assert now is not None
        np.testing.assert_array_equal(now.probabilities[: band.stop], whole.probabilities[: band.stop])
        assert not now.has_data[band.stop :].any()
        assert now is session.domain_map, "it is made once"
    assert heard == [(row, row + 1) for row in range(6)]
    assert session.domain_map is not None
    assert session.domain_map.provenance == whole.provenance


@pytest.mark.usefixtures("small_blocks")
def test_a_stopped_map_has_no_data_in_the_rest(session: Session, make_model: Callable[..., Model]) -> None:
    session.training.use_model(make_model())
    for band in session.segmentation.run("cpu"):
        if band.stop == 2:
            session.segmentation.stop()
    assert session.domain_map is not None
    assert session.domain_map.has_data.all(axis=1).tolist() == [True, True, False, False, False, False]
    assert session.folder is not None
    kept = DomainMap.load(session.folder / "map")
    np.testing.assert_array_equal(kept.probabilities, session.domain_map.probabilities)


@pytest.mark.usefixtures("small_blocks")
def test_neighbours_help_once_all_rows_are_there(session: Session, make_model: Callable[..., Model]) -> None:
    session.training.use_model(make_model())
    assert session.model is not None
    plain = segment(session.scan, session.model, device="cpu")
    expected = plain.with_neighbours(2.0)
    heard: list[tuple[int, int]] = []
    session.segmentation.changed.connect(lambda start, stop: heard.append((start, stop)))
    for band in session.segmentation.run("cpu", neighbours=2.0):
        now = session.domain_map
        assert now is not None
        wanted = expected if band.stop == 6 else plain
        np.testing.assert_array_equal(now.probabilities[: band.stop], wanted.probabilities[: band.stop])
        assert now.provenance == wanted.provenance
    assert heard == [*((row, row + 1) for row in range(5)), (0, 6)]
    assert not np.array_equal(expected.probabilities, plain.probabilities)
    assert session.segmentation.is_current
    assert session.folder is not None
    kept = DomainMap.load(session.folder / "map")
    np.testing.assert_array_equal(kept.probabilities, expected.probabilities)
    assert kept.provenance == expected.provenance


@pytest.mark.usefixtures("small_blocks")
def test_neighbours_do_not_help_in_a_map_that_is_stopped(session: Session, make_model: Callable[..., Model]) -> None:
    session.training.use_model(make_model())
    assert session.model is not None
    plain = segment(session.scan, session.model, device="cpu")
    for band in session.segmentation.run("cpu", neighbours=2.0):
        if band.stop == 3:
            session.segmentation.stop()
    assert session.domain_map is not None
    np.testing.assert_array_equal(session.domain_map.probabilities[:3], plain.probabilities[:3])
    assert "neighbours" not in session.domain_map.provenance


def test_neighbours_that_cannot_help_so_much_are_refused(session: Session, make_model: Callable[..., Model]) -> None:
    session.training.use_model(make_model())
    with pytest.raises(MapError, match="strength from 0"):
        session.segmentation.start("cpu", neighbours=-1)


@pytest.mark.usefixtures("small_blocks")
def test_what_an_older_map_brings_is_dropped(session: Session, make_model: Callable[..., Model]) -> None:
    session.training.use_model(make_model(seed=1))
    old = session.segmentation.start("cpu")
    steps = iter(old)
    assert session.segmentation.take(old, next(steps))
    late = next(steps)
    session.training.use_model(make_model(seed=2))
    assert not session.segmentation.is_current
    new = session.segmentation.start("cpu")
    assert old.stopped
    assert not session.segmentation.take(old, late)
    before = session.domain_map
    assert before is not None
    assert before.has_data[0].all(), "the old map stays until the new one begins"
    assert list(steps) == []
    for band in new:
        assert session.segmentation.take(new, band)
    assert session.segmentation.is_current


def test_a_longer_history_is_the_same_model(session: Session, make_model: Callable[..., Model]) -> None:
    session.training.use_model(make_model())
    list(session.segmentation.run("cpu"))
    assert session.model is not None
    session.training.use_model(replace(session.model, record=session.model.record.model_copy(update={"best_epoch": 9})))
    assert session.segmentation.is_current
