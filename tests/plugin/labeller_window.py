"""A napari window in which keys label a scan, until its process is killed.

`python -m tests.plugin.labeller_window SCAN SEED` opens the scan and goes on with the earlier work on it, as a user
does with two clicks. It prints what the window shows then, and a line of JSON before and after each key.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable
from typing import Any

import napari
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_ghosthunter.plugin.docks import MAPPER, find_dock, open_docks
from napari_ghosthunter.plugin.window import canvas_of
from napari_ghosthunter.session.session import Session

PATIENCE = 120.0  # seconds
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def wait_until(there: Callable[[], object]) -> None:
    """Let the window live until something is there."""
    end = time.monotonic() + PATIENCE
    while not there():
        if time.monotonic() > end:
            raise TimeoutError
        QApplication.processEvents()
        time.sleep(0.005)


def press(canvas: Any, session: Session, chance: random.Random) -> None:
    """Press a key that edits, and tell of it before and after; Backspace and undo come now and then."""
    kind = chance.choice(["label"] * 6 + ["undo", "redo", "clear"])
    current, classes = session.current, session.labels.classes.classes
    if kind == "undo":
        action, key, modifier = ["undo"], Qt.Key.Key_Z, CTRL
    elif kind == "redo":
        action, key, modifier = ["redo"], Qt.Key.Key_Z, CTRL | SHIFT
    elif current is None:
        QTest.keyClick(canvas, Qt.Key.Key_N)
        return
    elif kind == "clear":
        action, key, modifier = ["clear", current], Qt.Key.Key_Backspace, Qt.KeyboardModifier.NoModifier
    else:
        entry = chance.choice(classes)
        action, key, modifier = ["label", current, entry.name], entry.key, Qt.KeyboardModifier.NoModifier
    say(["begin", action])
    QTest.keyClick(canvas, key, modifier)
    unseen = kind == "label" and session.labels.get(current or (0, 0)) != action[2]  # its pattern was not shown yet
    say(["refused" if unseen else "done", action])
    QApplication.processEvents()


def shown(layer: Any) -> list[Any]:
    """Tell what the layer of the points shows: position and label of each."""
    spots = [[round(value) for value in spot] for spot in layer.data]
    return sorted([*spot, label] for spot, label in zip(spots, layer.features["label"], strict=True))


def say(line: Any) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Open, go on, and label."""
    viewer, chance = napari.Viewer(), random.Random(sys.argv[2])
    viewer.open(sys.argv[1], plugin="napari-ghosthunter")
    open_docks(viewer)
    mapper = find_dock(viewer, MAPPER)
    wait_until(lambda: mapper.desk.past and mapper.banner.go_on.isVisible())
    QTest.mouseClick(mapper.banner.go_on, Qt.MouseButton.LeftButton)
    wait_until(lambda: mapper.desk.session is not None and mapper.points.layer is not None)
    session, canvas = mapper.desk.session, canvas_of(viewer)
    say(["ready", shown(mapper.points.layer)])
    while True:
        press(canvas, session, chance)


if __name__ == "__main__":
    main()
