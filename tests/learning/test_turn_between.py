"""By how much the mean pattern of a scan is turned against the model's: believed only where it is seen clearly."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_ghosthunter.learning.alignment import turn_between, turned

SIDE = 64


def drawn(disks):
    """Draw disks (k_y, k_x, radius, height) on a square pattern."""
    y, x = np.indices((SIDE, SIDE))
    pattern = sum(
        height * np.clip(radius - np.hypot(y - k_y, x - k_x) + 0.5, 0, 1) for k_y, k_x, radius, height in disks
    )
    return torch.tensor(np.asarray(pattern), dtype=torch.float32)


def lattice():
    """Draw a lattice of disks of unequal brightness about the middle."""
    middle, heights = (SIDE - 1) / 2, np.random.default_rng(1).uniform(0.3, 1, (5, 5))
    return drawn([
        (middle + 11 * row + 2 * column, middle + 10 * column - 3 * row, 3.0, heights[row, column])
        for row in range(-2, 3)
        for column in range(-2, 3)
    ])  # fmt: skip


@pytest.mark.parametrize("degrees", [-12.0, -3.0, 2.5, 7.0, 13.0])
def test_a_lattice_that_is_turned_is_measured(degrees):
    here = turned(lattice()[None], degrees)[0]
    assert turn_between(here, lattice()) == pytest.approx(-degrees, abs=0.5)


def test_a_turn_that_moves_no_disk_by_half_a_pixel_is_none():
    assert turn_between(lattice(), lattice()) == 0
    rng = np.random.default_rng(0)
    sharp = drawn([(*rng.uniform(8, 56, 2), 0.6, 1.0) for _ in range(60)])
    assert turn_between(turned(sharp[None], 0.5)[0], sharp) == 0


def test_a_turn_is_not_read_into_the_noise_of_rings():
    rng, middle = np.random.default_rng(0), (SIDE - 1) / 2
    rings = drawn([(middle, middle, radius, 1.0) for radius in (5, 12, 19)])
    for _ in range(5):
        noisy = rings + torch.tensor(rng.normal(0, 0.05, (SIDE, SIDE)), dtype=torch.float32)
        assert turn_between(noisy, rings) == 0


def test_a_turn_is_not_read_into_another_pattern():
    rng = np.random.default_rng(2)
    for _ in range(5):
        disks = [(*rng.uniform(8, 56, 2), 3.0, 1.0) for _ in range(6)]
        assert turn_between(drawn(disks), lattice()) == 0


@pytest.mark.parametrize("degrees", [-24.0, 24.0])
def test_a_turn_beyond_reach_is_not_taken_for_the_farthest_one(degrees):
    y, x = np.indices((SIDE, SIDE)) - (SIDE - 1) / 2
    streak = torch.tensor(np.exp(-((y / 6) ** 2) - (x / 16) ** 2), dtype=torch.float32)
    assert turn_between(turned(streak[None], degrees)[0], streak) == 0
