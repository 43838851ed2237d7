"""The right probe position under the cursor, however the layer lies, and words for it."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_ghosthunter.plugin.diffraction.where import position_text, value_text
from napari_ghosthunter.plugin.layers import position_at, scan_of
from napari_ghosthunter.scan.beam import BeamCentre
from napari_ghosthunter.scan.calibration import Calibration
from napari_ghosthunter.scan.scan import Scan

PLACES = [
    {},
    {"scale": (2.5, 2.5)},
    {"scale": (-2.0, 3.0)},
    {"scale": (2.0, -3.0), "translate": (100.0, -40.0)},
    {"rotate": 30},
    {"affine": np.array([[0, 1.5, 3], [1.5, 0, -7], [0, 0, 1]])},
]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_position_is_the_pixel_that_holds_the_point(scan: Scan, place: dict, order: tuple[int, int]) -> None:
    viewer = ViewerModel()
    layer = viewer.add_image(np.zeros(scan.scan_shape), metadata={"scan": scan}, **place)
    viewer.dims.order = order
    for y, x in np.ndindex(scan.scan_shape):
        for dy, dx in ((0, 0), (0.4, -0.4), (-0.45, 0.45)):
            assert position_at(layer, layer.data_to_world((y + dy, x + dx))) == (y, x)
    for outside in ((-0.6, 0), (0, -0.6), (5.6, 0), (0, 9.6)):
        assert position_at(layer, layer.data_to_world(outside)) is None


def test_position_in_a_viewer_with_more_axes(scan: Scan) -> None:
    viewer = ViewerModel()
    layer = viewer.add_image(np.zeros(scan.scan_shape), metadata={"scan": scan})
    viewer.add_image(np.zeros((3, 6, 10)))
    assert position_at(layer, (2, 4.2, 8.8)) == (4, 9)


def test_only_an_image_of_its_scan_is_a_scan_layer(scan: Scan) -> None:
    viewer = ViewerModel()
    assert scan_of(viewer.add_image(np.zeros(scan.scan_shape), metadata={"scan": scan})) is scan
    assert scan_of(viewer.add_image(np.zeros((3, 3)), metadata={"scan": scan})) is None
    assert scan_of(viewer.add_image(np.zeros(scan.scan_shape))) is None
    assert scan_of(viewer.add_points([[0, 0]], metadata={"scan": scan})) is None
    assert scan_of(None) is None


def test_words(scan: Scan) -> None:
    calibration = Calibration((2.0, 0.5), "nm", (0.02, 0.02), "1/angstrom")
    assert position_text((3, 9), scan.with_calibration(calibration)) == "scan_y 3, scan_x 9  (6, 4.5 nm)"
    assert position_text((3, 9), scan) == "scan_y 3, scan_x 9"
    beam = BeamCentre(7.0, 8.0, 2.0)
    text = value_text(np.uint16(1234), (10, 12), beam, calibration)
    assert text == "k_y 10, k_x 12  (0.1 Å⁻¹ from the beam):  1,234"
    assert value_text(np.float32(0.5), (1, 2), BeamCentre(7, 8, 2, found=False), calibration) == "k_y 1, k_x 2:  0.5"
