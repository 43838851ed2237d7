"""Logistic regression on few labels, against scikit-learn's, and a temperature against every one."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_ghosthunter.learning.logistic import MOST_ITERATIONS, STRENGTH, Logistic, regress, temperature

pytestmark = pytest.mark.usefixtures("one_thread")


def labelled(count, features, classes, seed=0, apart=1.0):
    """Give features and targets of clouds that overlap more or less; every class has a label."""
    rng = np.random.default_rng(seed)
    targets = np.concatenate([np.arange(classes), rng.integers(0, classes, count - classes)])
    values = rng.normal(size=(count, features)) + apart * rng.normal(size=(classes, features))[targets]
    return torch.from_numpy(values / values.std()).float(), torch.from_numpy(targets)


def probabilities(fit, features):
    return fit.logits(features).softmax(1).numpy()


@pytest.mark.filterwarnings("ignore::DeprecationWarning:sklearn")
@pytest.mark.parametrize("apart", [0.1, 1.0, 6.0])
@pytest.mark.parametrize(("count", "features", "classes"), [(12, 3, 2), (50, 80, 3), (250, 80, 5), (40, 80, 20)])
def test_the_probabilities_are_those_of_scikit_learn(count, features, classes, apart):
    sklearn = pytest.importorskip("sklearn.linear_model")
    values, targets = labelled(count, features, classes, count, apart)
    fit = regress(values, targets, classes)
    assert fit.converged
    expected = sklearn.LogisticRegression(C=STRENGTH, tol=1e-10, max_iter=20_000)
    if "multi_class" in expected.get_params():
        expected.set_params(multi_class="multinomial")
    elif classes == 2:  # newer releases then fit one set of weights, the difference of ours, which costs half as much
        expected.set_params(C=2 * STRENGTH)
    expected.fit(values.double().numpy(), targets.numpy())
    others, _ = labelled(300, features, classes, 99, apart)
    np.testing.assert_allclose(probabilities(fit, others), expected.predict_proba(others.double().numpy()), atol=1e-3)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), classes=st.integers(2, 5), count=st.integers(5, 40))
def test_it_stops_at_the_lowest_loss(seed, classes, count):
    values, targets = labelled(count, 4, classes, seed)
    fit = regress(values, targets, classes)
    weight, bias = fit.weight.detach().clone().requires_grad_(), fit.bias.detach().clone().requires_grad_()
    logits = values.double() @ weight.T + bias
    loss = torch.nn.functional.cross_entropy(logits, targets, reduction="sum") + weight.square().sum() / (2 * STRENGTH)
    slope = torch.cat([part.flatten() for part in torch.autograd.grad(loss, (weight, bias))])
    assert slope.norm() < 0.02 * count


def test_classes_that_are_far_apart_end_too_and_are_told_apart():
    values, targets = labelled(60, 10, 3, apart=1000.0)
    fit = regress(values, targets, 3)
    assert fit.converged
    assert torch.isfinite(fit.weight).all()
    assert torch.equal(fit.logits(values).argmax(1), targets)


def test_a_class_without_labels_is_hardly_ever_found():
    values, targets = labelled(60, 10, 2)
    fit = regress(values, targets, 4)
    found = probabilities(fit, values)
    assert np.isfinite(found).all()
    assert found[:, 2:].max() < 0.05
    np.testing.assert_allclose(found[:, :2].argmax(1), probabilities(regress(values, targets, 2), values).argmax(1))


def test_equal_features_give_how_often_each_class_is():
    targets = torch.tensor([0] * 30 + [1] * 10)
    found = probabilities(regress(torch.zeros(40, 5), targets, 2), torch.zeros(1, 5))
    np.testing.assert_allclose(found, [[0.75, 0.25]], atol=1e-3)


def test_each_step_lowers_the_loss_until_there_is_no_more_to_gain():
    values, targets = labelled(80, 20, 3)
    fit, losses = Logistic(values, targets, 3), []
    while not fit.converged:
        losses.append(fit._closure().item())
        fit.step()
        assert len(losses) <= MOST_ITERATIONS
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.5 * losses[0]
    before = fit.weight.detach().clone()
    fit.step()
    assert torch.equal(fit.weight, before)


def test_features_weights_and_torchs_generator_stay_as_they_are():
    values, targets = labelled(30, 5, 3)
    given_values, before = values.clone(), torch.get_rng_state()
    fits = [regress(values, targets, 3) for _ in "ab"]
    assert torch.equal(values, given_values)
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(fits[0].weight, fits[1].weight)
    assert not fits[0].logits(values).requires_grad


# ---- how sure it is ----


def naive_loss(logits, targets, divisor):
    scaled = logits / divisor
    scaled = scaled - scaled.max(1, keepdims=True)
    chances = np.exp(scaled) / np.exp(scaled).sum(1, keepdims=True)
    return -np.log(chances[np.arange(len(targets)), targets]).mean()


@pytest.mark.parametrize("true", [0.4, 1.0, 2.5])
def test_the_temperature_is_the_best_of_all_and_near_the_true_one(true):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (4000, 3))
    chances = np.exp(logits / true) / np.exp(logits / true).sum(1, keepdims=True)
    targets = np.array([rng.choice(3, p=one) for one in chances])
    found = temperature(torch.from_numpy(logits), torch.from_numpy(targets))
    every = np.exp(np.linspace(np.log(0.25), np.log(4), 1001))
    best = min(naive_loss(logits, targets, one) for one in every)
    assert naive_loss(logits, targets, found) == pytest.approx(best, abs=1e-3)
    assert found == pytest.approx(true, rel=0.1)


def test_the_temperature_has_bounds():
    logits = torch.tensor([[5.0, 0.0], [0.0, 5.0]], dtype=torch.float64)
    assert temperature(logits, torch.tensor([0, 1])) == 0.25  # all right: it cannot be sure enough
    assert temperature(logits, torch.tensor([1, 0])) == 4.0  # all wrong
