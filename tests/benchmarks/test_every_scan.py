"""Each scan of docs/results.md can be labelled, trained on and mapped, and the map is worth it."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.judging.methods import Known
from benchmarks.judging.scans import HELD_BACK, SEEN, cases
from benchmarks.judging.trials import Plan, attempt

REAL = ("particle on vacuum", "six grains", "two phases")
FLOOR = 0.8  # with 25 labels; the worst scan of the table has 0.85


@pytest.mark.slow
@pytest.mark.parametrize("name", [*SEEN, *HELD_BACK, *REAL])
def test_a_map_from_25_labels_is_finite_and_worth_it(name, tmp_path, request) -> None:
    data = request.getfixturevalue("shared_data") if name in REAL else None
    known = Known(cases(tmp_path, data)[name]())
    outcome = attempt(Plan(name, "swift", "ours", 25, 0.0, 0), known)
    assert outcome.failed == ""
    assert outcome.labels == 25
    assert outcome.accuracy is not None
    most_common = np.bincount(known.case.truth[known.case.known]).max() / known.case.known.sum()
    assert outcome.accuracy > max(FLOOR, most_common)
    assert outcome.estimate is None or np.isfinite(outcome.estimate)
