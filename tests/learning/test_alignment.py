"""Patterns laid on one another, against direct sums over every lag and single pixels."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.learning.alignment import (
    REACH,
    aligned,
    coarse,
    coarse_factor,
    mean_pattern,
    offsets,
    shifted,
)
from napari_ghosthunter.learning.config import PatternConfig, TrainingConfig
from napari_ghosthunter.learning.material import gather
from napari_ghosthunter.learning.patterns import FittedPatterns, fit_patterns, fit_template, spread_inputs
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.simulate import SimulationConfig, simulate

pytestmark = pytest.mark.usefixtures("one_thread", "arithmetic")

SIZES = [16, 24, 48, 88, 96, 104, 128, 184, 512]


def blobs(count, size, seed=0):
    """Give smooth random images (count, size, size), each with its own noise."""
    rng = np.random.default_rng(seed)
    y, x = np.indices((size, size)) / size
    image = sum(
        strength * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 0.05**2)
        for cy, cx, strength in rng.uniform([0.2, 0.2, 1], [0.8, 0.8, 5], (9, 3))
    )
    return torch.from_numpy(image + rng.normal(0, 0.1, (count, size, size))).float()


# ---- the oracle ----


def naive_coarse(image):
    factor = coarse_factor(len(image))
    side = len(image) // factor
    return np.array(
        [
            [image[i * factor : (i + 1) * factor, j * factor : (j + 1) * factor].mean() for j in range(side)]
            for i in range(side)
        ]
    )


def naive_summit(before, peak, after):
    """Solve for the top of the parabola through (-1, before), (0, peak), (1, after)."""
    a, b, _ = np.polyfit([-1, 0, 1], [before, peak, after], 2)
    return -b / (2 * a)


def naive_offset(image, template):
    """Compare the image with the template in every place within reach, one lag at a time, in double precision."""
    binned, side = naive_coarse(image), len(template)
    wave = np.sin(np.pi * np.arange(side) / (side - 1))  # the square root of a Hann window
    window = np.outer(wave, wave)
    reach = max(1, side // REACH)
    match = {
        (y, x): float((np.roll(binned * window, (-y, -x), (0, 1)) * template * window).sum())
        for y in range(-reach - 1, reach + 2)
        for x in range(-reach - 1, reach + 2)
    }
    y, x = max((lag for lag in match if max(map(abs, lag)) <= reach), key=lambda lag: match[lag])
    peak, beside = match[y, x], (match[y - 1, x], match[y + 1, x], match[y, x - 1], match[y, x + 1])
    if peak <= 0 or peak < max(beside):
        return np.zeros(2)
    found = y + naive_summit(beside[0], peak, beside[1]), x + naive_summit(beside[2], peak, beside[3])
    return np.array(found) * (len(image) // side)


def naive_shifted(image, by):
    """Look up each pixel between its four neighbours, the nearest of the edge where there are none."""
    size, out = len(image), np.empty_like(image)
    for i in range(size):
        for j in range(size):
            y, x = int(np.floor(by[0])) + i, int(np.floor(by[1])) + j
            fy, fx = by - np.floor(by)
            near = image[np.clip([y, y + 1], 0, size - 1)][:, np.clip([x, x + 1], 0, size - 1)]
            out[i, j] = np.array([1 - fy, fy]) @ near @ np.array([1 - fx, fx])
    return out


@pytest.mark.parametrize("size", SIZES)
def test_offsets_are_those_of_a_direct_comparison_in_every_place(size):
    images, rng = blobs(6, size), np.random.default_rng(size)
    moved = torch.stack([image.roll(tuple(rng.integers(-size // 12, size // 12 + 1, 2)), (0, 1)) for image in images])
    template = coarse(blobs(1, size, seed=0))[0]
    expected = [naive_offset(image, template.numpy().astype(float)) for image in moved.numpy().astype(float)]
    np.testing.assert_allclose(offsets(moved, template), expected, atol=0.01 * size / len(template))
    assert np.ptp(expected, 0).min() > 0.9


@pytest.mark.parametrize("size", [16, 48, 104])
def test_where_the_best_place_is_at_the_end_of_the_reach_nothing_is_shifted(size):
    template = coarse(blobs(1, size))[0]
    beyond = blobs(1, size).roll((size // 5, 0), (1, 2))
    expected = naive_offset(beyond[0].numpy().astype(float), template.numpy().astype(float))
    np.testing.assert_allclose(offsets(beyond, template)[0], expected, atol=0.02)
    assert offsets(beyond, template).abs().max() <= size / REACH + 1


@settings(max_examples=40, deadline=None)
@given(
    images=hnp.arrays(np.float32, (2, 16, 16), elements=st.floats(-4, 4, width=32)),
    by=hnp.arrays(np.float32, (2, 2), elements=st.floats(-20, 20, width=32)),
)
def test_a_shift_is_that_of_each_pixel_alone(images, by):
    found = shifted(torch.from_numpy(images), torch.from_numpy(by))
    for image, one, result in zip(images.astype(float), by.astype(float), found.numpy(), strict=True):
        np.testing.assert_allclose(result, naive_shifted(image, one), atol=1e-4)


@pytest.mark.parametrize("size", SIZES)
def test_inputs_are_binned_to_the_pixels_they_are_compared_in(size):
    images = blobs(2, size)
    for image, binned in zip(images.numpy(), coarse(images), strict=True):
        np.testing.assert_allclose(binned, naive_coarse(image), atol=1e-5)
    assert len(binned) == size if size < 96 else 48 <= len(binned) < 96


# ---- what it is for ----


def wandering(monkeypatch, shifts, **choices):
    """Simulate a scan whose patterns lie where they are told."""
    monkeypatch.setattr("napari_ghosthunter.scan.simulate._shifts", lambda *_: shifts)
    return simulate(SimulationConfig(scan_shape=shifts.shape[:2], **choices)).scan


@pytest.mark.parametrize(("side", "counts"), [(64, 30_000), (128, 30_000), (128, 3_000)])
def test_known_shifts_of_patterns_are_found_to_a_fraction_of_a_pixel(monkeypatch, side, counts):
    shifts = np.random.default_rng(side).uniform(-side / 32, side / 32, (12, 10, 2))
    scan = wandering(monkeypatch, shifts, detector_shape=(side, side), counts=counts)
    plain = fit_patterns(PatternConfig(size=side), scan)
    template = torch.tensor(fit_template(plain, scan).template)
    found = offsets(plain.inputs(scan, list(np.ndindex(12, 10)))[:, 0], template).numpy()
    lies, wanted = found - found.mean(0), shifts.reshape(-1, 2) - shifts.mean((0, 1))
    assert np.sqrt(((lies - wanted) ** 2).mean()) < 0.15
    assert np.abs(lies - wanted).max() < 0.6


def test_laid_patterns_differ_less_than_patterns_where_they_lie(monkeypatch):
    shifts = np.random.default_rng(0).uniform(-3, 3, (8, 8, 2))
    scan = wandering(monkeypatch, shifts, detector_shape=(64, 64), thickness_variation=0, tilt_variation=0)
    laid = fit_template(fit_patterns(PatternConfig(), scan), scan)
    plain = fit_patterns(PatternConfig(align=False), scan)
    here, there = (patterns.inputs(scan, list(np.ndindex(8, 8))).var(0).mean() for patterns in (laid, plain))
    assert here < 0.6 * there


def test_a_scan_with_another_centre_gives_the_same_inputs():
    scan = simulate(SimulationConfig(scan_shape=(4, 6), hot_pixels=0, cosmic_share=0)).scan
    moved = Scan(np.roll(scan.data, (3, -4), (2, 3)))
    patterns = fit_template(fit_patterns(PatternConfig(), scan), scan)
    here, there = (patterns.inputs(one, list(np.ndindex(4, 6)))[:, 0, 8:-8, 8:-8] for one in (scan, moved))
    without = fit_patterns(PatternConfig(align=False), scan).inputs(moved, list(np.ndindex(4, 6)))[:, 0, 8:-8, 8:-8]
    assert (here - there).square().mean() < 0.05 * (here - without).square().mean()


# ---- patterns that show nothing ----


@pytest.mark.parametrize("size", [16, 64, 512])
def test_an_empty_pattern_stays_where_it_is(size):
    template = coarse(blobs(1, size))[0]
    assert not offsets(torch.zeros(3, size, size), template).any()
    assert torch.equal(aligned(torch.zeros(3, size, size), template), torch.zeros(3, size, size))
    assert not offsets(blobs(3, size), torch.zeros_like(template)).any()


@pytest.mark.parametrize("value", [-3.0, 1e-6, 1.0, 1e4])
def test_flat_patterns_give_numbers_within_reach(value):
    template = coarse(blobs(1, 64))[0]
    for flat, on in (
        (torch.full((2, 64, 64), value), template),
        (blobs(2, 64), torch.full((64, 64), value)),
        (torch.full((2, 64, 64), value),) * 2,
    ):
        found = offsets(flat, on if on.ndim == 2 else on[0])
        assert torch.isfinite(found).all()
        assert found.abs().max() <= 64 / REACH + 0.5


def test_equal_patterns_lie_on_one_another_already():
    images = blobs(1, 64).repeat(9, 1, 1)
    assert offsets(images, images[0]).abs().max() < 1e-3
    torch.testing.assert_close(mean_pattern(images), images[0], atol=1e-2, rtol=0)


def test_dark_and_flat_patterns_of_a_scan_become_finite_inputs():
    data = np.random.default_rng(0).poisson(20, (3, 4, 32, 32)).astype(np.uint16)
    data[0, 1], data[1, 2], data[2] = 0, 1000, 0
    for content in (data, np.zeros_like(data), np.full_like(data, 7)):
        scan = Scan(content)
        patterns = fit_template(fit_patterns(PatternConfig(), scan), scan)
        assert np.isfinite(patterns.template).all()
        assert torch.isfinite(patterns.inputs(scan, list(np.ndindex(3, 4)))).all()


# ---- repeatable ----


@pytest.mark.parametrize("size", [16, 32, 40, 64, 88, 128])
def test_a_pattern_alone_is_laid_as_in_any_batch_bit_for_bit(size):
    data = np.random.default_rng(size).poisson(20, (4, 6, size, size)).astype(np.uint16)
    scan = Scan(data)
    patterns = fit_template(fit_patterns(PatternConfig(), scan), scan)
    reduced, _ = patterns.reduce(data.reshape(-1, size, size), (slice(None), slice(None)))
    whole = patterns.scale(reduced)
    for step in (1, 3, 8, 16):
        assert torch.equal(torch.cat([patterns.scale(part) for part in reduced.split(step)]), whole)


def test_the_template_is_the_same_for_any_number_of_threads_and_comes_back_from_json():
    scan = simulate(SimulationConfig(scan_shape=(9, 11))).scan
    plain, before, found = fit_patterns(PatternConfig(), scan), torch.get_num_threads(), []
    try:
        for threads in (1, 2, 5):
            torch.set_num_threads(threads)
            found.append(fit_template(plain, scan))
    finally:
        torch.set_num_threads(before)
    assert found[0] == found[1] == found[2]
    back = FittedPatterns.model_validate_json(found[0].model_dump_json())
    assert back == found[0]
    positions = [(0, 0), (8, 10)]
    assert torch.equal(back.inputs(scan, positions), found[0].inputs(scan, positions))
    assert back == found[0]  # also after use
    assert hash(back) == hash(found[0])
    assert back != plain


# ---- a choice ----


class Unreadable:
    """A scan of which no pattern may be read."""

    shape, dtype = (8, 8, 32, 32), np.dtype("uint16")

    def __getitem__(self, key):
        pytest.fail("was read")


def test_who_does_not_align_has_no_template_and_reads_nothing_for_it():
    scan = Scan(Unreadable())
    patterns = fit_patterns(PatternConfig(align=False), scan)
    assert fit_template(patterns, scan) is patterns
    assert patterns.template is None
    assert fit_patterns(PatternConfig(), scan).template is None


def test_without_a_template_inputs_are_what_they_are_without_aligning():
    scan = simulate(SimulationConfig(scan_shape=(3, 4))).scan
    positions = list(np.ndindex(3, 4))
    plain, unlaid = (fit_patterns(PatternConfig(align=align), scan).inputs(scan, positions) for align in (False, True))
    assert torch.equal(plain, unlaid)
    laid = fit_template(fit_patterns(PatternConfig(), scan), scan).inputs(scan, positions)
    assert not torch.equal(plain, laid)


def test_the_template_is_of_what_spread_inputs_are_binned_to():
    scan = simulate(SimulationConfig(scan_shape=(3, 4), detector_shape=(128, 100))).scan
    patterns = fit_template(fit_patterns(PatternConfig(size=128), scan), scan)
    assert patterns.size == 96
    assert np.shape(patterns.template) == (48, 48)
    spread = spread_inputs(patterns, scan, 12)
    assert spread.shape == (12, 48, 48)
    torch.testing.assert_close(spread, coarse(patterns.inputs(scan, list(np.ndindex(3, 4)))[:, 0]))


@pytest.mark.parametrize(
    "template",
    [(), ((1.0,) * 16,) * 15, ((1.0,) * 15,) * 16, ((1.0,) * 16,) * 15 + ((1.0,) * 15,), ((float("nan"),) * 16,) * 16],
)
def test_a_template_that_does_not_fit_is_refused(template):
    with pytest.raises(ValueError, match="template"):
        FittedPatterns(config=PatternConfig(), detector_shape=(16, 16), size=16, template=template)


@pytest.mark.parametrize(("far", "told"), [(14, True), (2, False)])
def test_a_beam_that_moves_farther_than_patterns_are_aligned_is_told(far, told):
    """From one end of the scan to the other, at 64 pixels a side."""
    made = simulate(SimulationConfig(scan_shape=(8, 16), detector_shape=(64, 64), seed=2))
    data = np.array(made.scan.data)
    for x in range(16):
        data[:, x] = np.roll(data[:, x], round(far * (x - 7.5) / 7.5), axis=-1)
    labels = LabelSet(ClassScheme.from_names(made.names), (8, 16))
    for y, x in np.ndindex(4, 8):
        labels.label((2 * y, 2 * x), made.names[made.truth[2 * y, 2 * x]])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gather(Scan(data), labels, TrainingConfig(), None, torch.device("cpu"))
    assert any("direct beam moves" in str(one.message) for one in caught) is told
