"""Detector patterns to the size of the network: binned and clipped as literal loops do, and nothing written to."""

import numpy as np
import pytest
import torch

from napari_ghosthunter.learning.reducing import HOT, WHOLE, raw_tensor, reduced

pytestmark = pytest.mark.usefixtures("one_thread", "arithmetic")


def hot_cube(shape, seed=0):
    """Draw patterns of few electrons with bright pixels anywhere, at edges and in corners too, alone and in pairs."""
    rng = np.random.default_rng(seed)
    data = rng.poisson(0.5, shape).astype(np.float32)
    for one in data:
        ys, xs = rng.integers(0, shape[1], 6), rng.integers(0, shape[2], 6)
        one[ys, xs] = rng.integers(5, 5000, 6)
        one[0, 0], one[-1, xs[0]], one[ys[0], -1] = 700, 800, 900
    return data


def naive_clipped(image):
    sample = np.sort(image.ravel()[::7])
    level, clipped, (height, width) = sample[int(0.99 * len(sample)) - 1], image.copy(), image.shape
    for y, x in np.ndindex(image.shape):
        around = [
            image[i, j]
            for i in range(max(0, y - 1), min(height, y + 2))
            for j in range(max(0, x - 1), min(width, x + 2))
            if (i, j) != (y, x)
        ]
        if image[y, x] > level and image[y, x] > HOT * max(around):
            clipped[y, x] = max(around)
    return clipped


@pytest.mark.parametrize("size", [16, 24, 48])
def test_hot_pixels_are_clipped_as_the_loop_does(size):
    data = hot_cube((7, size, size))
    data[3] = 4  # and one pattern that needs nothing
    expected = np.stack([naive_clipped(one) for one in data])
    assert (expected != data).any(axis=(1, 2)).sum() == 6
    result, _ = reduced(torch.from_numpy(data), WHOLE, size, clip=True)
    np.testing.assert_array_equal(result.numpy(), expected)


@pytest.mark.parametrize(
    ("shape", "size"), [((64, 64), 16), ((48, 70), 16), ((70, 48), 24), ((50, 51), 24), ((9, 40), 16)]
)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "float32"])
def test_bins_equal_the_loop(shape, size, dtype):
    data = np.random.default_rng(0).integers(0, 200, (3, *shape)).astype(dtype)
    edges = [np.arange(size + 1) * length // size for length in shape]
    expected = np.empty((3, size, size))
    for i, j in np.ndindex(size, size):
        (y, y_stop), (x, x_stop) = ((e[k], max(e[k + 1], e[k] + 1)) for e, k in zip(edges, (i, j), strict=True))
        expected[:, i, j] = data[:, y:y_stop, x:x_stop].mean((1, 2), dtype=np.float64)
    result, nonfinite = reduced(raw_tensor(data), WHOLE, size, clip=False)
    assert nonfinite == 0
    np.testing.assert_allclose(result.numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize("window", [(slice(5, 37), slice(3, 51)), (slice(None, 40), slice(9, 60)), WHOLE])
def test_a_window_is_reduced_as_a_detector_of_its_own(window):
    data = hot_cube((4, 64, 60)).astype(np.uint16)
    part = reduced(raw_tensor(data[:, *window]), WHOLE, 16, clip=True)[0]
    assert torch.equal(reduced(raw_tensor(data), window, 16, clip=True)[0], part)


def test_reduced_patterns_are_written_where_they_are_wanted():
    raw, place = raw_tensor(hot_cube((4, 32, 32))), torch.full((6, 16, 16), -1.0)
    found, _ = reduced(raw, WHOLE, 16, clip=True, out=place[1:5])
    assert torch.equal(place[1:5], reduced(raw, WHOLE, 16, clip=True)[0])
    assert torch.equal(found, place[1:5])
    assert (place[[0, 5]] == -1).all()


@pytest.mark.parametrize("side", [32, 75])
def test_a_pattern_is_reduced_to_the_same_bits_in_any_company(side):
    raw = raw_tensor(hot_cube((9, side, side)).astype(np.uint16))
    whole = reduced(raw, WHOLE, 32, clip=True)[0]
    for parts in (1, 2, 4):
        assert torch.equal(torch.cat([reduced(part, WHOLE, 32, clip=True)[0] for part in raw.split(parts)]), whole)


@pytest.mark.parametrize("side", [32, 64])
@pytest.mark.parametrize("dtype", ["uint16", "int16", "float16", "float32", "float64", ">f4"])
def test_what_was_measured_is_never_written_to(side, dtype):
    data = hot_cube((5, side, side)).astype(np.dtype(dtype).newbyteorder("="))
    data[0, 1, 1] = np.nan if data.dtype.kind == "f" else 0
    data[1, 2, 2] = -5 if data.dtype.kind != "u" else 0
    before = data.copy()
    data.flags.writeable = False
    result, nonfinite = reduced(raw_tensor(data), WHOLE, 32, clip=True)
    assert nonfinite == (data.dtype.kind == "f")
    assert torch.isfinite(result).all()
    np.testing.assert_array_equal(data, before)


def test_torch_sees_the_memory_itself_and_keeps_it_alive():
    data = np.arange(2 * 16 * 16, dtype=np.uint16).reshape(2, 16, 16)
    data.flags.writeable = False
    assert raw_tensor(data).data_ptr() == data.ctypes.data
    alone = raw_tensor(data.copy())  # nothing else holds the copy
    np.ones((100, 16, 16), np.uint16)
    assert np.array_equal(alone.numpy(), data)


def test_large_but_finite_numbers_are_no_infinity():
    data = np.full((1, 32, 32), 3e38, np.float32)  # their sum is none that single precision has
    assert reduced(raw_tensor(data), WHOLE, 32, clip=False)[1] == 0
