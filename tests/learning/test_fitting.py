"""Fitting a network to the labels: its curves, its end, and an accuracy that no label has helped to reach."""

from functools import partial

import numpy as np
import pytest
import torch

from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.learning import fitting
from napari_ghosthunter.learning.config import PatternConfig, TrainingConfig
from napari_ghosthunter.learning.fitting import FEWEST, FOLDS, ITERATIONS, Fitting
from napari_ghosthunter.learning.logistic import regress
from napari_ghosthunter.learning.material import gather
from napari_ghosthunter.learning.network import COMPONENTS
from napari_ghosthunter.scan.scan import Scan

pytestmark = pytest.mark.usefixtures("one_thread")

SWAP = {"vertical": "horizontal", "horizontal": "vertical"}


@pytest.fixture(scope="module")
def made(simulation, labelled):
    """Begin a fit; give it whole."""

    def make(labels=None, scan=None, **choices):
        config = TrainingConfig(network="swift", **choices)
        given = labelled(12) if labels is None else labels
        scan = scan or simulation.scan
        return Fitting(gather(scan, given, config, PatternConfig(size=32), torch.device("cpu")))

    return make


@pytest.fixture
def fitted(run):
    return partial(run, network="swift", epochs=None)


# ---- curves and the end ----


def test_the_curves_fall_until_nothing_more_is_gained(fitted, labels):
    reports = fitted(labels)
    losses = [report.figures.train_loss for report in reports]
    assert losses[-1] < 0.1 * losses[0]
    assert max(losses[len(losses) // 2 :]) < 0.3 * losses[0]  # the pull of the weights to zero may lift it a little
    assert reports[-1].figures.validation_loss < 0.5 * reports[0].figures.validation_loss
    assert len(reports) < ITERATIONS
    for number, report in enumerate(reports, start=1):
        assert report.figures.epoch == number == report.model.record.best_epoch
        assert report.model.record.history == tuple(entry.figures for entry in reports[:number])
        assert report.epochs == (number if report is reports[-1] else ITERATIONS)
    seconds = [report.figures.seconds for report in reports]
    assert seconds == sorted(seconds)
    assert reports[-1].seconds_left == 0


def test_as_many_steps_as_asked_for_are_the_most(fitted, labels):
    reports = fitted(labels, epochs=3)
    assert [(report.figures.epoch, report.epochs) for report in reports] == [(1, 3), (2, 3), (3, 3)]
    assert len(fitted(labels, epochs=5000)) < 200


def test_the_seed_and_the_choices_of_gradient_descent_do_not_matter(fitted, labels):
    expected = fitted(labels)[-1].model.hash
    assert fitted(labels, seed=9, learning_rate=0.1, batch_size=3, shift=0.2)[-1].model.hash == expected


def test_the_number_of_threads_does_not_matter(fitted, labels, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")  # else a core is spared, and few machines here have three
    before, found = torch.get_num_threads(), set()
    try:
        for threads in (1, 2, 3, 8):
            torch.set_num_threads(threads)
            found.add(fitted(labels, epochs=5)[-1].model.hash)
    finally:
        torch.set_num_threads(before)
    assert len(found) == 1


def test_the_model_answers_what_the_regression_on_all_labels_does(made, simulation):
    fit = made()
    report = list(fit.epochs())[-1]
    inputs = report.model.patterns.inputs(simulation.scan, list(np.ndindex(16, 24)))
    with torch.no_grad():
        found = report.model.load_network()(inputs).argmax(1)
        features = report.model.load_network().features(inputs)
    assert torch.equal(found, fit.whole.logits(features).argmax(1))
    again = regress(fit.features, fit.targets, 3).logits(features).argmax(1)
    assert (found == again).double().mean() > 0.99


# ---- the number ----


def test_each_label_is_judged_by_who_has_not_seen_it(fitted, labels):
    for report in fitted(labels):
        held_out = report.model.record.held_out
        assert held_out.crossed
        assert held_out.count == len(labels)
        assert [sum(row) for row in held_out.confusion] == [12, 12, 12]
        assert held_out.accuracy == pytest.approx(report.figures.validation_accuracy)
    assert "neither it nor its neighbourhood" in str(held_out)


def test_the_number_is_that_of_regressions_done_apart(made):
    fit = made()
    held_out = list(fit.epochs())[-1].model.record.held_out
    right = 0
    for _, held in fit.folds:
        seen = torch.tensor(sorted(set(range(len(fit.targets))) - set(held.tolist())))
        apart = regress(fit.features[seen], fit.targets[seen], 3)
        right += int((apart.logits(fit.features[held]).argmax(1) == fit.targets[held]).sum())
    assert len(fit.folds) == FOLDS
    assert held_out.right == right


def test_what_a_held_out_label_says_changes_nothing_for_those_that_judge_it(made, labels):
    """Other labels would move the folds: so the folds stay, and the labels of one turn into nonsense."""
    one, other = made(labels), made(labels)
    _, held = one.folds[0]
    other.features, other.targets = other.features.clone(), other.targets.clone()
    other.features[held] += 3
    other.targets[held] = (other.targets[held] + 1) % 3
    other.copies = [(other.features, other.targets)]
    other.folds = [
        (other._regression(np.setdiff1d(np.arange(len(one.targets)), judged)), judged) for _, judged in one.folds
    ]
    for fit in (one, other):
        list(fit.epochs())
    assert torch.equal(one.folds[0][0].weight, other.folds[0][0].weight)
    assert not torch.equal(one.folds[1][0].weight, other.folds[1][0].weight)


def test_turned_copies_stay_on_the_side_of_their_label(made, labels):
    plain, turned = made(labels), made(labels, symmetries={"rot90": SWAP, "rot180": {}})
    assert len(turned.copies) == 3
    for (fit, held), (once, same) in zip(turned.folds, plain.folds, strict=True):
        assert torch.equal(held, same)
        seen = np.setdiff1d(np.arange(len(turned.targets)), held)
        expected = torch.cat([features[seen] for features, _ in turned.copies]).double()
        assert torch.equal(fit.features, expected)
        assert len(fit.features) == 3 * len(once.features)
    quarter = turned.copies[1][1]
    names = turned.material.classes.names
    assert [names[index] for index in quarter] == [SWAP.get(names[i], names[i]) for i in turned.targets]
    assert list(turned.epochs())[-1].model.record.held_out.count == len(labels)


def test_turned_copies_are_laid_on_the_template_too(made, labels):
    fit = made(labels, symmetries={"rot180": {}})
    inputs, patterns = fit.material.inputs, fit.material.patterns
    expected = fit._features(patterns.laid(inputs[:, 0].flip(1, 2))[:, None])
    assert torch.equal(fit.copies[1][0], expected)
    assert not torch.allclose(expected, fit._features(inputs.flip(2, 3)), atol=1e-2)


def test_the_map_is_estimated_to_be_between_what_is_too_modest_and_too_bold(fitted, labelled):
    record = fitted(labelled(12))[-1].model.record
    low, high = record.estimate.interval
    assert record.estimate.labels == len(labelled(12))
    assert record.estimate.confidence < record.estimate.accuracy < record.estimate.agreement
    assert 0 < low < record.estimate.accuracy < high < 1
    assert str(record.estimate) == (
        f"estimated accuracy of the map {record.estimate.accuracy:.3f} (95 % interval {low:.2f} to {high:.2f})"
    )


def test_a_pattern_unlike_all_labelled_ones_gets_its_class_without_confidence(fitted, labelled, simulation):
    model = fitted(labelled(12))[-1].model
    network = model.load_network()
    seen = model.patterns.inputs(simulation.scan, list(labelled(12)))
    with torch.inference_mode():
        features = network.features(seen)
        far = features.clone()
        far[:, :COMPONENTS] += 4 * model.weights["far"]
        near, strange = (torch.softmax(network.judged(one), 1) for one in (features, far))
        regressed = network.head(far).argmax(1)
        plain = torch.softmax(network.head(features), 1)
    torch.testing.assert_close(near, plain)
    assert strange.amax(1).max() < 0.35
    assert torch.equal(strange.argmax(1), regressed)


def test_too_few_labels_give_no_number(fitted, labelled):
    few = labelled(4)
    spots = sorted(few, key=lambda spot: hash((few[spot], spot)))
    assert len(spots) == 12
    fewer = LabelSet(few.classes, labels={spot: few[spot] for spot in spots[: FEWEST - 1]})
    for report in fitted(fewer):
        assert report.figures.validation_loss is None
        assert report.figures.validation_accuracy is None
        held_out = report.model.record.held_out
        assert (held_out.count, held_out.accuracy) == (0, None)
    assert "nothing is known" in str(held_out)
    enough = LabelSet(few.classes, labels={spot: few[spot] for spot in spots[:FEWEST]})
    assert fitted(enough)[-1].model.record.held_out.count >= FEWEST - 2


def test_a_class_with_one_label_is_learned_and_not_judged(fitted, of_classes):
    record = fitted(of_classes("a", *"bbbbbb", *"cccccc"))[-1].model.record
    assert record.labels_per_class == {"a": 1, "b": 6, "c": 6}
    assert [sum(row) for row in record.held_out.confusion] == [0, 6, 6]
    assert record.held_out.untested == ("a",)


# ---- how sure it is ----


def test_only_the_last_model_is_tempered_and_by_what_suits_the_held_out_labels(made, monkeypatch):
    asked = []
    monkeypatch.setattr(fitting, "temperature", lambda *given: asked.append(given) or 2.0)
    fit = made()
    reports = list(fit.epochs())
    assert len(asked) == 1
    logits = torch.cat([fold.logits(fit.features[held]) for fold, held in fit.folds])
    assert torch.equal(asked[0][0], logits)
    assert torch.equal(asked[0][1], torch.cat([fit.targets[held] for _, held in fit.folds]))
    torch.testing.assert_close(reports[-1].model.weights["head.weight"].double() * 2, fit.whole.weight.detach())
    torch.testing.assert_close(reports[-1].model.weights["head.bias"].double() * 2, fit.whole.bias.detach())


def test_labels_that_tell_nothing_make_an_unsure_model(fitted, simulation):
    rng = np.random.default_rng(0)
    spots = rng.permutation(np.argwhere(simulation.truth == 1))[:60].tolist()
    guessed = LabelSet(ClassScheme.from_names("ab"), labels={tuple(spot): "ab"[rng.integers(2)] for spot in spots})
    model = fitted(guessed)[-1].model
    with torch.inference_mode():
        logits = model.load_network()(model.patterns.inputs(simulation.scan, list(map(tuple, spots))))
    assert logits.softmax(1).amax(1).mean() < 0.97
    low, high = model.record.held_out.interval
    assert low < 0.5 < high + 0.1


# ---- scans that show nothing ----


@pytest.mark.parametrize("value", [0, 7])
def test_equal_patterns_give_an_answer_that_is_a_number(made, labels, value):
    scan = Scan(np.full((16, 24, 32, 32), value, np.uint16))
    report = list(made(labels, scan).epochs())[-1]
    with torch.inference_mode():
        found = report.model.load_network()(report.model.patterns.inputs(scan, [(0, 0), (15, 23)])).softmax(1)
    assert torch.isfinite(found).all()
    assert found.max() < 0.6
