"""How the command line speaks: results to stdout; progress, warnings and one-line errors to stderr."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)


def say(text: str) -> None:
    """Tell a result, as it is: no markup, no wrapping."""
    out.print(text, markup=False)


def hint(text: str) -> None:
    """Tell something beside the result."""
    err.print(text, markup=False)


def fail(text: str) -> None:
    """Tell an error in one line."""
    err.print(f"error: {' '.join(text.split())}", markup=False, style="red")


@contextmanager
def progress_bar(description: str) -> Iterator[Progress]:
    """Show a bar with the time left while the block runs; add the task yourself."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.fields[note]}"), console=err, transient=True) as progress:
        progress.add_task(description, total=None, note="")
        yield progress


def show_warning(message: Warning | str, category: type[Warning], *_where: Any, **_also: Any) -> None:
    """Show what concerns the user as one line, and hide what libraries tell their developers."""
    if issubclass(category, UserWarning):
        err.print(f"warning: {' '.join(str(message).split())}", markup=False, style="yellow")


def install_warnings() -> None:
    """Let warnings speak through `show_warning`, unless Python was told how (-W)."""
    if not sys.warnoptions:
        warnings.showwarning = show_warning
