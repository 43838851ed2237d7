"""The live map of a session: it follows the labels, and nothing late or stale is taken."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ghosthunter.errors import LabelError
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.learning.config import PatternConfig
from napari_ghosthunter.scan.simulate import Simulation
from napari_ghosthunter.session import looking
from napari_ghosthunter.session.session import Session

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def labelled(simulation: Simulation, session: Session) -> Session:
    session.propose(2)
    while (spot := session.current) is not None:
        session.label_current(("a", "b", "c")[simulation.truth[spot]])
    return session


def test_it_is_found_in_one_go_and_follows(labelled: Session) -> None:
    heard: list[str] = []
    live = labelled.live
    live.changed.connect(lambda: heard.append("changed"))
    live.settled.connect(lambda: heard.append("settled"))
    first = live.find("cpu")
    assert first is not None
    assert np.isfinite(first.probabilities).all()
    assert first is live.domain_map
    assert live.settling is not None
    assert heard == ["changed", "settled"]
    assert live.start_mapping() is None, "nothing new to map"
    spot = next(iter(labelled.labels))
    labelled.labels.label(spot, "a" if labelled.labels[spot] != "a" else "b")
    second = live.find("cpu")
    assert second is not None
    assert not np.array_equal(second.probabilities, first.probabilities)
    labelled.undo()
    third = live.find("cpu")
    assert third is not None
    np.testing.assert_array_equal(third.probabilities, first.probabilities)


def test_without_two_classes_there_is_none(labelled: Session) -> None:
    assert labelled.live.find("cpu") is not None
    while labelled.labels.can_undo:
        labelled.undo()
    assert labelled.live.find("cpu") is None
    assert labelled.live.settling is None
    with pytest.raises(LabelError, match="two classes"):
        labelled.live.propose(3)


def test_what_is_late_is_dropped(labelled: Session) -> None:
    live = labelled.live
    old, new = live.start_looking("cpu"), live.start_looking("cpu")
    assert list(old) == [], "the older one was stopped"
    *_, last = new
    assert not live.take_look(old, last)
    assert live.share == 0
    assert live.take_look(new, last)
    assert live.complete
    run = live.start_mapping()
    assert run is not None
    labelled.labels.label(next(iter(labelled.labels)), None)
    newer = live.start_mapping()
    assert newer is not None
    assert not live.take_map(run, next(iter(run)))
    assert live.domain_map is None
    assert live.take_map(newer, next(iter(newer)))
    live.stop()
    assert live.domain_map is None
    assert live.complete, "what was seen stays"
    assert live.start_mapping() is not None, "and can be mapped again"


def test_other_patterns_are_looked_at_anew(labelled: Session) -> None:
    assert labelled.live.find("cpu") is not None
    labelled.training_config = labelled.training_config.model_copy(update={"epochs": 3})
    assert labelled.live.complete, "that is not about the patterns"
    labelled.pattern_config = PatternConfig(crop=0.5)
    assert labelled.live.share == 0
    assert labelled.live.domain_map is None


def test_what_would_take_too_long_ends_by_itself(labelled: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    from napari_ghosthunter.mapping import live as live_module

    whole = live_module.stream
    monkeypatch.setattr(live_module, "stream", lambda *a, **k: whole(*a, **k, block_bytes=8 * 16 * 16 * 4))
    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr(looking.time, "monotonic", lambda: next(clock))
    run = labelled.live.start_looking("cpu", patience=30)
    assert [look.features.rows for look in run] == [1]
    assert run.too_long
    assert run.seconds == 40  # 10 s a row, and four more
    *_, last = labelled.live.start_looking("cpu", patience=float("inf"))
    assert last.features.complete
    assert last.contrast is not None


def test_a_closed_session_forgets(labelled: Session) -> None:
    assert labelled.live.find("cpu") is not None
    labelled.close()
    assert labelled.live.domain_map is None
    assert labelled.live.share == 0


def test_points_come_from_it_without_a_model(labelled: Session) -> None:
    assert labelled.live.find("cpu") is not None
    before = set(labelled.labels.points)
    found = labelled.live.propose(5, 1)
    assert [one.reason.split()[0] for one in found.proposals] == ["uncertain"] * 4 + ["unlike"]
    assert {one.position for one in found.proposals} == set(labelled.labels.points) - before
    assert labelled.model is None


def test_labels_that_were_there_count(scan, simulation: Simulation) -> None:
    labels = LabelSet(scan_shape=scan.scan_shape)
    for name in simulation.names:
        labels.add_class(name)
    labels.label_many({spot: simulation.names[simulation.truth[spot]] for spot in np.ndindex(6, 8)})
    assert Session(scan, labels).live.find("cpu") is not None
