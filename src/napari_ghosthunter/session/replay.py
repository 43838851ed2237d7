"""From the lines of a journal to the labels, points and choices that it tells of.

A whole journal is replayed exactly, with all that can be undone and redone. From the first damaged line on, edits
cannot be counted on to fit what was there before them, and only what each one leads to is taken over.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from napari_ghosthunter.errors import LabelError
from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.labelling.edits import (
    Edit,
    How,
    RenameClass,
    SetClasses,
    SetLabel,
    SetPoint,
    Single,
    singles,
)
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.session.journal import Entry, Header, JournalText


@dataclass
class Replayed:
    """What a journal leads to.

    Attributes
    ----------
    labels
        Labels, classes and points as they were last; with their history, if the journal is `whole`.
    training, patterns
        The configurations that were chosen last, as the dicts that they were written as; None for the defaults.
    whole
        False if a line is damaged or does not fit the others.
    unfit
        Number of edits that led nowhere any more.
    """

    labels: LabelSet
    training: dict[str, Any] | None = None
    patterns: dict[str, Any] | None = None
    whole: bool = True
    unfit: int = 0
    notes: list[str] = field(default_factory=list)


def replay(text: JournalText, scan_shape: tuple[int, int]) -> Replayed:
    """Do again what a journal tells, as far as it can be read; `notes` tells the user of what could not.

    Parameters
    ----------
    text
        The journal.
    scan_shape
        (scan_y, scan_x) of its scan.
    """
    state = _start(text.header, scan_shape)
    for entry in text.entries:
        if entry is None:
            state.whole = False
        else:
            _choose(state, entry)
            _edit(state, entry)
    if not state.whole:  # the history of what was recovered would not be what the user did
        found = state.labels
        state.labels = LabelSet(found.classes, scan_shape, dict(found), found.points)
    _tell(state, text)
    return state


def _start(header: Header | None, scan_shape: tuple[int, int]) -> Replayed:
    if header is not None:
        try:
            return Replayed(header.start(scan_shape), header.training, header.patterns)
        except LabelError:  # a class without name for one of its labels, or a point that is not in the scan
            pass
    return Replayed(LabelSet(scan_shape=scan_shape), whole=False)


def _choose(state: Replayed, entry: Entry) -> None:
    state.training = state.training if entry.training is None else entry.training
    state.patterns = state.patterns if entry.patterns is None else entry.patterns


def _edit(state: Replayed, entry: Entry) -> None:
    if entry.edit is None:
        return
    state.whole = state.whole and _done_exactly(state.labels, entry.edit, entry.how)
    if not state.whole:
        for edit in singles(entry.edit):
            try:
                _lead_to(state.labels, edit)
            except LabelError:
                state.unfit += 1


def _done_exactly(labels: LabelSet, edit: Edit, how: How | None) -> bool:
    """Do an edit as it was done; false, and nothing done, where it does not fit what was there before it."""
    if how == "undo" and labels.next_undo == edit:
        labels.undo()
    elif how == "redo" and labels.next_redo == edit:
        labels.redo()
    elif how == "apply":
        try:
            labels.apply(edit)
        except LabelError:
            return False
    else:
        return False
    return True


def _lead_to(labels: LabelSet, edit: Single) -> None:
    """Bring about what an edit leads to, whatever was there before it."""
    match edit:
        case SetLabel():
            if edit.after is not None and edit.after not in labels.classes:
                labels.add_class(edit.after)
            labels.label(edit.position, edit.after)
        case SetPoint():
            if edit.after is not None:
                labels.add_points({edit.position: edit.after.reason})
            elif edit.position not in labels:
                labels.remove_point(edit.position)
        case RenameClass():
            labels.rename_class(edit.before, edit.after)
        case SetClasses():
            kept = [entry for entry in labels.classes.classes if labels.counts()[entry.name]]
            lost = [entry.name for entry in kept if entry.name not in edit.after]
            wanted: ClassScheme = edit.after
            for name in lost:
                wanted = wanted.add(name)
            labels.apply(SetClasses(before=labels.classes, after=wanted))


def _tell(state: Replayed, text: JournalText) -> None:
    if text.torn:
        state.notes.append("The last entry of the journal was cut off while it was written, and is left out.")
    if not state.whole:
        lines = text.unreadable
        what = f"{lines} of its {len(text.entries) + 1} lines cannot be read" if lines else "some edits do not fit"
        state.notes.append(
            f"The journal is damaged: {what}. Everything else was recovered; check your labels. "
            "Undo does not reach back behind this point."
        )
