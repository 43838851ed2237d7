"""The current point: where the next label goes after each thing that a user does."""

from __future__ import annotations

from typing import Any

import pytest

from napari_ghosthunter.errors import LabelError
from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.session.labelling import BY_HAND, LABELLED_BEFORE, Labelling, points_for_all

SHAPE = (5, 7)


@pytest.fixture
def labelling() -> Labelling:
    return Labelling(LabelSet(ClassScheme.from_names(["a", "b"]), SHAPE), SHAPE)


def test_labels_go_from_point_to_point_until_none_waits(labelling: Labelling) -> None:
    found = labelling.propose(step=3)
    assert [proposal.position for proposal in found.proposals] == [(0, 0), (0, 3), (0, 6), (3, 0), (3, 3), (3, 6)]
    assert labelling.labels.points[3, 3] == "grid"
    visited = []
    while labelling.current is not None:
        visited.append(labelling.current)
        labelling.label_current("a")
    assert visited == list(labelling.labels.points)
    with pytest.raises(LabelError, match="No point is chosen"):
        labelling.label_current("b")
    assert set(labelling.labels.values()) == {"a"}, "a key pressed once too often changes nothing"


def test_an_empty_round_says_why(labelling: Labelling) -> None:
    labelling.propose(step=9)
    labelling.label_current("a")
    found = labelling.propose(step=9)
    assert not found.proposals
    assert "no boundary" in found.message
    assert labelling.current is None


def test_a_round_continues_where_labels_differ(labelling: Labelling) -> None:
    labelling.propose(step=4)
    for name in ("a", "b", "a", "a"):
        labelling.label_current(name)
    labelling.propose(step=4)
    assert labelling.current == (0, 2)
    assert labelling.labels.points[0, 2] == "midpoint of (0, 0) and (0, 4)"


def test_proposing_again_leaves_the_current_point_alone(labelling: Labelling) -> None:
    labelling.propose(step=3)
    labelling.make_current((3, 3))
    labelling.propose(step=3)
    assert labelling.current == (3, 3)
    assert len(labelling.labels.points) == 6
    labelling.undo()
    assert len(labelling.labels.points) == 0, "points that were there already are no edit"


def test_it_goes_round(labelling: Labelling) -> None:
    labelling.propose(step=3)
    labelling.make_current((3, 6))
    labelling.label_current("a")
    assert labelling.current == (0, 0)


def test_a_label_can_be_corrected(labelling: Labelling) -> None:
    labelling.propose(step=3)
    labelling.label_current("a")
    labelling.make_current((0, 0))
    labelling.label_current("b")
    assert labelling.labels[0, 0] == "b"
    assert labelling.current == (0, 3)


def test_points_by_hand(labelling: Labelling) -> None:
    labelling.propose(step=9)
    labelling.add_point((2, 2))
    assert labelling.current == (2, 2)
    assert labelling.labels.points[2, 2] == BY_HAND
    labelling.label_current("a")
    assert labelling.current == (0, 0)
    labelling.add_point((2, 2))  # there already: only made current
    assert labelling.current == (2, 2)
    with pytest.raises(LabelError, match="outside the scan"):
        labelling.add_point((5, 0))
    with pytest.raises(LabelError, match="no point at"):
        labelling.make_current((1, 1))


def test_clearing_keeps_the_point(labelling: Labelling) -> None:
    labelling.add_point((2, 2))
    labelling.label_current("a")
    labelling.make_current((2, 2))
    labelling.clear_current()
    assert labelling.labels.waiting == [(2, 2)]
    assert labelling.current == (2, 2)


def test_a_removed_point_is_not_current(labelling: Labelling) -> None:
    labelling.propose(step=3)
    labelling.make_current((0, 3))
    labelling.remove_point((0, 3))
    assert labelling.current == (0, 0)
    labelling.remove_point((3, 3))
    assert labelling.current == (0, 0)
    labelling.undo()
    labelling.undo()
    assert list(labelling.labels.points)[1] == (0, 3)


def test_undo_goes_back_to_the_point_and_redo_on_again(labelling: Labelling) -> None:
    labelling.propose(step=3)
    labelling.label_current("a")
    labelling.label_current("b")
    assert labelling.current == (0, 6)
    labelling.undo()
    assert labelling.current == (0, 3)
    labelling.undo()
    assert labelling.current == (0, 0)
    labelling.redo()
    assert labelling.current == (0, 3)
    for _ in range(5):
        labelling.undo()
    assert labelling.current is None
    assert len(labelling.labels.points) == 0
    labelling.redo()
    assert labelling.current == (0, 0)


def test_a_view_hears_of_the_current_point(labelling: Labelling) -> None:
    heard: list[Any] = []
    labelling.current_changed.connect(heard.append)
    labelling.propose(step=4)
    labelling.label_current("a")
    labelling.make_current((0, 4))  # it is already
    labelling.undo()
    assert heard == [(0, 0), (0, 4), (0, 0)]


def test_labels_that_come_without_points_get_them() -> None:
    given = LabelSet(ClassScheme.from_names(["a"]), None, {(1, 1): "a", (0, 2): "a"}, {(0, 2): "grid", (4, 4): "grid"})
    labelling = Labelling(points_for_all(given, SHAPE), SHAPE)
    assert labelling.labels.points == {(0, 2): "grid", (4, 4): "grid", (1, 1): LABELLED_BEFORE}
    assert labelling.current == (4, 4)
    with pytest.raises(LabelError, match="outside"):
        points_for_all(given, (2, 2))


def test_labels_of_another_scan_are_refused() -> None:
    with pytest.raises(LabelError, match="another|not"):
        Labelling(LabelSet(scan_shape=(4, 4)), SHAPE)
