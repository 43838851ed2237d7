"""Every choice of a training run, and of the way from a pattern to a network input."""

import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from napari_ghosthunter.learning.config import PatternConfig, Symmetry, TrainingConfig


@pytest.mark.parametrize(("labels", "epochs"), [(2, 400), (50, 400), (1000, 100), (50_000, 100)])
def test_epochs_fall_from_400_at_50_labels_to_100_at_1000(labels, epochs):
    assert TrainingConfig().epochs_for(labels) == epochs


@given(labels=st.integers(0, 3000), more=st.integers(0, 3000))
def test_more_labels_never_need_more_epochs(labels, more):
    config = TrainingConfig()
    assert 100 <= config.epochs_for(labels + more) <= config.epochs_for(labels) <= 400


@given(labels=st.integers(0, 3000))
def test_epochs_that_were_asked_for_are_run(labels):
    assert TrainingConfig(epochs=7).epochs_for(labels) == 7


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0}, {"seed": -1}, {"seed": 2**63}, {"batch_size": 0}, {"learning_rate": 0}, {"weight_decay": -1},
        {"plateau_factor": 1}, {"validation_share": 0.6}, {"shift": 0.3}, {"symmetries": {"rot45": {}}}, {"epoch": 3},
        {"learning_rate": float("nan")},
    ],
)  # fmt: skip
def test_a_wrong_choice_of_training_is_refused(wrong):
    with pytest.raises(ValidationError):
        TrainingConfig(**wrong)


@pytest.mark.parametrize(
    "wrong",
    [{"pool": "median"}, {"pool_size": 2}, {"pool_size": 7}, {"size": 8}, {"size": 100}, {"size": 1024}, {"crop": 0},
     {"crop": 1.1}, {"scaling": "minmax"}, {"contrast_window": 2}, {"pooling": "max"}],
)  # fmt: skip
def test_a_wrong_choice_of_patterns_is_refused(wrong):
    with pytest.raises(ValidationError):
        PatternConfig(**wrong)


def test_choices_never_change_and_come_back_from_json():
    config = TrainingConfig(epochs=3, symmetries={"rot90": {"a": "b", "b": "a"}, "flip_x": {}})
    with pytest.raises(ValidationError):
        config.epochs = 4
    assert TrainingConfig.model_validate_json(config.model_dump_json()) == config
    patterns = PatternConfig(pool="max", pool_size=5, crop=0.5)
    assert PatternConfig.model_validate_json(patterns.model_dump_json()) == patterns


@pytest.mark.parametrize("config", [TrainingConfig, PatternConfig])
def test_every_choice_has_a_title_for_a_form_and_says_what_it_does(config):
    for name, entry in json.loads(json.dumps(config.model_json_schema()))["properties"].items():
        assert entry["title"], name
        assert entry["description"].endswith("."), name


def test_all_symmetries_of_a_square_but_one_can_be_declared():
    assert set(get_args(Symmetry)) == {"rot90", "rot180", "rot270", "flip_y", "flip_x", "transpose"}


@pytest.mark.parametrize(("pool", "size", "reach"), [("none", 5, 0), ("mean", 1, 0), ("mean", 3, 1), ("max", 5, 2)])
def test_reach_is_how_far_pooling_looks(pool, size, reach):
    assert PatternConfig(pool=pool, pool_size=size).reach == reach
