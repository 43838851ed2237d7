"""The command line: `ghosthunter ...`, a thin face over the Python API.

Exit codes: 0 done, 1 a map that comes out otherwise (`reproduce`), 2 wrong usage or unreadable input, 130 stopped with
Ctrl+C, 143 stopped by the system. A training that is stopped with Ctrl+C after its first epoch keeps its best model,
and counts as done.

Modules that are slow to import (torch, the readers) are imported inside the commands, so that `--help` answers at once.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from typing import cast

import typer

from napari_ghosthunter.cli import console
from napari_ghosthunter.cli.app import app
from napari_ghosthunter.errors import GhostHunterError

USAGE_ERROR = 2
INTERRUPTED = 130
TERMINATED = 143

# Older releases of typer raise the exceptions of click, newer ones their own; `BadParameter` has its family in both.
_WrongUsage = cast(
    "type[typer.BadParameter]", next(base for base in typer.BadParameter.__mro__ if base.__name__ == "UsageError")
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process with its exit code."""
    console.set_up_streams()
    # as an exception, so that temporary files go: batch systems end a job that takes too long in this way
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; a user's error is told in one line."""
    try:
        with console.warnings_in_one_line():
            code = app(args=arguments, standalone_mode=False, prog_name="ghosthunter")
    except _WrongUsage as error:
        console.fail(_told(error))
        return USAGE_ERROR
    except GhostHunterError as error:
        console.fail(str(error))
        return USAGE_ERROR
    except MemoryError:
        console.fail("There is not enough memory for this; close other programs, or use a machine with more.")
        return USAGE_ERROR
    except OSError as error:  # a disk that is full, a share that went away
        console.fail(f"{error.filename or 'The system'}: {error.strerror or error}.")
        return USAGE_ERROR
    except (typer.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    if code == INTERRUPTED:  # which newer releases of typer make of Ctrl+C themselves
        console.fail("Stopped; nothing half-written was left behind.")
    return code if isinstance(code, int) else 0


def _told(error: typer.BadParameter) -> str:
    """Say a usage error with the command to ask for help."""
    command = error.ctx.command_path if error.ctx else "ghosthunter"
    message = error.format_message().replace("Value error, ", "").rstrip(".")  # pydantic's words for what typer found
    return f"{message} (see '{command} --help')."
