"""What looks like nothing labelled is proposed, too: small islands of another class above all."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from napari_ghosthunter.labelling.sampling import grid
from napari_ghosthunter.labelling.uncertain import contrasts, most_uncertain

SHAPE = (20, 40)
SURE = np.tile(np.float32([0.9, 0.1]), (*SHAPE, 1))


@pytest.fixture
def features() -> np.ndarray:
    """Two domains with a slope over both, noise, and an island of 3 x 3 that differs in a weak component."""
    rng = np.random.default_rng(0)
    found = rng.normal(0, [0.1, 0.01, 0.01], (*SHAPE, 3))
    found[..., 0] += np.linspace(0, 3, SHAPE[1])
    found[:, 20:, 1] += 0.05
    found[12:15, 7:10, 2] += 0.15
    return found.astype(np.float32)


def test_an_island_is_unlike_what_is_labelled(features: np.ndarray) -> None:
    contrast = contrasts(features)
    given = grid(SHAPE, 10)
    found = most_uncertain(SURE, [*given, *((y, x) for y in range(0, 20, 4) for x in (19, 20, 21))], 5, 2, contrast)
    assert [one.reason for one in found.proposals[4:]] == ["unlike any labelled one"]
    y, x = found.proposals[4].position
    assert 11 <= y <= 15
    assert 6 <= x <= 10
    assert found.message == "Positions where the map is least sure: 4; unlike any labelled one: 1."


def test_contrasts_count_in_noise_and_know_no_slope(features: np.ndarray) -> None:
    contrast = contrasts(features)
    scaled = contrasts(features * np.float32([1, 50, 0.2]))
    np.testing.assert_allclose(contrast, scaled, rtol=1e-3, atol=1e-3)
    flat = contrast[3:8, 5:12, 0]
    assert np.abs(flat).max() < 6
    assert abs(contrast[13, 8, 2]) > 5 * np.abs(contrast[3:8, 5:12, 2]).mean()
    assert not contrasts(np.ones((1, 1, 3), np.float32)).any()
    assert np.isfinite(contrasts(np.zeros((4, 5, 3), np.float32))).all()


def test_those_that_look_alike_wait(features: np.ndarray) -> None:
    values = np.tile(np.float32([0.9, 0.1]), (1, 6, 1))
    values[0, [0, 2, 4]] = [[0.50, 0.50], [0.51, 0.49], [0.52, 0.48]]
    contrast = np.float32([0, 50, 0.1, 90, 30, 120])[None, :, None]
    order = [one.scan_x for one in most_uncertain(values, [], 2, 1, contrast).proposals]
    assert order == [0, 4], "2 looks like 0"
    assert [one.scan_x for one in most_uncertain(values, [], 2, 1).proposals] == [0, 2]


def test_all_that_is_free_is_proposed_before_it_ends() -> None:
    contrast = np.zeros((3, 4, 2), np.float32)
    values = np.tile(np.float32([0.6, 0.4]), (3, 4, 1))
    values[2] = np.nan
    found = most_uncertain(values, [(0, 0)], 20, 1, contrast)
    assert len(found.proposals) == 7
    assert "no other is" in found.message


@pytest.mark.parametrize("scale", [1e-20, 1.0, 1e15])
def test_without_noise_an_island_is_still_what_is_unlike(scale):
    """A simulation: most neighbours are equal, in one component all of them."""
    features = np.zeros((20, 30, 3), np.float32)
    features[:, 15:, 0] = scale
    features[4:7, 5:8, 1] = scale
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        contrast = contrasts(features)
        assert np.isfinite(contrast).all()
        labelled = [(10, 3), (10, 25), (2, 20), (17, 8)]
        sure = np.full((20, 30, 2), 0.5)
        found = most_uncertain(sure, labelled, 5, 2, contrast).proposals
    (unlike,) = [one for one in found if one.reason.startswith("unlike")]
    assert 3 <= unlike.scan_y <= 7
    assert 4 <= unlike.scan_x <= 8


@pytest.mark.parametrize("value", [0.0, 3.0, 1e30])
def test_a_scan_of_equal_patterns_has_no_contrast(value):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not contrasts(np.full((5, 6, 4), value, np.float32)).any()
