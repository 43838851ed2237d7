"""What a worker of a Dask cluster does: it opens the scan itself, once, and classifies bands of its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from napari_ghosthunter.errors import ClusterError, GhostHunterError
from napari_ghosthunter.learning.device import choose_device, one_thread
from napari_ghosthunter.learning.model import Model
from napari_ghosthunter.learning.reducing import Window
from napari_ghosthunter.mapping.segmentation import part_rows
from napari_ghosthunter.scan.bad_pixels import BadPixels
from napari_ghosthunter.scan.readers import open_again
from napari_ghosthunter.scan.scan import Provenance, Scan
from napari_ghosthunter.versions import versions


@dataclass(frozen=True, eq=False)
class Job:
    """What every worker is told once for a scan.

    Attributes
    ----------
    provenance, shape, dtype
        How to open the scan, and what must be found there.
    bad_pixels
        Its bad pixels, wherever they are known from.
    model, window, device
        What to do with it; see `part_rows`.
    ranks
        Which of the workers of its machine each one is, by address: the number of its GPU, if there are several.
    """

    provenance: Provenance
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    bad_pixels: BadPixels | None
    model: Model
    window: Window
    device: str
    ranks: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class Rows:
    """Finished rows on their way back: float32 (rows, scan_x, n), pixels not finite in them, and who made them."""

    probabilities: NDArray[np.float32]
    nonfinite: int
    versions: Mapping[str, str]


def keep(job: Job) -> Job:
    """Be the task that the job is the result of."""
    return job


def classify(start: int, stop: int, job: Job) -> Rows:
    """Classify the rows start..stop."""
    with one_thread():
        scan, network = _prepared(job)
        bands = list(part_rows(scan, job.model, network, job.window, (start, stop)))
    return Rows(np.concatenate([band.probabilities for band in bands]), bands[-1].nonfinite, versions())


_OPEN: WeakKeyDictionary[Job, tuple[Scan, nn.Module]] = WeakKeyDictionary()  # as long as Dask keeps the job


def _prepared(job: Job) -> tuple[Scan, nn.Module]:
    """Open the scan and load the network, once for a worker."""
    if job not in _OPEN:
        _OPEN[job] = _open(job), job.model.load_network(_device(job))
    return _OPEN[job]


def _open(job: Job) -> Scan:
    """Open the scan, and see that it is the one that is meant."""
    known = job.provenance
    assert known.path is not None  # else it was refused
    try:
        scan = open_again(known, known.path)
    except (GhostHunterError, OSError) as error:  # an extra may be missing there, too
        raise ClusterError(
            f"The worker {_address()} cannot open the scan: {error} Workers open the file themselves: it must be found "
            "under the same path on every machine."
        ) from error
    if (scan.shape, scan.dtype) != (job.shape, job.dtype):
        raise ClusterError(
            f"The worker {_address()} finds another scan in {known.path}: {scan.shape} {scan.dtype}, not {job.shape} "
            f"{job.dtype}; the path must lead to the same file on every machine, unchanged since it was opened."
        )
    return replace(scan, bad_pixels=job.bad_pixels)


def _device(job: Job) -> torch.device:
    """Choose the device of this worker: of several GPUs of a machine, each worker takes its own."""
    device = choose_device(job.device)
    if device.type != "cuda":
        return device
    address = _address()  # a worker that came later has no rank; its port is as good as any number
    rank = job.ranks.get(address, int(address.rpartition(":")[2]))
    return torch.device("cuda", rank % torch.cuda.device_count())


def _address() -> str:
    from distributed import get_worker

    address: str = get_worker().address
    return address
