"""Shifted and turned copies: the labels go with them."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import napari_ghosthunter as gh
from napari_ghosthunter.errors import TrainingError
from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.learning.augment import UNKNOWN_SHIFT, Augmentation, declared_turns, shift_reach, turn
from napari_ghosthunter.learning.config import TrainingConfig
from napari_ghosthunter.scan.drift import centre_wander

PAPER = ClassScheme.from_names(["none", "vertical", "horizontal"])
SWAP = {"vertical": "horizontal", "horizontal": "vertical"}
TURNS = {
    "rot90": np.rot90,
    "rot180": lambda image: np.rot90(image, 2),
    "rot270": lambda image: np.rot90(image, 3),
    "flip_y": np.flipud,
    "flip_x": np.fliplr,
    "transpose": np.transpose,
}


def augmentation(size=16, seed=0, classes=PAPER, **choices):
    config = TrainingConfig(**{"shift": 0, **choices})
    turns = declared_turns(config, classes, (size, size))
    return Augmentation(turns, round(config.shift * size), torch.Generator().manual_seed(seed))


def batch(count=200, size=16, seed=0):
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(count, 1, size, size, generator=generator)
    return inputs, torch.randint(3, (count,), generator=generator)


@pytest.mark.parametrize("symmetry", TURNS)
def test_turns_are_numpys_also_of_many_patterns(symmetry):
    inputs, _ = batch(3)
    for given_one, turned in zip(inputs, turn(inputs, symmetry), strict=True):
        np.testing.assert_array_equal(turned[0], TURNS[symmetry](given_one[0].numpy()))


def test_a_quarter_turn_is_counter_clockwise_as_seen():
    image = torch.tensor([[[0.0, 1.0], [0.0, 0.0]]])  # upper right
    assert turn(image, "rot90").tolist() == [[[1.0, 0.0], [0.0, 0.0]]]  # upper left


@pytest.mark.parametrize("choices", [{"shift": 0.0}, {"shift": 0.2}, {"shift": 0.1, "symmetries": {"rot90": SWAP}}])
def test_what_goes_in_stays_as_it_is(choices):
    inputs, targets = batch()
    before = inputs.clone(), targets.clone()
    shifted, turned = augmentation(**choices)(inputs, targets)
    assert torch.equal(inputs, before[0])
    assert torch.equal(targets, before[1])
    assert shifted.shape == inputs.shape
    assert turned.shape == targets.shape
    assert shifted.dtype == inputs.dtype


def test_without_shift_and_symmetries_nothing_changes():
    inputs, targets = batch()
    same, labels = augmentation(shift=0.0)(inputs, targets)
    assert torch.equal(same, inputs)
    assert torch.equal(labels, targets)


def test_each_shift_is_of_whole_pixels_within_reach_with_its_edge_repeated():
    inputs, targets = batch(60)
    reach = round(0.13 * 16)
    shifted, labels = augmentation(shift=0.13)(inputs, targets)
    assert torch.equal(labels, targets)
    met = set()
    for one, other in zip(inputs[:, 0].numpy(), shifted[:, 0].numpy(), strict=True):
        padded = np.pad(one, reach, mode="edge")
        fits = [
            (dy, dx)
            for dy in range(2 * reach + 1)
            for dx in range(2 * reach + 1)
            if (padded[dy : dy + 16, dx : dx + 16] == other).all()
        ]
        assert len(fits) == 1
        met.update(fits)
    assert len(met) > (2 * reach + 1) ** 2 * 0.7  # patterns of a batch wander apart, to all sides


@given(size=st.sampled_from([16, 24, 40]), shift=st.floats(0, 0.25), seed=st.integers(0, 100))
def test_what_is_in_the_middle_stays_inside(size, shift, seed):
    inputs = torch.zeros(5, 1, size, size)
    middle = size // 2
    inputs[:, :, middle, middle] = 1
    shifted, _ = augmentation(size, seed, shift=shift)(inputs, torch.zeros(5, dtype=torch.long))
    assert shifted.sum((1, 2, 3)).tolist() == [1.0] * 5
    places = torch.nonzero(shifted[:, 0])[:, 1:] - middle
    assert places.abs().max() <= round(shift * size)


def test_turned_targets_follow_the_permutation():
    inputs, targets = batch(300)
    turned, labels = augmentation(shift=0.0, symmetries={"rot90": SWAP, "rot180": {}})(inputs, targets)
    seen = {"as it was": 0, "rot90": 0, "rot180": 0}
    for one, other, old, new in zip(inputs, turned, targets.tolist(), labels.tolist(), strict=True):
        if torch.equal(other, one):
            seen["as it was"] += 1
            assert new == old
        elif torch.equal(other, turn(one, "rot90")):
            seen["rot90"] += 1
            assert new == [0, 2, 1][old]
        else:
            assert torch.equal(other, turn(one, "rot180"))
            seen["rot180"] += 1
            assert new == old
    assert min(seen.values()) > 60


def test_a_permutation_of_three_goes_the_way_it_says():
    cycle = {"none": "vertical", "vertical": "horizontal", "horizontal": "none"}
    inputs, targets = batch(100)
    turned, labels = augmentation(shift=0.0, symmetries={"flip_y": cycle})(inputs, targets)
    moved = ~(turned == inputs).flatten(1).all(1)
    assert moved.any()
    assert torch.equal(labels[moved], (targets[moved] + 1) % 3)


def test_the_same_seed_draws_the_same_and_each_batch_anew():
    inputs, targets = batch()
    one, other = (augmentation(shift=0.2, seed=5) for _ in range(2))
    first, second = one(inputs, targets)[0], one(inputs, targets)[0]
    assert torch.equal(first, other(inputs, targets)[0])
    assert not torch.equal(first, second)


def test_chance_comes_from_the_generator_that_was_given_alone():
    before = torch.get_rng_state()
    augmentation(shift=0.2, symmetries={"rot90": SWAP})(*batch())
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    ("mapping", "says"),
    [
        ({"vertical": "horizontal"}, "no two into the same"),
        ({"vertical": "horizontal", "horizontal": "horizontal"}, "no two into the same"),
        ({"vertical": "sideways"}, "'sideways', which has no labels"),
        ({"up": "vertical", "vertical": "up"}, "'up', which has no labels"),
    ],
)
def test_a_mapping_that_is_no_permutation_is_refused(mapping, says):
    with pytest.raises(TrainingError, match=says):
        augmentation(symmetries={"rot90": mapping})


@pytest.mark.parametrize("symmetry", ["rot90", "rot270", "transpose"])
def test_quarter_turns_of_a_detector_that_is_not_square_are_refused(symmetry):
    config, classes = TrainingConfig(symmetries={symmetry: {}}), ClassScheme.from_names("ab")
    assert len(declared_turns(config, classes, (64, 64))) == 2
    with pytest.raises(TrainingError, match="square detector"):
        declared_turns(config, classes, (64, 48))


def test_half_turns_and_mirrors_suit_any_detector():
    config = TrainingConfig(symmetries={"rot180": {}, "flip_y": {}, "flip_x": {}})
    assert len(declared_turns(config, ClassScheme.from_names("ab"), (64, 48))) == 4


def test_the_shift_follows_how_far_the_centre_wanders():
    settings = {"scan_shape": (8, 12), "detector_shape": (64, 64), "jitter": 0.0, "hot_pixels": 0}
    still, wandering = (gh.simulate(gh.SimulationConfig(**settings, drift=drift)).scan for drift in (0.0, 0.03))
    assert shift_reach(TrainingConfig(), centre_wander(still), 64) == 1
    assert 3 <= shift_reach(TrainingConfig(), centre_wander(wandering), 64) <= 6
    assert shift_reach(TrainingConfig(shift=0.05), centre_wander(still), 64) == 3
    assert shift_reach(TrainingConfig(shift=0), centre_wander(wandering), 64) == 0


def test_without_a_clear_beam_the_shift_is_a_small_share():
    noise = np.random.default_rng(0).poisson(20, (4, 5, 64, 64)).astype(np.uint16)
    assert shift_reach(TrainingConfig(), centre_wander(gh.Scan(noise)), 128) == round(UNKNOWN_SHIFT * 128)


def test_turned_patterns_are_laid_where_all_others_lie_and_those_as_they_are_stay():
    inputs, targets = batch(60)
    turns = declared_turns(TrainingConfig(symmetries={"rot90": SWAP}), PAPER, (16, 16))
    found, _ = Augmentation(turns, 0, torch.Generator().manual_seed(0), lambda patterns: patterns + 9)(inputs, targets)
    as_they_are = (found == inputs).flatten(1).all(1)
    assert 15 < int(as_they_are.sum()) < 45
    assert torch.equal(found[~as_they_are], turn(inputs[~as_they_are], "rot90") + 9)
