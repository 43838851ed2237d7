"""Model + scan -> DomainMap, streamed row by row in bounded memory.

Rows are read in blocks and reduced to the size of the network's input; a band of reduced rows rolls along, just high
enough for the neighbourhood pooling. Nothing holds the cube, and a caller may stop between any two bands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own idiom
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
WHOLE = 8  # a smaller batch is filled up to a multiple of this; see `_logits`


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
    domains = collect(segment_rows(scan, model, device=device), scan, model, progress)
    warn_of_nonfinite(domains.provenance["nonfinite_pixels"])
    return domains


def collect(
    bands: Iterator[RowBand], scan: Scan, model: Model, progress: Callable[[int, int], object] | None = None
) -> DomainMap:
    """Put the bands of a scan together, wherever they were computed; `progress` as in `segment`."""
    probabilities = np.full((*scan.scan_shape, len(model.classes)), np.nan, np.float32)
    nonfinite = 0
    for band in bands:
        probabilities[band.start : band.stop] = band.probabilities
        nonfinite = band.nonfinite
        if progress is not None:
            progress(band.stop, scan.shape[0])
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
    check_detector(scan, model)
    return _whole(scan, model, choose_device(device), block_bytes)


def check_detector(scan: Scan, model: Model) -> None:
    """Refuse a scan whose patterns have another shape than those of the training scan.

    Raises
    ------
    ModelError
        If they have.
    """
    if scan.detector_shape != model.patterns.detector_shape:
        raise ModelError(
            f"The model was trained on patterns of {_times(model.patterns.detector_shape)} pixels, but this scan has "
            f"{_times(scan.detector_shape)}; train on a scan from the same detector settings."
        )


def _whole(scan: Scan, model: Model, device: torch.device, block_bytes: int) -> Iterator[RowBand]:
    network, window = model.load_network(device), model.patterns.window(scan)
    yield from part_rows(scan, model, network, window, (0, scan.shape[0]), block_bytes)


def part_rows(
    scan: Scan,
    model: Model,
    network: nn.Module,
    window: Window,
    rows: tuple[int, int],
    block_bytes: int = BLOCK_BYTES,
) -> Iterator[RowBand]:
    """Classify some rows of a scan: the same bytes as these rows of the whole map.

    Parameters
    ----------
    scan
        The scan; of rows beyond `rows` it reads those that are pooled with them.
    model
        A trained model.
    network
        Its network, loaded on the device to compute on.
    window
        The part of the detector that the model sees in this scan, `FittedPatterns.window`; always the whole scan's.
    rows
        (start, stop), in scan rows.
    block_bytes
        How many bytes to read at once.

    Returns
    -------
    iterator of RowBand
        In order; pixels that are not finite are counted in these rows alone.
    """
    (start, stop), reach = rows, model.patterns.config.reach
    low, high = max(0, start - reach), min(scan.shape[0], stop + reach)
    device = next(network.parameters()).device
    band: list[Tensor] = []  # reduced rows (scan_x, S, S); the first is scan row `first`
    first, done, nonfinite = low, start, 0
    readable = _readable(scan, model, block_bytes)
    parts = ((low, start), (start, stop), (stop, high))  # apart, because what the neighbours hold is not counted
    for top, bottom in chain.from_iterable(scan.row_blocks(readable, *part) for part in parts):
        with spare_core():
            reduced, bad = _reduced_rows(scan, model, window, top, bottom, device, block_bytes)
        band.extend(reduced)
        nonfinite += bad if start <= top < stop else 0
        ready = min(stop, bottom if bottom == scan.shape[0] else bottom - reach)
        if ready <= done:
            continue
        maps = [
            _classify(model, network, band[max(done_y - reach, 0) - first : done_y + reach + 1 - first])
            for done_y in range(done, ready)
        ]
        yield RowBand(done, ready, np.stack(maps), nonfinite)
        done = ready
        keep_from = max(first, done - reach)
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
            logits.append(_logits(network, model.patterns.scale(pooled)))
        return torch.cat(logits).softmax(1).cpu().numpy()


def _logits(network: nn.Module, inputs: Tensor) -> Tensor:
    """Give the logits (B, n) of network inputs (B, 1, S, S), the same bits for any number of threads.

    What a matrix product of few rows adds up in which order depends on the number of threads, but not with multiples of
    eight: so the last columns of a row go through the network with blank patterns, and a map is the same everywhere.
    """
    filled = F.pad(inputs, (0, 0, 0, 0, 0, 0, 0, -len(inputs) % WHOLE))
    logits: Tensor = network(filled)[: len(inputs)]
    return logits


def _times(shape: tuple[int, int]) -> str:
    return f"{shape[0]} x {shape[1]}"
