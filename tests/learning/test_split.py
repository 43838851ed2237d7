"""Which labels are kept back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_ghosthunter.learning.split import neighbourhood_folds, stratified_split

LABELS = hnp.arrays(np.intp, st.integers(1, 80), elements=st.integers(0, 6))
SHARES = st.floats(0.01, 0.5)
SEEDS = st.integers(0, 2**63 - 1)


@given(classes=LABELS, share=st.floats(0, 0.5), seed=SEEDS)
def test_every_label_is_in_one_part_and_in_one_only(classes, share, seed):
    train, held = stratified_split(classes, share, seed)
    assert sorted([*train, *held]) == list(range(len(classes)))
    assert (np.diff(train) > 0).all()
    assert (np.diff(held) > 0).all()


@given(classes=LABELS, share=SHARES, seed=SEEDS)
def test_every_class_with_two_labels_is_in_both_parts_and_a_single_one_is_trained_on(classes, share, seed):
    train, held = stratified_split(classes, share, seed)
    for index in np.unique(classes):
        assert index in classes[train]
        assert (index in classes[held]) == (np.count_nonzero(classes == index) > 1)


@given(classes=LABELS, share=SHARES, seed=SEEDS)
def test_each_class_keeps_back_its_share(classes, share, seed):
    _, held = stratified_split(classes, share, seed)
    for index in np.unique(classes):
        count, kept = np.count_nonzero(classes == index), np.count_nonzero(classes[held] == index)
        assert abs(kept - count * share) <= 0.5 or kept == 1


@given(classes=LABELS, seed=SEEDS)
def test_no_share_keeps_nothing_back(classes, seed):
    train, held = stratified_split(classes, 0.0, seed)
    assert len(held) == 0
    assert len(train) == len(classes)


@given(classes=LABELS, share=SHARES, seed=SEEDS)
def test_the_same_seed_splits_the_same_way(classes, share, seed):
    for one, other in zip(stratified_split(classes, share, seed), stratified_split(classes, share, seed), strict=True):
        np.testing.assert_array_equal(one, other)


def test_another_seed_splits_another_way():
    classes = np.arange(90) % 3
    splits = {tuple(stratified_split(classes, 0.2, seed)[1]) for seed in range(10)}
    assert len(splits) == 10


@pytest.mark.parametrize("count", [50, 100, 250, 1000])
def test_eighty_to_twenty_as_in_the_paper(count):
    classes = np.random.default_rng(0).integers(0, 3, count)
    _, held = stratified_split(classes, 0.2, 0)
    assert abs(len(held) - 0.2 * count) <= 1.5


def test_kept_back_are_not_the_first_ones():
    _, held = stratified_split(np.zeros(100, np.intp), 0.2, 0)
    assert held.min() < 20
    assert held.max() >= 80


# ---- folds of neighbourhoods ----


@st.composite
def placed_labels(draw):
    """Labels at positions that are all different, (n, 2), and their classes (n,)."""
    spots = draw(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 200)), min_size=1, max_size=70, unique=True))
    classes = draw(hnp.arrays(np.intp, len(spots), elements=st.integers(0, 4)))
    return np.array(spots), classes


@given(placed=placed_labels(), count=st.integers(2, 8))
def test_each_label_is_held_out_once_at_most_and_trained_on_by_all_others(placed, count):
    positions, classes = placed
    folds = neighbourhood_folds(positions, classes, count)
    assert len(folds) <= count
    times = np.zeros(len(classes), int)
    for seen, held in folds:
        assert len(held)
        assert sorted([*seen, *held]) == list(range(len(classes)))
        assert (np.diff(seen) > 0).all()
        assert (np.diff(held) > 0).all()
        times[held] += 1
    assert times.max() <= 1


@given(placed=placed_labels(), count=st.integers(2, 8))
def test_who_judges_has_seen_every_class_that_it_judges(placed, count):
    for seen, held in neighbourhood_folds(*placed, count):
        assert set(placed[1][held]) <= set(placed[1][seen])


@given(placed=placed_labels(), count=st.integers(2, 8))
def test_only_labels_of_a_class_that_is_elsewhere_nowhere_are_never_held_out(placed, count):
    positions, classes = placed
    held = [set(part.tolist()) for _, part in neighbourhood_folds(positions, classes, count)]
    never = set(range(len(classes))) - set().union(*held)
    for index in np.unique(classes):
        members = set(np.flatnonzero(classes == index).tolist())
        assert not members & never or members <= never  # all of them lie in one fold
    if len(classes) >= 2 * count and len(set(classes)) == 1:
        assert not never


@given(placed=placed_labels(), count=st.integers(2, 8))
def test_the_same_labels_give_the_same_folds(placed, count):
    one, other = (neighbourhood_folds(*placed, count) for _ in "ab")
    for first, second in zip(one, other, strict=True):
        for part, same in zip(first, second, strict=True):
            np.testing.assert_array_equal(part, same)


def test_neighbours_are_held_out_together():
    """Sixteen clusters of three, far apart: each lies on one side of every fold."""
    rng = np.random.default_rng(0)
    middles = np.array([(y, x) for y in (5, 45, 85, 125) for x in (5, 65, 125, 185)])
    positions = (middles[:, None] + np.array([(0, 0), (0, 1), (1, 0)])).reshape(-1, 2)
    classes = rng.integers(0, 3, len(positions))
    order = rng.permutation(len(positions))
    cluster = np.repeat(np.arange(len(middles)), 3)[order]
    folds = neighbourhood_folds(positions[order], classes[order], 4)
    assert len(folds) == 4
    for seen, held in folds:
        assert not set(cluster[seen]) & set(cluster[held])


def test_folds_are_of_like_size_and_have_their_share_of_each_class():
    rng = np.random.default_rng(1)
    positions, classes = rng.permutation(np.argwhere(np.ones((34, 206))))[:250], rng.integers(0, 3, 250)
    for _, held in neighbourhood_folds(positions, classes, 5):
        assert abs(len(held) - 50) <= 15
        for index in range(3):
            share = np.count_nonzero(classes == index) / 5
            assert abs(np.count_nonzero(classes[held] == index) - share) <= 0.5 * share
