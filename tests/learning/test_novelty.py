"""Patterns that look like none of the labelled ones."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_ghosthunter.learning.novelty import (
    FAR,
    FEWEST,
    LEAST_TRUST,
    NO_LIMIT,
    PROTOTYPES,
    SMALLEST_DISTANCE,
    doubted,
    reach,
    remembered,
    trust,
)  # fmt: skip


def random(count: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(count, 8)).astype(np.float32))


def test_far_is_told_by_the_distances_between_labelled_patterns():
    labelled = random(40)
    distances = [sorted(float((one - other).norm()) for other in labelled)[1] for one in labelled]
    assert reach(labelled) == pytest.approx(FAR * np.sort(distances)[19], rel=1e-5)
    assert reach(5 * labelled) == pytest.approx(5 * reach(labelled), rel=1e-5)
    assert reach(labelled[: FEWEST - 1]) == NO_LIMIT
    assert reach(labelled[:1].expand(20, -1)) == pytest.approx(FAR * SMALLEST_DISTANCE)


def test_trust_falls_with_the_distance_to_the_nearest():
    labelled, far = random(40), 2.0
    away = torch.zeros(8)
    away[0] = 100.0
    lone = torch.cat([labelled, away[None]])
    places = torch.stack([away + step * torch.eye(8)[1] for step in (0.0, 1.0, 2.0, 3.0, 50.0)])
    found = trust(places, lone, far)
    expected = [1 / (1 + (step / far) ** 12) for step in (0.0, 1.0, 2.0, 3.0)]
    np.testing.assert_allclose(found[:4], expected, atol=2e-2)  # single precision, far from the middle
    assert found[4] == pytest.approx(LEAST_TRUST)
    assert (trust(random(500, 1) * 100, labelled, NO_LIMIT) == 1).all()


@settings(max_examples=50)
@given(count=st.integers(1, 400), seed=st.integers(0, 9))
def test_any_number_of_labels_is_remembered_in_one_shape(count, seed):
    labelled = random(count, seed)
    kept, far = remembered(labelled)
    assert kept.shape == (PROTOTYPES, 8)
    assert {tuple(row) for row in kept.tolist()} <= {tuple(row) for row in labelled.tolist()}
    if count <= PROTOTYPES:
        assert {tuple(row) for row in kept.tolist()} == {tuple(row) for row in labelled.tolist()}
        assert float(far) == pytest.approx(reach(labelled), rel=1e-6)


def test_what_a_model_knew_before_is_remembered_after_the_new_labels():
    old, _ = remembered(random(30, 1))
    new = random(20, 2)
    kept = {tuple(row) for row in remembered(new, old)[0].tolist()}
    assert kept == {tuple(row) for row in torch.cat([new, random(30, 1)]).tolist()}
    many = random(PROTOTYPES, 3)
    assert {tuple(row) for row in remembered(many, old)[0].tolist()} == {tuple(row) for row in many.tolist()}


@settings(max_examples=100)
@given(seed=st.integers(0, 1000), classes=st.integers(2, 12))
def test_doubt_changes_no_class(seed, classes):
    rng = np.random.default_rng(seed)
    likely = torch.from_numpy(rng.dirichlet(np.full(classes, 0.3), 20).astype(np.float32))
    trusted = torch.from_numpy(rng.uniform(LEAST_TRUST, 1, 20).astype(np.float32))
    found = doubted(likely, trusted)
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)
    assert (found.amax(1) <= likely.amax(1) + 1e-6).all()
    best, second = likely.topk(2, dim=1).values.unbind(1)
    clear = best - second > 1e-3
    assert torch.equal(found.argmax(1)[clear], likely.argmax(1)[clear])
    torch.testing.assert_close(doubted(likely, torch.ones(20)), likely)
