"""A first look at a file in a process of its own, which can be ended: for what hangs or crashes in a library.

Two things need it: the readers of other libraries that are asked for by name, which open whatever they are given, and
texts of HDF5 that lie in a heap, whose damage HDF5 may never come back from. All else was tried with damaged
files and does without (docs/reliability.md), for it costs a start of Python and of the library.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from napari_ghosthunter.errors import ScanError

START_SECONDS = 300  # to import a large library from a slow disk
PROBE_SECONDS = 30  # to open the file and read two patterns
MEMORY_BYTES = 4 * 2**30  # over what the imports took, and three times the file
NO_MEMORY = 3  # exit status
LAST_BYTES = 4096  # of what the process said, whose last line may be told


def probe(task: Callable[..., object], library: str, path: Path, *more: str, seconds: float = PROBE_SECONDS) -> None:
    """Let another process do something with a file first.

    Parameters
    ----------
    task
        A function of a module, called there with `path` and `more`.
    library
        What it does that with: imported before its time is counted, and named to the user.
    path
        The file.
    more
        Whatever else the task needs.
    seconds
        How long it may take.

    Raises
    ------
    ScanError
        If that did not end in time, took too much memory or ended the process. An error of another kind is left to
        the reading in this process, which meets it again.
    """
    with tempfile.TemporaryFile() as said, subprocess.Popen(
        [sys.executable, "-m", __name__, library, task.__module__, task.__name__, str(path), *more],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, text=True,
    ) as child:  # fmt: skip
        clock = threading.Timer(START_SECONDS, child.kill)
        clock.start()
        try:
            started = child.stdout is not None and child.stdout.readline() == "ready\n"
            status = child.wait(seconds)
        except subprocess.TimeoutExpired:
            raise ScanError(
                f"{path.name} was given up: {library} did not come to an end with it within {seconds:.0f} s. It is "
                "damaged, or too large for a reader that loads it whole."
            ) from None
        finally:
            clock.cancel()
            child.kill()
        said.seek(max(0, said.seek(0, os.SEEK_END) - LAST_BYTES))
        last = said.read().decode("utf-8", "replace").strip().rpartition("\n")[2][:160] or f"status {status}"
    if not started:
        raise ScanError(f"{path.name} was not looked at: {library} could not be started in another process ({last}).")
    if status == NO_MEMORY:
        raise ScanError(f"{path.name} was given up: {library} takes too much memory for a file of this size.")
    if status < 0:
        raise ScanError(
            f"{path.name} was given up: {library} crashed on it ({status}). It is damaged, or {library} has a fault."
        )


def _limit_memory(path: Path) -> None:
    if sys.platform != "linux":
        return
    import resource

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    size = path.stat().st_size if path.is_file() else 0
    limit = pages * resource.getpagesize() + 3 * size + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _main(library: str, module: str, task: str, name: str, *more: str) -> int:
    import_module(library)
    function = getattr(import_module(module), task)
    answers, sys.stdout = sys.stdout, sys.stderr  # what a library says is no answer
    answers.write("ready\n")
    answers.flush()
    path = Path(name)
    _limit_memory(path)
    try:
        function(path, *more)
    except MemoryError:
        return NO_MEMORY
    except ScanError as error:
        return NO_MEMORY if isinstance(error.__cause__, MemoryError) else 0
    return 0


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
