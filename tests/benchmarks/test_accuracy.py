"""The harness that judges maps: who labels and where, what is judged, and what the tables say of it."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import napari_ghosthunter as gh
from benchmarks import accuracy
from benchmarks.judging import methods, tables, trials
from benchmarks.judging.methods import Known
from benchmarks.judging.oracle import oracle
from benchmarks.judging.samplings import SAMPLINGS
from benchmarks.judging.scans import HELD_BACK, SEEN, TINY, Case, cases
from benchmarks.judging.trials import Outcome, Plan


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("scans")


@pytest.fixture(scope="module")
def known(folder) -> dict[str, Known]:
    return {name: Known(make()) for name, make in cases(folder, tiny=True).items()}


def test_scans_held_back_are_no_others() -> None:
    assert not set(SEEN) & set(HELD_BACK)
    assert not {one["seed"] for one in SEEN.values()} & {one["seed"] for one in HELD_BACK.values()}
    for settings in (SEEN | HELD_BACK).values():
        gh.SimulationConfig(**settings)


def test_a_simulated_scan_is_found_again(folder, known) -> None:
    again = cases(folder, tiny=True)["tiny edge"]()
    case = known["tiny edge"].case
    assert (again.truth == case.truth).all()
    assert (np.asarray(again.scan.data) == np.asarray(case.scan.data)).all()
    assert (case.truth < 0).mean() == pytest.approx(TINY["tiny edge"]["vacuum_fraction"], abs=0.01)
    assert known["tiny wall"].case.known.all()


def test_the_oracle_errs_at_its_share_and_the_same_seed_at_the_same_positions() -> None:
    truth = np.random.default_rng(0).integers(-1, 3, (100, 100))
    case = Case("c", SimpleNamespace(scan_shape=(100, 100)), truth, ("a", "b", "c"), 10)
    one, again, other = (oracle(case, 0.03, seed).answers for seed in (1, 1, 2))
    assert (one == again).all()
    assert (one != other).any()
    assert (one != truth)[truth >= 0].mean() == pytest.approx(0.03, abs=0.006)
    assert (one[truth < 0] == -1).all()
    assert (oracle(case, 0.0, 1).answers == truth).all()


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("name", TINY)
def test_samplings_keep_to_the_budget_and_to_what_can_be_labelled(known, sampling, name) -> None:
    one = known[name]
    drawn = []
    for seed in range(3):
        who = oracle(one.case, 0.0, seed)
        found = SAMPLINGS[sampling](who, 30, seed, lambda: one.features)
        assert len(found) == len(set(found)) == 30
        assert all(one.case.known[spot] for spot in found)
        assert found == SAMPLINGS[sampling](who, 30, seed, lambda: one.features)
        drawn.append(frozenset(found))
    assert len(set(drawn)) == 3


def test_a_grid_may_start_from_each_corner(known) -> None:
    one = known["tiny wall"]
    height, width = one.case.scan.scan_shape
    corners = [(0, 0), (height - 1, 0), (0, width - 1), (height - 1, width - 1)]
    for sampling in ("Algorithm 1", "ours"):
        for seed, corner in enumerate(corners):
            assert corner in SAMPLINGS[sampling](oracle(one.case, 0.0, seed), 40, seed, lambda: one.features)


def test_algorithm_1_halves_its_step_where_no_wall_is_left() -> None:
    truth = np.zeros((20, 20), int)
    case = Case("c", SimpleNamespace(scan_shape=(20, 20)), truth, ("a", "b"), 10)
    found = SAMPLINGS["Algorithm 1"](oracle(case, 0.0, 0), 16, 0)
    assert {(0, 0), (0, 10), (10, 0), (10, 10)} < set(found)
    assert all(y % 5 == 0 and x % 5 == 0 for y, x in found)
    assert len(SAMPLINGS["Algorithm 1"](oracle(case, 0.0, 0), 500, 0)) == 400


def test_the_map_of_swift_is_that_of_the_product(known) -> None:
    one = known["tiny wall"]
    who = oracle(one.case, 0.0, 0)
    labels = who.label(SAMPLINGS["Algorithm 1"](who, 40, 0))
    made = methods.swift(one, labels, 0)
    *_, report = gh.train(one.case.scan, labels, device="cpu")
    mapped = gh.segment(one.case.scan, report.model, device="cpu")
    assert (made.map.classes_image == mapped.classes_image).all()
    np.testing.assert_allclose(made.map.probabilities, mapped.probabilities, atol=1e-4)
    assert made.record.held_out == report.model.record.held_out
    assert made.record.estimate.accuracy == pytest.approx(report.model.record.estimate.accuracy, abs=0.02)


def test_a_trial_leaves_the_labelled_positions_out(known, monkeypatch) -> None:
    one = known["tiny wall"]
    case = one.case

    def right_where_labelled(known: Known, labels: gh.LabelSet, seed: int) -> methods.Made:
        found = np.zeros((*case.scan.scan_shape, 3), np.float32)
        found[..., 0] = 1
        for spot in labels:
            found[spot] = np.eye(3)[case.truth[spot]]
        return methods.Made(gh.DomainMap(found, labels.classes, case.scan.calibration, {}), None, 1.0, 2.0)

    monkeypatch.setitem(methods.METHODS, "cheat", right_where_labelled)
    outcome = trials.attempt(Plan(case.name, "cheat", "random", 50, 0.0, 0), one)
    labelled = np.zeros(case.truth.shape, bool)
    labelled[tuple(np.array(SAMPLINGS["random"](oracle(case, 0.0, 0), 50, 0)).T)] = True
    assert outcome.accuracy == pytest.approx((case.truth == 0)[~labelled].mean())
    assert (outcome.labels, outcome.said, outcome.training, outcome.mapping) == (50, None, 1.0, 2.0)


def test_the_whole_runs_and_goes_on_where_it_stopped(folder, tmp_path, monkeypatch, capsys) -> None:
    cache = tmp_path / "trials.jsonl"
    command = ["accuracy", "--tiny", "--scratch", str(folder), "--cache", str(cache), "--budgets", "10", "50"]
    monkeypatch.setattr(sys, "argv", [*command, "--seeds", "1", "--methods", "swift"])
    accuracy.main()
    first = cache.read_text()
    assert len(first.splitlines()) == 2 * 3 * 2
    monkeypatch.setattr(sys, "argv", [*command, "--seeds", "1"])
    capsys.readouterr()
    accuracy.main()
    told = capsys.readouterr().out
    assert cache.read_text().startswith(first)
    assert len(cache.read_text().splitlines()) == 2 * 2 * 3 * 2
    assert "| swift | ours |" in told
    monkeypatch.setattr(sys, "argv", [*command, "--print"])
    accuracy.main()
    assert capsys.readouterr().out == told
    found = [outcome.accuracy for plan, outcome in trials.read(cache).items() if plan.budget == 50]
    assert min(found) > 0.6


@pytest.mark.slow
@pytest.mark.parametrize("method", set(methods.METHODS) - set(methods.QUICK))
def test_networks_that_are_taught_run_too(known, method) -> None:
    outcome = trials.attempt(Plan("tiny wall", method, "Algorithm 1", 25, 0.0, 0), known["tiny wall"])
    assert outcome.accuracy > 0.6
    assert outcome.said is not None
    assert outcome.training > 0


def test_labels_of_one_class_are_a_trial_without_a_map(known) -> None:
    outcome = trials.attempt(Plan("tiny wall", "swift", "random", 1, 0.0, 0), known["tiny wall"])
    assert outcome.accuracy is None
    assert "class" in outcome.failed


def plan(**choices) -> Plan:
    return Plan(**({"scan": "a", "method": "m", "sampling": "s", "budget": 50, "wrong": 0.0, "seed": 0} | choices))


def test_the_spread_is_that_over_seeds_and_not_over_scans() -> None:
    found = {plan(scan=scan, seed=seed): Outcome(accuracy=value) for scan, seed, value in (
        ("a", 0, 0.5), ("a", 1, 0.5), ("b", 0, 0.9), ("b", 1, 0.8),
    )}  # fmt: skip
    assert tables.with_spread(found) == f"0.675 ± {np.std([0.9, 0.8], ddof=1) / 2:.3f}"
    found[plan(scan="b", seed=2)] = Outcome(failed="one class")
    assert tables.with_spread(found).endswith("(1 without a map)")


def test_ways_are_compared_on_what_all_were_tried_on() -> None:
    found = {plan(method=method, seed=seed): Outcome(accuracy=1.0) for method, seed in (("m", 0), ("m", 1), ("n", 1))}
    assert {(one.method, one.seed) for one in tables.paired(found)} == {("m", 1), ("n", 1)}
    both = "\n".join(tables.tables(found))
    assert "that every way was tried on" in both


def test_the_honesty_of_intervals_is_counted() -> None:
    found = {
        plan(seed=seed): Outcome(accuracy=0.9, said=0.8, low=low, high=high)
        for seed, (low, high) in enumerate([(0.7, 0.95), (0.7, 0.85), (0.92, 0.99)])
    }
    found[plan(seed=9)] = Outcome(accuracy=0.9)
    assert tables.honesty(found).splitlines()[-1] == "| m | s | 50 | 0.800 | - | 0.900 | 1 of 3, 1 above | - |"
