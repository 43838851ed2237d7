"""Cycles of work in one window: a scan is opened, labelled, trained on and mapped, and everything closed again.

`python -m tests.plugin.cycles FILE COUNT` prints after each how much memory is in use, and how much the process
holds, in MiB, as one list of JSON.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import re
import sys
import tempfile
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

from qtpy.QtCore import QEventLoop, QTimer

from napari_ghosthunter.plugin.docks import DIFFRACTION, MAPPER, find_dock, open_docks

NAMES = ("none", "vertical", "horizontal")
LONG_S = 60.0  # for machines with much else to do


def pause(milliseconds: int) -> None:
    """Let the window work for a while; in a loop of its own, for outside of any Qt deletes nothing."""
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def wait_until(holds: Callable[[], bool]) -> None:
    """Let the window work until something holds."""
    end = time.monotonic() + LONG_S
    while not holds():
        assert time.monotonic() < end, "waited too long"
        pause(10)


def work_through(viewer: Any, file: Path) -> dict[str, weakref.ref[Any]]:
    """Do it once, and give what must be gone when all is closed."""
    (layer,) = viewer.open(file, plugin="napari-ghosthunter")
    open_docks(viewer)
    mapper = find_dock(viewer, MAPPER)
    wait_until(lambda: mapper.desk.session is not None or bool(mapper.desk.past))
    if mapper.desk.session is None:
        mapper.desk.start_anew()
        wait_until(lambda: mapper.desk.session is not None)
    session = mapper.desk.session
    mapper.show_page(mapper.label_page)
    for name in NAMES:
        session.labels.add_class(name)
    session.propose(2)
    while session.current is not None:
        session.label_current(NAMES[len(session.labels) % len(NAMES)])
    wait_until(lambda: session.live.complete and session.live.domain_map is not None)
    mapper.show_page(mapper.train_page)
    mapper.train_page.train_button.click()
    wait_until(lambda: session.segmentation.is_current and not mapper.mapping.running and not mapper.training.running)
    mapper.show_page(mapper.map_page)
    wait_until(lambda: "Domains" in viewer.layers)
    canvas = find_dock(viewer, DIFFRACTION).canvas
    wait_until(lambda: canvas.drawing is not None)
    there = {
        "the mapper": mapper, "the Diffraction viewer": canvas.parent(), "the session": session,
        "the live map": session.live,
        "the labels": session.labels, "the scan": session.scan, "the model": session.model,
        "the map": session.domain_map, "the pattern's canvas": canvas.drawing,
        "the pattern's model": canvas.view.viewer, "the scan's layer": getattr(layer, "__wrapped__", layer),
        "the map's layer": getattr(viewer.layers["Domains"], "__wrapped__", viewer.layers["Domains"]),
    }  # fmt: skip
    return {name: weakref.ref(one) for name, one in there.items()}


def put_away(viewer: Any) -> None:
    """Close both docks with their X, and delete all layers."""
    for name in (MAPPER, DIFFRACTION):
        find_dock(viewer, name).parent().destroyOnClose()
    viewer.layers.clear()
    for _ in range(3):
        pause(50)
        gc.collect()


class MallInfo(ctypes.Structure):
    """What glibc tells of its heaps: `uordblks` bytes are in use, and `hblkhd` in mappings of their own."""

    _fields_ = [
        (name, ctypes.c_size_t) for name in
        ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")
    ]  # fmt: skip


def memory_mib() -> tuple[float, float]:
    """Give what is in use, and what the process holds, after all that can be given back is.

    The one is what was asked for and not freed, of the C library and of Python. The other is more by the files that are
    mapped, and by free memory in pieces smaller than a page, of which there is more the longer a window lives.
    """
    gc.collect()
    libc = ctypes.CDLL("libc.so.6")
    libc.malloc_trim(0)
    libc.mallinfo2.restype = MallInfo
    info = libc.mallinfo2()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    in_use = info.uordblks + info.hblkhd + python_bytes()
    return in_use / 2**20, pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def python_bytes() -> int:
    """Give what Python's own allocator holds for objects, which it tells to standard error alone."""
    sys.stderr.flush()
    before = os.dup(2)
    with tempfile.TemporaryFile("w+") as told:
        os.dup2(told.fileno(), 2)
        try:
            sys._debugmallocstats()
        finally:
            os.dup2(before, 2)
            os.close(before)
        told.seek(0)
        (found,) = re.findall(r"# bytes in allocated blocks *= *([\d,]+)", told.read())
    return int(found.replace(",", ""))


def main(file: Path, count: int) -> None:
    """Go through all cycles."""
    import napari

    viewer = napari.Viewer()
    found = []
    for _ in range(count):
        work_through(viewer, file)
        put_away(viewer)
        found.append([round(size, 1) for size in memory_mib()])
    sys.stdout.write(f"{json.dumps(found)}\n")
    sys.stdout.flush()
    os._exit(0)  # what Qt does at the end is another test's


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
