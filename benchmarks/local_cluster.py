"""A Dask cluster of processes on this machine, for benchmarks and tests."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import dask
import distributed

SETTINGS = {
    # docs/scaling.md advises this: Dask's default gives memory back to the system after each step of a network
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": 2**27,
    "distributed.nanny.pre-spawn-environ.MALLOC_MMAP_THRESHOLD_": 2**25,
    "distributed.worker.profile.enabled": False,  # it would look at every thread a hundred times a second
}


@contextmanager
def local_cluster(workers: int) -> Iterator[distributed.Client]:
    """Start processes with one thread each; they end with the block."""
    environment = dict(os.environ)  # Dask sets here too what it sets for its workers: OMP_NUM_THREADS, say
    folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    try:
        with (
            folder as local,
            dask.config.set(SETTINGS),
            distributed.LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                scheduler_kwargs={"dashboard": False},
                dashboard_address="127.0.0.1:0",  # several clusters may run
                local_directory=local,
                memory_limit=0,  # Dask counts the pages of a memory-mapped file as memory of the worker
                silence_logs=logging.CRITICAL,
            ) as cluster,
            distributed.Client(cluster, set_as_default=False) as client,
        ):
            yield client
    finally:
        os.environ.clear()
        os.environ.update(environment)
