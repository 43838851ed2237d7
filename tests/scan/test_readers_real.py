"""Every real file of the test data: what it must give, or the clear error that it must cause."""

import json

import numpy as np
import pytest

from napari_ghosthunter.errors import DatasetError, ScanError, ScanShapeError
from napari_ghosthunter.scan.describe import describe
from napari_ghosthunter.scan.readers import open_again, open_scan
from tests.scan.writers import needs_py4dstem

PX = ([1.0, 1.0], "px")
DEPTHS = [f"4DSTEM_simulation/data/datacubes/CBED_array_depth000{n}/datacube" for n in (0, 1)]
QUAD_12, QUAD_6 = (f"merlin/Quad_9_Frame_CounterDepth_{bits}_Rows_256.mib" for bits in (12, 6))
SINGLE_12 = "merlin/Single_9_Frame_CounterDepth_12_Rows_256.mib"

# file, what is asked for, shape, dtype, (scan step, units), (k step, units), reader
OPENED = [
    ("dm/particle_10x7x64x48.dm4", {}, (10, 7, 64, 48), "uint16", ([2.0, 2.5], "nm"), ([0.05, 0.05], "1/nm"), "gatan"),
    ("dm/particle_10x7x64x48.npy", {}, (10, 7, 64, 48), "uint16", PX, PX, "npy"),
    ("merlin/001_4x2_6bit.mib", {}, (2, 4, 256, 256), "uint8", PX, PX, "merlin"),
    (QUAD_12, {"scan_shape": (3, 3)}, (3, 3, 512, 512), ">u2", PX, PX, "merlin"),
    (QUAD_6, {"scan_shape": (3, 3)}, (3, 3, 512, 512), "uint8", PX, PX, "merlin"),
    (SINGLE_12, {"scan_shape": (1, 9)}, (1, 9, 256, 256), ">u2", PX, PX, "merlin"),
    ("blo/test1.blo", {}, (3, 2, 144, 144), "uint8", ([12.8, 12.8], "nm"), ([160.6168, 160.6168], "um"), "astar"),
    ("empad/map4x4.xml", {}, (4, 4, 128, 128), "float32", ([1.14158566] * 2, "um"), ([0.1826537] * 2, "1/nm"), "empad"),
    ("empad/scan_x4_y4.raw", {}, (4, 4, 128, 128), "float32", ([1.14158566] * 2, "um"), ([0.1826537] * 2, "1/nm"),
     "empad"),
    ("tia/16x16-diffraction_imagel_5x5x256x256_EDS_2.ser", {}, (5, 5, 256, 256), "int32", ([1.87390042] * 2, "nm"),
     ([0.17435342] * 2, "1/nm"), "tia"),
    ("tia/16x16-diffraction_imagel_5x5x256x256_EDS.emi", {}, (5, 5, 256, 256), "int32", ([1.87390042] * 2, "nm"),
     ([0.17435342] * 2, "1/nm"), "tia"),
    ("emd/py4DSTEM_size2x3x4x5.h5", {}, (2, 3, 4, 5), "float32", ([0.126796875] * 2, "nm"),
     ([0.04425157] * 2, "1/angstrom"), "hdf5"),
    ("emd/Si100_4D.emd", {"dataset": DEPTHS[1]}, (11, 11, 8, 8), "float32", ([0.5, 0.5], "nm"),
     ([0.18416215] * 2, "1/nm"), "hdf5"),
    ("arina/test_00_master.h5", {}, (4, 4, 192, 192), "uint16", PX, PX, "arina"),
    ("arina/test_00_master.h5", {"scan_shape": (2, 8)}, (2, 8, 192, 192), "uint16", PX, PX, "arina"),
    ("de_mrc/20241021_00405_movie.mrc", {}, (4, 8, 4, 8), "uint16", ([0.2, 0.1], "nm"), ([0.1, 0.1], "1/nm"), "mrc"),
    ("de_mrc/ROI_Random_Scan_movie.mrc", {"scan_shape": (29, 12)}, (29, 12, 16, 16), "uint16", PX, PX, "mrc"),
    ("particle/bragg_rendered_80x58x64x64_u16.npz", {}, (80, 58, 64, 64), "uint16", PX, PX, "npz"),
    ("sim_orientation/scan_32.npz", {}, (32, 32, 64, 64), "uint16", PX, PX, "npz"),
]  # fmt: skip

# file, error, a part of its message, candidates that it must offer first
REFUSED = [
    ("dm/EELS_SI.dm4", ScanError, r"spectrum image of shape \(2048, 2, 2\)", None),
    ("dm/test-1.dm4", ScanShapeError, "2 patterns of 2 x 2 pixels", [(1, 2)]),
    ("dm/test_diffraction_pattern.dm3", ScanError, r"an image of shape \(87, 87\), but no 4D-STEM scan", None),
    (QUAD_12, ScanShapeError, "9 patterns of 512 x 512 pixels.*--scan-shape YxX.*3x3", [(3, 3)]),
    (QUAD_6, ScanShapeError, "9 patterns of 512 x 512 pixels.*--scan-shape YxX.*3x3", [(3, 3)]),
    (SINGLE_12, ScanShapeError, "9 patterns of 256 x 256 pixels.*--scan-shape YxX.*3x3", [(3, 3)]),
    ("merlin/Single_1_Frame_CounterDepth_1_Rows_256RAW.mib", ScanError, r"raw mode \(R64\).*no reader opens", None),
    ("merlin/001_4x2_6bit.hdr", ScanError, "no ending of a known format", None),
    ("emd/Si100_4D.emd", DatasetError, f"several arrays.*--dataset NAME.*{DEPTHS[0]}, {DEPTHS[1]}", DEPTHS),
    ("arina/test_00_data_000001.h5", ScanShapeError, "16 patterns.*4x4", [(4, 4)]),
    ("de_mrc/ROI_Random_Scan_movie.mrc", ScanShapeError, "348 patterns of 16 x 16.*'Random'.*no rectangular scan", []),
    ("empad/stack_images.xml", ScanError, "names series_x10.raw", None),
    ("empad/EMPAD_v1.2.2_x32_y64_size0.8.xml", ScanError, "names scan_x32_y64.raw", None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "asked", "shape", "dtype", "scan_axis", "k_axis", "reader"), OPENED)
def test_a_real_file_gives_what_it_holds(shared_file, name, asked, shape, dtype, scan_axis, k_axis, reader):
    path = shared_file(name)
    scan = open_scan(path, **asked)
    found = json.loads(json.dumps(describe(scan)))
    assert found["shape"] == list(shape)
    assert found["dtype"] == dtype
    assert found["scan_step"] == pytest.approx(scan_axis[0])
    assert found["scan_units"] == scan_axis[1]
    assert found["k_step"] == pytest.approx(k_axis[0])
    assert found["k_units"] == k_axis[1]
    assert found["reader"] == reader
    assert found["size_bytes"] == np.prod(shape) * np.dtype(dtype).itemsize
    assert found["path"] == str(path)
    last = scan.pattern(shape[0] - 1, shape[1] - 1)
    assert last.shape == shape[2:]
    assert last.dtype.isnative
    np.testing.assert_array_equal(scan.rows(shape[0] - 1, shape[0])[0, -1], last)


@pytest.mark.parametrize(("name", "asked", "shape", "dtype", "scan_axis", "k_axis", "reader"), OPENED)
def test_provenance_opens_the_same_scan_again(shared_file, name, asked, shape, dtype, scan_axis, k_axis, reader):
    first = open_scan(shared_file(name), **asked)
    origin = first.provenance
    again = open_again(origin, origin.path)
    assert (again.shape, again.dtype, again.calibration) == (first.shape, first.dtype, first.calibration)
    assert again.provenance == origin
    np.testing.assert_array_equal(again.pattern(0, 0), first.pattern(0, 0))


@pytest.mark.parametrize(("name", "error", "message", "candidates"), REFUSED)
def test_what_is_no_scan_or_lacks_its_shape_is_refused_in_one_line(shared_file, name, error, message, candidates):
    with pytest.raises(error, match=message) as raised:
        open_scan(shared_file(name))
    assert raised.type is error
    assert "\n" not in str(raised.value)
    assert name.rpartition("/")[2] in str(raised.value)
    if candidates:
        assert list(raised.value.candidates)[: len(candidates)] == candidates


def test_gatan_patterns_equal_the_array_beside_the_file(shared_file):
    scan = open_scan(shared_file("dm/particle_10x7x64x48.dm4"))
    assert isinstance(scan.data, np.memmap)
    np.testing.assert_array_equal(scan.data, np.load(shared_file("dm/particle_10x7x64x48.npy")))


def test_empad_patterns_are_the_ramp_without_the_footer(shared_file):
    scan = open_scan(shared_file("empad/map4x4.xml"))
    ramp = np.arange(16 * 130 * 128, dtype="float32").reshape(4, 4, 130, 128)[:, :, :128]
    np.testing.assert_array_equal(scan.data, ramp)


@pytest.mark.parametrize("name", ["particle/bragg_rendered_80x58x64x64_u16.npz", "sim_orientation/scan_32.npz"])
def test_npz_patterns_equal_those_that_numpy_unpacks(shared_file, name):
    scan = open_scan(shared_file(name))
    assert isinstance(scan.data, np.memmap)
    with np.load(shared_file(name)) as archive:
        np.testing.assert_array_equal(scan.data, archive["data"])


def test_blo_patterns_equal_those_of_rosettasciio(shared_file):
    from rsciio.blockfile import file_reader

    path = shared_file("blo/test1.blo")
    np.testing.assert_array_equal(open_scan(path).data, file_reader(str(path))[0]["data"])


def test_tia_patterns_equal_those_of_rosettasciio(shared_file):
    from rsciio.tia import file_reader

    path = shared_file("tia/16x16-diffraction_imagel_5x5x256x256_EDS_2.ser")
    scan = open_scan(path)
    assert isinstance(scan.data, np.memmap)
    np.testing.assert_array_equal(scan.data, file_reader(str(path))[0]["data"])


def test_direct_electron_patterns_equal_those_of_rosettasciio(shared_file):
    from rsciio.mrc import file_reader

    path = shared_file("de_mrc/20241021_00405_movie.mrc")
    np.testing.assert_array_equal(open_scan(path).data, file_reader(str(path))[0]["data"])


@pytest.mark.parametrize(("name", "quad"), [(QUAD_12, True), (QUAD_6, True), (SINGLE_12, False)])
def test_merlin_digits_are_upright(shared_file, name, quad):
    """The digit 1 stands on a foot wider than its head, the 3 and 4 lie above the 1 and 2: looked at, then pinned."""
    scan = open_scan(shared_file(name), scan_shape=(3, 3))
    frame = scan.rows(0, 3).reshape(9, *scan.detector_shape).mean(axis=0)
    one = frame[300:480, :256] if quad else frame
    dark, bright = np.percentile(one, [50, 99.7])
    rows, columns = np.nonzero(_largest_shape(one > (dark + bright) / 2))
    foot = np.ptp(columns[rows > rows.max() - 4])
    stem = np.ptp(columns[np.abs(rows - (rows.min() + rows.max()) / 2) < 4])
    head = np.ptp(columns[rows < rows.min() + 4])
    assert foot > 1.5 * stem
    assert foot > 1.5 * head


def _largest_shape(mask):
    from scipy import ndimage

    labels, _ = ndimage.label(mask)
    return labels == np.argmax(np.bincount(labels.ravel())[1:]) + 1


def test_merlin_scan_shape_from_times_is_told(shared_file):
    notes = open_scan(shared_file("merlin/001_4x2_6bit.mib")).provenance.notes
    assert any("pause after each 4" in note for note in notes)


def test_arina_square_is_told(shared_file):
    notes = open_scan(shared_file("arina/test_00_master.h5")).provenance.notes
    assert any("square scan of 4 x 4" in note for note in notes)


def test_the_libraries_own_readers_can_be_asked_for(shared_file):
    path = shared_file("dm/particle_10x7x64x48.dm4")
    scan = open_scan(path, reader="RosettaSciIO")
    assert scan.calibration.scan_step == (2.0, 2.5)
    np.testing.assert_array_equal(scan.pattern(9, 6), open_scan(path).pattern(9, 6))


@needs_py4dstem
def test_py4dstems_own_reader_can_be_asked_for(shared_file):
    path = shared_file("dm/particle_10x7x64x48.dm4")
    scan = open_scan(path, reader="py4dstem")
    np.testing.assert_array_equal(scan.pattern(9, 6), open_scan(path).pattern(9, 6))
    with pytest.raises(ScanError, match="py4DSTEM"):
        open_scan(shared_file("dm/test_diffraction_pattern.dm3"), reader="py4dstem")
