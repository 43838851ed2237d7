"""The image of a scan follows what is said of the scan, with and without the docks, in a real window."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ghosthunter.plugin.diffraction.detector import make_detector
from napari_ghosthunter.plugin.diffraction.picture import DETECTOR, ArrivingImage, ScanPicture
from napari_ghosthunter.plugin.layers import bare, scan_of
from napari_ghosthunter.plugin.restating import restate
from napari_ghosthunter.plugin.scan_image import contrast_limits, scan_layer
from napari_ghosthunter.scan.beam import BeamCentre
from napari_ghosthunter.scan.readers import open_scan
from napari_ghosthunter.scan.virtual import bright_field_mask, measure_scan_beam, virtual_image

NAME = "napari-ghosthunter"


@pytest.fixture(params=["bare window", "Domain mapper"])
def layer(request, window, qtbot, scan_file):
    """The layer of a scan; no Diffraction viewer was ever open."""
    mapper = None
    if request.param != "bare window":
        _, mapper = window.window.add_plugin_dock_widget(NAME, request.param)
    data, arguments, _ = scan_layer(open_scan(scan_file))
    layer = bare(window.add_image(data, **arguments))
    if mapper is not None:
        qtbot.waitUntil(lambda: mapper.desk.session is not None)
    return layer


def restated(window, qtbot, layer, **said):
    before = scan_of(layer)
    restate(window, layer, **said)
    qtbot.waitUntil(lambda: scan_of(layer) is not before)
    return scan_of(layer)


def bright_field_of(scan):
    return virtual_image(scan, bright_field_mask(scan.detector_shape, measure_scan_beam(scan)))


def test_the_bright_field_follows_beam_and_mask(window, qtbot, layer, tmp_path) -> None:
    first = layer.data.copy()
    scan = restated(window, qtbot, layer, beam=(9, 4))
    moved = bright_field_of(scan)
    assert not np.array_equal(moved, first)
    np.testing.assert_array_equal(layer.data, moved)
    assert tuple(layer.contrast_limits) == contrast_limits(moved)
    np.save(tmp_path / "mask.npy", np.arange(16)[:, None] * np.ones(16) == 7)
    scan = restated(window, qtbot, layer, mask=tmp_path / "mask.npy")
    masked = bright_field_of(scan)
    assert not np.array_equal(masked, moved)
    np.testing.assert_array_equal(layer.data, masked)
    restated(window, qtbot, layer, beam=None, mask=None)
    np.testing.assert_array_equal(layer.data, first)


def test_the_image_stays_where_only_a_pixel_size_is_said(window, qtbot, layer) -> None:
    image = layer.data
    restated(window, qtbot, layer, scan_step="2nm")
    assert layer.data is image
    assert tuple(layer.scale) == (2, 2)


def test_the_dark_field_of_a_viewer_that_was_closed_follows_and_a_drawn_disk_stays(window, qtbot, layer) -> None:
    shape = scan_of(layer).detector_shape
    for kind in ("annular dark field", "custom"):
        layer.metadata[DETECTOR] = make_detector(kind, shape, BeamCentre(7, 8, 2))
        scan = restated(window, qtbot, layer, beam=(9, 4) if scan_of(layer).beam is None else (4, 9))
        beam = measure_scan_beam(scan)
        detector = layer.metadata[DETECTOR]
        expected = make_detector(kind, shape, beam if kind != "custom" else BeamCentre(7, 8, 2))
        assert detector == expected
        np.testing.assert_array_equal(layer.data, virtual_image(scan, expected.mask()))
        assert layer.name == f"scan: {expected.title}"


def test_an_image_half_there_that_is_given_up_leaves_the_one_that_came_meanwhile(window, qtbot, layer) -> None:
    picture, arriving = ScanPicture(layer), ArrivingImage((6, 10))
    arriving.add(0, 2, np.ones((1, 2, 10)))
    picture.show(arriving, make_detector("total", (16, 16), BeamCentre(7, 8, 2)))
    assert picture.partial
    scan = restated(window, qtbot, layer, beam=(9, 4))
    picture.give_up()
    np.testing.assert_array_equal(layer.data, bright_field_of(scan))
