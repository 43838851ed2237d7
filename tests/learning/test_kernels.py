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
from napari_ghosthunter.learning.scaling import local_contrast, scaled, standardized
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
