"""A bright field to look at beside something else: in bounded time, and without a word about what is odd."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.beam import find_beam, no_beam
from napari_ghosthunter.scan.preview import CoarseImages, full_size
from napari_ghosthunter.scan.scan import Scan, zero_nonfinite
from napari_ghosthunter.scan.spread import spread_positions
from napari_ghosthunter.scan.virtual.masks import bright_field_mask

BEAM_POSITIONS = 16  # whose mean shows the direct beam
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
    spots = spread_positions(scan.scan_shape, BEAM_POSITIONS)
    mean = np.mean([zero_nonfinite(scan.pattern(y, x))[0].astype(np.float64) for y, x in spots], axis=0)
    beam = find_beam(mean) or no_beam(scan.detector_shape)
    if scan.beam is not None:
        beam = replace(beam, k_y=scan.beam[0], k_x=scan.beam[1])
    deadline = time.monotonic() + MOST_SECONDS
    best = np.zeros((1, 1))
    for image in CoarseImages(scan, bright_field_mask(scan.detector_shape, beam)).refine(most=MOST_POSITIONS):
        best = best if image is None else image
        if time.monotonic() > deadline and best.size > 1:
            break
    return full_size(best, scan.scan_shape)
