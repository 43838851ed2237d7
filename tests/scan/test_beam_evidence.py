"""Which disk of a mean pattern is the direct beam, and whether that is sure."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from napari_ghosthunter.scan.beam import find_beam, find_disk, find_mean_beam, measure_beam
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.simulate import SimulationConfig, simulate
from napari_ghosthunter.scan.statistics import measure_statistics
from napari_ghosthunter.scan.virtual.means import measure_scan_beam
from tests.scan.beam_family import KINDS, Known, known


def verdict(case: Known, find=find_mean_beam) -> str:
    beam = find(case.pattern)
    if beam is None or not beam.found:
        return "unsure"
    away = np.hypot(beam.k_y - case.beam[0], beam.k_x - case.beam[1])
    return "right" if away < max(0.35 * case.spacing, 1.5) else "wrong"


def count(seeds, find=find_mean_beam, kinds=KINDS) -> dict[str, Counter[str]]:
    return {kind: Counter(verdict(known(kind, seed), find) for seed in seeds) for kind in kinds}


def test_the_beam_is_found_where_it_is_not_the_brightest_disk() -> None:
    found = count(range(300, 303))
    total = sum(found.values(), Counter())
    assert total["wrong"] <= 1
    assert total["right"] >= 0.7 * total.total()
    assert found["single disk"]["right"] == found["thin"]["right"] == 3
    before = sum(count(range(300, 303), find_beam).values(), Counter())  # by brightness alone
    assert before["wrong"] > 0.4 * total.total()


@pytest.mark.slow
def test_the_beam_is_seldom_sure_and_wrong_on_many_patterns() -> None:
    found = count(range(300, 330))
    total = sum(found.values(), Counter())
    assert total["wrong"] <= 0.02 * total.total(), found
    assert total["right"] >= 0.75 * total.total(), found
    for kind in ("thin", "plain", "hot pixels", "single disk", "rings", "few disks"):
        assert found[kind]["right"] >= 27, (kind, found[kind])


@pytest.mark.parametrize("seed", range(4))
def test_a_pair_of_disks_that_is_brighter_than_the_beam_is_not_taken_for_it(seed) -> None:
    """Half as bright again as the beam, on either side of it, in an otherwise regular pattern."""
    rng = np.random.default_rng(seed)
    beam, first = rng.uniform(58, 70, 2), np.array([0.0, rng.uniform(14, 22)])
    y, x = np.mgrid[:128, :128]
    pattern = 30 * np.exp(-np.hypot(y - beam[0], x - beam[1]) / 30)
    for i in range(-4, 5):
        for j in range(-4, 5):
            place = beam + i * first[::-1] + j * first
            pair = (i, j) in {(0, 1), (0, -1)}
            height = 1500 if pair else 1000 * np.exp(-0.35 * np.hypot(i, j) ** 2)
            pattern += height * np.clip(4.5 - np.hypot(y - place[0], x - place[1]), 0, 1)
    found = measure_beam(rng.poisson(pattern))
    assert found.found
    assert (found.k_y, found.k_x) == pytest.approx(beam, abs=0.3)
    assert found.radius == pytest.approx(4, abs=0.4)


def test_an_unsure_beam_is_told_and_the_likeliest_place_stands_in() -> None:
    made = (known("strong tilt", seed) for seed in range(60))
    unsure = next(case for case in made if (found := find_mean_beam(case.pattern)) is not None and not found.found)
    with pytest.warns(UserWarning, match="not sure which disk.*--beam"):
        beam = measure_beam(unsure.pattern)
    assert not beam.found
    assert 0 < beam.k_y < 128


def test_the_beam_of_a_scan_and_its_statistics_are_those_of_the_mean() -> None:
    case = known("brighter pair", 3)
    scan = Scan(np.random.default_rng(0).poisson(case.pattern, (4, 5, 128, 128)).astype(np.uint16))
    beam, told = measure_scan_beam(scan), measure_statistics(scan).beam
    assert (beam.k_y, beam.k_x) == pytest.approx(case.beam, abs=1.5)
    assert (told.k_y, told.k_x) == pytest.approx((beam.k_y, beam.k_x))


@pytest.mark.parametrize("shape", [(64, 64), (128, 96), (300, 260)])
def test_simulated_scans_of_any_size_have_their_beam(shape) -> None:
    made = simulate(SimulationConfig(scan_shape=(6, 8), detector_shape=shape, seed=5)).scan
    mean = np.asarray(made.data).mean(axis=(0, 1))
    beam, brightest = measure_scan_beam(made), find_beam(mean)  # of thin crystals it is the brightest disk
    assert beam.found
    assert (beam.k_y, beam.k_x) == pytest.approx((brightest.k_y, brightest.k_x), abs=1)


def test_a_disk_is_measured_where_it_is_asked_for() -> None:
    y, x = np.mgrid[:60, :60]
    pattern = 5 + 100 * (np.hypot(y - 20, x - 30) < 4) + 900 * (np.hypot(y - 45, x - 30) < 6)
    disk = find_disk(pattern, (22, 29), 9)
    assert (disk.k_y, disk.k_x) == pytest.approx((20, 30), abs=0.1)
    assert disk.radius == pytest.approx(4, abs=0.4)
    assert find_disk(pattern, (20, 50), 5) is None
    assert find_disk(pattern, (500, 500), 5) is None
