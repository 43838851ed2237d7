"""Where a map is computed: here, or on a Dask cluster that runs already."""

from __future__ import annotations

import asyncio
import logging
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, TypeAlias

from napari_ghosthunter.errors import ClusterError

if TYPE_CHECKING:
    from distributed import Client

    from napari_ghosthunter.mapping.segmentation import RowBand

Segmenter: TypeAlias = "Callable[..., Iterator[RowBand]]"
"""Called as segmenter(scan, model, device=device), to check at once and then give the finished rows in order."""

CONNECT_S = 5  # to wait for a scheduler


@contextmanager
def computing(
    scheduler: str = "",
    *,
    stopped: Callable[[], bool] | None = None,
    tell: Callable[[str], object] | None = None,
) -> Iterator[Segmenter]:
    """Give what maps a scan while the block runs: `segment_rows`, or `segment_rows_on` a cluster.

    Parameters
    ----------
    scheduler
        Address of a Dask scheduler to compute on; empty for this process.
    stopped, tell
        As for `cluster.segment_rows_on`; of rows that this process computes, a caller is asked often enough.

    Raises
    ------
    ClusterError
        As `connected` does.
    """
    if not scheduler:
        from napari_ghosthunter.mapping.segmentation import segment_rows

        yield segment_rows
        return
    with connected(scheduler) as client:
        # only now, because it takes seconds to import, and whom nobody answers need not wait for that
        from napari_ghosthunter.mapping.cluster import segment_rows_on

        yield partial(segment_rows_on, client, stopped=stopped, tell=tell)


def cluster_needs() -> str:
    """Say what must be installed to compute on a cluster; empty if nothing is missing."""
    return "" if find_spec("distributed") else _to_install("distributed")


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
