"""The current point: where the next label goes after each thing that a user does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_ghosthunter.errors import LabelError
from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.session.labelling import BY_HAND, FROM_FILE, LABELLED_BEFORE, Labelling, points_for_all

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


def test_going_along_the_points(labelling: Labelling) -> None:
    labelling.go_along(1)  # no points: nothing happens
    assert labelling.current is None
    labelling.propose(step=4)
    order = list(labelling.labels.points)
    visited = []
    for steps in (1, 1, 1, 1, -1, -1):
        labelling.go_along(steps)
        visited.append(labelling.current)
    assert visited == [order[index] for index in (1, 2, 3, 0, 3, 2)]
    labelling.labels.label_many(dict.fromkeys(order, "a"))
    labelling.label_current("b")
    assert labelling.current is None
    labelling.go_along(1)
    assert labelling.current == order[0], "labelled ones can be looked at again"
    labelling.go_along(-1)
    assert labelling.current == order[-1]


def test_points_where_a_map_is_unsure(labelling: Labelling) -> None:
    probabilities = np.tile([0.9, 0.1], (*SHAPE, 1))
    for number, spot in enumerate([(0, 0), (2, 2), (4, 6), (0, 6)]):
        probabilities[spot] = [0.5 + number / 100, 0.5 - number / 100]
    labelling.add_point((0, 0))
    labelling.label_current("a")
    labelling.add_point((4, 6))  # waits for its label
    found = labelling.propose_uncertain(probabilities, 2, 1)
    assert [proposal.position for proposal in found.proposals] == [(2, 2), (0, 6)]
    assert labelling.labels.points[2, 2] == "uncertain 0.51"
    assert labelling.current == (4, 6)
    labelling.undo()
    assert list(labelling.labels.points) == [(0, 0), (4, 6)]
    with pytest.raises(LabelError, match="shape"):
        labelling.propose_uncertain(probabilities[..., 0], 2, 1)


@pytest.mark.parametrize(("replace", "kept"), [(True, "c"), (False, "a")])
def test_labels_from_a_file_are_one_edit(labelling: Labelling, replace: bool, kept: str) -> None:
    for spot in ((0, 0), (1, 1), (3, 3)):
        labelling.add_point(spot)
    labelling.make_current((0, 0))
    labelling.label_current("a")
    labelling.make_current((1, 1))
    given = LabelSet(ClassScheme.from_names(["c", "b"]), None, {(0, 0): "c", (1, 1): "b", (2, 2): "b"})
    labelling.take_labels(given, replace=replace)
    assert dict(labelling.labels) == {(0, 0): kept, (1, 1): "b", (2, 2): "b"}
    assert labelling.labels.points == {(0, 0): BY_HAND, (1, 1): BY_HAND, (3, 3): BY_HAND, (2, 2): FROM_FILE}
    assert labelling.labels.classes.names == ("a", "b", "c")
    assert labelling.current == (3, 3)
    labelling.undo()
    assert dict(labelling.labels) == {(0, 0): "a"}
    assert labelling.labels.classes.names == ("a", "b")
    with pytest.raises(LabelError, match="outside"):
        labelling.take_labels(LabelSet(ClassScheme.from_names(["d"]), None, {(9, 9): "d"}))
    assert "d" not in labelling.labels.classes
