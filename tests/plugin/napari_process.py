"""The command `napari`, or a script of somebody's, as a process of its own that tells what its window shows.

`python -m tests.plugin.napari_process command ARGUMENTS` is `napari ARGUMENTS`. With `shown` or `hidden` in place of
`command` it is a script that opens the files in a window that it shows before or after that. A question is accepted as
it stands. Once both docks or a notification are seen, or after a while, one line of JSON is printed, and the process
ends.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

import napari
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication, QDialog

from napari_ghosthunter.plugin.docks import DIFFRACTION, MAPPER, find_dock

PATIENCE = 60.0  # seconds


class Watcher:
    """Looks at the windows five times a second."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.end = time.monotonic() + PATIENCE
        self.timer = QTimer()
        self.timer.timeout.connect(self.look)
        self.timer.start(200)

    def look(self) -> None:
        """Accept a question; tell what there is, once it is all there."""
        question = QApplication.activeModalWidget()
        if isinstance(question, QDialog):
            self.asked.append(question.windowTitle())
            question.accept()
            return
        viewer = napari.current_viewer()
        if viewer is None or not viewer.window._qt_window.isVisible():
            return
        docks = [name for name in (DIFFRACTION, MAPPER) if is_open(find_dock(viewer, name))]
        told = notifications(viewer)
        if len(docks) == 2 or told or time.monotonic() > self.end:
            layers = [layer.name for layer in viewer.layers]
            print(json.dumps({"layers": layers, "docks": docks, "told": told, "asked": self.asked}), flush=True)  # noqa: T201
            os._exit(0)


def is_open(widget: Any) -> bool:
    """Whether a dock is there and seen."""
    return widget is not None and widget.isVisible()


def notifications(viewer: Any) -> list[str]:
    """Give what notifications say in the window."""
    from napari._qt.dialogs.qt_notification import NapariQtNotification

    found = viewer.window._qt_window.findChildren(NapariQtNotification)
    return [one.message.text() for one in found if one.isVisible()]


def main(kind: str, *arguments: str) -> None:
    """Start as a user would."""
    napari.qt.get_qapp()
    watcher = Watcher()
    if kind == "command":
        from napari.__main__ import main as napari_main

        sys.argv = ["napari", *arguments]
        napari_main()
    else:
        viewer = napari.Viewer(show=kind == "shown")
        for path in arguments:
            viewer.open(path, plugin="napari-ghosthunter")
        viewer.show()
        napari.run()
    del watcher


if __name__ == "__main__":
    main(*sys.argv[1:])
