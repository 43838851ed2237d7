"""Gradient descent: each epoch is told, the best one is kept, and held-out labels decide which that is."""

from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own idiom

from napari_ghosthunter.errors import TrainingError
from napari_ghosthunter.learning.augment import shift_reach
from napari_ghosthunter.learning.config import PatternConfig, TrainingConfig
from napari_ghosthunter.learning.network import NETWORKS
from napari_ghosthunter.learning.split import stratified_split

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def taught(run):
    """Train the paper's network to the end on the small scan."""
    return partial(run, network="ghosthunter")


def test_another_seed_gives_another_model(taught, simulation, labels):
    assert taught(labels, epochs=1, seed=5)[-1].model.hash != taught(labels, epochs=1)[-1].model.hash


def test_each_epoch_is_reported(taught, simulation, labels):
    reports = taught(labels, epochs=5)
    config = TrainingConfig()
    assert [report.figures.epoch for report in reports] == [1, 2, 3, 4, 5]
    assert all(report.epochs == 5 for report in reports)
    seconds = [report.figures.seconds for report in reports]
    assert seconds == sorted(seconds)
    assert seconds[0] > 0
    assert reports[-1].seconds_left == 0
    assert reports[1].seconds_left == pytest.approx(seconds[1] / 2 * 3)
    for report in reports:
        figures = report.figures
        assert np.isfinite([figures.train_loss, figures.validation_loss]).all()
        assert 0 <= figures.train_accuracy <= 1
        assert 0 <= figures.validation_accuracy <= 1
        assert config.min_learning_rate <= figures.learning_rate <= config.learning_rate
        assert report.model.record.history == tuple(entry.figures for entry in reports[: figures.epoch])


def test_the_learning_rate_falls_on_a_plateau_and_not_below_its_lowest(taught, simulation, labels):
    choices = {"learning_rate": 1e-6, "min_learning_rate": 4e-7, "plateau_patience": 0, "weight_decay": 0, "shift": 0}
    rates = [report.figures.learning_rate for report in taught(labels, epochs=12, **choices)]
    assert rates[0] == 1e-6
    assert rates == sorted(rates, reverse=True)
    assert min(rates) >= 4e-7


def test_the_model_is_that_of_the_lowest_validation_loss(taught, simulation, labels):
    reports = taught(labels, epochs=25, learning_rate=5e-3)  # fast enough to overshoot
    losses = [report.figures.validation_loss for report in reports]
    assert losses != sorted(losses, reverse=True)
    for number, report in enumerate(reports, start=1):
        best = int(np.argmin(losses[:number]))
        assert report.model.record.best_epoch == best + 1
        assert report.model.hash == reports[best].model.hash
        held_out = report.model.record.held_out
        assert held_out.accuracy == pytest.approx(reports[best].figures.validation_accuracy)


def test_the_reported_loss_is_that_of_the_model_on_labels_kept_back(taught, simulation, labels):
    model = taught(labels, epochs=3)[-1].model
    targets = np.array([model.classes.names.index(name) for name in labels.values()])
    _, held = stratified_split(targets, model.record.config.validation_share, 0)
    inputs = model.patterns.inputs(simulation.scan, [list(labels)[index] for index in held])
    with torch.inference_mode():
        logits = model.load_network()(inputs)
    loss = F.cross_entropy(logits, torch.from_numpy(targets[held]))
    best = model.record.history[model.record.best_epoch - 1]
    assert float(loss) == pytest.approx(best.validation_loss, rel=1e-4)
    right = int((logits.argmax(1).numpy() == targets[held]).sum())
    assert (model.record.held_out.right, model.record.held_out.count) == (right, len(held))


def test_a_class_with_one_label_is_trained_on_and_not_held_out(taught, of_classes):
    model = taught(of_classes("a", *"bbbbb", *"ccccc"), epochs=2)[-1].model
    assert model.record.labels_per_class == {"a": 1, "b": 5, "c": 5}
    assert [sum(row) for row in model.record.held_out.confusion] == [0, 1, 1]


@pytest.mark.parametrize(("names", "share"), [("ab", 0.2), ("abc", 0.5), ("aabbbcc", 0.0)])
def test_where_nothing_can_be_held_out_the_training_loss_decides(taught, of_classes, names, share):
    reports = taught(of_classes(*names), epochs=6, validation_share=share)
    assert all(report.figures.validation_loss is None for report in reports)
    assert all(report.figures.validation_accuracy is None for report in reports)
    losses = [report.figures.train_loss for report in reports]
    record = reports[-1].model.record
    assert record.best_epoch == int(np.argmin(losses)) + 1
    assert record.held_out.count == 0
    assert "nothing is known" in str(record.held_out)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_ends_training_with_advice(run, labels, monkeypatch, value):
    class Broken(torch.nn.Module):
        def __init__(self, classes, size):
            super().__init__()
            self.features = torch.nn.Flatten()
            self.head = torch.nn.Sequential(torch.nn.Linear(size * size, classes), Spoilt())

        def forward(self, inputs):
            return self.head(self.features(inputs))

    class Spoilt(torch.nn.Module):
        def forward(self, logits):
            return logits * value

    monkeypatch.setitem(NETWORKS, "broken", Broken)
    with pytest.raises(TrainingError, match="lower learning rate"):
        run(labels, network="broken")


@pytest.mark.parametrize("align", [True, False])
def test_random_shifts_are_of_a_pixel_where_patterns_are_aligned_and_else_as_far_as_they_wander(
    taught, labels, monkeypatch, align
):
    seen = []
    monkeypatch.setattr(
        "napari_ghosthunter.learning.descent.shift_reach", lambda *given: seen.append(given) or shift_reach(*given)
    )
    model = taught(labels, epochs=1, patterns=PatternConfig(size=32, align=align))[-1].model
    ((config, wander, size),) = seen
    assert (model.patterns.template is not None) == align
    assert size == 32
    assert (wander == 0) == align
    assert (shift_reach(config, wander, size) == 1) or not align


def test_steps_are_taken_without_the_smallest_numbers_which_are_slow(taught, labels, monkeypatch):
    if not torch.set_flush_denormal(False):
        pytest.skip("this processor has no way to")
    step, flushed = torch.optim.AdamW.step, []

    def watched(self, *given):
        flushed.append(bool(torch.full((64,), 2e-39).mul(0.5).eq(0).all()))
        return step(self, *given)

    monkeypatch.setattr(torch.optim.AdamW, "step", watched)
    taught(labels, epochs=2, batch_size=10)
    assert flushed == [True] * 6  # 27 labels are learned from, two epochs long
