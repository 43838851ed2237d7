"""Patterns that belong to no position: left out where they are, or asked for, and never shifted row by row."""

import os

import h5py
import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st

from napari_ghosthunter.errors import ScanError, ScanShapeError
from napari_ghosthunter.scan.options import ScanOptions
from napari_ghosthunter.scan.presence import present
from napari_ghosthunter.scan.readers import open_again, open_scan
from napari_ghosthunter.scan.readers.fold import fold, plausible_shapes
from napari_ghosthunter.scan.readers.frames import Frames
from napari_ghosthunter.scan.readers.stack import Stack
from napari_ghosthunter.scan.row_layout import FrameTimes, RowLayout
from tests.scan.writers import write_empad, write_master, write_mib, write_mrc, write_tvips


class Locked:
    """A lazy array that is no numpy array and refuses to be read whole."""

    def __init__(self, data):
        self.data, self.shape, self.dtype = data, data.shape, data.dtype

    def __getitem__(self, key):
        assert key not in (slice(None), Ellipsis)
        return self.data[key]


def row(count):
    """Patterns of which each pixel tells the number of the pattern."""
    return np.repeat(np.arange(count, dtype="uint16"), 6).reshape(count, 2, 3)


def numbers(data):
    return np.asarray(data[0 : data.shape[0]])[..., 0, 0].tolist()


def asked(count, **said):
    stated = said.pop("stated", None)
    return fold(Stack(row(count), scan_shape=stated, times=said.pop("times", None)), ScanOptions.of(**said))


WRAPS = [np.asarray, Locked, lambda data: Frames([data[:3], data[3:]], (len(data),)), lambda data: data[:, ::-1]]


@given(st.integers(1, 4), st.integers(1, 5), st.integers(0, 3), st.integers(0, 3), st.integers(0, 4), st.data())
def test_rows_are_those_that_are_counted_out(rows, columns, skip, flyback, after, data):
    taken, order = [], iter(range(10_000))
    for _ in range(skip):
        next(order)
    for _ in range(rows):
        taken.append([next(order) for _ in range(columns)])
        last = taken[-1][-1]
        for _ in range(flyback):
            next(order)
    patterns = data.draw(st.sampled_from(WRAPS))(row(last + 1 + after))
    options = ScanOptions(scan_shape=(rows, columns), skip_frames=skip, flyback=flyback)
    scan, notes = fold(Stack(patterns), options)
    assert scan.shape == (rows, columns, 2, 3)
    assert numbers(scan) == taken
    assert scan[rows - 1, columns - 1][0, 0] == last
    assert np.asarray(scan[:, -1])[:, 0, 0].tolist() == [line[-1] for line in taken]
    assert len(notes) == (after > flyback)


def test_rows_at_distances_are_views_of_a_file_that_is_watched(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, row(71))
    scan = open_scan(path, scan_shape="8x8", flyback=1)
    assert isinstance(scan.data, np.memmap)
    assert numbers(scan.data) == [list(range(9 * y, 9 * y + 8)) for y in range(8)]
    assert present(scan.data) is scan.data
    os.truncate(path, 500)
    with pytest.raises(ScanError, match="cut short while it was open"):
        scan.rows(0, 1)


@pytest.mark.parametrize("said", [{"scan_shape": "8x8"}, {"stated": (8, 8)}])
@pytest.mark.parametrize("count", [71, 72])
def test_a_pattern_too_many_in_each_row_is_asked_for(said, count):
    with pytest.raises(ScanShapeError, match=rf"needs 64 .* holds {count}: .* too many.*say --flyback") as raised:
        asked(count, **said)
    assert raised.value.candidates == ((8, 8),)
    assert raised.value.patterns == count
    assert ((8, 8), 0, 1) in raised.value.layouts
    assert (((8, 8), 1, 1) in raised.value.layouts) == (count == 72)
    for shape, skip, flyback in raised.value.layouts:  # whatever is offered opens
        asked(count, scan_shape=shape, skip_frames=skip, flyback=flyback)


def test_the_first_pattern_of_each_row_can_be_the_dummy():
    data, notes = asked(72, stated=(8, 8), skip_frames=1, flyback=1)
    assert numbers(data) == [list(range(9 * y + 1, 9 * y + 9)) for y in range(8)]
    assert notes == ()


def test_patterns_skipped_at_the_start_leave_the_question_of_the_rows():
    with pytest.raises(ScanShapeError, match="7 too many"):
        asked(72, stated=(8, 8), skip_frames=1)
    data, notes = asked(66, stated=(8, 8), skip_frames=2)
    assert numbers(data)[0] == list(range(2, 10))
    assert notes == ()


def test_few_too_many_are_left_out_where_the_user_says_and_else_at_the_end():
    data, notes = asked(256 * 256 + 2, scan_shape="256x256")
    assert np.asarray(data[0, 0])[0, 0] == 0
    assert "2 pattern(s) more than the scan; the last were left out" in notes[0]
    data, notes = asked(256 * 256 + 2, scan_shape="256x256", skip_frames=2)
    assert np.asarray(data[0, 0])[0, 0] == 2
    assert notes == ()
    data, notes = asked(72, scan_shape="8x8", flyback=0)
    assert numbers(data)[1] == list(range(8, 16))
    assert "8 pattern(s) more" in notes[0]


def test_flyback_alone_deduces_no_shape():
    with pytest.raises(ScanShapeError, match="72 patterns .*, 1 after each row, of an unknown scan shape") as raised:
        asked(72, flyback=1)
    assert raised.value.layouts[0] == ((8, 8), 0, 1)
    for shape, skip, flyback in raised.value.layouts:
        assert asked(72, scan_shape=shape, skip_frames=skip, flyback=flyback)[1] == ()


def test_complete_rows_are_offered_for_missing_patterns_first_or_last():
    with pytest.raises(ScanShapeError, match=r"3 missing. Its complete rows: --scan-shape 2x4.*if the last") as raised:
        asked(9, stated=(3, 4))
    assert raised.value.layouts[:2] == (((2, 4), 0, 0), ((2, 4), 1, 0))
    assert "--scan-shape 2x4 --skip-frames 1" in str(raised.value)
    assert numbers(asked(9, stated=(3, 4), scan_shape="2x4")[0])[0] == [0, 1, 2, 3]
    assert numbers(asked(9, stated=(3, 4), scan_shape="2x4", skip_frames=1)[0])[0] == [1, 2, 3, 4]
    with pytest.raises(ScanShapeError, match="10 missing") as raised:
        asked(61, stated=(8, 8), flyback=1)
    assert raised.value.layouts[:2] == (((6, 8), 0, 1), ((6, 8), 8, 1))


def test_a_grid_has_no_patterns_between_its_rows():
    grid = row(12).reshape(3, 4, 2, 3)
    for said in ({"skip_frames": 1}, {"flyback": 1, "scan_shape": (2, 6)}):
        with pytest.raises(ScanError, match="--skip-frames and --flyback are for those.*say --rows or --columns"):
            fold(Stack(grid), ScanOptions.of(**said))
    assert fold(Stack(grid), ScanOptions(flyback=0, skip_frames=0))[0] is grid


def test_recordings_that_start_early_are_not_cut_at_the_end():
    stack = Stack(row(14), starts_early=True)
    with pytest.raises(ScanShapeError, match="2 too many. Such recordings start before .* say with --skip-frames"):
        fold(stack, ScanOptions(scan_shape=(3, 4)))
    data, _ = fold(stack, ScanOptions(scan_shape=(3, 4), skip_frames=1))
    assert numbers(data)[0] == [1, 2, 3, 4]


def clock(pauses=(), odd=(), timed=72):
    return lambda most: FrameTimes(frozenset(pauses), frozenset(odd), min(timed, most))


@pytest.mark.parametrize(
    ("times", "layout"),
    [
        (clock([*range(0, 72, 9), *range(8, 72, 9)]), (1, 1)),  # a pause on both sides of a dummy before each row
        (clock([*range(7, 72, 9), *range(8, 72, 9)]), (0, 1)),  # of one after each row
        (clock(range(0, 72, 9)), (1, 1)),  # between the first pattern of each nine and the others
        (clock(range(7, 72, 9)), (0, 1)),
        (clock(range(8, 72, 9), odd=range(0, 72, 9)), (1, 1)),
        (clock([], odd=range(8, 72, 9)), (0, 1)),
        (clock(range(7, 64, 8)), (0, 0)),  # rows of eight, and eight patterns after them
        (clock([*range(0, 40, 9), *range(8, 40, 9)], timed=40), (1, 1)),
    ],
)
def test_the_clock_tells_where_the_dummies_are(times, layout):
    data, notes = asked(72, stated=(8, 8), times=times)
    assert numbers(data) == numbers(asked(72, stated=(8, 8), skip_frames=layout[0], flyback=layout[1])[0])
    assert len(notes) == 1
    assert "left out" in notes[0]


@pytest.mark.parametrize(
    "times",
    [
        clock(),
        clock(range(8, 72, 9)),  # nines, but which of the nine is the dummy?
        clock([3]),
        clock(range(4, 72, 9)),
        clock([*range(0, 30, 9), *range(8, 30, 9), 44]),
        lambda _most: None,
    ],
)
def test_a_clock_that_does_not_tell_leaves_the_question(times):
    with pytest.raises(ScanShapeError, match="8 too many"):
        asked(72, stated=(8, 8), times=times)


def test_a_clock_that_shows_rows_of_nine_narrows_what_is_offered():
    with pytest.raises(ScanShapeError) as raised:
        asked(72, stated=(8, 8), times=clock(range(8, 72, 9)))
    assert raised.value.layouts == (((8, 8), 0, 1), ((8, 8), 1, 1))


def test_more_skipped_than_there_is_leaves_nothing():
    with pytest.raises(ScanError, match="holds 72 patterns in one row: none is left after --skip-frames 72"):
        asked(72, skip_frames=72)


def test_shapes_offered_with_flyback_are_those_that_fit():
    for shape in plausible_shapes(72, skip_frames=1, flyback=1):
        assert RowLayout(shape, 1, 1).end in (72, 71)


def write_h5(folder, frames):
    path = folder / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("frames", data=frames, chunks=(2, *frames.shape[1:]), compression="gzip")
    return path


def write_npz(folder, frames):
    np.savez_compressed(folder / "a.npz", frames=frames)
    return folder / "a.npz"


def write_npy(folder, frames, order="C"):
    np.save(folder / "a.npy", np.asarray(frames, order=order))
    return folder / "a.npy"


def write_zarr(folder, frames):
    zarr.save_array(str(folder / "a.zarr"), frames)
    return folder / "a.zarr"


FORMATS = {
    "npy": write_npy,
    "npy in the order of Fortran": lambda folder, frames: write_npy(folder, frames, "F"),
    "npz": write_npz,
    "hdf5": write_h5,
    "zarr": write_zarr,
    "mib": lambda folder, frames: write_mib(folder / "a.mib", frames),
    "mrc": lambda folder, frames: write_mrc(folder / "a.mrc", frames, 6),
    "tvips": lambda folder, frames: write_tvips(folder, frames, np.zeros(len(frames), int), files=2),
    "arina": lambda folder, frames: write_master(folder, [frames[:6], frames[6:]], 8352),
    "empad": lambda folder, frames: write_empad(folder / "a.raw", frames.astype("f4")),
}


@pytest.mark.parametrize("name", FORMATS)
def test_patterns_between_rows_are_left_out_of_every_format(tmp_path, name):
    frames = np.random.default_rng(0).integers(0, 8000, (15, 128, 128), dtype="uint16")  # 3 rows of 4, and a dummy each
    path = FORMATS[name](tmp_path, frames)
    with pytest.raises(ScanShapeError, match="3 too many.*--skip-frames"):
        open_scan(path, scan_shape=(3, 4))
    for skip in (0, 1):
        scan = open_scan(path, scan_shape=(3, 4), skip_frames=skip, flyback=1)
        expected = frames.reshape(3, 5, 128, 128)[:, skip : skip + 4]
        np.testing.assert_array_equal(scan.rows(0, 3), expected)
        np.testing.assert_array_equal(scan.pattern(2, 1), expected[2, 1])
        np.testing.assert_array_equal(scan.block(slice(1, 3), slice(1, 4, 2)), expected[1:3, 1:4:2])
        assert scan.provenance.options.flyback == 1
        again = open_again(scan.provenance, path)
        np.testing.assert_array_equal(again.rows(2, 3), expected[2:3])
    part = open_scan(path, scan_shape=(3, 4), skip_frames=1, flyback=1, rows=(1, 3), columns=(0, 2), detector="flip_x")
    np.testing.assert_array_equal(part.rows(0, 2), expected[1:, :2, :, ::-1])
