"""How far a long command is: a bar on a terminal, lines in a log."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from napari_ghosthunter.cli.console import err

if TYPE_CHECKING:
    from rich.progress import Progress


@contextmanager
def progress_bar(description: str) -> Iterator[Progress]:
    """Show a bar with the time left while the block runs; its one task is the first.

    Where stderr is no terminal it is a line now and then, so that the log of a long run says how far that is.
    """
    # not for `--help`: rich's bars take a while to import
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from napari_ghosthunter.cli.logged_progress import LoggedProgress

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    note = TextColumn("{task.fields[note]}", markup=False)
    seen = sys.stderr is not None and sys.stderr.isatty()
    kind = Progress if seen else LoggedProgress
    with kind(*columns, note, console=err, transient=True, disable=not seen) as progress:
        progress.add_task(description, total=None, note="")
        yield progress
