"""What is read: patterns, class means, and exactly what the network gets."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ghosthunter.learning.config import PatternConfig
from napari_ghosthunter.learning.patterns import fit_patterns
from napari_ghosthunter.plugin.diffraction.class_means import class_means
from napari_ghosthunter.plugin.diffraction.patterns import Frame, NetworkInputs, measure_scan, read_pattern
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
    (frame,) = NetworkInputs(simulated).read((0, 7), config)
    np.testing.assert_array_equal(frame.values, fitted.inputs(simulated, [(0, 7)])[0, 0].numpy())
    (again,) = NetworkInputs(simulated).read((0, 7), fitted)
    np.testing.assert_array_equal(frame.values, again.values)


def test_network_input_lies_over_the_part_of_the_detector_that_it_is_made_of(simulated: Scan) -> None:
    config = PatternConfig(crop=0.5, centre="detector", size=24)
    (frame,) = NetworkInputs(simulated).read((1, 1), config)
    window = fit_patterns(config, simulated).window(simulated)
    for axis, part in enumerate(window):
        first_edge = frame.origin[axis] - frame.step[axis] / 2
        assert first_edge == pytest.approx(part.start - 0.5)
        assert first_edge + frame.step[axis] * frame.values.shape[axis] == pytest.approx(part.stop - 0.5)


def test_the_beam_is_measured_once_for_all_network_inputs_of_a_scan(simulated: Scan) -> None:
    class Counting:
        shape, dtype, reads = simulated.shape, simulated.data.dtype, 0

        def __getitem__(self, key):
            self.reads += 1
            return simulated.data[key]

    data = Counting()
    counted = Scan(data)
    inputs = NetworkInputs(counted)
    config = PatternConfig(crop=0.5, centre="beam", size=24)
    reads = []
    for position in ((0, 7), (3, 3), (5, 1)):
        before = data.reads
        (frame,) = inputs.read(position, config)
        reads.append(data.reads - before)
        expected = fit_patterns(config, simulated).inputs(simulated, [position])[0, 0].numpy()
        np.testing.assert_array_equal(frame.values, expected)
    assert reads[0] > 10
    assert reads[1:] == [1, 1]


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


def test_the_beam_of_a_scan_is_where_the_user_says_it_is(scan: Scan) -> None:
    *_, facts = measure_scan(scan.with_beam((3.0, 4.5)))
    assert (facts.beam.k_y, facts.beam.k_x, facts.beam.found) == (3.0, 4.5, True)
