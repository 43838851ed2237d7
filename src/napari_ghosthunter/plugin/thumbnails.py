"""Small pictures of what a scan would look like, computed bit by bit while a dialog is open.

Each picture comes coarse first and then finer. The work is done in the event loop, some milliseconds at a time, so
that the dialog answers at once, and stops when it closes, without a thread that would have to be waited for.
"""

from __future__ import annotations

import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QRect, QSize, Qt, QTimer
from qtpy.QtGui import QColor, QImage, QPainter, QPixmap

from napari_ghosthunter.errors import GhostHunterError
from napari_ghosthunter.plugin.scan_image import contrast_limits
from napari_ghosthunter.scan.preview import CoarseImages
from napari_ghosthunter.scan.row_layout import RowLayout
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.virtual.masks import bright_field_mask
from napari_ghosthunter.scan.virtual.means import measure_scan_beam

WORK_SECONDS = 0.02  # at a stretch, between two looks at mouse and keys
BEAM_POSITIONS = 16  # of few patterns, because a disk that must seek takes a while for each
POSITIONS = 4096  # of the finest picture: more than a thumbnail has pixels
OUTLINE = QColor(128, 128, 128)

Picture = NDArray[np.float64]
Job = Iterator[Picture | None]


class Thumbnails(QObject):
    """Works on several pictures in turn, and gives each to its place when it has become finer.

    Parameters
    ----------
    parent
        The dialog; the work ends with it.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._jobs: deque[tuple[Job, Callable[[Picture], None]]] = deque()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._work)

    @property
    def busy(self) -> bool:
        """Whether a picture is still being made."""
        return bool(self._jobs)

    def add(self, job: Job, show: Callable[[Picture], None], *, first: bool = False) -> None:
        """Work on a picture, before all others if it is wanted first."""
        (self._jobs.appendleft if first else self._jobs.append)((job, show))
        self._timer.start(0)

    def stop(self) -> None:
        """Leave off; unfinished pictures stay as they are."""
        self._jobs.clear()
        self._timer.stop()

    def _work(self) -> None:
        end = time.monotonic() + WORK_SECONDS
        while self._jobs and time.monotonic() < end:
            job, show = self._jobs[0]
            try:
                picture = next(job)
            except (StopIteration, GhostHunterError):  # what cannot be read has no picture
                self._jobs.popleft()
                continue
            if picture is not None:
                show(picture)
                self._jobs.rotate(-1)
        if not self._jobs:
            self._timer.stop()


class FoldedImages:
    """Bright-field pictures of the same patterns laid out to scans in different ways.

    Parameters
    ----------
    open_patterns
        Opens all patterns as a scan of any shape; called with the first picture.
    """

    def __init__(self, open_patterns: Callable[[], Scan]) -> None:
        self._open = open_patterns
        self._images: CoarseImages | None = None

    def job(self, layout: RowLayout | None = None) -> Job:
        """Make pictures of the patterns laid out so, or as they are."""
        if self._images is None:
            scan = self._open()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the scan itself will warn when it is opened
                beam = measure_scan_beam(scan, BEAM_POSITIONS)
            self._images = CoarseImages(scan, bright_field_mask(scan.detector_shape, beam))
        yield None
        yield from self._images.refine(layout, POSITIONS)


def thumbnail(picture: Picture | None, scan_shape: tuple[int, int], size: QSize) -> QPixmap:
    """Draw a picture in grey, in the proportions of the scan, centred in a pixmap of this size; an outline for none."""
    pixmap = QPixmap(size)
    pixmap.fill(Qt.GlobalColor.transparent)
    inside = QSize(scan_shape[1], scan_shape[0]).scaled(size, Qt.AspectRatioMode.KeepAspectRatio)
    inside = inside.expandedTo(QSize(2, 2))  # a scan of one row
    place = QRect((size.width() - inside.width()) // 2, (size.height() - inside.height()) // 2, 0, 0)
    place.setSize(inside)
    painter = QPainter(pixmap)
    if picture is None:
        painter.setPen(OUTLINE)
        painter.drawRect(place.adjusted(0, 0, -1, -1))
    else:
        painter.drawImage(place, _grey(picture))
    painter.end()
    return pixmap


def _grey(picture: Picture) -> QImage:
    low, high = contrast_limits(picture)
    grey = np.ascontiguousarray(np.clip((picture - low) / (high - low), 0, 1) * 255, np.uint8)
    height, width = grey.shape
    return QImage(grey.tobytes(), width, height, width, QImage.Format.Format_Grayscale8).copy()
