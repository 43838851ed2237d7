"""What a journal leads to, also where undo and redo are told of edits that are no longer there."""

from __future__ import annotations

import pytest

from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.labelling.edits import SetLabel
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.session.journal import Entry, Header, JournalText
from napari_ghosthunter.session.replay import replay

SHAPE = (4, 5)
A, B = (SetLabel(position=(0, number), before=None, after="wall") for number in (1, 2))


def replayed(*entries):
    """Replay entries (how, edit), or None for a line that cannot be read."""
    header = Header.of("print", {}, LabelSet(ClassScheme.from_names(["wall"]), SHAPE))
    read = tuple(None if entry is None else Entry(how=entry[0], edit=entry[1]) for entry in entries)
    return replay(JournalText(header, read, good_end=1, size=1), SHAPE)


def test_undo_and_redo_are_replayed_with_what_can_still_be_undone():
    state = replayed(("apply", A), ("apply", B), ("undo", B.inverse()), ("redo", B), ("undo", B.inverse()))
    assert (state.whole, dict(state.labels)) == (True, {(0, 1): "wall"})
    assert (state.labels.next_undo, state.labels.next_redo) == (A.inverse(), B)


@pytest.mark.parametrize(
    ("entries", "left"),
    [
        ([("apply", A), ("redo", B)], {(0, 1), (0, 2)}),  # the lines of B and of its undo were torn off
        ([("apply", A), ("apply", B), ("undo", B.inverse()), ("redo", A)], {(0, 1)}),  # another one could be done again
        ([("redo", A)], {(0, 1)}),
    ],
)
def test_a_redo_of_what_was_not_undone_keeps_its_label_and_tells(entries, left):
    state = replayed(*entries)
    assert set(state.labels) == left
    assert not state.whole
    assert "some edits do not fit" in state.notes[0]
    assert state.labels.next_undo is None  # the history would not be what the user did
    assert state.labels.next_redo is None


def test_an_undo_of_what_is_not_the_last_edit_takes_that_one_back():
    state = replayed(("apply", A), ("apply", B), ("undo", A.inverse()))
    assert set(state.labels) == {(0, 2)}
    assert not state.whole
