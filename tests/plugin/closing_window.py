"""A napari window in which a scan is labelled, and that is closed then.

`python -m tests.plugin.closing_window SCAN` prints how many layers were in the window when it was closed, how many of
them were taken out after that, and the time of closing in seconds (of `time.time`).
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import napari
from qtpy.QtCore import QTimer

from napari_ghosthunter.plugin.docks import MAPPER, find_dock
from tests.plugin.labeller_window import wait_until


def main(path: str) -> None:
    """Open, label, close."""
    viewer = napari.Viewer()
    viewer.open(path, plugin="napari-ghosthunter")
    wait_until(lambda: find_dock(viewer, MAPPER) is not None)
    mapper = find_dock(viewer, MAPPER)
    wait_until(lambda: mapper.desk.session is not None)
    session = mapper.desk.session
    mapper.show_page(mapper.label_page)
    for name in ("a", "b"):
        session.labels.add_class(name)
    session.propose(2)
    names = iter("ab" * 100)
    while session.current is not None:
        session.label_current(next(names))
    wait_until(lambda: "Live map" in viewer.layers and session.live.settling is not None)
    removed: list[Any] = []
    told: dict[str, Any] = {"layers": len(viewer.layers)}

    def close() -> None:
        viewer.layers.events.removed.connect(removed.append)
        told["closed"] = time.time()
        viewer.window._qt_window.close()

    QTimer.singleShot(0, close)
    napari.run()
    print(json.dumps(told | {"removed": len(removed)}), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1])
