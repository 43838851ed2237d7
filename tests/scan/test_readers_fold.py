"""Scan shapes: asked for, offered, folded without a copy, and never guessed; lazy arrays against plain numpy."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_ghosthunter.errors import ScanError, ScanShapeError
from napari_ghosthunter.scan.options import ScanOptions
from napari_ghosthunter.scan.readers.fold import fold, plausible_shapes
from napari_ghosthunter.scan.readers.frames import Frames, Part
from napari_ghosthunter.scan.readers.stack import Stack


def row(count, detector=(2, 3), dtype="uint16"):
    return np.arange(count * math.prod(detector), dtype=dtype).reshape(count, *detector)


class Locked:
    """A lazy array that is no numpy array and refuses to be read whole."""

    def __init__(self, data):
        self.data, self.shape, self.dtype = data, data.shape, data.dtype

    def __getitem__(self, key):
        assert key not in (slice(None), Ellipsis)
        return self.data[key]


@pytest.mark.parametrize("wrap", [np.asarray, Locked, lambda data: Frames([data[:5], data[5:]], (len(data),))])
@pytest.mark.parametrize("shape", [(3, 4), (1, 12), (12, 1), (2, 6)])
def test_a_row_is_folded_as_asked(wrap, shape):
    data, notes = fold(Stack(wrap(row(12))), ScanOptions(scan_shape=shape))
    assert data.shape == (*shape, 2, 3)
    assert notes == ()
    expected = row(12).reshape(*shape, 2, 3)
    np.testing.assert_array_equal(data[shape[0] - 1, shape[1] - 1], expected[-1, -1])
    np.testing.assert_array_equal(data[0 : shape[0]], expected)


def test_folding_an_array_never_copies_it():
    flat, grid = row(12)[:, ::-1], row(12).reshape(3, 4, 2, 3)
    assert np.shares_memory(fold(Stack(flat), ScanOptions(scan_shape=(3, 4)))[0], flat)
    refolded, notes = fold(Stack(grid), ScanOptions(scan_shape=(2, 6)))
    assert np.shares_memory(refolded, grid)
    assert "folded to 2 x 6" in notes[0]
    fortran = np.asfortranarray(grid)  # cannot be folded anew without a copy
    data, _ = fold(Stack(fortran), ScanOptions(scan_shape=(2, 6)))
    assert not isinstance(data, np.ndarray)
    np.testing.assert_array_equal(data[0:2], grid.reshape(2, 6, 2, 3))


def test_an_unknown_shape_is_asked_for():
    with pytest.raises(ScanShapeError, match="12 patterns of 2 x 3 pixels.*--scan-shape YxX.*3x4, 4x3, 2x6") as raised:
        fold(Stack(row(12)), ScanOptions())
    assert raised.value.candidates[:2] == ((3, 4), (4, 3))


def test_hints_are_offered_first_but_not_taken():
    with pytest.raises(ScanShapeError) as raised:
        fold(Stack(row(12), hints=((6, 2), (5, 5))), ScanOptions())
    assert raised.value.candidates[0] == (6, 2)
    assert (5, 5) not in raised.value.candidates


@pytest.mark.parametrize("stated", [True, False])
def test_a_stray_frame_at_the_end_is_left_out_with_a_note(stated):
    stack = Stack(row(13), scan_shape=(3, 4) if stated else None)
    data, notes = fold(stack, ScanOptions() if stated else ScanOptions(scan_shape=(3, 4)))
    assert data.shape == (3, 4, 2, 3)
    assert "1 pattern(s) more" in notes[0]


def test_many_frames_too_many_are_refused():
    with pytest.raises(ScanShapeError, match=r"asked for needs 6 patterns, but the file holds 36: 30 too many"):
        fold(Stack(row(36)), ScanOptions(scan_shape=(2, 3)))


def test_missing_frames_are_counted_and_the_whole_rows_offered():
    with pytest.raises(ScanShapeError, match="that the file states needs 12 patterns.*holds 9: 3 missing") as raised:
        fold(Stack(row(9), scan_shape=(3, 4)), ScanOptions())
    assert raised.value.candidates[0] == (2, 4)


@pytest.mark.parametrize("stated", [(0, 4), (3, 0), (-3, -4)])
def test_a_damaged_scan_shape_is_none(stated):
    with pytest.raises(ScanShapeError, match="12 patterns .* of an unknown scan shape"):
        fold(Stack(row(12), scan_shape=stated), ScanOptions())


def test_what_the_user_says_wins_over_the_file_and_is_noted():
    data, notes = fold(Stack(row(12), scan_shape=(3, 4)), ScanOptions(scan_shape=(4, 3)))
    assert data.shape[:2] == (4, 3)
    assert "states a scan of 3 x 4" in notes[0]


def test_a_grid_keeps_its_shape_or_is_refused_another():
    grid = row(12).reshape(3, 4, 2, 3)
    assert fold(Stack(grid), ScanOptions(scan_shape=(3, 4))) == (grid, ())
    with pytest.raises(ScanShapeError, match="holds a scan of 3 x 4, 12 patterns, which cannot be folded to 5 x 5"):
        fold(Stack(grid), ScanOptions(scan_shape=(5, 5)))


@pytest.mark.parametrize("shape", [(4,), (4, 4), (2, 2, 2, 2, 2)])
def test_other_numbers_of_axes_are_no_scan(shape):
    with pytest.raises(ScanError, match="four axes"):
        fold(Stack(np.zeros(shape)), ScanOptions())


@pytest.mark.parametrize("shape", [(0, 2, 2), (3, 0, 2, 2)])
def test_an_empty_array_is_refused(shape):
    with pytest.raises(ScanError, match="no patterns"):
        fold(Stack(np.zeros(shape)), ScanOptions())


@given(st.integers(1, 5000))
def test_offered_shapes_fit_and_come_squarest_first(count):
    shapes = plausible_shapes(count)
    assert all(math.prod(shape) in (count, count - 1) for shape in shapes)
    exact = [shape for shape in shapes if math.prod(shape) == count]
    ratios = [max(shape) / min(shape) for shape in exact]
    assert ratios == sorted(ratios)
    assert {(y, x) for y in range(1, count + 1) if count % y == 0 for x in [count // y]} == set(exact)


def test_one_frame_more_than_a_square_offers_the_square():
    assert plausible_shapes(257)[0] == (16, 16)


KEYS = [
    (2, 3), 1, slice(1, 3), (slice(None), 2), (-1, -2), (slice(0, 3, 2), slice(1, None)), Ellipsis, (Ellipsis, 1),
    (1, Ellipsis, slice(0, 1)), (slice(None, None, -1), 0), (slice(2, 2),), (0, slice(None), 1, slice(None)),
    ([0, 2], 1), (slice(1, 2), slice(None), slice(None, None, 2)),
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("grid", [True, False])
def test_frames_index_like_numpy(key, grid):
    data = row(12, (4, 5))
    expected = data.reshape(3, 4, 4, 5)
    sources = [data.reshape(2, 6, 4, 5)] if grid else [data[:1], data[1:6], data[6:]]
    frames = Frames(sources, (3, 4))
    np.testing.assert_array_equal(frames[key], expected[key])
    assert frames[key].shape == expected[key].shape
    assert (frames.shape, frames.dtype, frames.ndim, len(frames)) == ((3, 4, 4, 5), data.dtype, 4, 3)
    np.testing.assert_array_equal(np.asarray(frames), expected)


@pytest.mark.parametrize("key", [key for key in KEYS if not (isinstance(key, tuple) and isinstance(key[0], list))])
def test_a_part_indexes_like_numpy(key):
    data = row(24, (4, 5)).reshape(2, 3, 4, 4, 5)
    part = Part(data, (1,))
    np.testing.assert_array_equal(part[key], data[1][key])
    np.testing.assert_array_equal(np.asarray(part), data[1])
    assert (part.shape, part.ndim, len(part)) == ((3, 4, 4, 5), 4, 3)


def test_too_many_indices_are_an_index_error():
    with pytest.raises(IndexError, match="too many"):
        Frames([row(12)], (3, 4))[0, 0, 0, 0, 0]


def test_frames_read_no_more_than_asked():
    class Counted(Locked):
        read = 0

        def __getitem__(self, key):
            block = super().__getitem__(key)
            Counted.read += len(block)
            return block

    frames = Frames([Counted(row(100))], (10, 10))
    frames[3, 4]
    assert Counted.read == 1
    frames[3:5]
    assert Counted.read == 21


def test_one_stray_pattern_is_left_out_but_a_wrong_shape_is_not_taken_for_stray_patterns():
    data, notes = fold(Stack(row(13)), ScanOptions(scan_shape=(3, 4)))
    assert data.shape[:2] == (3, 4)
    assert "1 pattern(s) more" in notes[0]
    with pytest.raises(ScanShapeError, match=r"3 x 4 asked for needs 12 patterns, but the file holds 15: 3 too many"):
        fold(Stack(row(15)), ScanOptions(scan_shape=(3, 4)))


@pytest.mark.parametrize(("count", "first"), [(256 * 256 + 2, (256, 256)), (202, (14, 14)), (200, (10, 20))])
def test_few_patterns_more_than_a_likely_square_offer_the_square(count, first):
    """For 202 is 2 x 101, a strip."""
    with pytest.raises(ScanShapeError) as raised:
        fold(Stack(row(count)), ScanOptions())
    assert raised.value.candidates[0] == first
