"""The command line: `ghosthunter ...`, a thin face over the Python API.

Exit codes: 0 done, 2 wrong usage or unreadable input, 130 stopped with Ctrl+C. Modules that are slow to import
(torch, the readers) are imported inside the commands, so that `--help` answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from napari_ghosthunter.cli import console
from napari_ghosthunter.cli.app import app
from napari_ghosthunter.errors import GhostHunterError

USAGE_ERROR = 2
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process with its exit code."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; a user's error is told in one line."""
    console.install_warnings()
    try:
        code = app(args=arguments, standalone_mode=False, prog_name="ghosthunter")
    except click.ClickException as error:
        console.fail(_told(error))
        return USAGE_ERROR
    except GhostHunterError as error:
        console.fail(str(error))
        return USAGE_ERROR
    except OSError as error:  # a disk that is full, a share that went away
        console.fail(f"{error.filename or 'The system'}: {error.strerror or error}.")
        return USAGE_ERROR
    except (click.exceptions.Abort, KeyboardInterrupt):
        console.fail("Stopped; nothing half-written was left behind.")
        return INTERRUPTED
    return code if isinstance(code, int) else 0


def _told(error: click.ClickException) -> str:
    """Say a usage error with the command to ask for help."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "ghosthunter"
    return f"{error.format_message()} (see '{command} --help')"
