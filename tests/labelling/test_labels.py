"""The label set against a naive model: a list of snapshots."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_ghosthunter.errors import LabelError, OutputError
from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.labelling.edits import (
    Batch,
    RenameClass,
    SamplePoint,
    SetClasses,
    SetLabel,
    SetPoint,
    edit_from_json,
)
from napari_ghosthunter.labelling.labels import LabelSet

SHAPE = (3, 4)
NAMES = ("none", "vertical", "horizontal", "wall")
State = tuple[dict[tuple[int, int], str], ClassScheme, list[tuple[tuple[int, int], str]]]

positions = st.tuples(st.integers(-1, SHAPE[0]), st.integers(-1, SHAPE[1]))  # some outside the scan
names = st.sampled_from(NAMES)
calls = st.lists(
    st.one_of(
        st.tuples(st.just("label"), positions, st.none() | names),
        st.tuples(st.just("label_many"), st.dictionaries(positions, st.none() | names, max_size=4)),
        st.tuples(st.just("add_points"), st.dictionaries(positions, st.sampled_from(["grid", "by hand"]), max_size=4)),
        st.tuples(st.just("remove_point"), positions),
        st.tuples(st.just("add_class"), names),
        st.tuples(st.just("remove_class"), names),
        st.tuples(st.just("rename_class"), names, names),
        st.tuples(st.just("recolour_class"), names, st.sampled_from(["#000000", "#ffffff"])),
        st.tuples(st.just("undo")),
        st.tuples(st.just("redo")),
    ),
    max_size=40,
)


def start() -> LabelSet:
    labels = {(0, 0): "none", (2, 3): "vertical"}
    return LabelSet(ClassScheme.from_names(NAMES[:3]), SHAPE, labels, {(2, 3): "grid", (1, 1): "by hand"})


def state(labels: LabelSet) -> State:
    return dict(labels), labels.classes, list(labels.points.items())


def call(labels: LabelSet, method: str, *arguments: Any) -> None:
    """Do it; what cannot be done must change nothing."""
    before = state(labels)
    try:
        getattr(labels, method)(*arguments)
    except LabelError:
        assert state(labels) == before


@given(calls)
def test_undo_and_redo_walk_through_the_snapshots(calls: list[tuple[Any, ...]]) -> None:
    labels = start()
    snapshots, now = [state(labels)], 0
    for method, *arguments in calls:
        call(labels, method, *arguments)
        if method == "undo":
            now = max(now - 1, 0)
        elif method == "redo":
            now = min(now + 1, len(snapshots) - 1)
        elif state(labels) != snapshots[now]:
            del snapshots[now + 1 :]
            snapshots.append(state(labels))
            now += 1
        assert state(labels) == snapshots[now]
        assert labels.can_undo == (now > 0)
        assert labels.can_redo == (now < len(snapshots) - 1)
    while labels.can_redo:
        labels.redo()
    end = state(labels)
    while labels.can_undo:
        labels.undo()
    assert state(labels) == state(start())
    while labels.can_redo:
        labels.redo()
    assert state(labels) == end == snapshots[-1]


@given(calls)
def test_the_events_alone_rebuild_the_labels_through_json(calls: list[tuple[Any, ...]]) -> None:
    labels, journal = start(), []
    labels.changed.connect(lambda edit, _: journal.append(edit.to_json()))
    for method, *arguments in calls:
        call(labels, method, *arguments)
    twin = start()
    for line in journal:
        assert "\n" not in line
        twin.apply(edit_from_json(line))
    assert state(twin) == state(labels)


@given(calls)
def test_counts_and_arrays_agree(calls: list[tuple[Any, ...]]) -> None:
    labels = start()
    for method, *arguments in calls:
        call(labels, method, *arguments)
    spots, ids = labels.to_arrays()
    assert [tuple(spot) for spot in spots.tolist()] == sorted(labels)
    assert [labels.classes.names[number - 1] for number in ids] == [labels[spot] for spot in sorted(labels)]
    assert list(labels.counts()) == list(labels.classes.names)
    assert sum(labels.counts().values()) == len(labels) == len(spots)
    np.testing.assert_array_equal(np.bincount(ids, minlength=len(labels.classes) + 1)[1:], [*labels.counts().values()])


def test_it_reads_like_a_sorted_dict() -> None:
    labels = LabelSet(ClassScheme.from_names(["a", "b"]), labels={(5, 1): "a", (0, 9): "b", (5, 0): "b"})
    assert list(labels) == [(0, 9), (5, 0), (5, 1)]
    assert labels == {(5, 0): "b", (5, 1): "a", (0, 9): "b"}
    assert labels[5, 1] == "a"
    assert (1, 1) not in labels
    assert not labels.can_undo, "what it starts from is no edit"
    assert "a: 1, b: 2" in repr(labels)


def test_an_empty_set_has_empty_arrays() -> None:
    labels = LabelSet()
    spots, ids = labels.to_arrays()
    assert spots.shape == (0, 2)
    assert ids.shape == (0,)
    assert labels.positions.shape == (0, 2)
    labels.undo()
    labels.redo()
    assert len(labels) == 0


def test_numpy_integers_become_plain_ones() -> None:
    labels = LabelSet(ClassScheme.from_names(["a"]), SHAPE)
    labels.label((np.int64(1), np.uint8(2)), "a")
    assert all(type(value) is int for position in labels for value in position)


@pytest.mark.parametrize(
    ("position", "words"),
    [
        ((-1, 0), "outside the scan"),
        ((0, 4), r"outside the scan of 3 x 4 positions \(scan_y, scan_x\)\.$"),
        ((3, 2), "It would fit 4 x 3: check that scan_y and scan_x are not swapped"),
        ((0.5, 1), "whole numbers"),
        ((1,), "whole numbers"),
        (7, "whole numbers"),
    ],
)
def test_positions_outside_the_scan_are_refused(position: Any, words: str) -> None:
    with pytest.raises(LabelError, match=words):
        start().label(position, "none")
    with pytest.raises(LabelError, match=words):
        LabelSet(ClassScheme.from_names(["none"]), SHAPE, {position: "none"})


def test_unknown_classes_are_refused() -> None:
    with pytest.raises(LabelError, match="no class 'wall'"):
        start().label((0, 0), "wall")


def test_a_batch_is_done_whole_or_not_at_all() -> None:
    labels = start()
    heard: list[Any] = []
    labels.changed.connect(heard.append)
    with pytest.raises(LabelError):
        labels.label_many({(1, 1): "vertical", (0, 0): None, (1, 2): "no such class"})
    assert state(labels) == state(start())
    assert not labels.can_undo
    assert heard == []


def test_removing_a_class_takes_its_labels_in_one_step() -> None:
    labels = start()
    labels.remove_class("none")
    assert dict(labels) == {(2, 3): "vertical"}
    assert labels.classes.names == ("vertical", "horizontal")
    labels.undo()
    assert state(labels) == state(start())
    assert not labels.can_undo


def test_renaming_a_class_renames_its_labels() -> None:
    labels = start()
    labels.rename_class("none", " out of plane ")
    assert labels[0, 0] == "out of plane"
    assert labels.counts() == {"out of plane": 1, "vertical": 1, "horizontal": 0}


def test_a_view_hears_what_was_done() -> None:
    labels = start()
    heard: list[tuple[Any, str]] = []
    labels.changed.connect(lambda edit, how: heard.append((edit, how)))
    labels.label((0, 0), "vertical")
    labels.label((0, 0), "vertical")  # no change, nothing to tell or to take back
    labels.undo()
    labels.redo()
    labels.undo()
    labels.undo()
    there = SetLabel(position=(0, 0), before="none", after="vertical")
    back = there.inverse()
    assert heard == [(there, "apply"), (back, "undo"), (there, "redo"), (back, "undo")]


def test_a_new_edit_ends_what_could_be_redone() -> None:
    labels = start()
    labels.label((1, 1), "vertical")
    labels.undo()
    labels.label((1, 2), "none")
    assert not labels.can_redo


def test_points_keep_the_order_in_which_they_came() -> None:
    labels = LabelSet(ClassScheme.from_names(["a"]), SHAPE)
    labels.add_points({(2, 0): "grid", (0, 1): "grid"})
    labels.add_points({(1, 1): "by hand", (2, 0): "asked for again"})
    before = labels.points
    assert list(before.items()) == [((2, 0), "grid"), ((0, 1), "grid"), ((1, 1), "by hand")]
    labels.remove_point((0, 1))
    assert list(labels.points) == [(2, 0), (1, 1)]
    labels.undo()
    assert labels.points == before, "in its old place"
    labels.label((0, 1), "a")
    assert labels.waiting == [(2, 0), (1, 1)]


def test_removing_a_point_takes_its_label_in_one_step() -> None:
    labels = start()
    labels.remove_point((2, 3))
    assert (2, 3) not in labels
    assert list(labels.points) == [(1, 1)]
    labels.undo()
    assert state(labels) == state(start())
    labels.remove_point((0, 0))  # a label without a sample point
    labels.remove_point((0, 2))  # neither
    labels.undo()
    assert state(labels) == state(start())
    assert not labels.can_undo


@pytest.mark.parametrize("how", ["apply", "undo", "redo"])
def test_what_cannot_be_recorded_has_not_happened(how: str) -> None:
    def refuse(edit: Any, doing: str) -> None:
        if doing == how:
            raise OutputError("the disk is full")

    labels = start()
    labels.label((1, 1), "none")
    if how == "redo":
        labels.undo()
    before, heard = state(labels), []
    labels.recorder = refuse
    labels.changed.connect(heard.append)
    with pytest.raises(OutputError):
        labels.label((1, 2), "none") if how == "apply" else getattr(labels, how)()
    assert state(labels) == before
    assert heard == []
    assert (labels.can_undo, labels.can_redo) == ((False, True) if how == "redo" else (True, False))


@pytest.mark.parametrize(
    "edit",
    [
        SetLabel(position=(0, 0), before=None, after="vertical"),
        SetLabel(position=(9, 9), before=None, after="vertical"),
        SetLabel(position=(1, 1), before=None, after="wall"),
        RenameClass(before="wall", after="w"),
        RenameClass(before="none", after="vertical"),
        SetPoint(position=(0, 0), before=SamplePoint(reason="grid", number=0), after=None),
        SetPoint(position=(1, 1), before=None, after=SamplePoint(reason="grid", number=0)),
        SetPoint(position=(9, 9), before=None, after=SamplePoint(reason="grid", number=0)),
        SetClasses(before=ClassScheme(), after=ClassScheme.from_names(NAMES)),
        SetClasses(before=ClassScheme.from_names(NAMES[:3]), after=ClassScheme.from_names(["vertical"])),
        Batch(
            edits=(
                RenameClass(before="none", after="n"),
                SetLabel(position=(0, 0), before="n", after=None),
                SetLabel(position=(0, 0), before="n", after=None),
            )
        ),
    ],
)
def test_an_edit_that_does_not_fit_is_refused_whole(edit: Any) -> None:
    labels = start()
    with pytest.raises(LabelError):
        labels.apply(edit)
    assert state(labels) == state(start())
    assert not labels.can_undo


@pytest.mark.parametrize(
    "line", ["", "{}", '{"kind":"label"}', '{"kind":"other"}', "[1]", "not json", '{"kind":"label']
)
def test_a_torn_line_is_no_edit(line: str) -> None:
    with pytest.raises(LabelError, match="not an edit"):
        edit_from_json(line)
