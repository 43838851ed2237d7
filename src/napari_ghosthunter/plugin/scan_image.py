"""A scan as a real-space image: the bright field, in the scan's own units, ready to become a napari layer.

napari waits for what opens a file. So a scan of moderate size is read whole, for the exact image, and of a larger one
only as many patterns as there is time for: its layer says so in its metadata (`preview`), and can be refined in place.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_ghosthunter.plugin.units import napari_units
from napari_ghosthunter.scan.preview import CoarseImages, full_size
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.virtual.images import virtual_image
from napari_ghosthunter.scan.virtual.masks import bright_field_mask
from napari_ghosthunter.scan.virtual.means import measure_scan_beam

EXACT_BYTES = 64 * 2**20  # size of the largest scan whose exact image is worth waiting for
PREVIEW_SECONDS = 0.5  # given to the image of a larger one; the Diffraction viewer goes on with it beside the window
PERCENTILES = (0.5, 99.5)

FloatArray = NDArray[np.float64]
LayerData = tuple[FloatArray, dict[str, Any], str]
"""What napari makes a layer of: data, arguments of the layer, type of the layer."""


def scan_layer(scan: Scan, name: str | None = None, **metadata: Any) -> LayerData:
    """Make the real-space layer of a scan: bright field, step, units and contrast.

    Parameters
    ----------
    scan
        The scan.
    name
        Name of the layer; that of the scan if not given.
    **metadata
        More for the metadata of the layer.

    Returns
    -------
    LayerData
        An image of shape (scan_y, scan_x). Its metadata hold the scan (`scan`) and whether the image is coarse
        (`preview`).

    Warns
    -----
    UserWarning
        If the scan has no clear direct beam, or pixels that are not numbers.
    """
    image, preview = bright_field(scan)
    layer = {
        "name": name or scan.name,
        "scale": scan.calibration.scan_step,
        "units": napari_units(scan.calibration.scan_units),
        "axis_labels": ("scan_y", "scan_x"),
        "contrast_limits": contrast_limits(image),
        "metadata": {"scan": scan, "preview": preview, **metadata},
    }
    return image, layer, "image"


def bright_field(scan: Scan) -> tuple[FloatArray, bool]:
    """Sum every pattern over the direct beam; of a large scan only some, each standing for its surroundings.

    Returns
    -------
    image, preview
        Image of shape (scan_y, scan_x), and whether it is coarse.
    """
    return detector_image(scan, bright_field_mask(scan.detector_shape, measure_scan_beam(scan)))


def detector_image(scan: Scan, mask: NDArray[np.bool_]) -> tuple[FloatArray, bool]:
    """Sum every pattern over a mask of shape (k_y, k_x), and tell whether the image is coarse; see `bright_field`."""
    if scan.size_bytes <= EXACT_BYTES:
        return virtual_image(scan, mask), False
    deadline = time.monotonic() + PREVIEW_SECONDS
    best = None
    for image in CoarseImages(scan, mask).refine():
        best = best if image is None else image
        if best is not None and time.monotonic() > deadline:
            break
    assert best is not None  # the first grid is always finished
    return full_size(best, scan.scan_shape), best.shape != scan.scan_shape


def contrast_limits(image: FloatArray) -> tuple[float, float]:
    """Give limits without the darkest and the brightest positions, so that a hot one does not blacken the rest."""
    low = float(np.percentile(image, PERCENTILES[0], method="higher"))
    high = float(np.percentile(image, PERCENTILES[1], method="lower"))
    if high <= low:
        low, high = float(image.min()), float(image.max())
    return (low, high) if high > low else (low, low + 1)


def set_contrast(layer: Any, image: FloatArray, limits: tuple[float, float]) -> None:
    """Give a layer contrast limits, within a range that holds all of its image."""
    finite = image[np.isfinite(image)]
    layer.contrast_limits = limits
    layer.contrast_limits_range = (min(limits[0], float(finite.min())), max(limits[1], float(finite.max())))
