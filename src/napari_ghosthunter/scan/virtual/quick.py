"""A bright field to look at beside something else: in bounded time, and without a word about what is odd."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.beam import find_beam, no_beam
from napari_ghosthunter.scan.preview import CoarseImages, full_size
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.stated_beam import beam_at, quick_mean
from napari_ghosthunter.scan.virtual.masks import bright_field_mask

MOST_POSITIONS = 2**16  # looked at; each stands for its surroundings where there are more
MOST_SECONDS = 10.0  # on a slow disk the image is coarser


def quick_bright_field(scan: Scan) -> NDArray[np.float64] | None:
    """Sum patterns over the direct beam, of as many positions as there is time for; shape (scan_y, scan_x).

    Where no direct beam is found, the middle of the detector counts as it. Nobody is warned of that, nor of pixels that
    are no numbers, which count as zero. None if the scan cannot be read any more, which is no reason to lose what the
    image was to stand beside.
    """
    try:
        return _summed(scan)
    except (ScanError, OSError):
        return None


def _summed(scan: Scan) -> NDArray[np.float64]:
    mean = quick_mean(scan)
    beam = beam_at(mean, scan.beam) if scan.beam else find_beam(mean) or no_beam(scan.detector_shape)
    deadline = time.monotonic() + MOST_SECONDS
    best = np.zeros((1, 1))
    for image in CoarseImages(scan, bright_field_mask(scan.detector_shape, beam)).refine(most=MOST_POSITIONS):
        best = best if image is None else image
        if time.monotonic() > deadline and best.size > 1:
            break
    return full_size(best, scan.scan_shape)
