"""TIFF stacks: ImageJ, OME-TIFF, plain pages, packed or not; and what is refused."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_ghosthunter.errors import DatasetError, ScanError, ScanShapeError
from napari_ghosthunter.scan.readers import open_scan
from napari_ghosthunter.scan.readers.tiff import is_picture
from tests.scan.writers import frames_of

CUBE = frames_of(12, (6, 5), "u2").reshape(3, 4, 6, 5)
ROW = CUBE.reshape(12, 6, 5)


def everything(scan):
    return scan.rows(0, scan.shape[0])


WAYS = {
    "imagej": {"imagej": True},
    "imagej-big-endian": {"imagej": True, "byteorder": ">"},
    "plain": {"metadata": None},
    "plain-little": {"metadata": None, "byteorder": "<"},
    "plain-packed": {"metadata": None, "compression": "zlib", "predictor": True},
    "shaped": {},
    "tiled": {"tile": (16, 16)},
    "strips": {"rowsperstrip": 2, "metadata": None},
    "ome": {"ome": True},
    "ome-packed": {"ome": True, "compression": "lzma"},
    "bigtiff": {"bigtiff": True},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("ending", [".tif", ".tiff", ".TIF", ".ome.tif"])
def test_a_stack_in_one_row_asks_for_the_shape(tmp_path, way, ending):
    path = tmp_path / f"stack{ending}"
    tifffile.imwrite(path, ROW, **WAYS[way])
    with pytest.raises(ScanShapeError, match="12 patterns of 6 x 5 pixels in one row") as raised:
        open_scan(path)
    assert (3, 4) in raised.value.candidates
    scan = open_scan(path, scan_shape=(3, 4))
    assert scan.provenance.reader == "tiff"
    np.testing.assert_array_equal(everything(scan), CUBE)
    assert isinstance(scan.data, np.memmap) == (way not in ("plain-packed", "tiled", "ome-packed"))


@pytest.mark.parametrize(
    ("options", "axes"),
    [
        ({"imagej": True, "metadata": {"axes": "TZYX"}}, "TZ"), ({"imagej": True, "metadata": {"axes": "ZCYX"}}, "ZC"),
        ({"ome": True, "metadata": {"axes": "TZYX"}}, "TZ"),
        ({"metadata": {"axes": "QRYX"}, "photometric": "minisblack"}, "QR"),
        ({"ome": True, "metadata": {"axes": "TCYX"}, "compression": "zlib"}, "TC"),
        ({"photometric": "minisblack"}, "QQ"),
    ],
)  # fmt: skip
def test_two_axes_beside_the_picture_are_the_scan_and_told(tmp_path, options, axes):
    tifffile.imwrite(tmp_path / "a.tif", CUBE, **options)
    scan = open_scan(tmp_path / "a.tif")
    np.testing.assert_array_equal(everything(scan), CUBE)
    assert f"axes {axes[0]} and {axes[1]} were taken" in scan.provenance.notes[0]


@pytest.mark.parametrize("options", [{"ome": True}, {"imagej": True}, {"ome": True, "compression": "zlib"}])
def test_a_series_in_time_is_never_cut_silently(tmp_path, options):
    tifffile.imwrite(tmp_path / "a.tif", np.stack([CUBE, CUBE // 2]), metadata={"axes": "TZCYX"}, **options)
    with pytest.raises(DatasetError, match=r"has 5 axes; choose one .*series0\[0\], series0\[1\]"):
        open_scan(tmp_path / "a.tif")
    scan = open_scan(tmp_path / "a.tif", dataset="series0[1]")
    np.testing.assert_array_equal(everything(scan), CUBE // 2)
    assert scan.provenance.dataset == "series0[1]"


def test_several_stacks_are_asked_for(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(CUBE, photometric="minisblack")
        file.write(CUBE // 2, photometric="minisblack")
    with pytest.raises(DatasetError, match="series0, series1"):
        open_scan(tmp_path / "a.tif")
    np.testing.assert_array_equal(everything(open_scan(tmp_path / "a.tif", dataset="series1")), CUBE // 2)


@pytest.mark.parametrize(
    ("unit", "plain"), [("1/nm", "1/nm"), ("nm^-1", "1/nm"), ("mrad", "mrad"), ("1/A", "1/angstrom")]
)
def test_the_pixel_size_of_patterns_is_taken(tmp_path, unit, plain):
    tifffile.imwrite(tmp_path / "a.tif", ROW, imagej=True, resolution=(20, 25), metadata={"unit": unit, "spacing": 3.0})
    calibration = open_scan(tmp_path / "a.tif", scan_shape=(3, 4)).calibration
    assert calibration.k_units == plain
    assert calibration.k_step == pytest.approx((0.04, 0.05))
    assert calibration.scan_units == "px"


@pytest.mark.parametrize("unit", ["nm", "micron", "pixel", "inch", ""])
def test_a_length_is_none_of_patterns(tmp_path, unit):
    tifffile.imwrite(tmp_path / "a.tif", ROW, imagej=True, resolution=(20, 25), metadata={"unit": unit})
    scan = open_scan(tmp_path / "a.tif", scan_shape=(3, 4))
    assert scan.calibration.k_units == "px"
    assert any("a length" in note for note in scan.provenance.notes) == (unit in ("nm", "micron"))


def test_scaled_bytes_are_told(tmp_path):
    tifffile.imwrite(tmp_path / "scaled.tif", np.full((12, 6, 5), 255, "u1"))
    tifffile.imwrite(tmp_path / "counts.tif", np.full((12, 6, 5), 9, "u1"))
    assert "8 bits" in open_scan(tmp_path / "scaled.tif", scan_shape=(3, 4)).provenance.notes[0]
    assert open_scan(tmp_path / "counts.tif", scan_shape=(3, 4)).provenance.notes == ()


def test_grey_pictures_in_colours_open_and_coloured_ones_do_not(tmp_path):
    grey = np.repeat((ROW >> 8).astype("u1")[..., None], 3, -1)
    tifffile.imwrite(tmp_path / "grey.tif", grey, photometric="rgb")
    scan = open_scan(tmp_path / "grey.tif", scan_shape=(3, 4))
    np.testing.assert_array_equal(everything(scan), CUBE >> 8)
    assert any("stored as colours" in note for note in scan.provenance.notes)
    grey[..., 1] //= 2
    tifffile.imwrite(tmp_path / "colours.tif", grey, photometric="rgb")
    with pytest.raises(ScanError, match="colours.tif is a picture in colours"):
        open_scan(tmp_path / "colours.tif")


def test_one_picture_leads_to_its_folder(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", ROW[0])
    with pytest.raises(ScanError, match="one picture of 6 x 5 pixels, not a scan.*open the folder"):
        open_scan(tmp_path / "a.tif")
    assert is_picture(tmp_path / "a.tif")
    tifffile.imwrite(tmp_path / "a.tif", ROW)
    assert not is_picture(tmp_path / "a.tif")
    tifffile.imwrite(tmp_path / "a.tif", ROW, imagej=True)
    assert not is_picture(tmp_path / "a.tif")


def test_ome_is_not_followed_to_other_files(tmp_path):
    """The description of the file names a second file, outside its folder, for half of its planes."""
    outside = tmp_path / "outside.tif"
    tifffile.imwrite(outside, ROW[6:], ome=True)
    folder = tmp_path / "folder"
    folder.mkdir()
    planes = "".join(
        f'<TiffData IFD="{n % 6}" FirstT="{n}" PlaneCount="1"><UUID FileName="{name}">urn:uuid:{name}</UUID></TiffData>'
        for n in range(12)
        for name in ["a.ome.tif" if n < 6 else "../outside.tif"]
    )
    ome = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:a.ome.tif">'
        '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SizeX="5" SizeY="6" SizeZ="1" '
        f'SizeC="1" SizeT="12"><Channel ID="Channel:0" SamplesPerPixel="1"/>{planes}</Pixels></Image></OME>'
    )
    tifffile.imwrite(folder / "a.ome.tif", ROW[:6], description=ome, metadata=None)
    with pytest.raises((ScanError, ScanShapeError)) as raised:
        everything(open_scan(folder / "a.ome.tif", scan_shape=(3, 4)))
    assert "\n" not in str(raised.value)


def test_a_file_cut_short_is_never_filled_with_zeros(tmp_path):
    for name, options in (("mapped", {"metadata": None}), ("packed", {"compression": "zlib", "metadata": None})):
        path = tmp_path / f"{name}.tif"
        with tifffile.TiffWriter(path) as file:
            for pattern in ROW:
                file.write(pattern, contiguous=False, **options)
        whole = path.read_bytes()
        for length in range(len(whole) - 1, len(whole) // 2, -7):
            path.write_bytes(whole[:length])
            try:
                found = everything(open_scan(path, scan_shape=(3, 4)))
            except ScanError:
                continue
            np.testing.assert_array_equal(found, CUBE)


def test_an_unknown_packing_says_what_to_install(tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", ROW, compression="zlib")

    def missing(_page):
        raise ValueError("<COMPRESSION.ADOBE_DEFLATE: 8> requires the 'imagecodecs' package")

    monkeypatch.setattr(tifffile.TiffPage, "asarray", missing)
    with pytest.raises(ScanError, match="packed with ADOBE_DEFLATE .*pip install imagecodecs") as raised:
        open_scan(tmp_path / "a.tif", scan_shape=(3, 4))
    assert "damaged" not in str(raised.value)


@pytest.mark.parametrize("kind", ["u1", "u2", "i4", "f4"])
def test_lzw_is_unpacked_without_imagecodecs(tmp_path, kind):
    cube = (CUBE >> 8).astype(kind)
    first, *others = [Image.fromarray(pattern) for pattern in cube.reshape(12, 6, 5)]
    first.save(tmp_path / "a.tif", save_all=True, append_images=others, compression="tiff_lzw")
    scan = open_scan(tmp_path / "a.tif", scan_shape=(3, 4))
    np.testing.assert_array_equal(scan.pattern(2, 3), cube[2, 3])
    np.testing.assert_array_equal(everything(scan), cube)
    assert scan.dtype == np.dtype(kind)
    folder = tmp_path / "patterns"
    folder.mkdir()
    for y, x in np.ndindex(3, 4):
        Image.fromarray(cube[y, x]).save(folder / f"x{x}_y{y}.tif", compression="tiff_lzw")
    np.testing.assert_array_equal(everything(open_scan(folder)), cube)


def test_white_as_zero_is_told(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", ROW, photometric="miniswhite")
    scan = open_scan(tmp_path / "a.tif", scan_shape=(3, 4))
    np.testing.assert_array_equal(everything(scan), CUBE)
    assert "white as 0" in scan.provenance.notes[0]


@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_pages_that_lead_in_a_circle_are_refused(tmp_path, bigtiff, byteorder, capfd):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, ROW, metadata=None, bigtiff=bigtiff, byteorder=byteorder)
    with tifffile.TiffFile(path) as file:
        first, last = file.pages[0].offset, file.pages[-1].offset
    content = bytearray(path.read_bytes())
    order = "little" if byteorder == "<" else "big"
    tags = int.from_bytes(content[last : last + (8 if bigtiff else 2)], order)
    end = last + (8 + 20 * tags if bigtiff else 2 + 12 * tags)
    size = 8 if bigtiff else 4
    assert content[end : end + size] == bytes(size)
    content[end : end + size] = first.to_bytes(size, order)
    path.write_bytes(content)
    with pytest.raises(ScanError, match="its pages lead in a circle"):
        open_scan(path)
    assert not is_picture(path)
    assert capfd.readouterr() == ("", "")
