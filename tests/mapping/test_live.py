"""A map that follows every label: what the trained model says, as far as the patterns are measured."""

from itertools import islice

import numpy as np
import pytest
import torch

from napari_ghosthunter.errors import TrainingError
from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.learning.config import PatternConfig, TrainingConfig
from napari_ghosthunter.learning.network import COMPONENTS, SQUARED
from napari_ghosthunter.learning.training import train
from napari_ghosthunter.mapping import streaming
from napari_ghosthunter.mapping.live import Features, live_map, measure
from napari_ghosthunter.mapping.segmentation import segment
from napari_ghosthunter.scan.calibration import Calibration
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.simulate import SimulationConfig, simulate

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = PatternConfig(size=32)
CLASSES = ClassScheme.from_names(["none", "vertical", "horizontal"])


@pytest.fixture(scope="module")
def simulation():
    return simulate(
        SimulationConfig(
            scan_shape=(16, 25), detector_shape=(32, 32), disk_radius=0.06, ghost_strength=0.05, wall_fraction=0.05
        )
    )


@pytest.fixture(scope="module")
def features(simulation):
    return list(measure(simulation.scan, SMALL, device="cpu"))[-1]


@pytest.fixture
def labels(simulation):
    rng, found = np.random.default_rng(0), LabelSet(CLASSES)
    for index, name in enumerate(simulation.names):
        drawn = rng.permutation(np.argwhere(simulation.truth == index))[:12].tolist()
        found.label_many(dict.fromkeys(map(tuple, drawn), name))
    return found


def partly(features, rows):
    """Give what is known when only so many rows are measured."""
    values = features.values.copy()
    values[rows:] = np.nan
    return Features(features.scan, features.patterns, values, rows, features.nonfinite)


# ---- features ----


def test_the_features_are_those_of_each_pattern_alone(features, simulation, labels):
    assert features.values.dtype == np.float32
    assert features.values.shape == (16, 25, COMPONENTS + SQUARED)
    assert features.complete
    assert features.patterns.template is not None
    model = list(train(simulation.scan, labels, TrainingConfig(epochs=1, network="swift"), SMALL, device="cpu"))[
        -1
    ].model
    assert features.patterns == model.patterns
    with torch.inference_mode():
        inputs = model.patterns.inputs(simulation.scan, list(np.ndindex(16, 25)))
        expected = model.load_network().features(inputs).unflatten(0, (16, 25))
    np.testing.assert_allclose(features.values, expected.numpy(), atol=1e-3)


def test_they_come_row_by_row_into_one_array(simulation, monkeypatch):
    monkeypatch.setattr(streaming.stream, "__defaults__", (2 * 25 * 32 * 32 * 4,))
    before, rows = None, []
    for found in measure(simulation.scan, SMALL, device="cpu"):
        assert found.values is before or before is None
        before = found.values
        rows.append(found.rows)
        assert np.isfinite(found.values[: found.rows]).all()
        assert np.isnan(found.values[found.rows :]).all()
        assert found.complete == (found.rows == 16)
    assert rows == sorted(set(rows))
    assert len(rows) > 3
    assert rows[-1] == 16


def test_who_leaves_the_loop_keeps_what_there_is(simulation, labels, monkeypatch):
    monkeypatch.setattr(streaming.stream, "__defaults__", (2 * 25 * 32 * 32 * 4,))
    steps = measure(simulation.scan, SMALL, device="cpu")
    found = list(islice(steps, 2))[-1]
    steps.close()
    assert list(steps) == []
    assert 0 < found.rows < 16
    assert np.isnan(found.values[found.rows :]).all()
    assert live_map(found, labels, CLASSES).has_data[: found.rows].all()


def test_the_same_scan_gives_the_same_features_bit_for_bit(simulation, features):
    before = torch.get_rng_state()
    again = list(measure(simulation.scan, SMALL, device="cpu"))[-1]
    np.testing.assert_array_equal(again.values, features.values)
    assert torch.equal(before, torch.get_rng_state())


def test_pixels_that_are_no_numbers_are_counted_and_told_in_the_map(simulation, labels):
    data = simulation.scan.data.astype(np.float32)
    data[2, 3, 4, 5] = data[9, 9, 0, 0] = np.nan
    found = list(measure(Scan(data), SMALL, device="cpu"))[-1]
    assert found.nonfinite == 2
    assert np.isfinite(found.values).all()
    assert live_map(found, labels, CLASSES).provenance["nonfinite_pixels"] == 2


def test_a_device_that_is_not_there_is_refused(simulation):
    with pytest.raises(TrainingError, match="no device 'quantum'"):
        next(measure(simulation.scan, SMALL, device="quantum"))


def test_patterns_that_show_nothing_give_a_map_all_the_same():
    scan = Scan(np.zeros((3, 4, 16, 16), np.uint16))
    found = list(measure(scan, PatternConfig(size=16), device="cpu"))[-1]
    domains = live_map(found, {(0, 0): "none", (1, 1): "vertical"}, CLASSES)
    np.testing.assert_allclose(domains.probabilities, 0.5, atol=0.01)


# ---- the map ----


@pytest.mark.parametrize("count", [4, 12, 36])
def test_it_says_what_the_trained_model_says(features, simulation, labels, count):
    spots = list(labels)[:: len(labels) // count]
    few = LabelSet(CLASSES, labels={spot: labels[spot] for spot in spots})
    model = list(train(simulation.scan, few, TrainingConfig(network="swift"), SMALL, device="cpu"))[-1].model
    trained, live = segment(simulation.scan, model, device="cpu"), live_map(features, few, CLASSES)
    assert live.classes == trained.classes
    np.testing.assert_array_equal(live.classes_image, trained.classes_image)


def test_it_shows_the_domains(features, simulation, labels):
    domains = live_map(features, labels, CLASSES)
    assert (domains.classes_image - 1 == simulation.truth).mean() > 0.9
    np.testing.assert_allclose(domains.probabilities.sum(2), 1, atol=1e-5)
    assert domains.provenance["live"]
    assert domains.provenance["scan"]["shape"] == [16, 25, 32, 32]


def test_only_measured_rows_are_mapped_by_the_labels_in_them(features, labels):
    domains = live_map(partly(features, 7), labels, CLASSES)
    assert domains.has_data[:7].all()
    assert not domains.has_data[7:].any()
    inside = {spot: name for spot, name in labels.items() if spot[0] < 7}
    assert 0 < len(inside) < len(labels)
    expected = live_map(features, inside, CLASSES)
    np.testing.assert_allclose(domains.probabilities[:7], expected.probabilities[:7], atol=1e-6)


def test_before_there_is_a_second_class_there_is_no_map(features, labels):
    assert live_map(features, {}, CLASSES) is None
    assert live_map(features, {(0, 0): "none", (1, 1): "none"}, CLASSES) is None
    assert live_map(partly(features, 0), labels, CLASSES) is None
    assert live_map(partly(features, 2), {(0, 0): "none", (1, 1): "none", (2, 0): "vertical"}, CLASSES) is None
    assert live_map(features, {(0, 0): "none", (2, 0): "vertical"}, CLASSES) is not None


def test_classes_without_labels_are_left_out_and_the_others_keep_their_looks(features, labels):
    classes = CLASSES.recolour("horizontal", "#123456")
    two = {spot: name for spot, name in labels.items() if name != "vertical"}
    domains = live_map(features, two, classes)
    assert domains.classes.names == ("none", "horizontal")
    assert domains.classes.colours == (classes.colours[0], "#123456")


def test_a_renamed_class_is_the_same_map_with_another_name(features, labels):
    renamed = {spot: "upright" if name == "vertical" else name for spot, name in labels.items()}
    domains = live_map(features, renamed, CLASSES.rename("vertical", "upright"))
    assert domains.classes.names == ("none", "upright", "horizontal")
    np.testing.assert_array_equal(domains.probabilities, live_map(features, labels, CLASSES).probabilities)


def test_labels_of_a_removed_class_and_outside_the_scan_do_not_count(features, labels):
    left = {spot: name for spot, name in labels.items() if name != "vertical"}
    expected = live_map(features, left, CLASSES).probabilities
    found = live_map(features, labels, CLASSES.remove("vertical"))
    np.testing.assert_array_equal(found.probabilities, expected)
    outside = {(16, 0): "none", (0, 25): "horizontal", (400, 400): "none"}
    np.testing.assert_array_equal(live_map(features, left | outside, CLASSES).probabilities, expected)


def test_a_map_does_not_change_with_what_is_measured_or_labelled_later(features, labels):
    domains = live_map(features, labels, CLASSES)
    before, values = domains.probabilities.copy(), features.values.copy()
    live_map(features, dict(list(labels.items())[5:]), CLASSES)
    np.testing.assert_array_equal(domains.probabilities, before)
    np.testing.assert_array_equal(features.values, values)
    assert not np.shares_memory(domains.probabilities, features.values)


def test_the_map_has_the_scale_of_the_scan(simulation, labels):
    calibration = Calibration(scan_step=(2.0, 3.0), scan_units="nm")
    scan = Scan(simulation.scan.data, calibration=calibration)
    found = next(iter(measure(scan, SMALL, device="cpu")))
    assert live_map(found, labels, CLASSES).calibration == calibration
