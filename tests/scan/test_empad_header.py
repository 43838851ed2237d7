"""EMPAD's .xml: which file it names, also after one was renamed, and the pixel sizes that it states."""

import shutil

import numpy as np
import pytest

from napari_ghosthunter.errors import ScanError, ScanShapeError
from napari_ghosthunter.scan.readers import open_scan
from tests.scan.writers import write_empad

FRAMES = np.random.default_rng(0).random((12, 128, 128), dtype=np.float32)
SIZES = (
    "<iom_measurements><optics.get_full_scan_field_of_view>[6e-07, 8e-07]</optics.get_full_scan_field_of_view>"
    "<calibrated_pixelsize>1.8e-10</calibrated_pixelsize></iom_measurements>"
)


def header(path, raw="scan_x4_y3.raw", body=SIZES):
    path.write_text(f'<root><raw_file filename="{raw}"/>{body}</root>')
    return path


@pytest.mark.parametrize("opened", ["a.xml", "scan_x4_y3.raw"])
def test_either_file_gives_shape_and_pixel_sizes(tmp_path, opened):
    write_empad(tmp_path / "scan_x4_y3.raw", FRAMES)
    header(tmp_path / "a.xml")
    scan = open_scan(tmp_path / opened)
    np.testing.assert_array_equal(scan.data, FRAMES.reshape(3, 4, 128, 128))
    assert scan.calibration.scan_units == "nm"
    assert scan.calibration.scan_step == pytest.approx((200, 200))
    assert (scan.calibration.k_step, scan.calibration.k_units) == (pytest.approx((0.18, 0.18)), "1/nm")
    assert scan.provenance.notes == ()


def test_a_renamed_raw_file_is_told_which_name_is_wanted(tmp_path):
    path = write_empad(tmp_path / "grain.raw", FRAMES)
    header(tmp_path / "a.xml")
    with pytest.raises(ScanShapeError, match="12 patterns.*a.xml names scan_x4_y3.raw, which is missing: if") as raised:
        open_scan(path)
    assert "damaged" not in str(raised.value)
    assert any("name it so again" in note for note in open_scan(path, scan_shape=(3, 4)).provenance.notes)
    with pytest.raises(ScanError, match="names scan_x4_y3.raw .* not beside it.*grain.raw may have been") as raised:
        open_scan(tmp_path / "a.xml")
    assert "damaged" not in str(raised.value)


def test_a_header_that_names_another_file_is_not_taken(tmp_path):
    path = write_empad(tmp_path / "x4_y3.raw", FRAMES)
    write_empad(tmp_path / "scan_x4_y3.raw", FRAMES[:2])
    header(tmp_path / "a.xml")  # its name ends in that of the first
    with pytest.raises(ScanShapeError, match="12 patterns"):
        open_scan(path)
    assert open_scan(path, scan_shape=(3, 4)).calibration.scan_units == "px"


@pytest.mark.parametrize("opened", ["a.xml", "grain.raw"])
def test_a_header_may_name_a_file_that_says_nothing_of_the_shape(tmp_path, opened):
    write_empad(tmp_path / "grain.raw", FRAMES)
    header(tmp_path / "a.xml", "grain.raw")
    with pytest.raises(ScanShapeError, match="12 patterns.*--scan-shape") as raised:
        open_scan(tmp_path / opened)
    assert "damaged" not in str(raised.value)
    scan = open_scan(tmp_path / opened, scan_shape=(3, 4))
    assert scan.calibration.scan_step == pytest.approx((200, 200))


@pytest.mark.parametrize("name", ["SCAN_X4_Y3.RAW", "Scan_x4_y3.raw"])
@pytest.mark.parametrize("opened", ["a.xml", None])
def test_letters_may_have_changed_their_case(tmp_path, name, opened):
    write_empad(tmp_path / name, FRAMES)
    header(tmp_path / "a.xml")
    assert open_scan(tmp_path / (opened or name)).calibration.scan_units == "nm"


def test_a_raw_file_with_fewer_patterns_than_stated_offers_its_rows(tmp_path):
    write_empad(tmp_path / "scan_x4_y3.raw", FRAMES[:10])
    header(tmp_path / "a.xml", body="<pix_x>4</pix_x><pix_y>3</pix_y>")
    with pytest.raises(ScanShapeError, match="needs 12 patterns, but the file holds 10: 2 missing") as raised:
        open_scan(tmp_path / "a.xml")
    assert raised.value.candidates[0] == (2, 4)


@pytest.mark.parametrize("text", ["<root/>", "<other><raw_file/></other>"])
def test_an_xml_file_of_something_else_says_so(tmp_path, text):
    (tmp_path / "a.xml").write_text(text)
    with pytest.raises(ScanError, match="a.xml names no file of patterns") as raised:
        open_scan(tmp_path / "a.xml")
    assert "damaged" not in str(raised.value)


def test_other_xml_files_beside_a_raw_file_are_passed_by(tmp_path):
    path = write_empad(tmp_path / "scan_x4_y3.raw", FRAMES)
    (tmp_path / "broken.xml").write_text("<root")
    (tmp_path / "other.xml").write_text("<root/>")
    (tmp_path / "folder.xml").mkdir()
    assert open_scan(path).scan_shape == (3, 4)


@pytest.mark.parametrize("value", ["nan", "1e999", "", "[1]", "[0, 0]", "-"])
def test_a_field_of_view_that_is_none_leaves_pixels(tmp_path, value):
    write_empad(tmp_path / "scan_x4_y3.raw", FRAMES)
    header(tmp_path / "a.xml", body=SIZES.replace("[6e-07, 8e-07]", value).replace("1.8e-10", value))
    calibration = open_scan(tmp_path / "a.xml").calibration
    assert (calibration.scan_step, calibration.scan_units) == ((1, 1), "px")


def test_pixel_sizes_of_newer_headers_equal_those_of_rosettasciio(tmp_path, shared_file):
    from rsciio.empad import file_reader

    path = tmp_path / "a.xml"
    shutil.copy(shared_file("empad/EMPAD_v1.2.2_x32_y64_size0.8.xml"), path)
    with (tmp_path / "scan_x32_y64.raw").open("wb") as file:
        file.truncate(32 * 64 * 130 * 128 * 4)
    scan = open_scan(path)
    assert scan.scan_shape == (64, 32)
    axes = {axis["name"]: axis for axis in file_reader(str(path), lazy=True)[0]["axes"]}
    for step, name in zip(scan.calibration.scan_step, ("scan_y", "scan_x"), strict=True):
        assert scan.calibration.scan_units == axes[name]["units"] == "nm"
        assert step == pytest.approx(axes[name]["scale"])
