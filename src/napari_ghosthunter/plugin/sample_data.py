"""Sample data: what File > Open Sample gives."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_ghosthunter.scan.simulate import simulate
from napari_ghosthunter.scan.virtual import bright_field_mask, measure_scan_beam, virtual_image

LayerData = tuple[NDArray[np.float64], dict[str, Any], str]
"""What napari makes a layer of: data, arguments of the layer, type of the layer."""


def boracite() -> list[LayerData]:
    """Simulate a boracite-like scan with known domains and show its bright field.

    Returns
    -------
    list of LayerData
        One image layer of shape (scan_y, scan_x); its metadata hold the scan itself (`scan`) and the true class of
        every position (`truth`, `truth_names`).
    """
    simulation = simulate()
    scan = simulation.scan
    image = virtual_image(scan, bright_field_mask(scan.detector_shape, measure_scan_beam(scan)))
    layer = {
        "name": "Boracite domains (simulated)",
        "scale": scan.calibration.scan_step,
        "units": (scan.calibration.scan_units,) * 2,
        "metadata": {"scan": scan, "truth": simulation.truth, "truth_names": simulation.names},
    }
    return [(image, layer, "image")]
