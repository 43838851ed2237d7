"""The direct beam is found where it was put, whatever else the pattern holds."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.beam import BeamCentre, find_beam, measure_beam


def disk(shape, centre, radius, height=1.0):
    """Draw a disk whose edge pixels are as bright as the share of them that it covers, nearly."""
    y, x = np.indices(shape)
    return height * np.clip(radius - np.hypot(y - centre[0], x - centre[1]) + 0.5, 0, 1)


def bragg_pattern(shape, centre, radius, bragg, seed=0):
    """Draw a direct beam of 1000 counts, six Bragg disks of `bragg` counts, a diffuse halo and counting noise."""
    pattern = disk(shape, centre, radius, 1000.0)
    for turn in np.arange(6) * np.pi / 3 + 0.2:
        pattern += disk(
            shape, (centre[0] + 3 * radius * np.sin(turn), centre[1] + 3 * radius * np.cos(turn)), radius, bragg
        )
    y, x = np.indices(shape)
    pattern += 60 * np.exp(-np.hypot(y - centre[0], x - centre[1]) / (max(shape) / 6)) + 2
    return np.random.default_rng(seed).poisson(pattern).astype(np.float64)


def assert_beam(found, centre, radius, within=0.3):
    assert found.found
    assert np.hypot(found.k_y - centre[0], found.k_x - centre[1]) < within
    assert found.radius == pytest.approx(radius, rel=0.15)


@settings(max_examples=40)
@given(k_y=st.floats(12, 50), k_x=st.floats(12, 40), radius=st.floats(2.5, 7), seed=st.integers(0, 1000))
def test_a_lone_disk_is_measured_to_a_fraction_of_a_pixel(k_y, k_x, radius, seed):
    pattern = np.random.default_rng(seed).poisson(disk((63, 52), (k_y, k_x), radius, 500) + 1)
    assert_beam(measure_beam(pattern), (k_y, k_x), radius, within=0.15)


@pytest.mark.parametrize("shape", [(64, 64), (129, 97), (256, 256)])
@pytest.mark.parametrize("radius", [2.0, 3.3, 6.0])
@pytest.mark.parametrize("bragg", [50, 300, 700])
def test_bragg_disks_do_not_pull_the_centre(shape, radius, bragg):
    centre = (shape[0] * 0.45, shape[1] * 0.53)
    assert_beam(measure_beam(bragg_pattern(shape, centre, radius, bragg)), centre, radius)


def test_among_equal_disks_the_middle_one_is_the_direct_beam():
    centre = (40.2, 27.7)
    assert_beam(measure_beam(bragg_pattern((80, 64), centre, 4.0, 1000)), centre, 4.0)


def test_hot_pixels_and_lines_are_not_the_beam():
    centre = (30.4, 35.1)
    pattern = bragg_pattern((64, 64), centre, 5.0, 200)
    rng = np.random.default_rng(3)
    pattern[tuple(rng.integers(8, 64, (2, 12)))] = 1e7
    pattern[10, 50:52] = 1e6
    pattern[:, 3] = 1e5
    pattern[0, 0] = pattern[-1, -1] = 1e9
    assert_beam(measure_beam(pattern), centre, 5.0)


def test_nan_and_infinity_count_as_zero():
    centre = (20.0, 21.0)
    pattern = disk((40, 44), centre, 6.0, 100.0)
    pattern[3, 3], pattern[5, 30], pattern[30, 5] = np.nan, np.inf, -np.inf
    assert_beam(measure_beam(pattern), centre, 6.0)


def test_structure_within_the_disk_does_not_shift_it():
    centre = (31.0, 33.0)
    pattern = disk((64, 64), centre, 9.0, 100.0)
    pattern[31:40, 24:33] *= 1.7
    assert_beam(measure_beam(pattern), centre, 9.0)


def test_a_ring_shaped_beam_is_measured_by_its_outer_edge():
    centre = (30.0, 30.0)
    pattern = disk((61, 61), centre, 12.0, 100.0) - disk((61, 61), centre, 8.0, 100.0)
    assert_beam(measure_beam(pattern), centre, 12.0)


def test_a_disk_larger_than_half_the_detector_is_found():
    assert_beam(measure_beam(disk((64, 64), (33.0, 30.0), 27.0, 100.0) + 1), (33.0, 30.0), 27.0)


def test_an_offset_of_the_detector_does_not_matter():
    pattern = bragg_pattern((64, 64), (30.0, 33.0), 4.0, 200)
    plain, raised, lowered = measure_beam(pattern), measure_beam(pattern + 5000), measure_beam(pattern - 5000)
    assert raised.k_y == pytest.approx(plain.k_y)
    assert lowered.radius == pytest.approx(plain.radius)


@pytest.mark.parametrize(
    "pattern",
    [
        np.zeros((30, 41)),
        np.full((30, 41), 7.0),
        np.random.default_rng(0).normal(100, 5, (30, 41)),
        np.random.default_rng(0).poisson(2.0, (30, 41)),
        np.add.outer(np.arange(30.0), np.arange(41.0)),
        np.full((30, 41), np.nan),
    ],
    ids=["dark", "flat", "noise", "counts", "ramp", "nan"],
)
def test_without_a_clear_beam_the_middle_of_the_detector_stands_in_and_says_so(pattern):
    with pytest.warns(UserWarning, match="No clear direct beam"):
        beam = measure_beam(pattern)
    assert beam == BeamCentre(14.5, 20.0, 30 / 8, found=False)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 3), (4, 5)])
def test_tiny_detectors_do_not_break_it(shape):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        beam = measure_beam(np.arange(np.prod(shape), dtype=np.uint8).reshape(shape))
    assert beam.radius > 0
    assert 0 <= beam.k_y < shape[0]
    assert 0 <= beam.k_x < shape[1]


@pytest.mark.parametrize("shape", [(0, 4), (4,), (2, 3, 4)])
def test_only_a_pattern_can_be_measured(shape):
    with pytest.raises(ScanError, match="two axes"):
        measure_beam(np.zeros(shape))


def noise_with_disks(heights, seed=5):
    """Give noise with disks so many times brighter than it, as it looks after the smoothing that finds them."""
    noise = np.random.default_rng(seed).normal(1000, 10, (96, 96))
    deviation = float(np.std(gaussian_filter(noise, 0.7, mode="nearest")))
    places = [(20, 24), (70, 22), (26, 68), (72, 74), (48, 46)]
    return noise + sum(
        disk(noise.shape, place, 5.0, height * deviation) for place, height in zip(places, heights, strict=False)
    )


@pytest.mark.parametrize("seed", range(5))
def test_a_beam_is_only_what_stands_far_out_of_the_noise(seed):
    assert find_beam(noise_with_disks([], seed)) is None
    assert find_beam(noise_with_disks([6] * 5, seed)) is None
    assert find_beam(noise_with_disks([14] * 5, seed)) is not None


@pytest.mark.parametrize("seed", range(5))
def test_a_faint_disk_that_is_all_there_is_counts_as_the_beam(seed):
    found = find_beam(noise_with_disks([7], seed))
    assert found is not None
    assert np.hypot(found.k_y - 20, found.k_x - 24) < 1
