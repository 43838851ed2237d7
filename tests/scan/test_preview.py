"""Coarse images: every value is that of its pattern, the last one is exact, and work can be left off at any time."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from napari_ghosthunter.scan.preview import CoarseImages, full_size
from napari_ghosthunter.scan.row_layout import RowLayout
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.virtual.images import virtual_image

MASK = np.zeros((6, 5))
MASK[1:4, 2:5] = 0.5


def scan_of(shape=(40, 30)):
    return Scan(np.random.default_rng(0).integers(0, 999, (*shape, 6, 5)).astype(">u2"))


def images(*args, **kwargs):
    return [image for image in CoarseImages(*args).refine(**kwargs) if image is not None]


@pytest.mark.parametrize("shape", [(40, 30), (1, 300), (300, 1), (3, 3), (1, 1), (101, 7)])
def test_the_last_image_is_exact(shape):
    scan = scan_of(shape)
    found = images(scan, MASK)
    np.testing.assert_allclose(found[-1], virtual_image(scan, MASK))
    assert [one.size for one in found] == sorted(one.size for one in found)
    assert found[0].size <= 100


def test_a_coarse_image_holds_values_of_its_positions():
    scan = scan_of()
    exact = virtual_image(scan, MASK)
    np.testing.assert_allclose(images(scan, MASK)[0], exact[2::4, 2::4])


def test_a_row_of_patterns_is_shown_in_other_shapes():
    scan = scan_of((4, 30))
    row = Scan(np.asarray(scan.data).reshape(1, 120, 6, 5))
    coarse = CoarseImages(row, MASK)
    for shape in ((4, 30), (30, 4), (7, 17)):
        *_, last = coarse.refine(RowLayout(shape))
        values = virtual_image(row, MASK).ravel()[: shape[0] * shape[1]]
        np.testing.assert_allclose(last, values.reshape(shape))


def test_rows_are_shown_without_what_lies_between_them():
    row = Scan(np.asarray(scan_of((4, 30)).data).reshape(1, 120, 6, 5))
    *_, last = CoarseImages(row, MASK).refine(RowLayout((7, 14), 2, 3))
    values = virtual_image(row, MASK).ravel()
    np.testing.assert_allclose(last, [values[2 + 17 * y : 16 + 17 * y] for y in range(7)])


def test_the_finest_grid_keeps_to_the_bound():
    assert images(scan_of(), MASK, most=400)[-1].size == 300


def test_the_caller_can_breathe_and_stop():
    steps = list(itertools.islice(CoarseImages(scan_of(), MASK).refine(), 6))
    assert [step is None for step in steps] == [True] * 4 + [False, True]  # 70 positions, 16 at a time


def test_an_empty_mask_and_nan_give_zero():
    scan = scan_of((2, 2))
    assert not images(scan, np.zeros((6, 5)))[-1].any()
    assert not images(Scan(np.full((2, 2, 6, 5), np.nan)), MASK)[-1].any()


def test_full_size_repeats_the_nearest_value():
    np.testing.assert_array_equal(full_size(np.array([[1.0, 2.0]]), (2, 5)), [[1, 1, 1, 2, 2]] * 2)
    exact = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(full_size(exact, (2, 3)), exact)
