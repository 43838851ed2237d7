"""How the command line speaks: results to stdout; progress, warnings and one-line errors to stderr."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from rich.console import Console

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
    # pyparsing, beneath matplotlib, makes its deprecations UserWarnings too
    if issubclass(category, UserWarning) and not issubclass(category, DeprecationWarning):
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
