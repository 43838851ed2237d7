"""A scan as a layer: its image, units and contrast, also where there was no time to read it all."""

from __future__ import annotations

import time

import numpy as np
import pytest

from napari_ghosthunter.plugin import scan_image
from napari_ghosthunter.plugin.scan_image import bright_field, contrast_limits, scan_layer
from napari_ghosthunter.plugin.units import napari_units
from napari_ghosthunter.scan.calibration import Calibration
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.virtual.images import virtual_image
from napari_ghosthunter.scan.virtual.masks import bright_field_mask
from napari_ghosthunter.scan.virtual.means import measure_scan_beam


class Slow:
    """A scan on a disk that takes a while for each pattern."""

    def __init__(self, data, seconds):
        self._data, self._seconds = data, seconds
        self.shape, self.dtype = data.shape, data.dtype

    def __getitem__(self, key):
        time.sleep(self._seconds)
        return self._data[key]


def exact(scan):
    return virtual_image(scan, bright_field_mask(scan.detector_shape, measure_scan_beam(scan)))


def test_the_layer_is_the_calibrated_bright_field(scan):
    scan = scan.with_calibration(Calibration(scan_step=(2.0, 3.0), scan_units="angstrom"))
    image, layer, kind = scan_layer(scan, extra=1)
    np.testing.assert_array_equal(image, exact(scan))
    assert kind == "image"
    assert (layer["scale"], layer["units"]) == ((2.0, 3.0), ("angstrom", "angstrom"))
    assert layer["axis_labels"] == ("scan_y", "scan_x")
    assert layer["metadata"] == {"scan": scan, "preview": False, "extra": 1}


@pytest.mark.parametrize("units", ["px", "pm", "angstrom", "nm", "um"])
def test_napari_knows_the_units(units):
    from napari.layers import Image

    layer = Image(np.zeros((2, 2)), units=napari_units(units))
    # 'px' itself would be a CSS pixel, which is a length, and the scale bar would show micrometres
    assert (str(layer.units[0].dimensionality) == "[length]") == (units != "px")


def test_a_hot_position_does_not_blacken_the_image(scan):
    image = exact(scan)
    image[2, 3] = 1e9
    low, high = contrast_limits(image)
    assert image.min() <= low < high < 1e6


@pytest.mark.parametrize("image", [[[1.0, 1.0]], [[0.0]], [[1.0, 2.0], [3.0, 4.0]], [[5.0, 5.0, 5.0, 6.0]]])
def test_contrast_of_tiny_and_flat_images(image):
    low, high = contrast_limits(np.array(image))
    assert high > low


def test_of_a_large_scan_a_coarse_image_comes_in_time(patterns, monkeypatch):
    monkeypatch.setattr(scan_image, "EXACT_BYTES", 0)
    monkeypatch.setattr(scan_image, "PREVIEW_SECONDS", 0.3)
    large = np.tile(patterns, (10, 10, 1, 1))
    begin = time.monotonic()
    image, preview = bright_field(Scan(Slow(large, 0.001)))
    assert time.monotonic() - begin < 3
    assert preview
    assert image.shape == (60, 100)
    assert np.isin(image, exact(Scan(large))).all()


def test_a_large_scan_that_is_quick_to_read_is_exact(scan, monkeypatch):
    monkeypatch.setattr(scan_image, "EXACT_BYTES", 0)
    image, preview = bright_field(scan)
    assert not preview
    np.testing.assert_array_equal(image, exact(scan))
