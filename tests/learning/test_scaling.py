"""Sums over windows, against literal loops, and patterns that do not know of each other."""

import numpy as np
import pytest
import torch

from napari_ghosthunter.learning.config import PatternConfig
from napari_ghosthunter.learning.scaling import scaled, standardized, window_sum

pytestmark = pytest.mark.usefixtures("one_thread", "arithmetic")


def images(count, size, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).gamma(2, 3, (count, size, size)).astype(np.float32))


def naive_window_sum(image, side):
    half, total = side // 2, np.empty(image.shape)
    for y, x in np.ndindex(image.shape):
        total[y, x] = image[max(0, y - half) : y + half + 1, max(0, x - half) : x + half + 1].sum(dtype=np.float64)
    return total


@pytest.mark.parametrize("size", [16, 24, 40])
@pytest.mark.parametrize("side", [3, 5, 7, 9, 11, 15, 17])
@pytest.mark.parametrize("count", [1, 3])
def test_window_sums_equal_the_loop(size, side, count):
    patterns = images(count, size)
    expected = np.stack([naive_window_sum(one.numpy(), side) for one in patterns])
    np.testing.assert_allclose(window_sum(patterns, side).numpy(), expected, rtol=1e-5)


@pytest.mark.parametrize("size", [16, 24])
def test_a_window_may_be_as_large_as_the_pattern_and_larger(size):
    patterns = images(2, size)
    for side in (size - 1, size + 1, 2 * size - 1):
        expected = np.stack([naive_window_sum(one.numpy(), side) for one in patterns])
        np.testing.assert_allclose(window_sum(patterns, side).numpy(), expected, rtol=1e-5)


@pytest.mark.parametrize("scaling", ["log", "sqrt", "linear"])
@pytest.mark.parametrize("size", [16, 128])
def test_a_pattern_is_scaled_to_the_same_bits_in_any_company(scaling, size):
    patterns, config = images(9, size), PatternConfig(scaling=scaling)
    whole = scaled(patterns, config)
    for parts in (1, 2, 4):
        assert torch.equal(torch.cat([scaled(part, config) for part in patterns.split(parts)]), whole)


def test_standardized_patterns_have_mean_zero_and_spread_one_and_the_input_stays():
    patterns = images(4, 64)
    before = patterns.clone()
    result = standardized(patterns).double()
    assert torch.equal(patterns, before)
    np.testing.assert_allclose(result.mean((1, 2)), 0, atol=1e-6)
    np.testing.assert_allclose(result.std((1, 2), correction=0), 1, rtol=1e-5)
