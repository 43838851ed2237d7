"""Detector formats written here byte by byte: any shape and depth comes back, mapped, upright and counted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_ghosthunter.errors import ScanError, ScanShapeError
from napari_ghosthunter.scan.readers import open_scan
from tests.scan.writers import frames_of, thermo_header, write_blo, write_empad, write_mib, write_mrc, write_tvips

SCAN_SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 4))


@given(SCAN_SHAPES, st.tuples(st.integers(1, 5), st.integers(1, 5)), st.sampled_from(["u1", "u2", "u4"]))
def test_mib_round_trip(tmp_path_factory, scan_shape, detector, dtype):
    frames = frames_of(scan_shape[0] * scan_shape[1], detector, dtype)
    scan = open_scan(write_mib(tmp_path_factory.mktemp("mib") / "a.mib", frames), scan_shape=scan_shape)
    assert isinstance(scan.data, np.memmap)
    np.testing.assert_array_equal(scan.rows(0, scan_shape[0]), frames.reshape(*scan_shape, *detector))
    pattern = scan.pattern(scan_shape[0] - 1, scan_shape[1] - 1)
    assert pattern.flags.c_contiguous
    assert pattern.dtype == np.dtype(dtype)


@pytest.mark.parametrize(
    ("header", "shape"),
    [
        ({"ScanX": 4, "ScanY": 3}, (3, 4)),
        ({"Frames in Acquisition (Number)": 12, "Frames per Trigger (Number)": 6}, (2, 6)),
    ],
)
def test_mib_header_file_states_the_scan_shape(tmp_path, header, shape):
    path = write_mib(tmp_path / "a.mib", frames_of(12, (2, 3), "u2"), header=header)
    assert open_scan(path).scan_shape == shape


def test_mib_missing_frames_are_counted(tmp_path):
    path = write_mib(tmp_path / "a.mib", frames_of(9, (2, 3), "u2"), header={"ScanX": 4, "ScanY": 3})
    with pytest.raises(ScanShapeError, match="needs 12 patterns, but the file holds 9: 3 missing") as raised:
        open_scan(path)
    assert raised.value.candidates[0] == (2, 4)
    assert open_scan(path, scan_shape=(2, 4)).shape == (2, 4, 2, 3)  # one frame over, of a row begun


def test_mib_that_ends_within_a_frame_says_so(tmp_path):
    path = write_mib(tmp_path / "a.mib", frames_of(9, (4, 4), "u2"))
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(ScanShapeError, match="8 patterns.*ends within a pattern"):
        open_scan(path)


EMPAD_FRAMES = np.random.default_rng(0).random((12, 128, 128), dtype=np.float32)


def test_empad_raw_takes_its_scan_shape_from_its_name(tmp_path):
    scan = open_scan(write_empad(tmp_path / "scan_x4_y3.raw", EMPAD_FRAMES))
    assert isinstance(scan.data, np.memmap)
    np.testing.assert_array_equal(scan.data, EMPAD_FRAMES.reshape(3, 4, 128, 128))
    assert "file's name" in scan.provenance.notes[0]


def test_empad_raw_without_a_name_or_header_asks(tmp_path):
    path = write_empad(tmp_path / "unnamed.raw", np.resize(EMPAD_FRAMES, (36, 128, 128)))
    with pytest.raises(ScanShapeError, match="36 patterns"):
        open_scan(path)
    assert open_scan(path, scan_shape=(4, 9)).scan_shape == (4, 9)  # never 6 x 6 unasked


def test_empad_header_that_states_another_scan_than_the_raw_holds(tmp_path):
    write_empad(tmp_path / "scan.raw", np.resize(EMPAD_FRAMES, (36, 128, 128)))
    header = tmp_path / "a.xml"
    header.write_text('<root><pix_x>4</pix_x><pix_y>4</pix_y><raw_file filename="scan.raw"/></root>')
    for path in (header, tmp_path / "scan.raw"):
        with pytest.raises(ScanShapeError, match=r"4 x 4 that the file states needs 16.*holds 36: 20 too many"):
            open_scan(path)


@pytest.mark.parametrize(("name", "asked"), [("scan_x4_y3.raw", None), ("unnamed.raw", (3, 4))])
def test_empad_g2_patterns_have_no_footer(tmp_path, name, asked):
    EMPAD_FRAMES.tofile(tmp_path / name)
    scan = open_scan(tmp_path / name, scan_shape=asked)
    np.testing.assert_array_equal(scan.data, EMPAD_FRAMES.reshape(3, 4, 128, 128))
    assert any("EMPAD-G2" in note for note in scan.provenance.notes)


@pytest.mark.parametrize("count", [14, 15])
def test_empad_g2_patterns_between_rows_are_left_out(tmp_path, count):
    frames = np.resize(EMPAD_FRAMES, (15, 128, 128))
    frames[:count].tofile(tmp_path / "scan_x4_y3.raw")
    scan = open_scan(tmp_path / "scan_x4_y3.raw", flyback=1)
    np.testing.assert_array_equal(scan.data, frames.reshape(3, 5, 128, 128)[:, :4])


def test_empad_g2_is_never_taken_for_a_file_cut_short(tmp_path):
    EMPAD_FRAMES.tofile(tmp_path / "unnamed.raw")
    with pytest.raises(
        ScanShapeError, match="not a whole number of EMPAD patterns.*Only if .* EMPAD-G2, with 12"
    ) as raised:
        open_scan(tmp_path / "unnamed.raw")
    assert (3, 4) in raised.value.candidates
    for shape in ((2, 4), (3, 5)):
        with pytest.raises(ScanError, match="not a whole number of EMPAD patterns"):
            open_scan(tmp_path / "unnamed.raw", scan_shape=shape)


def test_empad_of_as_many_bytes_as_a_g2_is_an_empad(tmp_path):
    frames = np.resize(EMPAD_FRAMES, (64, 128, 128))
    scan = open_scan(write_empad(tmp_path / "scan_x8_y8.raw", frames))
    np.testing.assert_array_equal(scan.data, frames.reshape(8, 8, 128, 128))
    np.resize(EMPAD_FRAMES, (65, 128, 128)).tofile(tmp_path / "g2_x13_y5.raw")
    assert open_scan(tmp_path / "g2_x13_y5.raw").shape == (5, 13, 128, 128)


def test_empad_g2_words_are_refused(tmp_path):
    random = np.random.default_rng(0)
    words = random.integers(0, 2**14, (12, 128, 128)) + (random.poisson(0.3, (12, 128, 128)) << 14)
    (words | random.integers(0, 2, words.shape) << 31).astype("<u4").tofile(tmp_path / "scan_x4_y3.raw")
    with pytest.raises(ScanError, match="words of an EMPAD-G2.*combine them first"):
        open_scan(tmp_path / "scan_x4_y3.raw")


def test_empad_raw_cut_short_is_refused(tmp_path):
    path = write_empad(tmp_path / "scan_x4_y3.raw", EMPAD_FRAMES)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ScanError, match="not a whole number of EMPAD patterns"):
        open_scan(path)


@given(SCAN_SHAPES, st.integers(1, 5), st.sampled_from("<>"))
def test_blo_round_trip(tmp_path_factory, scan_shape, side, order):
    frames = frames_of(scan_shape[0] * scan_shape[1], (side, side), "u1")
    scan = open_scan(write_blo(tmp_path_factory.mktemp("blo") / "a.blo", frames, scan_shape, order))
    assert isinstance(scan.data, np.memmap)
    assert (scan.calibration.scan_step, scan.calibration.scan_units) == ((3.0, 2.0), "nm")
    assert scan.calibration.k_units == "px"
    np.testing.assert_array_equal(scan.data, frames.reshape(*scan_shape, side, side))


def test_blo_cut_short_is_not_padded(tmp_path):
    path = write_blo(tmp_path / "a.blo", frames_of(11, (4, 4), "u1"), (3, 4))
    with pytest.raises(ScanShapeError, match="needs 12 patterns, but the file holds 11: 1 missing"):
        open_scan(path)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("extended", [0, 96])
@pytest.mark.parametrize(("dtype", "mode"), [("u1", 0), ("i2", 1), ("f4", 2), ("u2", 6), ("f2", 12)])
def test_mrc_round_trip(tmp_path, order, extended, dtype, mode):
    frames = np.arange(6 * 3 * 4).reshape(6, 3, 4).astype(dtype)
    path = write_mrc(tmp_path / "a.mrc", frames, mode, order, extended)
    with pytest.raises(ScanShapeError, match="6 patterns of 3 x 4"):
        open_scan(path)
    scan = open_scan(path, scan_shape=(2, 3))
    assert isinstance(scan.data, np.memmap)
    np.testing.assert_array_equal(scan.data, frames.reshape(2, 3, 3, 4))


def test_mrc_info_states_the_scan_and_a_region_of_it(tmp_path):
    write_mrc(tmp_path / "a_movie.mrc", np.zeros((6, 2, 2), "u2"), 6)
    size = "Scan - Enable = Enable\nScan - Size X = 3\nScan - Size Y = 2\n"
    region = "Scan - ROI Enable = Enable\nScan - ROI Size X = 2\nScan - ROI Size Y = 3\n"
    (tmp_path / "a_info.txt").write_text(size)
    assert open_scan(tmp_path / "a_movie.mrc").scan_shape == (2, 3)
    (tmp_path / "a_info.txt").write_text(size + region)
    assert open_scan(tmp_path / "a_movie.mrc").scan_shape == (3, 2)


def test_mrc_complex_and_unknown_modes_are_refused(tmp_path):
    for mode, message in [(4, "complex numbers"), (99, "mode '99'")]:
        with pytest.raises(ScanError, match=message):
            open_scan(write_mrc(tmp_path / "a.mrc", np.zeros((2, 2, 2), "u2"), mode))


@pytest.mark.parametrize("files", [1, 3])
@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_tvips_round_trip(tmp_path, files, dtype):
    frames = frames_of(12, (3, 5), dtype)
    path = write_tvips(tmp_path, frames, np.arange(1, 13), files)
    with pytest.raises(ScanShapeError, match="12 patterns of 3 x 5"):
        open_scan(path)
    scan = open_scan(path, scan_shape=(3, 4))
    np.testing.assert_array_equal(scan.rows(0, 3), frames.reshape(3, 4, 3, 5))


@pytest.mark.parametrize("files", [1, 3])
def test_tvips_frames_outside_the_scan_are_left_out(tmp_path, files):
    frames = frames_of(30, (3, 5), "u2")
    numbers = np.zeros(30, int)
    numbers[11:23] = np.arange(1, 13)
    scan = open_scan(write_tvips(tmp_path, frames, numbers, files), scan_shape=(3, 4))
    assert "11 frames before the scan and 7 after" in scan.provenance.notes[0]
    np.testing.assert_array_equal(scan.rows(0, 3), frames[11:23].reshape(3, 4, 3, 5))


def test_tvips_frames_that_nothing_tells_apart_are_not_dropped(tmp_path):
    path = write_tvips(tmp_path, frames_of(30, (3, 5), "u2"), np.zeros(30, int))
    with pytest.raises(ScanShapeError, match="18 too many.*say with --skip-frames how many came before it"):
        open_scan(path, scan_shape=(3, 4))


@pytest.mark.parametrize("files", [1, 3])
def test_tvips_frames_are_left_out_as_the_user_says(tmp_path, files):
    frames, numbers = frames_of(30, (3, 5), "u2"), np.zeros(30, int)
    numbers[11:23] = np.arange(1, 13)  # which is not what the user says
    path = write_tvips(tmp_path, frames, numbers, files)
    scan = open_scan(path, scan_shape=(3, 4), skip_frames=7, flyback=2)
    assert "7 pattern(s) more than the scan" not in " ".join(scan.provenance.notes)
    np.testing.assert_array_equal(scan.rows(0, 3), [frames[7 + 6 * y : 11 + 6 * y] for y in range(3)])


def test_tvips_later_files_point_to_the_first(tmp_path):
    write_tvips(tmp_path, frames_of(12, (3, 5), "u1"), np.zeros(12, int), files=2)
    with pytest.raises(ScanError, match="open its first file, which ends in _000.tvips"):
        open_scan(tmp_path / "rec_001.tvips")


def test_tvips_file_that_is_missing_between_others_is_told(tmp_path):
    path = write_tvips(tmp_path, frames_of(12, (3, 5), "u1"), np.zeros(12, int), files=4)
    (tmp_path / "rec_002.tvips").unlink()
    with pytest.raises(ScanShapeError, match="6 patterns.*rec_002.tvips is missing: the 1 file.s. after it"):
        open_scan(path)
    (tmp_path / "rec_003.tvips").unlink()
    assert open_scan(path, scan_shape=(2, 3)).provenance.notes == ()


def test_mrc_cut_short_says_so(tmp_path):
    path = write_mrc(tmp_path / "a.mrc", np.zeros((12, 2, 2), "u2"), 6)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ScanShapeError, match="10 patterns.*its header states 12 patterns, and 10 are"):
        open_scan(path)


def test_emi_without_its_ser_files_says_so(tmp_path):
    (tmp_path / "a.emi").write_bytes(b"x")
    with pytest.raises(ScanError, match="a.emi keeps its data in a_1.ser"):
        open_scan(tmp_path / "a.emi")


@pytest.mark.parametrize("kind", [b"FEI1", b"FEI2"])
@pytest.mark.parametrize("size", [(0, 0, 4, 3), (10, 20, 14, 17)])
def test_the_scan_size_of_velox_is_offered_first(tmp_path, kind, size):
    frames = frames_of(12, (6, 5), "u2")
    content = thermo_header(size, kind, 2e8, 12)
    path = write_mrc(tmp_path / "velox.mrc", frames, 6, kind=kind, content=content)
    with pytest.raises(ScanShapeError, match="12 patterns of 6 x 5.*header states a scan of 3 x 4") as raised:
        open_scan(path)
    assert raised.value.candidates[0] == (3, 4)
    scan = open_scan(path, scan_shape=(3, 4))
    np.testing.assert_array_equal(scan.rows(0, 3), frames.reshape(3, 4, 6, 5))
    assert (scan.calibration.k_step, scan.calibration.k_units) == ((0.2, 0.2), "1/nm")


@pytest.mark.parametrize(
    ("kind", "size", "pixel"),
    [
        (b"FEI1", (0, 0, 0, 0), 1e-9), (b"FEI1", (0, 0, 2**31 - 1, 2**31 - 1), np.nan), (b"SERI", (0, 0, 4, 3), 1e8),
        (b"FEI2", (0, 0, 4, 0), 0.0),
    ],
)  # fmt: skip
def test_a_header_of_velox_that_states_no_scan_is_none(tmp_path, kind, size, pixel):
    content = thermo_header(size, b"FEI1", pixel)
    path = write_mrc(tmp_path / "velox.mrc", frames_of(12, (6, 5), "u2"), 6, kind=kind, content=content)
    with pytest.raises(ScanShapeError) as raised:
        open_scan(path)
    assert "header states" not in str(raised.value)
    assert open_scan(path, scan_shape=(3, 4)).calibration.k_units == "px"
