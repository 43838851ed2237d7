"""How a live map settles: told from the labels as they are, and the same however they came about."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.learning.fitting import FEWEST
from napari_ghosthunter.mapping.live import Features, live_map, measure
from napari_ghosthunter.mapping.settling import MOST_LABELS, Settler, Settling
from napari_ghosthunter.scan.simulate import Simulation, SimulationConfig, simulate

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate(SimulationConfig(scan_shape=(12, 20), detector_shape=(32, 32)))


@pytest.fixture(scope="module")
def features(simulation: Simulation) -> Features:
    *_, last = measure(simulation.scan, device="cpu")
    return last


@pytest.fixture
def labels(simulation: Simulation) -> dict[tuple[int, int], str]:
    spots = np.random.default_rng(0).permutation(list(np.ndindex(12, 20)))[: MOST_LABELS + 10].tolist()
    return {(y, x): simulation.names[simulation.truth[y, x]] for y, x in spots}


def settled(settler: Settler, labels: dict[tuple[int, int], str], classes: ClassScheme) -> Settling:
    *_, last = settler.settle(labels, classes)
    assert last is not None
    return last


def test_a_bar_is_what_one_more_label_changes(features, labels, simulation) -> None:
    classes = ClassScheme.from_names(simulation.names)
    found = settled(Settler(features), labels, classes)
    assert found.labels == tuple(range(11, 41))
    maps = [live_map(features, dict(list(labels.items())[:count]), classes) for count in (35, 39, 40)]
    ids = [np.array(one.classes.names)[one.probabilities.argmax(2)] for one in maps]
    assert found.changed[-1] == (ids[1] != ids[2]).mean()
    assert (found.together, found.lately) == (5, (ids[0] != ids[2]).mean())
    assert found.held_out is not None
    assert found.held_out.crossed
    assert found.held_out.count >= 38


def test_it_does_not_matter_how_the_labels_came_about(features, labels, simulation) -> None:
    classes = ClassScheme.from_names(simulation.names)
    settler, spots = Settler(features), list(labels)
    wrong = labels | {spots[20]: "none" if labels[spots[20]] != "none" else "vertical"}
    for given in (dict(list(labels.items())[:37]), wrong, labels):
        found = settled(settler, given, classes)
    assert found == settled(Settler(features), labels, classes)


def test_few_labels_tell_little_and_say_so(features, labels, simulation) -> None:
    classes = ClassScheme.from_names(simulation.names)
    spots = list(labels)
    alike = dict.fromkeys(spots[:3], "none")
    found = settled(Settler(features), alike, classes)
    assert found.changed == (None, None, None)
    assert found.lately is None
    assert found.held_out is None
    found = settled(Settler(features), alike | {spots[3]: "vertical"}, classes)
    assert found.changed[-1] is None, "the first map"
    few = dict(list(labels.items())[: FEWEST - 1])
    assert settled(Settler(features), few, classes).held_out is None
    assert settled(Settler(features), {}, classes).labels == ()
