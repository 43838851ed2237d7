"""What is read: patterns, class means, and exactly what the network gets."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ghosthunter.learning.config import PatternConfig
from napari_ghosthunter.learning.patterns import fit_patterns
from napari_ghosthunter.plugin.diffraction.class_means import class_means
from napari_ghosthunter.plugin.diffraction.patterns import Frame, measure_scan, read_network_input, read_pattern
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.simulate import SimulationConfig, simulate


@pytest.fixture(scope="module")
def simulated() -> Scan:
    return simulate(SimulationConfig(scan_shape=(6, 8), detector_shape=(48, 64))).scan


def test_a_pattern_is_a_copy(scan: Scan, patterns: np.ndarray) -> None:
    (frame,) = read_pattern(scan, (2, 7))
    np.testing.assert_array_equal(frame.values, patterns[2, 7])
    assert not np.shares_memory(frame.values, patterns)


@pytest.mark.parametrize("config", [None, PatternConfig(pool="mean", crop=0.5, size=16, scaling="sqrt")])
def test_network_input_is_what_training_uses(simulated: Scan, config: PatternConfig | None) -> None:
    fitted = fit_patterns(config or PatternConfig(), simulated)
    (frame,) = read_network_input(simulated, (0, 7), config)
    np.testing.assert_array_equal(frame.values, fitted.inputs(simulated, [(0, 7)])[0, 0].numpy())
    (again,) = read_network_input(simulated, (0, 7), fitted)
    np.testing.assert_array_equal(frame.values, again.values)


def test_network_input_lies_over_the_part_of_the_detector_that_it_is_made_of(simulated: Scan) -> None:
    config = PatternConfig(crop=0.5, centre="detector", size=24)
    (frame,) = read_network_input(simulated, (1, 1), config)
    window = fit_patterns(config, simulated).window(simulated)
    for axis, part in enumerate(window):
        first_edge = frame.origin[axis] - frame.step[axis] / 2
        assert first_edge == pytest.approx(part.start - 0.5)
        assert first_edge + frame.step[axis] * frame.values.shape[axis] == pytest.approx(part.stop - 0.5)


def test_value_under_a_point() -> None:
    frame = Frame((0, 0), np.arange(6).reshape(2, 3), step=(2.0, 4.0), origin=(10.5, 1.5))
    assert frame.value_at((10.0, 0.0)) == 0
    assert frame.value_at((12.4, 9.6)) == 5
    assert frame.value_at((9.4, 0.0)) is None
    assert frame.value_at((10.0, 11.6)) is None


def test_measuring_can_be_left_and_finds_the_beam(scan: Scan) -> None:
    *steps, facts = measure_scan(scan)
    assert len(steps) >= 32
    assert steps == [None] * len(steps)
    assert (facts.beam.k_y, facts.beam.k_x) == pytest.approx((7, 8), abs=0.3)


def test_class_means(scan: Scan, patterns: np.ndarray) -> None:
    left = [(y, x) for y in range(6) for x in range(3)]
    *_, last = steps = list(
        class_means(scan, {"left": ("#ff0000", left), "none yet": ("#00ff00", []), "one": ("#0000ff", [(5, 9)])})
    )
    means = [step for step in steps if step is not None]
    assert [(mean.name, mean.colour, mean.count) for mean in means] == [("left", "#ff0000", 18), ("one", "#0000ff", 1)]
    np.testing.assert_allclose(means[0].pattern, patterns[:, :3].mean((0, 1)))
    np.testing.assert_array_equal(last.pattern, patterns[5, 9])
    assert steps.count(None) == 4
