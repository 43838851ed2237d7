"""What patterns vary in: principal components, against scikit-learn's."""

import numpy as np
import pytest
import torch

from napari_ghosthunter.learning.components import principal_components
from napari_ghosthunter.learning.network import COMPONENTS

pytestmark = pytest.mark.usefixtures("one_thread")


def patterns(count=400, pixels=256, seed=0):
    """Give patterns that vary in some directions, each less than the one before, and in noise."""
    rng = np.random.default_rng(seed)
    directions = np.linalg.qr(rng.normal(size=(pixels, 100)))[0].T
    strengths = 20 * 0.9 ** np.arange(100)
    values = rng.normal(size=(count, 100)) * strengths @ directions + 3 * rng.normal(size=pixels)
    return torch.from_numpy(values + rng.normal(0, 0.001, values.shape)).float()


def components(of, layer):
    weight, bias = layer
    return (of @ weight.T + bias).numpy()


def assert_same_but_for_signs(found, wanted):
    signs = np.sign((found * wanted).sum(0))
    np.testing.assert_allclose(found, wanted * signs, atol=0.01)


def test_the_components_are_those_of_scikit_learn_but_for_one_factor():
    sklearn = pytest.importorskip("sklearn.decomposition")
    images = patterns()
    expected = sklearn.PCA(COMPONENTS, svd_solver="full").fit(images.numpy())
    found = components(images, principal_components(images))
    wanted = expected.transform(images.numpy()) / np.sqrt(expected.explained_variance_[0])
    assert_same_but_for_signs(found, wanted)
    np.testing.assert_allclose(found.var(0), wanted.var(0), rtol=0.05, atol=1e-5)


def test_components_are_centred_and_the_first_varies_by_one():
    images = patterns(seed=1)
    found = components(images, principal_components(images))
    np.testing.assert_allclose(found.mean(0), 0, atol=1e-4)
    spread = found.std(0, ddof=1)
    assert spread[0] == pytest.approx(1, rel=1e-3)
    assert (np.diff(spread) < 1e-3).all()


@pytest.mark.parametrize("unit", [0.05, 30.0])
def test_the_unit_does_not_matter(unit):
    images = patterns(seed=2)
    one, other = (components(some, principal_components(some)) for some in (images, images * unit))
    assert_same_but_for_signs(one, other)


@pytest.mark.parametrize(("count", "pixels"), [(1, 256), (2, 256), (5, 256), (COMPONENTS - 1, 256), (200, 16), (3, 4)])
def test_fewer_components_than_asked_for_leave_the_rest_zero(count, pixels):
    rng = np.random.default_rng(count)
    images = torch.from_numpy(rng.normal(size=(count, pixels))).float()
    weight, bias = principal_components(images)
    assert weight.shape == (COMPONENTS, pixels)
    assert bias.shape == (COMPONENTS,)
    rank = min(count, pixels)
    assert not weight[rank:].any()
    assert not bias[rank:].any()
    found = components(images, (weight, bias))
    centred = (images - images.mean(0)).numpy()
    lengths = [np.linalg.norm(each, axis=1) for each in (found, centred)]
    scale = np.linalg.norm(found) / max(np.linalg.norm(centred), 1e-9)
    np.testing.assert_allclose(lengths[0], lengths[1] * scale, atol=1e-3)  # nothing of them is lost


@pytest.mark.parametrize("count", [1, 3, 40, 300])
@pytest.mark.parametrize("pixels", [16, 4096])
def test_equal_patterns_have_features_near_zero_and_finite_weights(count, pixels):
    rng = np.random.default_rng(count)
    for one in (np.zeros(pixels), np.ones(pixels), rng.normal(size=pixels), np.full(pixels, 1e3)):
        images = torch.from_numpy(one).float().repeat(count, 1)
        weight, bias = principal_components(images)
        assert torch.isfinite(weight).all()
        assert torch.isfinite(bias).all()
        near = images + torch.from_numpy(rng.normal(0, 1e-7, images.shape)).float()
        assert np.abs(components(near, (weight, bias))).max() < 0.5


def test_the_same_patterns_give_the_same_bits_and_torchs_generator_is_left_alone():
    images = patterns(seed=3)
    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        found.append(principal_components(images))
        assert torch.equal(before, torch.get_rng_state())
    for one, other in zip(*found, strict=True):
        assert torch.equal(one, other)
