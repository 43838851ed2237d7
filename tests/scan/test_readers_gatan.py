"""Gatan files written by Nion Swift's writer: mapped, calibrated, and turned the right way round."""

import numpy as np
import pytest

from napari_ghosthunter.errors import DatasetError, ScanError, ScanShapeError
from napari_ghosthunter.scan.readers import open_scan
from napari_ghosthunter.scan.readers.gatan import scan_is_fastest
from tests.scan.writers import STEPS, write_dm


def cube(shape, dtype="uint16"):
    return np.random.default_rng(0).integers(0, 127, shape).astype(dtype)


def test_a_larger_scan_is_mapped_with_its_calibration(tmp_path):
    data = cube((34, 40, 64, 64))
    scan = open_scan(write_dm(tmp_path / "scan.dm4", data))
    assert isinstance(scan.data, np.memmap)
    assert scan.shape == (34, 40, 64, 64)
    assert scan.dtype == np.uint16
    assert scan.calibration.scan_step == (2.0, 2.5)
    assert scan.calibration.k_step == (0.05, 0.04)
    assert (scan.calibration.scan_units, scan.calibration.k_units) == ("nm", "1/nm")
    for position in [(0, 0), (33, 39), (7, 31)]:
        np.testing.assert_array_equal(scan.pattern(*position), data[position])


@pytest.mark.parametrize("ending", ["dm3", "dm4"])
@pytest.mark.parametrize("dtype", ["int8", "int16", "uint16", "int32", "uint32", "float32", "float64"])
@pytest.mark.parametrize("shape", [(1, 5, 3, 4), (5, 1, 4, 3)])
def test_round_trip_of_every_type(tmp_path, ending, dtype, shape):
    data = cube(shape, dtype)
    scan = open_scan(write_dm(tmp_path / f"a.{ending}", data))
    assert scan.shape == shape
    np.testing.assert_array_equal(scan.rows(0, shape[0]), data)


def test_a_scan_ordered_by_detector_pixel_is_turned(tmp_path):
    data = cube((3, 4, 5, 6))
    path = write_dm(tmp_path / "a.dm4", np.ascontiguousarray(data.transpose(2, 3, 0, 1)), [*STEPS[2:], *STEPS[:2]])
    scan = open_scan(path)
    assert isinstance(scan.data, np.memmap)
    assert scan.calibration.scan_step == (2.0, 2.5)
    assert scan.calibration.k_step == (0.05, 0.04)
    assert "gathered from all over" in scan.provenance.notes[0]
    np.testing.assert_array_equal(scan.rows(0, 3), data)


@pytest.mark.parametrize(("swapped", "turned"), [(True, False), (False, True)])
def test_gatans_tag_wins_over_units(tmp_path, swapped, turned):
    data = cube((3, 4, 5, 6))
    path = write_dm(tmp_path / "a.dm4", data, tags={"Data Order Swapped": swapped, "Format": "Diffraction image"})
    assert open_scan(path).shape == ((5, 6, 3, 4) if turned else (3, 4, 5, 6))


def test_an_uncalibrated_scan_is_taken_as_usual_with_a_note(tmp_path):
    scan = open_scan(write_dm(tmp_path / "a.dm4", cube((3, 4, 5, 6)), [(1.0, "")] * 4))
    assert scan.shape == (3, 4, 5, 6)
    assert scan.calibration.scan_units == "px"
    assert "Neither tags nor units" in scan.provenance.notes[0]


@pytest.mark.parametrize("value", [0, False, "0", "false"])
def test_the_tag_may_be_written_in_several_ways(value):
    assert scan_is_fastest({"ImageTags": {"Meta Data": {"Data Order Swapped": value}}}, [])[0]


def test_a_stack_of_images_asks_for_its_scan_shape(tmp_path):
    path = write_dm(tmp_path / "a.dm4", cube((6, 5, 4)), STEPS[1:], collection=1)
    with pytest.raises(ScanShapeError, match="6 patterns of 5 x 4"):
        open_scan(path)
    scan = open_scan(path, scan_shape=(2, 3))
    assert scan.calibration.k_step == (0.05, 0.04)


def test_complex_data_are_refused(tmp_path):
    with pytest.raises(ScanError, match="type 3 .complex or colour."):
        open_scan(write_dm(tmp_path / "a.dm4", cube((2, 2, 3, 3), "complex64")))


def test_a_dataset_is_not_asked_of_a_file_of_one_scan(tmp_path):
    with pytest.raises(DatasetError, match="no dataset 'other'"):
        open_scan(write_dm(tmp_path / "a.dm4", cube((2, 2, 3, 3))), dataset="other")


@pytest.mark.parametrize(
    "tags",
    [
        {"4D STEM Tags": {"Scan shape X": 4, "Scan shape Y": 3}},
        {"4D STEM Tags": {"Scan shape X": 4.0, "Scan shape Y": 3.0}},
        {"SI": {"Acquisition": {"Spatial Sampling": {"Height (pixels)": 3, "Width (pixels)": 4}}}},
    ],
)  # fmt: skip
def test_the_scan_shape_in_the_tags_of_a_stack_is_offered_first(tmp_path, tags):
    path = write_dm(tmp_path / "stack.dm4", cube((12, 5, 6)), STEPS[1:], tags, collection=1)
    with pytest.raises(ScanShapeError, match="12 patterns of 5 x 6.*tags state a scan of 3 x 4") as raised:
        open_scan(path)
    assert raised.value.candidates[0] == (3, 4)
    assert open_scan(path, scan_shape=raised.value.candidates[0]).shape == (3, 4, 5, 6)


@pytest.mark.parametrize("tags", [{"4D STEM Tags": {"Scan shape X": -4, "Scan shape Y": "many"}}, {"Scan shape X": 4}])
def test_tags_that_state_no_shape_are_none(tmp_path, tags):
    path = write_dm(tmp_path / "stack.dm4", cube((12, 5, 6)), STEPS[1:], tags, collection=1)
    with pytest.raises(ScanShapeError, match="12 patterns") as raised:
        open_scan(path)
    assert "tags state" not in str(raised.value)
