"""How far a long command is: a bar for who looks on, lines for who reads the log."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from napari_ghosthunter.cli.console import err, hint

LOG_EVERY_S = 60.0  # where nobody sees a bar, a line of progress this often: so a short run says nothing


@contextmanager
def shown(description: str) -> Iterator[Progress]:
    """Show a bar with the time left while the block runs; its one task is the first.

    Where stderr is no terminal it is a line now and then, so that the log of a long run says how far that is.
    """
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    note = TextColumn("{task.fields[note]}", markup=False)
    seen = sys.stderr is not None and sys.stderr.isatty()
    kind = Progress if seen else _LoggedProgress
    with kind(*columns, note, console=err, transient=True, disable=not seen) as progress:
        progress.add_task(description, total=None, note="")
        yield progress


class _LoggedProgress(Progress):
    """Progress as lines of a log."""

    _told_at: float | None = None

    def update(self, task_id: TaskID, **changes: Any) -> None:
        """Take what has changed, and tell it if the last line is old enough."""
        super().update(task_id, **changes)
        task, now = self.tasks[0], self.get_time()
        last = task.start_time if self._told_at is None else self._told_at
        if last is not None and now - last >= LOG_EVERY_S:
            self._told_at = now
            far = "" if task.total is None else f"{task.percentage:.0f} % "
            hint(f"{task.description}: {far}{task.fields['note']}")
