"""Movies of Direct Electron: frames of a position, repeats of a scan, positions that form no rectangle, bytes."""

import numpy as np
import pytest

from napari_ghosthunter.errors import DatasetError, ScanShapeError
from napari_ghosthunter.scan.readers import open_again, open_scan
from tests.scan.writers import frames_of, write_mrc

SHAPE = (3, 4)


def movie(tmp_path, count, dtype="u2", **stated):
    """Write a movie of a scan of 3 x 4, and what its info.txt states of it."""
    frames = frames_of(count, (2, 5), "u2" if dtype == "f4" else dtype).astype(dtype)
    lines = {"Scan - Enable": "Enable", "Scan - Size X": 4, "Scan - Size Y": 3, **stated}
    (tmp_path / "a_info.txt").write_text("\n".join(f"{key}   = {value}" for key, value in lines.items()))
    return write_mrc(tmp_path / "a_movie.mrc", frames, {"u1": 0, "u2": 6, "f4": 2}[dtype]), frames


def block(scan):
    return scan.rows(0, scan.shape[0]).astype(np.uint64)


@pytest.mark.parametrize("name", ["Scan - Camera Frames Per Point", "Scan - Point Repeat"])
@pytest.mark.parametrize(("dtype", "summed"), [("u1", "uint16"), ("u2", "uint32")])
def test_the_frames_of_a_position_are_summed_with_a_note(tmp_path, name, dtype, summed):
    path, frames = movie(tmp_path, 36, dtype, **{name: 3})
    scan = open_scan(path)
    assert scan.dtype == summed
    each = frames.reshape(*SHAPE, 3, 2, 5).astype(np.uint64)
    np.testing.assert_array_equal(block(scan), each.sum(axis=2))
    np.testing.assert_array_equal(scan.read((1, slice(1, 3), 0)), each.sum(axis=2)[1, 1:3, 0])
    assert "3 frame(s) of each position, 1 time(s); this is the sum of frames" in scan.provenance.notes[0]
    assert open_again(scan.provenance, path).provenance.dataset == "sum of frames"
    one = open_scan(path, dataset="frame[2]")
    assert isinstance(one.data, np.memmap)
    np.testing.assert_array_equal(block(one), each[:, :, 2])


def test_the_repeats_of_a_scan_are_asked_for(tmp_path):
    path, frames = movie(tmp_path, 36, **{"Scan - Repeats": 3})
    with pytest.raises(DatasetError, match=r"--dataset NAME.*repeat\[0\], repeat\[1\]") as raised:
        open_scan(path)
    assert raised.value.candidates == ("repeat[0]", "repeat[1]", "repeat[2]", "sum of repeats")
    each = frames.reshape(3, *SHAPE, 2, 5).astype(np.uint64)
    for index, name in enumerate(raised.value.candidates):
        expected = each[index] if index < 3 else each.sum(axis=0)
        np.testing.assert_array_equal(block(open_scan(path, dataset=name)), expected)
    with pytest.raises(DatasetError, match=r"no dataset 'repeat\[3\]'"):
        open_scan(path, dataset="repeat[3]")


def test_repeats_of_several_frames_are_summed_each(tmp_path):
    path, frames = movie(tmp_path, 48, **{"Scan - Repeats": 2, "Scan - Camera Frames Per Point": 2})
    each = frames.reshape(2, *SHAPE, 2, 2, 5).astype(np.uint64)
    np.testing.assert_array_equal(block(open_scan(path, dataset="repeat[1]")), each[1].sum(axis=2))
    np.testing.assert_array_equal(block(open_scan(path, dataset="sum of repeats")), each.sum(axis=(0, 3)))


@pytest.mark.parametrize("stated", [{}, {"Scan - Camera Frames Per Point": 3, "Autosave Movie Sum Count": 3},
                                    {"Scan - Repeats": 2}, {"Scan - Camera Frames Per Point": 2}])  # fmt: skip
def test_a_movie_of_one_frame_for_each_position_is_taken_as_it_is(tmp_path, stated):
    path, frames = movie(tmp_path, 12, **stated)
    scan = open_scan(path)
    assert isinstance(scan.data, np.memmap)
    np.testing.assert_array_equal(block(scan), frames.reshape(*SHAPE, 2, 5))
    assert scan.provenance.notes == ()


def test_frames_of_a_position_and_repeats_are_not_taken_for_each_other(tmp_path):
    path, _ = movie(tmp_path, 24, **{"Scan - Repeats": 2, "Scan - Camera Frames Per Point": 2})
    with pytest.raises(DatasetError, match="2 frame.s. of each position, 1 time.* or 1 frame.*, 2 time") as raised:
        open_scan(path)
    assert {"sum of frames", "frame[1]", "repeat[1]", "sum of repeats"} <= set(raised.value.candidates)


def test_repeats_that_were_stopped_leave_the_complete_ones(tmp_path):
    path, frames = movie(tmp_path, 30, **{"Scan - Repeats": 5})
    with pytest.raises(DatasetError) as raised:
        open_scan(path)
    assert raised.value.candidates == ("repeat[0]", "repeat[1]", "sum of repeats")
    scan = open_scan(path, dataset="repeat[1]")
    np.testing.assert_array_equal(block(scan), frames[12:24].reshape(*SHAPE, 2, 5))
    assert "6 pattern(s) after the last complete one were left out" in scan.provenance.notes[1]


def test_a_scan_of_several_frames_that_was_stopped_offers_its_complete_rows(tmp_path):
    path, frames = movie(tmp_path, 21, **{"Scan - Camera Frames Per Point": 2})
    with pytest.raises(ScanShapeError, match="needs 12 patterns, but the file holds 10: 2 missing") as raised:
        open_scan(path)
    assert raised.value.candidates[0] == (2, 4)
    expected = frames[:16].reshape(2, 4, 2, 2, 5).astype(np.uint64).sum(axis=2)
    np.testing.assert_array_equal(block(open_scan(path, scan_shape=(2, 4))), expected)


def test_what_the_user_says_of_the_row_of_patterns_wins(tmp_path):
    path, frames = movie(tmp_path, 36, **{"Scan - Repeats": 3})
    np.testing.assert_array_equal(block(open_scan(path, scan_shape=(9, 4))), frames.reshape(9, 4, 2, 5))
    scan = open_scan(path, scan_shape=(3, 4), skip_frames=12, flyback=0)
    np.testing.assert_array_equal(block(scan), frames[12:24].reshape(*SHAPE, 2, 5))


@pytest.mark.parametrize("kind", ["Random", "XY File", "Serpentine"])
@pytest.mark.parametrize("enabled", ["Enable", "On"])
def test_positions_that_form_no_rectangle_are_offered_no_shapes(tmp_path, kind, enabled):
    path, frames = movie(tmp_path, 12, **{"Scan - Enable": enabled, "Scan - Type": kind})
    with pytest.raises(ScanShapeError, match=f"of the kind '{kind}'.*no rectangular scan") as raised:
        open_scan(path)
    assert (raised.value.candidates, raised.value.layouts) == ((), ())
    scan = open_scan(path, scan_shape=SHAPE)
    np.testing.assert_array_equal(block(scan), frames.reshape(*SHAPE, 2, 5))
    assert kind in scan.provenance.notes[0]


def test_a_sum_of_floats_and_of_large_counts_keeps_its_values(tmp_path):
    path, frames = movie(tmp_path, 24, "f4", **{"Scan - Camera Frames Per Point": 2})
    scan = open_scan(path)
    assert scan.dtype == np.float32
    np.testing.assert_array_equal(scan.rows(0, 3), frames.reshape(*SHAPE, 2, 2, 5).sum(axis=2))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(("flags", "dtype"), [(1, "i1"), (5, "i1"), (0, "u1"), (4, "u1"), (None, "u1")])
def test_bytes_are_signed_where_imods_flags_say_so(tmp_path, order, flags, dtype):
    frames = np.arange(240, dtype="u1").reshape(12, 4, 5)
    path = write_mrc(tmp_path / "a.mrc", frames, 0, order)
    if flags is not None:
        content = bytearray(path.read_bytes())
        content[152:160] = np.array([1146047817, flags], f"{order}i4").tobytes()
        path.write_bytes(bytes(content))
    scan = open_scan(path, scan_shape=SHAPE)
    assert scan.dtype == dtype
    np.testing.assert_array_equal(scan.rows(0, 3), frames.view(dtype).reshape(*SHAPE, 4, 5))
    assert ("Whether its bytes are signed" in " ".join(scan.provenance.notes)) == (flags is None)


def test_bytes_of_a_camera_are_counts(tmp_path):
    path, frames = movie(tmp_path, 12, "u1")
    scan = open_scan(path)
    np.testing.assert_array_equal(block(scan), frames.reshape(*SHAPE, 2, 5))
    assert scan.provenance.notes == ()
