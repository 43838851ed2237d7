"""The same map on Dask distributed: workers open the file themselves and classify bands of rows.

What travels is small: the model and the scan's address to each worker once, and the finished rows back. The bytes of
the map are those of `segment` on a CPU of the same kind, whatever the number of workers, and whether or not some are
lost on the way: Dask gives the rows of a lost one to another.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from threading import Event
from typing import TYPE_CHECKING
from warnings import warn

from napari_ghosthunter.errors import ClusterError
from napari_ghosthunter.learning.device import one_thread
from napari_ghosthunter.learning.model import Model
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.mapping.failures import LOST, file_needs, told
from napari_ghosthunter.mapping.segmentation import RowBand, check_detector, collect
from napari_ghosthunter.mapping.worker import Job, Rows, classify, keep
from napari_ghosthunter.scan.scan import Scan, warn_of_nonfinite
from napari_ghosthunter.versions import versions

if TYPE_CHECKING:
    from distributed import Client, Future

TASK_BYTES = 256 * 2**20  # patterns of one task: tenths of a second of work, milliseconds of Dask's
TASKS_PER_THREAD = 8  # at least, where there are rows enough: the last ones leave few workers idle
OF_A_TASK = (ImportError, AttributeError, TypeError, ValueError, RuntimeError, MemoryError, OSError)
ASK_S = 0.2  # between two times that a caller who waits for rows is asked whether it still wants them


def segment_on(
    client: Client,
    scan: Scan,
    model: Model,
    *,
    device: str = "auto",
    progress: Callable[[int, int], object] | None = None,
) -> DomainMap:
    """Classify every probe position of a scan on the workers of a Dask cluster; see `segment_rows_on`.

    Parameters
    ----------
    client
        Of the cluster; see `connections.connected`.
    scan
        A scan from a file that every worker finds under the same path.
    model
        A trained model, whose patterns had the detector shape of this scan.
    device
        What each worker computes on: 'auto', 'cpu', 'cuda' or 'mps'.
    progress
        Called with (rows done, rows in all) after each band.

    Raises
    ------
    ModelError, ClusterError, TrainingError
        As `segment_rows_on` does.

    Warns
    -----
    UserWarning
        If pixels that are NaN or infinite were met; they count as zero.
    """
    domains = collect(segment_rows_on(client, scan, model, device=device), scan, model, progress)
    warn_of_nonfinite(domains.provenance["nonfinite_pixels"])
    return domains


def segment_rows_on(
    client: Client,
    scan: Scan,
    model: Model,
    *,
    device: str = "auto",
    stopped: Callable[[], bool] | None = None,
    tell: Callable[[str], object] | None = None,
) -> Iterator[RowBand]:
    """Classify a scan on a cluster as a stream of finished rows, in order: what `segment_rows` is on one machine.

    Leaving the loop takes the rows that are still to come back from the workers.

    Parameters
    ----------
    client, scan, model, device
        As for `segment_on`.
    stopped
        Asked again and again whether to give up while rows are waited for, which may be long: there may be no workers.
    tell
        Called with what else would be a warning, by the thread that waits.

    Raises
    ------
    ModelError
        If the model was trained on patterns of another shape; at once, not with the first row.
    ClusterError
        If the scan came from no file (at once), a worker does not find it, the workers lack this package, die again and
        again, the scheduler is lost, or `stopped` says so.
    TrainingError
        If a worker does not have the device.

    Warns
    -----
    UserWarning
        If there are no workers yet, or those have other versions of what decides the map.
    """
    check_detector(scan, model)
    needs = file_needs(scan)
    if needs:
        raise ClusterError(needs)
    return _gathered(client, scan, model, device, stopped or (lambda: False), tell or _warn)


def _warn(message: str) -> None:
    warn(message, UserWarning, stacklevel=4)


def _gathered(
    client: Client, scan: Scan, model: Model, device: str, stopped: Callable[[], bool], tell: Callable[[str], object]
) -> Iterator[RowBand]:
    import dask

    threads = _threads_of_workers(client)
    if not threads:
        tell("The cluster has no workers yet; the map begins with the first of them.")
    # measured once: all rows must see the same part of the detector, turned in the same way
    with one_thread():  # torch's own would get into the way of workers on this machine
        window, seen = model.patterns.window(scan), model.seen_in(scan)
    job = Job(scan.provenance, scan.shape, scan.dtype, scan.bad_pixels, seen, window, device, ranks(threads))
    parts = task_rows(scan, max(1, sum(threads.values())), model.patterns.config.reach)
    # A task, not scattered data: should every worker that holds it die, Dask makes it anew.
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 GiB"}):
        told = client.submit(keep, job, pure=False)
    waiting: deque[Future[Rows]] = deque(client.map(classify, *zip(*parts, strict=True), job=told, pure=False))
    nonfinite, differed = 0, False
    try:
        for start, stop in parts:
            rows = _result(waiting[0], stopped)
            waiting.popleft().release()  # nobody needs it any more, so that the workers let it go
            nonfinite += rows.nonfinite
            if rows.versions != versions() and not differed:
                differed = True
                tell(_other_versions(rows.versions))
            yield RowBand(start, stop, rows.probabilities, nonfinite)
    finally:
        for future in waiting:
            future.release()
        told.release()


def task_rows(scan: Scan, threads: int, reach: int) -> list[tuple[int, int]]:
    """Split a scan evenly into the rows of each task, as (start, stop): as many tasks for each thread, and several.

    They are of some `TASK_BYTES` at most, or of a row. With pooling over neighbours the rows next to a task are read
    twice, so that it is at least four times as high.
    """
    rows = scan.shape[0]
    each = max(TASKS_PER_THREAD, -(-scan.size_bytes // (TASK_BYTES * threads)))
    count = max(1, min(each * threads, rows // max(1, 4 * reach)))
    edges = [rows * number // count for number in range(count + 1)]
    return list(pairwise(edges))


def ranks(workers: Mapping[str, int]) -> dict[str, int]:
    """Count the workers of each machine from 0, by their addresses ('tcp://10.0.0.1:40331')."""
    found: dict[str, int] = {}
    machines: dict[str, int] = {}
    for address in sorted(workers):
        machine = address.rpartition(":")[0]
        found[address] = machines.get(machine, 0)
        machines[machine] = found[address] + 1
    return found


def _threads_of_workers(client: Client) -> dict[str, int]:
    """Count the threads of each worker, by its address."""
    if client.status != "running":  # it would try for seconds to connect anew, and for each scan of a batch
        raise ClusterError(LOST)
    try:
        return dict(client.nthreads())
    except OSError as error:
        raise ClusterError(LOST) from error


def _result(future: Future[Rows], stopped: Callable[[], bool]) -> Rows:
    """Wait for the rows of a task, and tell what a user can mend."""
    from concurrent.futures import CancelledError

    from distributed import KilledWorker

    done = Event()  # not the waiting of Dask: to give up its fetching of a result may spoil all later ones
    future.add_done_callback(lambda _: done.set())
    try:
        while not future.done():
            if stopped():
                raise ClusterError("The map was stopped.")
            done.wait(ASK_S)
        return future.result()
    except (KilledWorker, CancelledError, *OF_A_TASK) as error:
        words = told(error)
        if not words:  # a fault of this package
            raise
        raise ClusterError(words) from error


def _other_versions(found: Mapping[str, str]) -> str:
    differing = [
        f"{name} {found.get(name, 'none')} (here {here})"
        for name, here in versions().items()
        if found.get(name) != here
    ]
    return f"A worker has {', '.join(differing)}; the map may differ in its last digits."
