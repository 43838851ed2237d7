"""Which labels are kept back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_ghosthunter.learning.split import stratified_split

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
