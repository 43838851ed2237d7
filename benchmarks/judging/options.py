"""What every benchmark of maps is asked on its command line."""

from __future__ import annotations

import argparse
from pathlib import Path


def parser(module: str, doc: str | None, *, others: bool = True) -> argparse.ArgumentParser:
    """Begin the command line of a benchmark: where its scans are, and whether tiny ones will do.

    Parameters
    ----------
    module
        Its name, for `python -m`.
    doc
        Its docstring, whose first line says what it does.
    others
        Whether it judges scans by others, too.
    """
    made = argparse.ArgumentParser(prog=f"python -m {module}", description=(doc or "").splitlines()[0])
    if others:
        made.add_argument("--data", type=Path, help="folder with particle/ and sim_orientation/")
    made.add_argument("--scratch", type=Path, help="where simulated scans are kept")
    made.add_argument("--tiny", action="store_true", help="two tiny scans, to see whether all runs")
    return made
