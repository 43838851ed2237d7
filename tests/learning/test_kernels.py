"""The compiled loops of a CPU and the torch arithmetic of a GPU: the same patterns, to the rounding."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from napari_ghosthunter.learning import kernels
from napari_ghosthunter.learning.alignment import coarse, offsets, shifted
from napari_ghosthunter.learning.config import PatternConfig
from napari_ghosthunter.learning.patterns import fit_patterns
from napari_ghosthunter.learning.reducing import WHOLE, raw_tensor, reduced
from napari_ghosthunter.learning.scaling import CONTRAST_FLOOR, local_contrast, scaled, standardized
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.simulate import SimulationConfig, simulate

pytestmark = pytest.mark.usefixtures("one_thread")

SIZES = st.sampled_from([16, 24, 40, 64])


def both(action: Callable[[], Tensor]) -> tuple[Tensor, Tensor]:
    """Do something with either arithmetic."""
    compiled = action()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "serve", lambda _: False)
        return compiled, action()


def patterns(size: int, seed: int, count: int = 3) -> Tensor:
    rng = np.random.default_rng(seed)
    drawn = rng.gamma(0.5, 3, (count, size, size)).astype(np.float32)
    drawn[:, rng.integers(size), rng.integers(size)] *= 1000  # a beam
    return torch.from_numpy(drawn)


@settings(max_examples=60)
@given(
    shape=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    size=SIZES,
    dtype=st.sampled_from(["bool", "uint8", "uint16", "uint32", "int16", "int32", "int64", "float16", "float32"]),
    clip=st.booleans(),
    seed=st.integers(0, 99),
)
def test_patterns_of_any_type_and_shape_are_reduced_alike(shape, size, dtype, clip, seed):
    rng = np.random.default_rng(seed)
    data = rng.integers(0 if dtype[0] in "ub" else -3, 120, (3, *shape)).astype(dtype)
    if dtype[0] == "f":
        data[rng.random(data.shape) < 0.01] = np.nan
        data[rng.random(data.shape) < 0.01] = -np.inf
    raw, nonfinite = raw_tensor(data), []

    def reduce() -> Tensor:
        found, bad = reduced(raw, WHOLE, size, clip=clip)
        nonfinite.append(bad)
        return found

    np.testing.assert_allclose(*both(reduce), rtol=1e-6)
    assert nonfinite == [np.count_nonzero(~np.isfinite(data))] * 2


@settings(max_examples=60)
@given(size=SIZES, window=st.floats(0, 1), seed=st.integers(0, 99))
def test_local_contrast_is_the_same_for_every_window(size, window, seed):
    standard = standardized(patterns(size, seed))
    np.testing.assert_allclose(*both(lambda: local_contrast(standard, window)), atol=1e-4)


@settings(max_examples=20)
@given(size=SIZES, level=st.floats(-1e4, 1e4, width=32), seed=st.integers(0, 99))
def test_patterns_on_any_level_are_standardized_alike(size, level, seed):
    shallow = patterns(size, seed) + level
    shallow[0] = level  # flat
    compiled, by_torch = both(lambda: standardized(shallow))
    np.testing.assert_allclose(compiled[1:], by_torch[1:], atol=2e-3)
    assert max(compiled[0].abs().max(), by_torch[0].abs().max()) < 0.1


@pytest.mark.parametrize("choices", [{}, {"scaling": "sqrt"}, {"contrast_window": 0.0}, {"crop": 0.6}])
def test_a_simulated_scan_gives_the_same_inputs(choices):
    cube = simulate(SimulationConfig(scan_shape=(4, 6), detector_shape=(96, 96), seed=3)).scan
    fitted = fit_patterns(PatternConfig(size=48, **choices), cube)
    compiled, by_torch = both(lambda: fitted.inputs(cube, [(y, x) for y in range(4) for x in range(6)]))
    np.testing.assert_allclose(compiled, by_torch, atol=2e-4)


def test_offsets_are_the_same_and_shifts_by_them_too():
    inputs = scaled(patterns(96, 1, 8), PatternConfig())
    template = coarse(inputs.roll((3, -4), (1, 2)))[0]
    found = both(lambda: offsets(inputs, template))
    np.testing.assert_allclose(*found, atol=1e-3)
    np.testing.assert_allclose(*both(lambda: shifted(inputs, found[0])), atol=1e-5)


def hard(kind: str, size: int, seed: int) -> np.ndarray:
    """Patterns (3, size, size) as detectors and simulations give them where nothing, little or far too much is seen."""
    rng, found = np.random.default_rng(seed), np.zeros((3, size, size), np.float32)
    places = rng.integers(size, size=(3, 4, 2))
    match kind:
        case "single electrons":
            for pattern, spots in zip(found, places, strict=True):
                pattern[tuple(spots.T)] = 1
        case "a beam on vacuum":
            for pattern, spots in zip(found, places, strict=True):
                pattern[tuple(spots[0])], pattern[tuple(spots[1])] = 60_000, 1
        case "constant":
            found += rng.integers(1, 1000)
        case "huge":
            found += np.where(rng.random(found.shape) < 0.3, 10 ** rng.uniform(20, 38.4), 0).astype(np.float32)
        case "tiny":
            found += rng.random(found.shape).astype(np.float32) * np.float32(10 ** rng.uniform(-44, -30))
        case "no numbers":
            found += rng.poisson(3, found.shape)
            found[rng.random(found.shape) < 0.2] = np.nan
            found[rng.random(found.shape) < 0.2] = np.inf
            found[rng.random(found.shape) < 0.2] = -5
    return found


HARD = st.sampled_from(["empty", "single electrons", "a beam on vacuum", "constant", "huge", "tiny", "no numbers"])


@settings(max_examples=150)
@given(
    kind=HARD, shape=SIZES, size=st.sampled_from([16, 24]), dtype=st.sampled_from(["uint16", "float32"]),
    scaling=st.sampled_from(["log", "sqrt", "linear"]), seed=st.integers(0, 999),
)  # fmt: skip
def test_hard_patterns_give_finite_inputs_and_the_same(kind, shape, size, dtype, scaling, seed):
    data = hard(kind, shape, seed)
    raw = raw_tensor(data if dtype == "float32" else np.nan_to_num(data, posinf=0).clip(0, 65535).astype(dtype))
    config = PatternConfig(scaling=scaling)
    for clip in (True, False):
        compiled, by_torch = both(lambda clip=clip: reduced(raw, WHOLE, size, clip=clip)[0])
        assert torch.isfinite(compiled).all()
        assert (compiled >= 0).all()
        np.testing.assert_allclose(compiled, by_torch, rtol=1e-5, atol=1e-40)  # below, numbers have few digits
        inputs, torchs_inputs = both(lambda found=compiled: scaled(found.clone(), config))
        assert torch.isfinite(inputs).all()
        flat = bool((compiled.amax((1, 2)) == compiled.amin((1, 2))).any())
        rounding = 0.05 if flat else 2e-3  # it is all that is left of a flat pattern
        np.testing.assert_allclose(inputs, torchs_inputs, atol=rounding)


@settings(max_examples=80)
@given(kind=HARD, size=SIZES, window=st.floats(0, 1), seed=st.integers(0, 999))
def test_local_contrast_of_hard_patterns_is_that_of_literal_windows(kind, size, window, seed):
    standard = standardized(reduced(raw_tensor(hard(kind, size, seed)), WHOLE, size, clip=False)[0])
    side = max(3, int(window * size) // 2 * 2 + 1)
    expected = contrast_slowly(standard.numpy()[0].astype(np.float64), side)
    for found in both(lambda: local_contrast(standard, window)):
        assert torch.isfinite(found).all()
        np.testing.assert_allclose(found[0], expected, atol=2e-3)


def contrast_slowly(pattern: np.ndarray, side: int) -> np.ndarray:
    """Compare each pixel with the window around it, window by window."""

    def means(values: np.ndarray) -> np.ndarray:
        half = side // 2
        windows = [
            [values[max(0, y - half) : y + half + 1, max(0, x - half) : x + half + 1] for x in range(len(values))]
            for y in range(len(values))
        ]
        return np.array([[one.mean() for one in row] for row in windows])

    centred = pattern - means(pattern)
    return centred / (np.sqrt(means(centred**2)) + CONTRAST_FLOOR)


@settings(max_examples=60)
@given(
    kind=HARD,
    size=SIZES,
    by=st.tuples(st.floats(-99, 99, width=32), st.floats(-99, 99, width=32)),
    seed=st.integers(0, 99),
)
def test_hard_patterns_are_shifted_and_matched_alike(kind, size, by, seed):
    inputs = scaled(reduced(raw_tensor(hard(kind, size, seed)), WHOLE, size, clip=True)[0], PatternConfig())
    shifts = torch.tensor([by] * len(inputs))
    np.testing.assert_allclose(*both(lambda: shifted(inputs, shifts)), atol=1e-3)
    template = coarse(inputs)[0]
    for found in both(lambda: offsets(inputs, template)):
        assert torch.isfinite(found).all()


def test_patterns_that_do_not_lie_in_a_row_are_taken_all_the_same():
    lit = patterns(32, 5).mT
    for action in (
        lambda: local_contrast(lit, 0.3), lambda: standardized(lit), lambda: shifted(lit, torch.ones(2, 3).mT),
        lambda: reduced(lit, WHOLE, 16, clip=True)[0],
    ):  # fmt: skip
        compiled, by_torch = both(action)
        np.testing.assert_allclose(compiled, by_torch, atol=1e-3)


def test_numbers_that_cannot_be_are_counted_where_half_precision_hides_them():
    data = np.full((1, 1, 16, 16), 2, np.float16)
    data[0, 0, 3, 4:6] = np.inf, np.nan
    found, nonfinite = fit_patterns(PatternConfig(size=16), Scan(data)).reduce(data[0], WHOLE)
    assert nonfinite == 2
    assert found[0, 3, 4] == found[0, 3, 5] == 0
