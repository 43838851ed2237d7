"""The sample data of the plugin, which needs no napari."""

from __future__ import annotations

import numpy as np

from napari_ghosthunter.plugin.sample_data import boracite


def test_boracite_is_a_calibrated_image_of_the_scan() -> None:
    ((image, layer, kind),) = boracite()
    scan, truth = layer["metadata"]["scan"], layer["metadata"]["truth"]

    assert kind == "image"
    assert image.shape == scan.scan_shape == truth.shape
    assert layer["scale"] == scan.calibration.scan_step
    assert layer["units"] == ("nm", "nm")


def test_boracite_shows_most_of_the_direct_beam() -> None:
    ((image, layer, _),) = boracite()
    total = np.asarray(layer["metadata"]["scan"].data).sum((2, 3))

    assert np.all((image > 0) & (image < total))
    assert image.mean() > 0.1 * total.mean()
