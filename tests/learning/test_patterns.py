"""The way from a pattern to a network input, against slow and literal loops."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_ghosthunter.learning.patterns import FittedPatterns, PatternConfig, fit_patterns, input_size
from napari_ghosthunter.learning.reducing import HOT
from napari_ghosthunter.learning.scaling import CONTRAST_FLOOR, local_contrast, standardized
from napari_ghosthunter.scan.scan import Scan

pytestmark = pytest.mark.usefixtures("one_thread", "arithmetic")

POOLS = [("none", 1), ("mean", 1), ("mean", 3), ("mean", 5), ("max", 3), ("max", 5)]
SHAPES = [(1, 7, 16, 16), (4, 3, 17, 23), (6, 1, 48, 31), (2, 3, 9, 12), (1, 1, 33, 16)]


def cube(shape, seed=0):
    rng = np.random.default_rng(seed)
    data = rng.poisson(5 + 200 * rng.random(shape) ** 6).astype(np.uint16)
    data[..., shape[2] // 3, shape[3] // 2] = 40_000
    return data


def everywhere(data):
    return [(y, x) for y in range(data.shape[0]) for x in range(data.shape[1])]


def reduce(patterns, with_, window=(slice(None), slice(None))):
    return with_.reduce(patterns, window)[0]


def fitted(data, **choices):
    config = PatternConfig(**({"size": 16} | choices))
    shape = data.shape[2:]
    return FittedPatterns(config=config, detector_shape=shape, size=input_size(config, shape))


# ---- the oracle: one pixel at a time, in double precision ----


def naive_binned(pattern, config, size):
    height, width = (max(1, round(length * config.crop)) for length in pattern.shape)
    top, left = round((pattern.shape[0] - height) / 2), round((pattern.shape[1] - width) / 2)
    binned = np.empty((size, size))
    for i in range(size):
        for j in range(size):
            y, x = i * height // size, j * width // size
            y_stop, x_stop = max((i + 1) * height // size, y + 1), max((j + 1) * width // size, x + 1)
            total = 0.0
            for value in pattern[top + y : top + y_stop, left + x : left + x_stop].ravel().astype(np.float64):
                total += max(value, 0) if np.isfinite(value) else 0
            binned[i, j] = total / ((y_stop - y) * (x_stop - x))
    return binned


def naive_clipped(image):
    sample = np.sort(image.ravel()[::7])
    bright = sample[int(0.99 * len(sample)) - 1]
    clipped = image.copy()
    for y in range(len(image)):
        for x in range(len(image)):
            around = [
                image[i, j]
                for i in range(max(0, y - 1), min(len(image), y + 2))
                for j in range(max(0, x - 1), min(len(image), x + 2))
                if (i, j) != (y, x)
            ]
            if image[y, x] > bright and image[y, x] > HOT * max(around):
                clipped[y, x] = max(around)
    return clipped


def naive_pooled(reduced, y, x, config):
    reach = config.pool_size // 2 if config.pool != "none" else 0
    near = [
        reduced[i, j]
        for i in range(max(0, y - reach), min(reduced.shape[0], y + reach + 1))
        for j in range(max(0, x - reach), min(reduced.shape[1], x + reach + 1))
    ]
    return np.max(near, axis=0) if config.pool == "max" else np.mean(near, axis=0)


def naive_standardized(image):
    return (image - image.mean()) / max(image.std(), 1e-6)


def naive_window_mean(image, window):
    half = max(3, int(window * len(image)) // 2 * 2 + 1) // 2
    means = np.empty_like(image)
    for y in range(len(image)):
        for x in range(len(image)):
            means[y, x] = image[max(0, y - half) : y + half + 1, max(0, x - half) : x + half + 1].mean()
    return means


def naive_scaled(image, patterns):
    config, relative = patterns.config, image / image.mean()
    curve = {"log": lambda x: np.log1p(x / config.log_floor), "sqrt": np.sqrt, "linear": np.asarray}[config.scaling]
    scaled = naive_standardized(curve(relative))
    if config.contrast_window:
        centred = scaled - naive_window_mean(scaled, config.contrast_window)
        spread = np.sqrt(naive_window_mean(centred**2, config.contrast_window))
        scaled = naive_standardized(centred / (spread + CONTRAST_FLOOR))
    return scaled


def naive_inputs(data, patterns):
    config, size = patterns.config, patterns.size
    reduced = np.empty((*data.shape[:2], size, size))
    for position in everywhere(data):
        binned = naive_binned(data[position], config, size)
        reduced[position] = naive_clipped(binned) if config.clip_hot else binned
    return np.stack([naive_scaled(naive_pooled(reduced, *position, config), patterns) for position in everywhere(data)])


def assert_equals_oracle(data, patterns):
    result = patterns.inputs(Scan(data), everywhere(data))
    assert result.dtype == torch.float32
    assert result.shape == (data.shape[0] * data.shape[1], 1, patterns.size, patterns.size)
    np.testing.assert_allclose(result[:, 0].numpy(), naive_inputs(data, patterns), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("pool", "pool_size"), POOLS)
@pytest.mark.parametrize("shape", SHAPES)
def test_inputs_equal_the_oracle_with_every_pooling(shape, pool, pool_size):
    data = cube(shape)
    assert_equals_oracle(data, fitted(data, pool=pool, pool_size=pool_size))


@pytest.mark.parametrize("shape", [(2, 2, 17, 23), (1, 2, 50, 50), (1, 2, 64, 40), (1, 2, 12, 70)])
@pytest.mark.parametrize(
    "choices",
    [{"scaling": "sqrt"}, {"scaling": "linear"}, {"clip_hot": False}, {"contrast_window": 0.0},
     {"contrast_window": 0.5}, {"contrast_window": 1.0}, {"crop": 0.5, "centre": "detector"},
     {"crop": 0.77, "centre": "detector"}, {"size": 24}, {"log_floor": 2.0}],
)  # fmt: skip
def test_inputs_equal_the_oracle_with_every_choice(shape, choices):
    data = cube(shape)
    assert_equals_oracle(data, fitted(data, **choices))


def test_inputs_equal_the_oracle_with_the_defaults():
    data = cube((1, 2, 40, 40))
    assert_equals_oracle(data, fit_patterns(PatternConfig(), Scan(data)))


# ---- sizes ----


@pytest.mark.parametrize(
    ("detector", "choices", "size"),
    [
        ((512, 512), {}, 128), ((512, 512), {"crop": 0.2}, 96), ((256, 100), {}, 96), ((17, 23), {}, 16),
        ((5, 300), {}, 16), ((515, 515), {"size": 64}, 64), ((320, 320), {"size": 512, "crop": 0.575}, 184),
    ],
)  # fmt: skip
def test_a_detector_is_binned_to_the_size_or_keeps_its_own_in_eights(detector, choices, size):
    assert input_size(PatternConfig(**({"size": 128} | choices)), detector) == size


@given(
    detector=st.tuples(st.integers(1, 600), st.integers(1, 600)),
    size=st.sampled_from([16, 64, 128, 512]),
    crop=st.floats(0.11, 1),
)
def test_the_size_fits_the_network_and_never_makes_up_pixels(detector, size, crop):
    side = input_size(PatternConfig(size=size, crop=crop), detector)
    assert side % 8 == 0
    assert 16 <= side <= size
    assert side == 16 or side <= round(min(detector) * crop)


@settings(max_examples=30)
@given(k=st.integers(16, 90), m=st.integers(16, 90), size=st.sampled_from([16, 24, 40]))
def test_each_detector_pixel_counts_in_one_bin(k, m, size):
    lit = np.eye(k * m)[:: k * m // 7].reshape(-1, 1, k, m)  # one pixel in each
    reduced = reduce(lit[:, 0], fitted(lit, size=size, clip_hot=False))
    assert torch.count_nonzero(reduced.flatten(1), 1).tolist() == [1] * len(reduced)


def test_the_crop_lies_in_the_middle_of_the_detector():
    data = np.zeros((1, 1, 64, 64), np.uint8)
    data[..., 16:48, 16:48] = 9
    patterns = fitted(data, crop=0.5, centre="detector", clip_hot=False)
    assert patterns.window(Scan(data)) == (slice(16, 48), slice(16, 48))
    assert (reduce(data[0], patterns, patterns.window(Scan(data))) == 9).all()


@pytest.mark.parametrize(
    ("beam", "window"),
    [
        ((20, 40), (slice(4, 36), slice(24, 56))),
        ((2, 61), (slice(0, 32), slice(32, 64))),
        ((32, 3), (slice(16, 48), slice(0, 32))),
    ],
)
def test_the_crop_goes_with_the_beam_of_each_scan_and_stays_on_the_detector(beam, window):
    data = np.zeros((2, 3, 64, 64), np.float32) + 900 * disk(*beam, 3, 64)
    found = fitted(data, crop=0.5).window(Scan(data))
    for part, expected in zip(found, window, strict=True):
        assert part.stop - part.start == 32
        assert abs(part.start - expected.start) <= 1


def test_a_beam_elsewhere_gives_the_same_inputs_with_a_crop_around_it():
    first = np.random.default_rng(0).poisson(5 + 900 * disk(30, 34, 4, 64)).astype(np.uint16)
    moved = np.roll(first, (6, -5), (0, 1))
    patterns = fitted(first[None, None], crop=0.5)
    one, other = (patterns.inputs(Scan(data[None, None]), [(0, 0)]) for data in (first, moved))
    assert torch.equal(one, other)


# ---- types, and what is no number ----


@pytest.mark.parametrize(
    "dtype",
    ["uint8", "uint16", "uint32", "uint64", "int16", "int32", "int64", ">u2", ">i4", "float16", "float32", "float64",
     ">f4", ">f8", "longdouble"],
)  # fmt: skip
def test_the_type_of_the_data_changes_nothing(dtype):
    data = np.random.default_rng(0).integers(0, 100, (2, 3, 20, 20))
    expected = fitted(data).inputs(Scan(data.astype(np.uint8)), everywhere(data))
    scan = Scan(data.astype(dtype))
    assert torch.equal(fitted(data).inputs(scan, everywhere(data)), expected)
    assert fit_patterns(PatternConfig(), scan) == fit_patterns(PatternConfig(), Scan(data))


def test_single_counts_may_be_booleans():
    data = np.random.default_rng(0).random((1, 2, 20, 20)) < 0.3
    assert_equals_oracle(data, fitted(data))


@pytest.mark.parametrize("dtype", ["uint16", "uint32", "int32"])
def test_the_largest_numbers_are_kept(dtype):
    data = cube((1, 1, 16, 16)).astype(dtype)
    data[0, 0, 4:8, 4:8] = np.iinfo(dtype).max
    assert_equals_oracle(data, fitted(data))


def test_negative_intensities_count_as_zero():
    data = cube((1, 3, 20, 20)).astype(np.float32) - 20
    expected = fitted(data).inputs(Scan(np.maximum(data, 0)), everywhere(data))
    assert torch.equal(fitted(data).inputs(Scan(data), everywhere(data)), expected)


@pytest.mark.parametrize("dtype", ["float32", ">f4", "float64"])
def test_what_is_no_number_is_counted_and_told_and_is_zero(dtype):
    data = cube((2, 2, 20, 20)).astype(dtype)
    clean = data.copy()
    for index, value in [((0, 0, 3, 4), np.nan), ((1, 1, 0, 0), np.inf), ((1, 1, 19, 2), -np.inf)]:
        data[index], clean[index] = value, 0
    patterns = fitted(data)
    with pytest.warns(UserWarning, match="3 detector pixels"):
        result = patterns.inputs(Scan(data), everywhere(data))
    assert torch.equal(result, patterns.inputs(Scan(clean), everywhere(data)))
    whole = slice(None)
    assert patterns.reduce(data.reshape(-1, 20, 20).astype(clean.dtype.newbyteorder("=")), (whole, whole))[1] == 3


def test_what_is_too_large_for_single_precision_is_no_number():
    data = cube((1, 1, 20, 20)).astype(np.float64)
    data[0, 0, 5, 5] = 1e300
    reduced, nonfinite = fitted(data).reduce(data[0], (slice(None), slice(None)))
    assert nonfinite == 1
    assert torch.isfinite(reduced).all()


def test_data_that_may_not_be_written_to_is_read_without_a_warning(tmp_path):
    np.save(tmp_path / "scan.npy", cube((2, 2, 20, 20)))
    scan = Scan(np.load(tmp_path / "scan.npy", mmap_mode="r"))
    torch.set_warn_always(True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            fit_patterns(PatternConfig(), scan).inputs(scan, [(0, 0), (1, 1)])
    finally:
        torch.set_warn_always(False)


# ---- scaling ----


@pytest.mark.parametrize("value", [0.1, 1.0, 12.3456, 1000.1, 65535.0])
def test_a_flat_pattern_becomes_almost_zero(value):
    assert standardized(torch.full((2, 64, 64), value)).abs().max() < 0.1


def test_local_contrast_takes_levels_away_and_keeps_what_is_small():
    image = torch.zeros(1, 64, 64)
    image[:, :, 32:] = 5
    image[:, 10, 10] += 1
    image[:, 50, 50] += 1
    contrast = local_contrast(standardized(image), 0.14)
    assert contrast[0, 10, 10] == pytest.approx(float(contrast[0, 50, 50]), rel=0.01)
    assert contrast[0, 40, [5, 60]].abs().max() < 1e-5


@pytest.mark.parametrize("scaling", ["log", "sqrt", "linear"])
@settings(max_examples=15)
@given(exponent=st.floats(-9, 9))
def test_the_unit_of_intensity_does_not_matter(scaling, exponent):
    data = cube((2, 2, 32, 32)).astype(np.float64)
    config = PatternConfig(size=32, scaling=scaling)
    straight, scaled = (
        fit_patterns(config, Scan(cube_)).inputs(Scan(cube_), everywhere(data)) for cube_ in (data, data * 10**exponent)
    )
    np.testing.assert_allclose(scaled, straight, atol=2e-3)


@pytest.mark.parametrize("scaling", ["log", "sqrt", "linear"])
def test_dark_and_flat_patterns_become_zero(scaling):
    data = cube((1, 4, 32, 32))
    data[0, 1], data[0, 2] = 0, 1000
    inputs = fitted(data, size=32, scaling=scaling).inputs(Scan(data), everywhere(data))
    assert torch.isfinite(inputs).all()
    assert not inputs[1].any()
    assert inputs[2].abs().max() < 0.1


def disk(y, x, radius, side=128):
    rows, columns = np.indices((side, side))
    return np.hypot(rows - y, columns - x) <= radius


def ghostly(rng, side=128):
    """Draw a pattern with a ghost of 0.1 % of the direct beam at (64, 80), and the same without one."""
    rows, columns = np.indices((side, side))
    clean = 30 / (1 + np.hypot(rows - 64, columns - 64) ** 2 / 900)
    clean[disk(64, 64, 4)] += 60_000
    for y, x in ((64, 96), (64, 32), (96, 64), (32, 64)):
        clean[disk(y, x, 4)] += 12_000
    return rng.poisson(clean + 60 * disk(64, 80, 4)), rng.poisson(clean)


def contrast(inputs):
    """Mean of the ghost above the ring around it, in units of the input's own spread, for each input."""
    ghost, ring = disk(64, 80, 3), disk(64, 80, 8) & ~disk(64, 80, 6)
    images = inputs[:, 0].numpy() / inputs[:, 0].numpy().std(axis=(1, 2), keepdims=True)
    return images[:, ghost].mean(axis=1) - images[:, ring].mean(axis=1)


def test_a_ghost_of_a_thousandth_of_the_direct_beam_is_seen():
    rng = np.random.default_rng(0)
    data = np.stack([ghostly(rng) for _ in range(20)]).astype(np.uint16)  # (20, [ghost, none], 128, 128)
    scan, positions = Scan(data), everywhere(data)
    seen = contrast(fit_patterns(PatternConfig(size=128), scan).inputs(scan, positions)).reshape(20, 2)
    linear = PatternConfig(
        size=128, scaling="linear", contrast_window=0
    )  # min-max scaling, but for a shift and a factor
    hidden = contrast(fit_patterns(linear, scan).inputs(scan, positions)).reshape(20, 2)
    assert seen[:, 0].mean() > 30 * hidden[:, 0].mean()
    assert seen[:, 0].mean() > 0.5  # of the spread of the whole input
    noise = seen[:, 1].std()
    assert seen[:, 0].min() > seen[:, 1].max() + 3 * noise


def beams(side):
    """Four broad disks on a smooth background, their edges as blurred as a real detector makes them."""
    rows, columns = np.indices((side, side))
    clean = 20 + np.zeros((side, side))
    for y, x in ((0.5, 0.5), (0.5, 0.8), (0.2, 0.4), (0.7, 0.3)):
        clean += 2000 * np.exp(-((np.hypot(rows - y * side, columns - x * side) / (0.06 * side)) ** 4))
    return clean


@pytest.mark.parametrize("side", [32, 100, 257])
@pytest.mark.parametrize("scaling", ["log", "linear"])
def test_a_hot_pixel_changes_little(side, scaling):
    rng = np.random.default_rng(side)
    clean = rng.poisson(beams(side), (12, side, side))
    hot = clean.copy()
    hot[np.arange(12), rng.integers(0, side, 12), rng.integers(0, side, 12)] = 1_000_000
    scan = Scan(np.stack([clean, hot]))

    def change(*, clip_hot):
        config = PatternConfig(size=128, scaling=scaling, clip_hot=clip_hot)
        inputs = fit_patterns(config, scan).inputs(scan, everywhere(scan.data)).unflatten(0, (2, 12))
        return float((inputs[1] - inputs[0]).square().mean((1, 2, 3)).sqrt().median())  # of a spread of 1

    assert change(clip_hot=True) < 0.1
    assert change(clip_hot=True) < 0.2 * change(clip_hot=False)


@pytest.mark.parametrize("side", [64, 100])
def test_a_pattern_without_hot_pixels_is_not_clipped(side):
    data = np.random.default_rng(0).poisson(beams(side), (1, 5, side, side))
    assert torch.equal(*(reduce(data[0], fitted(data, size=64, clip_hot=clip)) for clip in (True, False)))


def test_single_electrons_of_a_sparse_pattern_stay():
    data = (np.random.default_rng(0).random((1, 4, 64, 64)) < 0.05).astype(np.uint8)
    assert torch.equal(*(reduce(data[0], fitted(data, size=64, clip_hot=clip)) for clip in (True, False)))
