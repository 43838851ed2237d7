"""The words of the page `Label`: how far the labelling is, what is to be labelled, and with which keys."""

from __future__ import annotations

from napari_ghosthunter.labelling.classes import short_list
from napari_ghosthunter.plugin.diffraction.where import position_text
from napari_ghosthunter.session.session import Session

UNHEARD = "Keys and clicks go to the layer that is selected, and label nothing."


def progress_of(session: Session) -> str:
    """Say how many points are labelled, and what to do if all are."""
    points, waiting = len({*session.labels.points, *session.labels}), len(session.labels.waiting)
    if not session.labels.classes.classes:
        return ""
    if not points:
        return "No points yet: propose some, or press Show points and click on the scan."
    if not waiting:
        more = "press Uncertain points for more" if session.live.domain_map is not None else "propose the next round"
        return f"All {points:,} points are labelled: {more}, or train."
    return f"{points - waiting:,} of {points:,} points labelled."


def current_of(session: Session) -> str:
    """Say which point is current, what it is, and why it was chosen."""
    spot = session.current
    if spot is None:
        return ""
    label, reason = session.labels.get(spot), session.labels.points.get(spot, "")
    words = [word for word in (label and f"is '{label}'", reason) if word]
    return f"Current point: {position_text(spot, session.scan)}" + (f": {'; '.join(words)}" if words else "")


def hint_of(session: Session, *, heard: bool) -> str:
    """Say which keys there are, or that they go to another layer."""
    if not heard:
        return UNHEARD if session.labels.points else ""
    keys = short_list([f"{entry.key} {entry.name}" for entry in session.labels.classes.classes if entry.key], most=9)
    if not session.labels.points:
        return ""
    return f"Keys: {keys + '; ' if keys else ''}Backspace clears, Delete removes, N goes on. Click to add a point."


def labels_of(session: Session, name: str) -> str:
    """Say how many labels go with a class."""
    labels = session.labels.counts()[name]
    return "its only label" if labels == 1 else f"its {labels:,} labels" if labels else "no labels"
