"""Gatan .dm5: HDF5 laid out as Gatan's software and Nion Swift's writer lay it out."""

import h5py
import numpy as np
import pytest

from napari_ghosthunter.errors import DatasetError, ScanError, ScanShapeError
from napari_ghosthunter.scan.readers import open_scan
from tests.scan.writers import STEPS, write_dm5

CUBE = np.random.default_rng(0).integers(0, 127, (3, 4, 6, 5)).astype("u2")


@pytest.mark.parametrize("tags", [{"Meta Data": {"Data Order Swapped": True}}, {}])
def test_a_scan_is_mapped_with_its_calibration(tmp_path, tags):
    scan = open_scan(write_dm5(tmp_path / "a.dm5", CUBE, tags=tags))
    assert isinstance(scan.data, np.memmap)
    assert (scan.provenance.reader, scan.provenance.dataset, scan.provenance.notes) == ("dm5", None, ())
    np.testing.assert_array_equal(scan.rows(0, 3), CUBE)
    assert scan.calibration.scan_step == pytest.approx((2.0, 2.5))
    assert scan.calibration.k_step == pytest.approx((0.05, 0.04))
    assert (scan.calibration.scan_units, scan.calibration.k_units) == ("nm", "1/nm")


def test_a_packed_scan_is_read_through_hdf5(tmp_path):
    scan = open_scan(write_dm5(tmp_path / "a.dm5", CUBE, chunks=(1, 2, 6, 5), compression="gzip"))
    np.testing.assert_array_equal(scan.rows(0, 3), CUBE)


@pytest.mark.parametrize(
    ("tags", "axes"), [({"Meta Data": {"Data Order Swapped": False}}, STEPS), ({}, [*STEPS[2:], *STEPS[:2]])]
)
def test_a_scan_ordered_by_detector_pixel_is_turned(tmp_path, tags, axes):
    path = write_dm5(tmp_path / "a.dm5", CUBE.transpose(2, 3, 0, 1), axes, tags)
    scan = open_scan(path)
    np.testing.assert_array_equal(scan.rows(0, 3), CUBE)
    assert "ordered by detector pixel" in scan.provenance.notes[0]
    packed = write_dm5(tmp_path / "b.dm5", CUBE.transpose(2, 3, 0, 1), axes, tags, compression="gzip")
    with pytest.raises(ScanError, match="ordered by detector pixel, and packed"):
        open_scan(packed)


def test_a_stack_asks_for_its_shape_and_offers_that_of_its_tags(tmp_path):
    tags = {"4D STEM Tags": {"Scan shape X": 4, "Scan shape Y": 3}}
    path = write_dm5(tmp_path / "a.dm5", CUBE.reshape(12, 6, 5), STEPS[1:], tags)
    with pytest.raises(ScanShapeError, match="tags state a scan of 3 x 4") as raised:
        open_scan(path)
    assert raised.value.candidates[0] == (3, 4)
    assert open_scan(path, scan_shape=(3, 4)).calibration.k_step == pytest.approx((0.05, 0.04))


def test_several_scans_are_asked_for(tmp_path):
    path = write_dm5(tmp_path / "a.dm5", CUBE)
    with h5py.File(path, "a") as file:
        file["ImageList/[2]/ImageData/Data"] = CUBE // 2
    with pytest.raises(DatasetError, match="image1, image2"):
        open_scan(path)
    np.testing.assert_array_equal(open_scan(path, dataset="image2").rows(0, 3), CUBE // 2)


def test_what_is_no_scan_says_what_it_is(tmp_path):
    with pytest.raises(ScanError, match=r"No array in it has the four axes.*image1 \(6, 5\)"):
        open_scan(write_dm5(tmp_path / "image.dm5", CUBE[0, 0], STEPS[2:]))
    series = write_dm5(tmp_path / "series.dm5", CUBE, tags={"In-situ": {}})
    with h5py.File(series, "a") as file:
        file.create_group("ImageList/[1]/ImageTags/In-situ/Recorded").attrs["# Frames"] = 7
    assert open_scan(series).shape == CUBE.shape
    (tmp_path / "series.raw").write_bytes(b"x")
    with pytest.raises(ScanError, match="first of a series in time, which is kept in series.raw"):
        open_scan(series)
    (tmp_path / "other.dm5").write_bytes(b"no HDF5 at all")
    with pytest.raises(ScanError, match="cannot be read as a Gatan .dm5 file"):
        open_scan(tmp_path / "other.dm5")


def test_links_are_followed_inside_the_folder_only(tmp_path):
    (tmp_path / "inside").mkdir()
    with h5py.File(tmp_path / "outside.h5", "w") as file:
        file["cube"] = CUBE
    path = write_dm5(tmp_path / "inside" / "a.dm5", CUBE)
    with h5py.File(path, "a") as file:
        del file["ImageList/[1]/ImageData/Data"]
        file["ImageList/[1]/ImageData/Data"] = h5py.ExternalLink("../outside.h5", "/cube")
    with pytest.raises(ScanError, match="outside its own folder"):
        open_scan(path)
