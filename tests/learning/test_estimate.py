"""How right a map probably is, said of the whole of it."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from napari_ghosthunter.learning.estimate import Estimate, estimate
from napari_ghosthunter.learning.logistic import regress
from napari_ghosthunter.learning.validation import wilson_interval


@pytest.fixture
def fits():
    rng = np.random.default_rng(0)
    targets = torch.arange(30) % 2
    features = torch.from_numpy(rng.normal(size=(30, 3)) + 2 * targets[:, None].numpy())
    parts = [torch.arange(30) % 3 != fold for fold in range(3)]
    folds = [regress(features[part], targets[part], 2) for part in parts]
    return regress(features, targets, 2), folds, torch.from_numpy(rng.normal(size=(200, 3)) + 1)


def test_it_lies_between_the_confidence_and_the_agreement(fits):
    whole, folds, patterns = fits
    found = estimate(whole, folds, patterns, 30)
    logits = patterns @ whole.weight.detach().T + whole.bias.detach()
    sure = (logits.exp() / logits.exp().sum(1, keepdim=True)).amax(1).mean()
    same = [(fold.logits(patterns).argmax(1) == logits.argmax(1)).double().mean() for fold in folds]
    assert found.confidence == pytest.approx(float(sure))
    assert found.agreement == pytest.approx(float(sum(same)) / 3)
    assert found.accuracy == pytest.approx((found.confidence + found.agreement) / 2)
    assert found.interval[0] == wilson_interval(found.confidence * 30, 30)[0]
    assert found.interval[1] == wilson_interval(found.agreement * 30, 30)[1]


def test_nothing_is_said_where_nothing_was_left_out(fits):
    whole, folds, patterns = fits
    assert estimate(whole, [], patterns, 5) is None
    assert estimate(whole, folds, patterns[:0], 30) is None


def test_it_comes_back_from_json_and_no_share_is_above_one():
    found = Estimate(labels=50, confidence=0.9, agreement=1.0)
    assert Estimate.model_validate_json(found.model_dump_json()) == found
    with pytest.raises(ValidationError):
        Estimate(labels=50, confidence=0.9, agreement=1.1)
