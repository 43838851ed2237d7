"""Parts of scans, and patterns turned: mapped and lazy arrays give the same, and read no more than is asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.calibration import Calibration
from napari_ghosthunter.scan.options import ScanOptions
from napari_ghosthunter.scan.readers.views import as_asked

CUBE = np.arange(4 * 5 * 3 * 6).reshape(4, 5, 3, 6)
TURNS = ("flip_x", "flip_y", "transpose")


class Lazy:
    """An array that is no numpy array, and keeps what it was asked for."""

    def __init__(self, whole: np.ndarray) -> None:
        self.whole, self.shape, self.dtype, self.read = whole, whole.shape, whole.dtype, 0

    def __getitem__(self, key):
        part = self.whole[key]
        self.read += part.size
        return part


def turned_slowly(pattern: np.ndarray, turns: tuple[str, ...]) -> np.ndarray:
    for turn in turns:
        height, width = pattern.shape
        if turn == "transpose":
            pattern = np.array([[pattern[y, x] for y in range(height)] for x in range(width)])
        elif turn == "flip_x":
            pattern = np.array([[pattern[y, width - 1 - x] for x in range(width)] for y in range(height)])
        else:
            pattern = np.array([[pattern[height - 1 - y, x] for x in range(width)] for y in range(height)])
    return pattern


ranges = st.tuples(st.integers(0, 3), st.integers(1, 4)).map(lambda pair: (pair[0], max(pair[0] + 1, pair[1])))
entries = st.one_of(st.integers(-1, 0), st.slices(1), st.slices(3), st.just(Ellipsis), st.just([0]))


@given(st.lists(st.sampled_from(TURNS), max_size=4).map(tuple), st.none() | ranges, st.none() | ranges)
def test_each_pattern_is_turned_as_asked_at_its_place(turns, rows, columns):
    options = ScanOptions(rows=rows, columns=columns, detector=turns)
    mapped, _ = as_asked(CUBE, Calibration(), options)
    lazy, _ = as_asked(Lazy(CUBE), Calibration(), options)
    first_y, first_x = (rows or (0, 0))[0], (columns or (0, 0))[0]
    assert lazy.shape == mapped.shape
    for y in range(mapped.shape[0]):
        for x in range(mapped.shape[1]):
            expected = turned_slowly(CUBE[first_y + y, first_x + x], turns)
            np.testing.assert_array_equal(mapped[y, x], expected)
            np.testing.assert_array_equal(lazy[y, x], expected)


@given(st.lists(st.sampled_from(TURNS), max_size=3).map(tuple), st.lists(entries, max_size=4).map(tuple))
def test_a_lazy_scan_is_indexed_like_a_mapped_one(turns, key):
    if sum(entry is Ellipsis for entry in key) > 1 or sum(isinstance(entry, list) for entry in key) > 1:
        return
    options = ScanOptions(rows=(1, 4), columns=(0, 4), detector=turns)
    mapped, _ = as_asked(CUBE, Calibration(), options)
    lazy, _ = as_asked(Lazy(CUBE), Calibration(), options)
    if any(isinstance(entry, list) for entry in key) and any(isinstance(entry, int) for entry in key):
        return  # numpy puts the axis of a list elsewhere where numbers stand apart from it
    np.testing.assert_array_equal(lazy[key], mapped[key])


def test_one_pattern_of_a_part_reads_one_pattern():
    whole = Lazy(CUBE)
    part, _ = as_asked(whole, Calibration(), ScanOptions(rows=(1, 3), detector=("transpose",)))
    assert whole.read == 0
    assert part[0, 0].shape == (6, 3)
    assert whole.read == 18


def test_steps_of_the_detector_follow_its_axes():
    given_by_file = Calibration(k_step=(0.1, 0.2), k_units="1/nm")
    _, turned_once = as_asked(CUBE, given_by_file, ScanOptions(detector=("transpose", "flip_x")))
    assert turned_once.k_step == (0.2, 0.1)
    _, twice = as_asked(CUBE, given_by_file, ScanOptions(detector=("transpose", "flip_x", "transpose")))
    assert twice.k_step == (0.1, 0.2)
    _, stated = as_asked(CUBE, given_by_file, ScanOptions(detector=("transpose",), k_step=(0.3, 0.4, "1/nm")))
    assert stated.k_step == (0.3, 0.4)


@pytest.mark.parametrize("part", [{"rows": (2, 5)}, {"columns": (0, 6)}])
def test_a_part_beyond_the_scan_is_refused(part):
    with pytest.raises(ScanError, match="goes beyond"):
        as_asked(CUBE, Calibration(), ScanOptions(**part))
