"""The table of what neighbours bring: what is judged, and that all runs."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from benchmarks import neighbours
from benchmarks.judging.methods import Made
from benchmarks.judging.scans import cases
from benchmarks.reliability import LABELS, WAYS
from napari_ghosthunter.mapping.domains import DomainMap


def test_labels_are_not_judged_and_neighbours_help_as_told(tmp_path, monkeypatch) -> None:
    case = cases(tmp_path, tiny=True)["tiny edge"]()
    values = np.random.default_rng(0).dirichlet([1, 1, 1], case.scan.scan_shape).astype(np.float32)
    given = []

    def by_chance(known, labels, seed):
        given.append(labels)
        return Made(DomainMap(values, labels.classes), None, 0.0, 0.0)

    monkeypatch.setattr(neighbours, "WAYS", ("Algorithm 1",))
    monkeypatch.setattr(neighbours, "swift", by_chance)
    seen = dict(neighbours.judged(case, 1))
    assert [trial.strength for trial in seen] == list(neighbours.STRENGTHS)
    judge = case.known.copy()
    judge[tuple(given[0].positions.T)] = False
    assert judge.sum() == case.known.sum() - LABELS
    for trial, one in seen.items():
        made = DomainMap(values, given[0].classes).with_neighbours(trial.strength)
        np.testing.assert_allclose(one.confidence, made.confidence[judge])
        np.testing.assert_array_equal(one.right, (made.classes_image - 1 == case.truth)[judge])
        np.testing.assert_allclose(one.vacuum, made.confidence[~case.known])


@pytest.mark.slow
def test_it_tells_of_each_way_and_strength(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", ["neighbours", "--tiny", "--scratch", str(tmp_path), "--seeds", "1"])
    neighbours.main()
    told = capsys.readouterr().out
    means = [line for line in told.splitlines() if line.startswith("| mean |")]
    assert len(means) == len(WAYS)
    for line in means:
        shares = [float(cell) for cell in line.split("|")[2:-1]]
        assert len(shares) == len(neighbours.STRENGTHS)
        assert min(shares) > 0.5
    assert told.count("expected calibration error") == len(WAYS) * len(neighbours.STRENGTHS)
    assert "in vacuum" in told
