"""What keeps a Dask cluster from making a map, in words for the user: each cause asks for something else to be done."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import CancelledError

from napari_ghosthunter.scan.scan import Scan

LOST = "The connection to the Dask scheduler was lost; is it still running?"
_KILLED = "Several workers died of the same rows, probably for want of memory; start fewer of them on each machine."
_CODE = (
    "The Dask scheduler or a worker failed ({}); they need the versions of Python, napari-ghosthunter, distributed and "
    "torch that this machine has."
)
_MEMORY = "A worker has too little memory ({}); start fewer workers on each machine, or choose the device cpu."
_DISK = "A worker cannot read or write a file ({}); look after the disks and the network of its machine."
_CLOSED = "A worker or the scheduler was closed before the map was finished ({}); start the map again."
_GPU = "The GPU of a worker failed ({}); look after the GPUs of the cluster, or choose the device cpu."
_OTHER = "A worker failed while it computed ({}); its log tells more."


def file_needs(scan: Scan) -> str:
    """Say what a scan lacks to be mapped on a cluster; empty if nothing is missing."""
    if scan.provenance.path is not None:
        return ""
    return (
        "This scan came from no file, and the workers of a cluster open the file themselves; save it "
        "(numpy.save('scan.npy', scan.data)) and open that, or map it on this machine."
    )


def _says(pattern: str, *kinds: type[Exception]) -> Callable[[BaseException], bool]:
    found = re.compile(pattern, re.IGNORECASE)
    return lambda error: isinstance(error, kinds or Exception) and found.search(_line(error)) is not None


def _is(*kinds: type[BaseException]) -> Callable[[BaseException], bool]:
    return lambda error: isinstance(error, kinds)


# The first that fits; Dask's own are known by name, since it takes seconds to import.
_CAUSES: tuple[tuple[Callable[[BaseException], bool], str], ...] = (
    (lambda error: type(error).__name__ == "KilledWorker", _KILLED),
    (lambda error: type(error).__name__ == "CommClosedError", LOST),
    (_is(CancelledError), LOST),
    (_is(ImportError), _CODE),
    # how pickle, the scheduler and classes say that the other side has other code than this one
    (_says("deseriali[sz]|can't get attribute|unsupported pickle|'(job|rows|model)' object has no attribute"), _CODE),
    (_is(MemoryError), _MEMORY),
    (_says("out of memory|allocate memory|not enough memory|bad allocation|alloc_failed", RuntimeError), _MEMORY),
    (_is(OSError), _DISK),
    (_is(RecursionError), ""),
    (_says(r"after (interpreter )?shutdown|is closed|closing|shutting down", RuntimeError), _CLOSED),
    (_says(r"\b(cuda|cudnn|cublas|hip|mps|nvidia|gpu|kernel image)", RuntimeError), _GPU),
    (_is(RuntimeError), _OTHER),
)


def told(error: BaseException) -> str:
    """Say why a task failed and what can be done; nothing if only a fault of this package can be why.

    Parameters
    ----------
    error
        What the result of the task raised: an exception of the worker, of Dask, or of the connection.
    """
    message = next((words for fits, words in _CAUSES if fits(error)), "")
    return message.format(_line(error)) if "{}" in message else message


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300].rstrip(".") or type(error).__name__
