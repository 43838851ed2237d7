"""Model + scan -> DomainMap, streamed row by row in bounded memory.

Rows are read in blocks and reduced to the size of the network's input; a band of reduced rows rolls along, just high
enough for the neighbourhood pooling. Nothing holds the cube, and a caller may stop between any two bands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_ghosthunter.errors import ModelError
from napari_ghosthunter.learning.device import choose_device, spare_core
from napari_ghosthunter.learning.model import Model
from napari_ghosthunter.learning.patterns import Window, pool_row
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.scan.describe import describe
from napari_ghosthunter.scan.scan import BLOCK_BYTES, Scan, warn_of_nonfinite
from napari_ghosthunter.versions import versions

INFERENCE_BATCH = 64  # patterns that are pooled, scaled and go through the network at once


@dataclass(frozen=True, eq=False)
class RowBand:
    """Finished rows of a map.

    Attributes
    ----------
    start, stop
        The scan rows start..stop.
    probabilities
        float32, shape (stop - start, scan_x, n).
    nonfinite
        Pixels met so far, in all rows, that were NaN or infinite and counted as zero.
    """

    start: int
    stop: int
    probabilities: NDArray[np.float32] = field(repr=False)
    nonfinite: int


def segment(
    scan: Scan,
    model: Model,
    *,
    device: str = "auto",
    progress: Callable[[int, int], object] | None = None,
) -> DomainMap:
    """Classify every probe position of a scan.

    Parameters
    ----------
    scan
        The scan; it is read once, block by block.
    model
        A trained model, whose patterns had the detector shape of this scan.
    device
        'auto', 'cpu', 'cuda' or 'mps'.
    progress
        Called with (rows done, rows in all) after each band.

    Raises
    ------
    ModelError
        If the model was trained on patterns of another shape.
    TrainingError
        If the device is not to be had.

    Warns
    -----
    UserWarning
        If pixels that are NaN or infinite were met; they count as zero.
    """
    probabilities = np.full((*scan.scan_shape, len(model.classes)), np.nan, np.float32)
    nonfinite = 0
    for band in segment_rows(scan, model, device=device):
        probabilities[band.start : band.stop] = band.probabilities
        nonfinite = band.nonfinite
        if progress is not None:
            progress(band.stop, scan.shape[0])
    warn_of_nonfinite(nonfinite)
    return assemble(probabilities, scan, model, nonfinite)


def assemble(probabilities: NDArray[np.float32], scan: Scan, model: Model, nonfinite: int) -> DomainMap:
    """Make a DomainMap of probabilities (scan_y, scan_x, n), NaN where not computed, with its provenance."""
    provenance = {
        "scan": describe(scan),
        "model_hash": model.hash,
        "network": model.network,
        "seed": model.record.config.seed,
        "versions": versions(),
        "nonfinite_pixels": nonfinite,
    }
    return DomainMap(probabilities, model.classes, scan.calibration, provenance)


def segment_rows(
    scan: Scan, model: Model, *, device: str = "auto", block_bytes: int = BLOCK_BYTES
) -> Iterator[RowBand]:
    """Classify a scan as a stream of finished rows, in order, for a caller that shows them or may stop.

    Raises
    ------
    ModelError
        If the model was trained on patterns of another shape; at once, not with the first row.
    """
    if scan.detector_shape != model.patterns.detector_shape:
        raise ModelError(
            f"The model was trained on patterns of {_times(model.patterns.detector_shape)} pixels, but this scan has "
            f"{_times(scan.detector_shape)}; train on a scan from the same detector settings."
        )
    return _bands(scan, model, choose_device(device), block_bytes)


def _bands(scan: Scan, model: Model, device: torch.device, block_bytes: int) -> Iterator[RowBand]:
    network, reach = model.load_network(device), model.patterns.config.reach
    window = model.patterns.window(scan)
    band: list[Tensor] = []  # reduced rows (scan_x, S, S); the first is scan row `first`
    first = done = nonfinite = 0
    for start, stop in scan.row_blocks(_readable(scan, model, block_bytes)):
        with spare_core():
            reduced, bad = _reduced_rows(scan, model, window, start, stop, device, block_bytes)
        band.extend(reduced)
        nonfinite += bad
        ready = stop if stop == scan.shape[0] else stop - reach
        if ready <= done:
            continue
        rows = [
            _classify(model, network, band[max(done_y - reach, 0) - first : done_y + reach + 1 - first])
            for done_y in range(done, ready)
        ]
        yield RowBand(done, ready, np.stack(rows), nonfinite)
        done = ready
        keep_from = max(0, done - reach)
        del band[: keep_from - first]
        first = keep_from


def _readable(scan: Scan, model: Model, block_bytes: int) -> int:
    """How many bytes of patterns to read at once, so that neither they nor what they are reduced to fill more."""
    pattern_bytes = scan.dtype.itemsize * scan.detector_shape[0] * scan.detector_shape[1]
    reduced_bytes = 4 * model.patterns.size**2
    return block_bytes * pattern_bytes // max(pattern_bytes, reduced_bytes)


def _reduced_rows(
    scan: Scan, model: Model, window: Window, start: int, stop: int, device: torch.device, block_bytes: int
) -> tuple[Tensor, int]:
    """Read and reduce rows to (rows, scan_x, S, S), in columns where even one row is larger than a block."""
    column_bytes = (stop - start) * max(1, scan.size_bytes // (scan.shape[0] * scan.shape[1]))
    step = max(1, block_bytes // column_bytes)
    size, nonfinite = model.patterns.size, 0
    rows = torch.empty((stop - start, scan.shape[1], size, size), device=device)
    for left in range(0, scan.shape[1], step):
        block = scan.block(slice(start, stop), slice(left, left + step))
        reduced, bad = model.patterns.reduce(block.reshape(-1, *scan.detector_shape), window, device)
        rows[:, left : left + step] = reduced.unflatten(0, block.shape[:2])
        nonfinite += bad
    return rows, nonfinite


def _classify(model: Model, network: nn.Module, band: list[Tensor]) -> NDArray[np.float32]:
    """Give the probabilities (scan_x, n) of the middle row of a band of reduced rows, some columns at a time."""
    config, logits = model.patterns.config, []
    with torch.inference_mode(), spare_core():
        for left in range(0, len(band[0]), INFERENCE_BATCH):
            first = max(0, left - config.reach)
            columns = torch.stack([row[first : left + INFERENCE_BATCH + config.reach] for row in band])
            pooled = pool_row(columns, config)[left - first :][:INFERENCE_BATCH]
            logits.append(network(model.patterns.scale(pooled)))
        return torch.cat(logits).softmax(1).cpu().numpy()


def _times(shape: tuple[int, int]) -> str:
    return f"{shape[0]} x {shape[1]}"
