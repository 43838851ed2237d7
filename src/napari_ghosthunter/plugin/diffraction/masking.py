"""Painting the bad pixels of a detector on its patterns, and using them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject
from qtpy.QtWidgets import QFileDialog

from napari_ghosthunter.errors import GhostHunterError
from napari_ghosthunter.files import whole_file
from napari_ghosthunter.plugin import choices
from napari_ghosthunter.plugin.diffraction.mask_bar import MaskBar
from napari_ghosthunter.plugin.diffraction.pattern_view import PatternView
from napari_ghosthunter.plugin.diffraction.scan_link import ScanLink
from napari_ghosthunter.plugin.qt import Signal
from napari_ghosthunter.plugin.restating import restate
from napari_ghosthunter.plugin.window import tell_error
from napari_ghosthunter.scan.bad_pixels import BadPixels, read_mask

FOLDER = "masks"  # beside the user's settings: a mask goes with the detector, not with one scan
FILES = "Masks (*.npy *.tif *.tiff)"
BRUSH_SHARE = 1 / 32  # width of the brush to begin with, as a share of the detector's longer side


class Masking(QObject):
    """Lets bad pixels be painted on the pattern of a scan, and says which they are."""

    ended = Signal()

    def __init__(self, view: PatternView, link: ScanLink, bar: MaskBar) -> None:
        super().__init__()
        self.view, self.link, self.bar = view, link, bar
        bar.brush_changed.connect(view.set_brush)
        bar.open_asked.connect(self._ask_for_file)
        bar.use_asked.connect(self.use)
        bar.cancel_asked.connect(self.end)

    def begin(self) -> None:
        """Show the bad pixels of the scan, ready to be painted."""
        scan = self.link.scan
        if scan is None:
            self.end()
            return
        self.view.show_mask(np.zeros(scan.detector_shape, bool) if scan.bad_pixels is None else scan.bad_pixels.mask)
        self.bar.begin(max(1, round(max(scan.detector_shape) * BRUSH_SHARE)))

    def end(self) -> None:
        """Leave the painting; what is painted and not used is gone."""
        self.bar.hide()
        self.view.show_mask(None)
        self.ended.emit()

    def use(self) -> None:
        """Leave the painted pixels out from now on."""
        scan, mask = self.link.scan, self.view.painted
        if scan is None or mask is None:
            return
        try:
            bad = BadPixels.of(mask, scan.detector_shape)
            restate(self.link.viewer, self.link.layer, mask=None if bad is None else _kept(bad.mask))
        except GhostHunterError as error:
            tell_error(str(error))
            return
        self.end()

    def _ask_for_file(self) -> None:
        scan = self.link.scan
        path, _ = QFileDialog.getOpenFileName(self.bar, "Open a mask of bad pixels", "", FILES)
        if not path or scan is None:
            return
        try:
            bad = BadPixels.of(read_mask(Path(path)), scan.detector_shape)
        except GhostHunterError as error:
            tell_error(str(error))
            return
        self.view.show_mask(np.zeros(scan.detector_shape, bool) if bad is None else bad.mask)
        self.bar.begin(self.bar.brush_box.value())


def _kept(mask: NDArray[Any]) -> Path:
    """Write a mask where it is found again, named by what it holds.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    name = hashlib.sha256(f"{mask.shape}".encode() + np.packbits(mask).tobytes()).hexdigest()[:16]
    path = choices.default_folder() / FOLDER / f"{name}.npy"
    if not path.is_file():
        with whole_file(path) as temporary:
            np.save(temporary, mask.astype(np.uint8))
    return path
