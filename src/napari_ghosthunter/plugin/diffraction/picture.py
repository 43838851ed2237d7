"""The scan image as it arrives, row by row, and how it gets into its layer.

A small scan is there in one piece. A large one fills from the top: rows that are still to come are left out (NaN,
which napari draws transparent), because old rows of another detector beside new ones would look like a real contrast.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_ghosthunter.plugin.diffraction.detector import VirtualDetector
from napari_ghosthunter.plugin.layers import name_image, scan_name
from napari_ghosthunter.plugin.scan_image import contrast_limits, set_contrast

PATIENCE_S = 0.4  # so long the old image stays: less flicker while a detector is dragged

DETECTOR = "virtual_detector"  # in the metadata of the layer: what its image was made with

FloatArray = NDArray[np.float64]


class ArrivingImage:
    """A virtual image of which some rows are there."""

    def __init__(self, scan_shape: tuple[int, int]) -> None:
        self.image: FloatArray = np.full(scan_shape, np.nan)
        self.rows_done = 0

    @property
    def complete(self) -> bool:
        """Whether all rows are there."""
        return self.rows_done == len(self.image)

    @property
    def share(self) -> float:
        """Share of the rows that is there."""
        return self.rows_done / len(self.image)

    def add(self, start: int, stop: int, rows: FloatArray) -> None:
        """Take in the rows start..stop, of shape (1, rows, scan_x), as `virtual_rows` gives them."""
        self.image[start:stop] = rows[0]
        self.rows_done = stop

    def worth_showing(self, seconds: float) -> bool:
        """Whether to show it, so long after it was asked for."""
        return self.complete or seconds > PATIENCE_S


class ScanPicture:
    """The image in a scan's layer: replaced in place, with contrast and name, and put back if a new one is given up."""

    def __init__(self, layer: Any) -> None:
        self.layer = layer
        self._buffer: FloatArray | None = None
        self._whole: tuple[FloatArray, str, tuple[float, float]] = self._now()
        self.partial = False

    def show(self, arriving: ArrivingImage, detector: VirtualDetector) -> None:
        """Show what there is of a new image."""
        if arriving.rows_done == 0:
            return
        there = arriving.image[: arriving.rows_done]
        if not self.partial and self._buffer is None:
            self._whole = self._now()
        self._put(arriving.image, contrast_limits(there), detector.title)
        self.partial = not arriving.complete
        if arriving.complete:
            self.layer.metadata.update({"preview": False, DETECTOR: detector})
            self._whole = (arriving.image.copy(), self.layer.name, self.layer.contrast_limits)

    def give_up(self) -> None:
        """Put the last whole image back, if only a part of a new one is shown."""
        if not self.partial or self.layer.data is not self._buffer:  # someone has put another image there
            self.partial = False
            return
        image, name, limits = self._whole
        self._put(image, limits, None)
        self.layer.name = name
        self.partial = False

    def _put(self, image: FloatArray, limits: tuple[float, float], title: str | None) -> None:
        layer = self.layer
        if self._buffer is None or layer.data is not self._buffer:
            self._buffer = np.array(image, np.float64)
            layer.data = self._buffer
        else:
            self._buffer[...] = image
        if limits != tuple(layer.contrast_limits):
            set_contrast(layer, image, limits)
        layer.refresh(extent=False)
        if title is not None:
            name_image(layer, scan_name(layer), title)

    def _now(self) -> tuple[FloatArray, str, tuple[float, float]]:
        return np.array(self.layer.data, np.float64), self.layer.name, tuple(self.layer.contrast_limits)
