"""Masks on the detector: the direct beam, what is scattered beyond it, an annulus, everything."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_ghosthunter.scan.beam import BeamCentre

BRIGHT_FIELD_RADIUS = 1.1  # in radii of the direct beam: a little more than the disk, which drifts during a scan
DARK_FIELD_INNER_RADIUS = 1.5  # in radii of the direct beam: clear of its edge


def bright_field_mask(detector_shape: tuple[int, int], beam: BeamCentre) -> NDArray[np.bool_]:
    """Select the direct beam: all pixels within 1.1 beam radii of its centre; shape (k_y, k_x)."""
    return annular_mask(detector_shape, beam, 0.0, BRIGHT_FIELD_RADIUS * beam.radius)


def dark_field_mask(detector_shape: tuple[int, int], beam: BeamCentre) -> NDArray[np.bool_]:
    """Select what is scattered clear of the direct beam: all pixels beyond 1.5 beam radii; shape (k_y, k_x)."""
    return annular_mask(detector_shape, beam, DARK_FIELD_INNER_RADIUS * beam.radius, np.inf)


def total_mask(detector_shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Select the whole detector; shape (k_y, k_x)."""
    return np.ones(detector_shape, np.bool_)


def annular_mask(detector_shape: tuple[int, int], beam: BeamCentre, inner: float, outer: float) -> NDArray[np.bool_]:
    """Select the pixels whose middle lies from `inner` to `outer` detector pixels from the beam centre.

    Parameters
    ----------
    detector_shape
        (k_y, k_x), in pixels.
    beam
        Its centre is the centre of the annulus; its radius is not used.
    inner, outer
        Radii in detector pixels, both included; an `inner` of 0 gives a disk.

    Returns
    -------
    NDArray
        Mask of shape (k_y, k_x).
    """
    k_y, k_x = np.ogrid[: detector_shape[0], : detector_shape[1]]
    distance = np.hypot(k_y - beam.k_y, k_x - beam.k_x)
    mask: NDArray[np.bool_] = (distance >= inner) & (distance <= outer)
    return mask
