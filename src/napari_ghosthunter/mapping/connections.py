"""Where a map is computed: here, on a Dask cluster that runs already, or in processes of this machine."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, TypeAlias

from napari_ghosthunter.errors import ClusterError
from napari_ghosthunter.scan.scan import Scan

if TYPE_CHECKING:
    from distributed import Client

    from napari_ghosthunter.mapping.segmentation import RowBand

Segmenter: TypeAlias = "Callable[..., Iterator[RowBand]]"
"""Called as segmenter(scan, model, device=device), to check at once and then give the finished rows in order."""

CONNECT_S = 5  # to wait for a scheduler
OF_WORKERS = {
    # Dask lets its workers give memory back to the system after each step of a network, and ask for it again, page by
    # page: a map took twice as long. Some of it may stay with the worker instead.
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": 2**27,
    "distributed.nanny.pre-spawn-environ.MALLOC_MMAP_THRESHOLD_": 2**25,
    "distributed.worker.profile.enabled": False,  # it would look at every thread a hundred times a second
}


@contextmanager
def computing(
    *,
    scheduler: str = "",
    workers: int = 0,
    stopped: Callable[[], bool] | None = None,
    tell: Callable[[str], object] | None = None,
) -> Iterator[Segmenter]:
    """Give what maps a scan while the block runs: `segment_rows`, or `segment_rows_on` a cluster.

    Parameters
    ----------
    scheduler
        Address of a Dask scheduler to compute on.
    workers
        How many processes of this machine to compute in, if there is no scheduler; 0 for this process.
    stopped, tell
        As for `cluster.segment_rows_on`; of rows that this process computes, a caller is asked often enough.

    Raises
    ------
    ClusterError
        As `connected` and `local_workers` do.
    """
    if not scheduler and not workers:
        from napari_ghosthunter.mapping.segmentation import segment_rows

        yield segment_rows
        return
    with connected(scheduler) if scheduler else local_workers(workers) as client:
        # only now, because it takes seconds to import, and whom nobody answers need not wait for that
        from napari_ghosthunter.mapping.cluster import segment_rows_on

        yield partial(segment_rows_on, client, stopped=stopped, tell=tell)


def cluster_needs() -> str:
    """Say what must be installed to compute on a cluster; empty if nothing is missing."""
    return "" if find_spec("distributed") else _to_install("distributed")


def file_needs(scan: Scan) -> str:
    """Say what a scan lacks to be mapped on a cluster; empty if nothing is missing."""
    if scan.provenance.path is not None:
        return ""
    return (
        "This scan came from no file, and the workers of a cluster open the file themselves; save it "
        "(numpy.save('scan.npy', scan.data)) and open that, or map it on this machine."
    )


@contextmanager
def connected(address: str) -> Iterator[Client]:
    """Connect to the Dask scheduler at an address ('tcp://host:8786') while the block runs.

    Raises
    ------
    ClusterError
        If none answers there within `CONNECT_S` seconds, or distributed is not installed.
    """
    distributed = _import_distributed()
    with ExitStack() as stack:
        stack.enter_context(_quiet())
        try:
            _knock(address)
            # other versions of Dask elsewhere are no news for a user, as long as they work
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                client = distributed.Client(address, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError, RuntimeError, MemoryError) as error:  # the last: others' words taken for a length
            raise ClusterError(
                f"No Dask scheduler answers at {address}; start one there with 'dask scheduler', and give the address "
                "that it tells, as in tcp://host:8786."
            ) from error
        yield stack.enter_context(client)


@contextmanager
def local_workers(count: int) -> Iterator[Client]:
    """Start a cluster of `count` processes, with one thread each, on this machine; they end with the block.

    In a script the call must be below `if __name__ == "__main__":`, because the processes import the script.

    Raises
    ------
    ClusterError
        If they do not start, or distributed is not installed.
    """
    distributed = _import_distributed()
    import dask

    with ExitStack() as stack:
        stack.enter_context(_quiet())
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ghosthunter-", ignore_cleanup_errors=True))
        try:
            with _interrupts_blocked(), dask.config.set(OF_WORKERS):
                stack.enter_context(_kept(dask.config.get("distributed.nanny.pre-spawn-environ")))
                cluster = distributed.LocalCluster(
                    n_workers=count,
                    threads_per_worker=1,
                    processes=True,
                    # no dashboard; what little the scheduler serves instead goes to any free port, for two may run
                    scheduler_kwargs={"dashboard": False},
                    dashboard_address="127.0.0.1:0",
                    local_directory=folder,
                    # Dask counts the pages of a memory-mapped file as memory of the worker, and would kill it for them
                    memory_limit=0,
                    silence_logs=logging.CRITICAL,
                )
            stack.enter_context(cluster)
            client = distributed.Client(cluster, set_as_default=False)
        except (OSError, RuntimeError) as error:
            raise ClusterError(f"{count} workers cannot be started on this machine: {error}.") from error
        yield stack.enter_context(client)


@contextmanager
def _kept(names: Iterable[str]) -> Iterator[None]:
    """Give environment variables their values back after the block: Dask sets those of its workers here too.

    Among them is OMP_NUM_THREADS, which would slow all that this process computes later.
    """
    before = {name: os.environ.get(name) for name in names}
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Start processes and threads that Ctrl+C does not reach: a terminal sends it to all, and this one ends the others.

    What is blocked is inherited, also by a worker that is started anew later. A Ctrl+C meanwhile comes afterwards.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    from multiprocessing import resource_tracker

    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    resource_tracker.ensure_running()  # which lets Ctrl+C through again: the first process to be started would start it
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _knock(address: str) -> None:
    """See whether a scheduler answers; `Client` itself waits for ever for a server that is none.

    Raises
    ------
    OSError, ValueError
        If none does in time, or the address is none.
    """
    from distributed.comm.core import connect

    async def knock() -> None:
        (await connect(address, timeout=CONNECT_S)).abort()

    async def in_time() -> None:
        await asyncio.wait_for(knock(), CONNECT_S)

    with ThreadPoolExecutor(1) as pool:  # in a notebook, this thread has a loop that runs
        pool.submit(asyncio.run, in_time()).result()


def _import_distributed() -> ModuleType:
    try:
        import distributed
    except ModuleNotFoundError as error:
        raise ClusterError(_to_install(error.name)) from error
    module: ModuleType = distributed
    return module


def _to_install(missing: str | None) -> str:
    return (
        f"A cluster needs Dask distributed, but {missing} is not installed; install it with "
        "pip install 'distributed>=2024.12', or compute on this machine."
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what distributed logs from the terminal: what concerns the user comes as an error or as a warning."""
    handlers = list(logging.getLogger("distributed").handlers)
    levels = [handler.level for handler in handlers]
    for handler in handlers:
        handler.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for handler, level in zip(handlers, levels, strict=True):
            handler.setLevel(level)
