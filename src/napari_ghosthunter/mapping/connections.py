"""Ways to a Dask cluster: one that runs already, or processes of this machine for as long as they are needed."""

from __future__ import annotations

import asyncio
import logging
import tempfile
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from types import ModuleType
from typing import TYPE_CHECKING

from napari_ghosthunter.errors import ClusterError

if TYPE_CHECKING:
    from distributed import Client

CONNECT_S = 5  # to wait for a scheduler


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
        except (OSError, ValueError, RuntimeError) as error:
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
    with ExitStack() as stack:
        stack.enter_context(_quiet())
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ghosthunter-", ignore_cleanup_errors=True))
        try:
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
        raise ClusterError(
            f"A cluster needs Dask distributed, but {error.name} is not installed; install it with "
            "pip install 'distributed>=2024.12', or leave out --scheduler and --workers."
        ) from error
    module: ModuleType = distributed
    return module


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
