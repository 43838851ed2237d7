"""A map of a grid of positions, for a look while the network still learns.

The network's inputs are kept, since they stay the same from one look to the next; then only the network takes time.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

import numpy as np
import torch
from numpy.typing import NDArray

from napari_ghosthunter.labelling.positions import Position
from napari_ghosthunter.learning.device import spare_core
from napari_ghosthunter.learning.model import Model
from napari_ghosthunter.learning.patterns import FittedPatterns
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.scan.describe import describe
from napari_ghosthunter.scan.scan import Scan

STEP = 16  # positions from one question whether to go on to the next


def grid(scan_shape: tuple[int, int], stride: int) -> list[Position]:
    """Positions (scan_y, scan_x) of every `stride`-th row and column; each grid of half the stride holds them too."""
    return [(y, x) for y in range(0, scan_shape[0], stride) for x in range(0, scan_shape[1], stride)]


class CoarseMaps:
    """Maps of one scan on grids, on the CPU.

    Parameters
    ----------
    scan
        The scan.
    """

    def __init__(self, scan: Scan) -> None:
        self._scan = scan
        self._patterns: FittedPatterns | None = None
        self._inputs: dict[Position, torch.Tensor] = {}

    def classify(self, model: Model, stride: int, go_on: Callable[[], bool] = lambda: True) -> DomainMap | None:
        """Classify a grid of positions; every other position has what the nearest of the grid has.

        Parameters
        ----------
        model
            The model.
        stride
            Rows and columns from one position of the grid to the next.
        go_on
            Asked again and again; once it says no, this is given up.

        Returns
        -------
        DomainMap or None
            A map of the whole scan; its provenance says that it is a `preview`, and of which `stride`. None if it was
            given up.
        """
        if model.patterns != self._patterns:
            self._patterns, self._inputs = model.patterns, {}
        positions = grid(self._scan.scan_shape, stride)
        with spare_core(), torch.inference_mode():
            if not self._read([position for position in positions if position not in self._inputs], go_on):
                return None
            network, found = model.load_network(), []
            for start in range(0, len(positions), STEP):
                if not go_on():
                    return None
                inputs = [self._inputs[position] for position in positions[start : start + STEP]]
                found.append(network(torch.stack(inputs)).softmax(1).numpy())
        provenance = {"scan": describe(self._scan), "preview": True, "stride": stride}
        probabilities = spread(np.concatenate(found), self._scan.scan_shape, stride)
        return DomainMap(probabilities, model.classes, self._scan.calibration, provenance)

    def _read(self, positions: list[Position], go_on: Callable[[], bool]) -> bool:
        """Keep the inputs of further positions; false if it was given up."""
        assert self._patterns is not None  # set with the model
        if not positions:
            return True
        window = self._patterns.window(self._scan)
        for start in range(0, len(positions), STEP):
            if not go_on():
                return False
            part = positions[start : start + STEP]
            # pixels that are no numbers are told of by the training, and by the whole map
            pooled, _ = self._patterns.pooled(self._scan, part, window)
            self._inputs.update(zip(part, self._patterns.scale(pooled), strict=True))
        return True


def spread(values: NDArray[np.float32], scan_shape: tuple[int, int], stride: int) -> NDArray[np.float32]:
    """Spread values (positions of a grid, n) over the scan, (scan_y, scan_x, n): to each position that of the nearest.

    Where two are as near, it is the one further on.
    """
    rows, columns = (np.arange(size) for size in scan_shape)
    counts = [ceil(size / stride) for size in scan_shape]
    nearest = [
        np.minimum((line + stride // 2) // stride, count - 1)
        for line, count in zip((rows, columns), counts, strict=True)
    ]
    spread_out: NDArray[np.float32] = values.reshape(*counts, -1)[np.ix_(*nearest)]
    return spread_out
