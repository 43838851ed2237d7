"""What a benchmark tells: rows of one table, and how a module that makes some is run."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass

HEAD = "| what | figure | limit | met | command |\n|---|---|---|---|---|"


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes
    ----------
    what
        What was measured.
    figure
        What came out, with its unit.
    limit
        What it must hold to; empty for a figure that only tells.
    met
        Whether it does; None where there is no limit, or where it could not be measured.
    command
        What prints this row.
    """

    what: str
    figure: str
    limit: str = ""
    met: bool | None = None
    command: str = ""

    def __str__(self) -> str:
        """Give it as a line of Markdown."""
        met = {True: "yes", False: "**no**", None: ""}[self.met]
        command = f"`{self.command}`" if self.command else ""
        return f"| {self.what} | {self.figure} | {self.limit} | {met} | {command} |"


def at_least(what: str, value: float, limit: float, unit: str = "", more: str = "") -> Row:
    """Make the row of a figure that must not be lower than its limit; `more` is told beside the figure."""
    return Row(what, _told(value, unit, more), f"at least {limit:g}{unit}", bool(value >= limit))


def at_most(what: str, value: float, limit: float, unit: str = "", more: str = "") -> Row:
    """Make the row of a figure that must not be higher than its limit."""
    return Row(what, _told(value, unit, more), f"at most {limit:g}{unit}", bool(value <= limit))


def run_alone(module: str, rows: Callable[[bool], Iterable[Row]]) -> None:
    """Print the rows of a module, from its command line.

    Parameters
    ----------
    module
        Its name, for the command that the table quotes.
    rows
        Measures; its argument says whether small sizes will do.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {module}")
    parser.add_argument("--quick", action="store_true", help="small sizes: does it run at all?")
    parser.add_argument("--json", action="store_true", help="a line of JSON for each row, for the table")
    wanted = parser.parse_args()
    if not wanted.json:
        tell(HEAD)
    for row in rows(wanted.quick):
        told = Row(row.what, row.figure, row.limit, row.met, f"python -m {module}")
        tell(json.dumps(asdict(told)) if wanted.json else str(told))


def tell(text: str) -> None:
    """Print at once, also into a file or a pipe."""
    print(text, flush=True)  # noqa: T201


def cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _told(value: float, unit: str, more: str) -> str:
    digits = f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{digits}{unit}" + (f" ({more})" if more else "")
