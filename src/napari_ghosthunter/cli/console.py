"""How the command line speaks: results to stdout; progress, warnings and one-line errors to stderr."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

LOG_EVERY_S = 60.0  # where nobody sees a bar, a line of progress this often: so a short run says nothing

err = Console(stderr=True, soft_wrap=True, highlight=False, emoji=False, markup=False)


def say(text: str) -> None:
    """Tell a result, as it is: no colours, no wrapping."""
    if sys.stdout is None:  # closed, or a program without a console
        return
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has left, as `head` does; the files are wanted all the same
        _silence(sys.stdout)


def hint(text: str) -> None:
    """Tell something beside the result, in one line."""
    err.print(_one_line(text))


def fail(text: str) -> None:
    """Tell an error in one line."""
    err.print(f"error: {_one_line(text)}", style="red")


@contextmanager
def progress_bar(description: str) -> Iterator[Progress]:
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


@contextmanager
def warnings_in_one_line() -> Iterator[None]:
    """Let warnings speak through `show_warning` while the block runs, unless Python was told how (-W)."""
    if sys.warnoptions:
        yield
        return
    with warnings.catch_warnings():
        warnings.showwarning = show_warning
        # the same words may be about another scan; Python would say them once
        warnings.filterwarnings("always", category=UserWarning, module="napari_ghosthunter")
        yield


def show_warning(message: Warning | str, category: type[Warning], *_where: Any, **_also: Any) -> None:
    """Show what concerns the user as one line, and hide what libraries tell their developers."""
    if issubclass(category, UserWarning):
        err.print(f"warning: {_one_line(str(message))}", style="yellow")


def set_up_streams() -> None:
    """Let every name be told, also where the terminal has no letters for it: as an escape sequence then."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _silence(stream: TextIO) -> None:
    """Send what is still to come nowhere; Python would complain at its end of what it could not write."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
