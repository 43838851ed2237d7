"""From a virtual detector to the image of the scan: waits for the hand, works beside the window, drops the old."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from qtpy.QtCore import QObject, QTimer

from napari_ghosthunter.plugin.background import Background
from napari_ghosthunter.plugin.diffraction.detector import VirtualDetector
from napari_ghosthunter.plugin.diffraction.picture import ArrivingImage, ScanPicture
from napari_ghosthunter.plugin.qt import Signal
from napari_ghosthunter.plugin.window import tell_error
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.virtual.images import virtual_rows

PAUSE_MS = 100  # between two images while a detector is dragged


class Imaging(QObject):
    """Keeps the image of one scan layer in step with a virtual detector."""

    progressed = Signal(object)  # share of the rows that is there; None when the image is whole

    def __init__(self) -> None:
        super().__init__()
        self.background = Background()
        self._picture: ScanPicture | None = None
        self._scan: Scan | None = None
        self._wanted: VirtualDetector | None = None  # until its image is whole
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PAUSE_MS)
        self._timer.timeout.connect(self._start)

    def open(self, layer: Any, scan: Scan) -> None:
        """Work for another scan layer."""
        self.close()
        self._picture, self._scan = ScanPicture(layer), scan

    def close(self) -> None:
        """Leave the layer, with the last whole image."""
        self.pause()
        self._wanted = self._picture = self._scan = None

    def ask(self, detector: VirtualDetector) -> None:
        """Ask for the image of a detector; while it is dragged, a small scan follows and a large one waits."""
        self._wanted = detector
        if not self._timer.isActive():
            self._timer.start()

    def pause(self) -> None:
        """Stop, and put the last whole image back; `resume` goes on."""
        self._timer.stop()
        self.background.stop()
        if self._picture is not None:
            self._picture.give_up()
        self.progressed.emit(None)

    def sleep(self) -> None:
        """Pause, and let the thread go."""
        self.pause()
        self.background.close()

    def resume(self) -> None:
        """Start again what `pause` has stopped."""
        if self._wanted is not None:
            self._timer.start()

    def _start(self) -> None:
        detector, scan, picture = self._wanted, self._scan, self._picture
        if detector is None or scan is None or picture is None:
            return
        arriving = ArrivingImage(scan.scan_shape)
        began = time.monotonic()

        def take(rows: Any) -> None:
            arriving.add(*rows)
            if arriving.worth_showing(time.monotonic() - began):
                picture.show(arriving, detector)
            if arriving.complete and self._wanted is detector:
                self._wanted = None
            self.progressed.emit(None if arriving.complete else arriving.share)

        self.background.start(partial(virtual_rows, scan, [detector.mask()]), take, self._fail)

    def _fail(self, message: str) -> None:
        self._wanted = None
        self.pause()
        tell_error(f"The image of this virtual detector could not be made. {message}")
