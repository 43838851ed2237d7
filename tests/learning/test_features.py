"""What a scan looks like to the network: the same for like scans, wherever the beam is."""

import numpy as np
import pytest

from napari_ghosthunter.learning.config import PatternConfig
from napari_ghosthunter.learning.features import FeatureStatistics, measure_features
from napari_ghosthunter.learning.looks import describe_looks, look_at, recall_looks
from napari_ghosthunter.learning.patterns import fit_patterns
from napari_ghosthunter.scan.describe import describe
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.simulate import SimulationConfig, simulate
from napari_ghosthunter.scan.statistics import measure_statistics

pytestmark = pytest.mark.usefixtures("one_thread")


def features_of(scan, config=None):
    return measure_features(fit_patterns(config or PatternConfig(), scan), scan, measure_statistics(scan))


@pytest.fixture(scope="module")
def scan():
    return simulate(SimulationConfig(scan_shape=(6, 9), detector_shape=(48, 48))).scan


def test_they_are_means_and_spreads_of_the_inputs(scan):
    centred = Scan(np.roll(np.asarray(scan.data), 1, axis=2))
    patterns = fit_patterns(PatternConfig(), centred)
    statistics = measure_statistics(centred).model_copy(update={"beam": None})  # the inputs stay where they are
    inputs = patterns.inputs(centred, [(y, x) for y in range(6) for x in range(9)]).numpy()
    cells = inputs[:, 0].reshape(54, 16, 3, 16, 3).mean((2, 4))
    found = measure_features(patterns, centred, statistics)
    assert np.allclose(found.mean, cells.mean(0), atol=1e-4)
    assert np.allclose(found.spread, cells.std(0), atol=1e-4)


@pytest.mark.parametrize("shift", [(3, 0), (0, -4)])
@pytest.mark.parametrize("crop", [1.0, 0.5])
def test_where_the_beam_is_does_not_count(scan, shift, crop):
    config = PatternConfig(crop=crop)
    moved = Scan(np.roll(np.asarray(scan.data), shift, axis=(2, 3)))
    assert features_of(scan, config).distance(features_of(moved, config)) < 0.5
    turned = Scan(np.ascontiguousarray(np.asarray(scan.data)[:, :, ::-1]))
    assert features_of(scan).distance(features_of(turned)) > 1


@pytest.mark.parametrize("shape", [(16, 16), (20, 33), (130, 9)])
@pytest.mark.parametrize("pool", ["none", "max"])
def test_detectors_of_any_size(shape, pool):
    scan = Scan(np.random.default_rng(0).poisson(3, (2, 3, *shape)).astype(np.uint8))
    found = features_of(scan, PatternConfig(pool=pool))
    assert np.shape(found.mean) == np.shape(found.spread) == (16, 16)
    assert found.distance(found) == 0


def test_a_blank_scan_has_features_too():
    assert features_of(Scan(np.zeros((2, 2, 16, 16)))).distance(features_of(Scan(np.zeros((1, 1, 16, 16))))) == 0


def test_other_cells_cannot_be_compared(scan):
    found = features_of(scan)
    assert found.distance(FeatureStatistics(mean=((0.0,),), spread=((1.0,),))) is None


def test_looks_are_kept_beside_the_description(scan):
    patterns = fit_patterns(PatternConfig(), scan)
    kept = describe_looks(scan, patterns, measure_statistics(scan))
    assert describe(scan).items() <= kept.items()
    assert recall_looks(kept) == look_at(scan, patterns)


@pytest.mark.parametrize("kept", [{}, {"looks": None}, {"looks": {"fingerprint": "1"}}, {"looks": 3}])
def test_what_was_not_kept_is_not_recalled(kept):
    assert recall_looks(kept) is None
