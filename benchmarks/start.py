"""Row 6: how long `ghosthunter --help` takes over bare Python, and napari with the plugin over napari without it.

Every start is a process of its own; the compared ones take turns. For napari the time is from the start of the process
until an empty viewer has drawn itself. Without a screen, on Linux, put `xvfb-run -a -s "-screen 0 1600x1000x24"` before
it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import partial

from benchmarks.rows import Row, at_most, run_alone
from benchmarks.turns import best_of

STARTS, NAPARI_STARTS = 15, 5
HELP = [sys.executable, "-m", "napari_ghosthunter", "--help"]
NAPARI = """
import sys
from npe2 import PluginManager
manager = PluginManager.instance()
manager.discover()
if sys.argv[1] == "without":
    manager.disable("napari-ghosthunter")
import napari
from qtpy.QtWidgets import QApplication
viewer = napari.Viewer()
QApplication.processEvents()
viewer.close()
"""


def rows(quick: bool) -> Iterator[Row]:
    """Measure both starts."""
    seconds = starts({"bare": [sys.executable, "-c", "pass"], "help": HELP}, 2 if quick else STARTS)
    yield at_most(
        "`ghosthunter --help` over bare Python",
        seconds["help"] - seconds["bare"],
        0.3,
        " s",
        f"bare {seconds['bare']:.2f} s",
    )
    napari = {which: [sys.executable, "-c", NAPARI, which] for which in ("without", "with")}
    seconds = starts(napari, 1 if quick else NAPARI_STARTS)
    yield Row(
        "napari with the plugin over napari without it",
        f"{seconds['with'] - seconds['without']:+.2f} s (without {seconds['without']:.2f} s)",
    )


def starts(commands: Mapping[str, list[str]], rounds: int) -> dict[str, float]:
    """Start each command in turn; the best seconds of each."""
    return best_of({name: partial(once, command) for name, command in commands.items()}, rounds)


def once(command: list[str]) -> None:
    """Run a command to its end."""
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    run_alone("benchmarks.start", rows)
