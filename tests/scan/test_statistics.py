"""A scan in a few numbers: right ones, of few patterns, whatever the patterns hold."""

import warnings

import numpy as np
import pytest

from napari_ghosthunter.scan.drift import centre_wander
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.simulate import SimulationConfig, simulate
from napari_ghosthunter.scan.statistics import ScanStatistics, measure_statistics


def disks(brightness, centre=(12.0, 20.0), radius=4.0, shape=(32, 40)):
    """Patterns of one disk, as bright at each position as told."""
    k_y, k_x = np.ogrid[: shape[0], : shape[1]]
    disk = np.hypot(k_y - centre[0], k_x - centre[1]) <= radius
    return disk * np.asarray(brightness)[..., None, None]


def test_a_disk_is_measured():
    brightness = np.arange(1.0, 13).reshape(3, 4)
    cube = disks(brightness)
    found = measure_statistics(Scan(cube))
    assert (found.beam.k_y, found.beam.k_x) == pytest.approx((12, 20), abs=0.05)
    assert found.beam.radius == pytest.approx(4, rel=0.1)
    assert found.wander == pytest.approx(0, abs=1e-6)
    assert found.intensity == pytest.approx(np.percentile(cube.mean((2, 3)), (5, 50, 95)))
    assert found.zero_share == pytest.approx(np.mean(cube == 0))


def test_the_wander_is_that_of_the_drift():
    scan = simulate(SimulationConfig(scan_shape=(6, 9), detector_shape=(48, 48), drift=0.03)).scan
    assert measure_statistics(scan).wander == centre_wander(scan)


def test_without_a_beam_it_says_so():
    noise = np.random.default_rng(0).poisson(20, (4, 5, 64, 64)).astype(np.uint16)
    found = measure_statistics(Scan(noise))
    assert found.beam is None
    assert found.wander is None


@pytest.mark.parametrize("dtype", [">u2", "<f4", "f8", "?"])
def test_types_of_detectors(dtype):
    cube = disks(np.ones((2, 3)))
    plain, other = measure_statistics(Scan(cube)), measure_statistics(Scan(cube.astype(dtype)))
    assert plain == other


def test_what_is_not_a_number_counts_as_zero_and_nothing_is_said():
    cube = disks(np.ones((2, 3)))
    cube[0, 0, 0, :3] = np.nan, np.inf, -np.inf
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert measure_statistics(Scan(cube)) == measure_statistics(Scan(disks(np.ones((2, 3)))))


@pytest.mark.parametrize("value", [0.0, 1e308, -1.0])
def test_odd_scans_give_numbers_all_the_same(value):
    found = measure_statistics(Scan(np.full((2, 2, 8, 8), value)))
    assert ScanStatistics.model_validate_json(found.model_dump_json()) == found
    assert np.isfinite(found.intensity).all()


def test_some_spread_patterns_are_read_one_by_one():
    class Watched:
        shape, dtype, read = (100, 200, 8, 8), np.dtype("u1"), 0

        def __getitem__(self, key):
            assert all(isinstance(index, int) for index in key)
            self.read += 1
            return np.ones((8, 8), np.uint8)

    watched = Watched()
    measure_statistics(Scan(watched))
    assert 32 <= watched.read <= 64
