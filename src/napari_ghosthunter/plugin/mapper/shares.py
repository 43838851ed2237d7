"""Shares and accuracies as the window writes them, in percent: '97 % (84 to 100 %)'."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from napari_ghosthunter.labelling.classes import short_list

if TYPE_CHECKING:
    from napari_ghosthunter.learning.estimate import Estimate
    from napari_ghosthunter.learning.validation import HeldOut
    from napari_ghosthunter.session.session import Session

BRACKETS = "In brackets: where the accuracy lies with 95\N{NO-BREAK SPACE}% certainty"


def percent(share: float) -> str:
    """Write a share in percent, with as many digits as it deserves."""
    hundred = 100 * share
    return f"{hundred:.0f}\N{NO-BREAK SPACE}%" if hundred >= 10 or hundred == 0 else f"{hundred:.1f}\N{NO-BREAK SPACE}%"


def percent_within(share: float, interval: tuple[float, float]) -> str:
    """Write a share with its 95 % interval."""
    low, high = interval
    return f"{percent(share)} ({100 * low:.0f} to {100 * high:.0f}\N{NO-BREAK SPACE}%)"


def estimate_text(estimate: Estimate) -> str:
    """Say how right a map probably is."""
    return f"Estimated accuracy of the map: {percent_within(estimate.accuracy, estimate.interval)}."


def earlier_labels_text(session: Session) -> str:
    """Say that the figures of the model are of other labels than those of now; empty if they are not.

    A model from elsewhere, in a session without labels, has nothing to be compared with.
    """
    model, labels = session.model, session.labels
    if model is None or not len(labels):
        return ""
    then = model.record.labels_per_class
    names = session.training.renames.names(tuple(then))
    if +Counter(labels.counts()) == +Counter(dict(zip(names, then.values(), strict=True))):
        return ""
    gone = [f"'{name}'" for name in names if name not in labels.classes]
    removed = f"; class {short_list(gone)} was removed since" if gone else ""
    trained = sum(then.values())
    return (
        f"These figures are of the {trained:,} label{'' if trained == 1 else 's'} that the model was trained with; "
        f"{len(labels):,} are labelled now{removed}."
    )


def held_out_text(held_out: HeldOut) -> str:
    """Say how good a model is on labels that it was not trained on, and what to think of that."""
    if held_out.accuracy is None:
        said = str(held_out)
        return f"{said[0].upper()}{said[1:]}."
    share = percent_within(held_out.accuracy, held_out.interval)
    return f"{held_out.right} of {held_out.count} held-out labels right: accuracy {share}; {held_out.how}."
