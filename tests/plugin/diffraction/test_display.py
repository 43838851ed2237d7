"""Brightness against the plain formulas, for every type that a detector stores."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ghosthunter.plugin.diffraction.display import DISPLAYS, Levels, displayed

TYPES = ["uint8", "int8", "uint16", ">u2", "int16", "uint32", "int32", "float32", "float64", "bool"]


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("display", DISPLAYS)
def test_brightness_is_the_formula_and_the_data_stay(dtype: str, display: str) -> None:
    values = np.random.default_rng(0).integers(-100, 100, (7, 5)) * (300 if np.dtype(dtype).itemsize > 1 else 1)
    pattern = (values % 2 if dtype == "bool" else values).astype(dtype)
    native = pattern.astype(pattern.dtype.newbyteorder("="))
    before = native.copy()
    x = native.astype(np.float64)
    positive = np.maximum(x, 0)
    expected = {"linear": x, "sqrt": np.sqrt(positive), "log": np.log1p(positive / 2.0)}[display]

    shown = displayed(native, display, 2.0)

    assert shown.dtype == np.float32
    np.testing.assert_allclose(shown, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(native, before)


def test_nan_is_dark_and_overflow_is_finite() -> None:
    pattern = np.array([[np.nan, 1e300], [-1.0, 4.0]])
    for display in DISPLAYS:
        shown = displayed(pattern, display, 1.0)
        assert np.isfinite(shown).all()
        assert shown[0, 0] == 0


@pytest.mark.parametrize("display", DISPLAYS)
def test_contrast_leaves_a_hot_pixel_out(display: str) -> None:
    values = np.random.default_rng(0).poisson(5, (200, 200)).astype(np.uint16)
    values[3, 4] = 65535
    low, high = Levels.of(values).limits(display)
    assert low < high <= displayed(np.array([[20]], np.uint16), display, 1.0)[0, 0]


@pytest.mark.parametrize("values", [np.zeros((4, 4)), np.full((4, 4), np.nan), np.zeros((4, 4), np.uint16)])
def test_contrast_of_nothing_is_still_a_range(values: np.ndarray) -> None:
    levels = Levels.of(values)
    for display in DISPLAYS:
        low, high = levels.limits(display)
        assert low < high


def test_an_almost_empty_pattern_shows_its_counts() -> None:
    values = np.zeros((100, 100), np.uint8)
    values[50, 50] = 7
    low, high = Levels.of(values).limits("log")
    assert (low, high) == pytest.approx((0, np.log1p(7)))
