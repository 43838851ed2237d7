"""A process that labels and tells of each step before and after it, until it is killed.

`python -m tests.session.labeller FOLDER SEED` goes on with the sitting in a data folder, or starts one, and prints a
line of JSON for what it is about to do, and another one when that has returned: from then on it must not be lost.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np

from napari_ghosthunter.errors import LabelError
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.session.past import find_sittings
from napari_ghosthunter.session.session import Session

SCAN = Scan(np.arange(16 * 24 * 2 * 2, dtype=np.uint16).reshape(16, 24, 2, 2))
NAMES = ("a", "b", "wall", "d")

Action = list[Any]


def draw(chance: random.Random, session: Session) -> Action:
    """Choose what to do next, one edit at most: mostly labels, sometimes anything else that a user can do."""
    name, other = chance.choice(NAMES), chance.choice(NAMES)
    spot = [chance.randrange(16), chance.randrange(24)]
    kinds: list[Action] = [
        ["undo"], ["undo"], ["redo"], ["clear", session.current], ["propose", chance.randint(1, 6)],
        ["add point", spot], ["remove point", spot], ["add class", name], ["rename class", name, other],
        ["remove class", name], ["recolour class", name, f"#{chance.randrange(16**6):06x}"],
        ["take", name, chance.randrange(16)],
    ]  # fmt: skip
    if session.current is None:
        kinds = [["propose", chance.randint(1, 6)], ["add point", spot], ["add class", name]]
    return ["label", session.current, name] if session.current and chance.random() < 0.7 else chance.choice(kinds)


def do(session: Session, action: Action) -> None:  # noqa: PLR0912 - as many branches as there are edits
    """Do it; what does not fit is refused and changes nothing."""
    kind, *given = action
    try:
        match kind:
            case "undo":
                session.undo()
            case "redo":
                session.redo()
            case "clear":
                session.make_current(*given)
                session.clear_current()
            case "propose":
                session.propose(*given)
            case "add point":
                session.add_point(tuple(given[0]))
            case "remove point":
                session.remove_point(tuple(given[0]))
            case "add class":
                session.labels.add_class(*given)
            case "rename class":
                session.labels.rename_class(*given)
            case "remove class":
                session.labels.remove_class(*given)
            case "recolour class":
                session.labels.recolour_class(*given)
            case "take":  # a row of labels, in one line of the journal that is longer than a page of memory
                name, row = given
                session.take_labels(LabelSet(labels={(row, x): name for x in range(24)}, classes=_only(name)))
            case "label":
                spot, name = given
                session.make_current(spot)
                session.label_current(name)
    except LabelError:
        pass


def _only(name: str) -> Any:
    from napari_ghosthunter.labelling.classes import ClassScheme

    return ClassScheme.from_names([name])


def main() -> None:
    """Label until the end of the world."""
    folder, chance = Path(sys.argv[1]), random.Random(sys.argv[2])
    past = find_sittings(SCAN, folder)
    session = Session.resume(SCAN, past[0]) if past else Session.start(SCAN, data_folder=folder)
    _say(["ready", session.notes])
    while True:
        action = draw(chance, session)
        _say(["begin", action])
        do(session, action)
        _say(["done", action])


def _say(line: Any) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
