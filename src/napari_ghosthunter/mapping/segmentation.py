"""Model + scan -> DomainMap, as a stream of finished rows or whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_ghosthunter.errors import ModelError
from napari_ghosthunter.learning.answering import answering
from napari_ghosthunter.learning.device import choose_device
from napari_ghosthunter.learning.model import Model
from napari_ghosthunter.learning.reducing import Window
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.mapping.streaming import stream
from napari_ghosthunter.scan.describe import as_text, describe
from napari_ghosthunter.scan.fingerprint import fingerprint
from napari_ghosthunter.scan.scan import BLOCK_BYTES, Scan, warn_of_nonfinite
from napari_ghosthunter.versions import versions


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
    growing = GrowingMap(scan, model)
    for band in bands:
        growing.add(band)
        if progress is not None:
            progress(band.stop, scan.shape[0])
    return growing.now()


class GrowingMap:
    """A map whose rows come band after band, in order; what has not come has no data.

    Make it before the first row is computed: some patterns are read for its provenance, while the scan is surely there.
    """

    def __init__(self, scan: Scan, model: Model) -> None:
        self._calibration, self._classes, self._origin = scan.calibration, model.classes, origin_of(scan, model)
        self._probabilities = np.full((*scan.scan_shape, len(model.classes)), np.nan, np.float32)
        self._latest = RowBand(0, 0, self._probabilities[:0], 0)

    def add(self, band: RowBand) -> None:
        """Take in the next rows."""
        self._probabilities[band.start : band.stop] = band.probabilities
        self._latest = band

    def now(self) -> DomainMap:
        """Give the map as far as it has come; it shares its memory with what comes yet."""
        return self._map(self._probabilities, self._latest)

    def until(self, band: RowBand) -> DomainMap:
        """Give the map as it was with a band, while another thread may add more."""
        probabilities = self._probabilities.copy()
        probabilities[band.stop :] = np.nan
        return self._map(probabilities, band)

    def _map(self, probabilities: NDArray[np.float32], band: RowBand) -> DomainMap:
        provenance = {**self._origin, "nonfinite_pixels": band.nonfinite}
        return DomainMap(probabilities, self._classes, self._calibration, provenance)


def origin_of(scan: Scan, model: Model) -> dict[str, Any]:
    """Say what a map comes from, ready for JSON: all that it takes to make it again, see `reproducing.reproduce`."""
    return {
        "scan": describe(scan),
        "scan_fingerprint": fingerprint(scan),
        "model_path": None if model.path is None else as_text(model.path),
        "model_hash": model.hash,
        "network": model.network,
        "seed": model.record.config.seed,
        "training": model.record.config.model_dump(mode="json"),
        "patterns": model.patterns.config.model_dump(mode="json"),
        "versions": versions(),
    }


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
    network, window, seen = model.load_network(device), model.patterns.window(scan), model.seen_in(scan)
    yield from part_rows(scan, seen, network, window, (0, scan.shape[0]), block_bytes)


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
        A trained model, `Model.seen_in` the scan.
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
    device, answer = next(network.parameters()).device, softmax_of(network)
    for band in stream(scan, model.patterns, answer, window, rows, device, block_bytes):
        yield RowBand(band.start, band.stop, band.values, band.nonfinite)


def softmax_of(network: nn.Module) -> Callable[[Tensor], Tensor]:
    """Give what turns network inputs (B, 1, S, S) into probabilities (B, n)."""
    logits = answering(network)
    return lambda inputs: torch.softmax(logits(inputs), 1)


def _times(shape: tuple[int, int]) -> str:
    return f"{shape[0]} x {shape[1]}"
