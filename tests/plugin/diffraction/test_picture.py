"""The scan image in its layer while it arrives."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image

from napari_ghosthunter.plugin.diffraction.detector import make_detector
from napari_ghosthunter.plugin.diffraction.picture import ArrivingImage, ScanPicture
from napari_ghosthunter.scan.beam import BeamCentre

TOTAL = make_detector("total", (16, 16), BeamCentre(7, 8, 3))
ROWS = np.arange(60.0).reshape(6, 10)


@pytest.fixture
def layer() -> Image:
    return Image(np.full((6, 10), 5, np.uint16), name="scan", contrast_limits=(0, 9), metadata={"preview": True})


def arriving(rows: int) -> ArrivingImage:
    image = ArrivingImage((6, 10))
    for row in range(rows):
        image.add(row, row + 1, ROWS[None, row : row + 1])
    return image


def test_a_whole_image_replaces_the_old_one_in_place(layer: Image) -> None:
    picture = ScanPicture(layer)
    picture.show(arriving(6), TOTAL)
    data = layer.data
    np.testing.assert_array_equal(data, ROWS)
    assert layer.name == "scan: total"
    assert layer.metadata["preview"] is False
    assert layer.contrast_limits[0] >= 0
    assert layer.contrast_limits[1] <= 59
    picture.show(arriving(6), TOTAL)
    assert layer.data is data


def test_rows_to_come_are_left_out_and_the_contrast_is_of_those_there(layer: Image) -> None:
    picture = ScanPicture(layer)
    picture.show(arriving(0), TOTAL)
    assert layer.data[0, 0] == 5
    picture.show(arriving(2), TOTAL)
    assert np.isfinite(layer.data[:2]).all()
    assert np.isnan(layer.data[2:]).all()
    assert layer.contrast_limits[1] <= 19


def test_giving_up_puts_the_last_whole_image_back(layer: Image) -> None:
    picture = ScanPicture(layer)
    picture.show(arriving(3), TOTAL)
    picture.give_up()
    assert (np.asarray(layer.data) == 5).all()
    assert layer.name == "scan"
    assert tuple(layer.contrast_limits) == (0, 9)
    picture.show(arriving(6), TOTAL)
    picture.give_up()
    np.testing.assert_array_equal(layer.data, ROWS)


def test_names_do_not_pile_up(layer: Image) -> None:
    ScanPicture(layer).show(arriving(6), TOTAL)
    again = ScanPicture(layer)
    again.show(arriving(6), make_detector("bright field", (16, 16), BeamCentre(7, 8, 3)))
    assert layer.name == "scan: bright field"
    layer.name = "sample 7"
    again.show(arriving(6), TOTAL)
    assert layer.name == "sample 7: total"


def test_a_small_image_waits_until_it_is_whole() -> None:
    assert not arriving(2).worth_showing(0.1)
    assert arriving(2).worth_showing(1.0)
    assert arriving(6).worth_showing(0.0)
    assert arriving(3).share == 0.5
