"""The networks by name."""

import numpy as np
import pytest
import torch

from napari_ghosthunter.errors import ModelError
from napari_ghosthunter.learning import network as network_module
from napari_ghosthunter.learning.network import (
    COMPONENTS,
    NETWORKS,
    SQUARED,
    GhostHunter,
    Swift,
    build_network,
    in_half,
)
from napari_ghosthunter.learning.offered import DEFAULT_NETWORK


def parameters(network):
    return sum(weight.numel() for weight in network.parameters())


def test_ghosthunter_has_the_papers_number_of_parameters():
    assert parameters(build_network("ghosthunter", 3, 128)) == 2_120_963


@pytest.mark.parametrize(("classes", "size"), [(2, 16), (3, 64), (7, 24), (255, 32)])
def test_any_number_of_classes_and_any_multiple_of_eight(classes, size):
    network = build_network("ghosthunter", classes, size)
    assert network(torch.zeros(5, 1, size, size)).shape == (5, classes)
    convolutions = (9 * 1 + 1) * 16 + (9 * 16 + 1) * 32 + (9 * 32 + 1) * 64
    assert parameters(network) == convolutions + (64 * (size // 8) ** 2 + 1) * 128 + 129 * classes


def test_the_network_gives_logits_and_no_probabilities():
    generator = torch.Generator().manual_seed(0)
    logits = build_network("ghosthunter", 3, 16)(torch.randn(4, 1, 16, 16, generator=generator) * 100)
    assert ((logits < 0) | (logits > 1)).any()


def test_half_precision_is_for_inference_on_a_gpu_alone_and_hardly_changes_an_answer(monkeypatch):
    network = build_network("ghosthunter", 3, 32).eval()
    inputs = torch.randn(64, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert not in_half(inputs)
        single = network(inputs)
        monkeypatch.setattr(network_module, "in_half", lambda _: True)  # the CPU can do it too, only more slowly
        half = network(inputs)
    assert half.dtype == torch.float32
    assert not torch.equal(half, single)
    torch.testing.assert_close(half.softmax(1), single.softmax(1), atol=2e-3, rtol=0)


class OnGpu(torch.Tensor):
    """A tensor that says it lies on a GPU."""

    is_cuda = True


def test_nothing_is_learned_in_half_precision():
    inputs = torch.zeros(1, 1, 16, 16).as_subclass(OnGpu)
    assert not in_half(inputs)
    with torch.no_grad():
        assert not in_half(inputs)
    with torch.inference_mode():
        assert in_half(inputs)


@pytest.mark.parametrize("name", ["", "resnet", "GhostHunter"])
def test_an_unknown_network_names_those_there_are(name):
    with pytest.raises(ModelError, match=r"choose one of: swift, ghosthunter"):
        build_network(name, 3, 128)


def test_another_network_is_had_by_its_name(monkeypatch):
    monkeypatch.setitem(NETWORKS, "other", lambda classes, size: torch.nn.Linear(size, classes))
    assert isinstance(build_network("other", 2, 16), torch.nn.Linear)
    assert isinstance(build_network(DEFAULT_NETWORK, 2, 16), Swift)
    assert isinstance(build_network("ghosthunter", 2, 16), GhostHunter)


@pytest.mark.parametrize(("classes", "size", "side"), [(2, 16, 16), (3, 64, 64), (3, 128, 64), (255, 184, 92)])
def test_swift_has_components_of_coarse_patterns_and_one_layer(classes, size, side):
    network = build_network("swift", classes, size)
    assert network(torch.zeros(5, 1, size, size)).shape == (5, classes)
    assert parameters(network) == (side**2 + 1) * COMPONENTS + (COMPONENTS + SQUARED + 1) * classes


def test_the_features_of_swift_are_components_and_squares_of_the_first():
    network, inputs = build_network("swift", 3, 96), torch.randn(4, 1, 96, 96)
    with torch.inference_mode():
        features = network.features(inputs).numpy()
        logits = network(inputs)
    binned = inputs.numpy().reshape(4, 48, 2, 48, 2).mean((2, 4)).reshape(4, -1)
    weight, bias = (parameter.detach().numpy() for parameter in network.components.parameters())
    components = binned @ weight.T + bias
    np.testing.assert_allclose(features[:, :COMPONENTS], components, atol=1e-5)
    np.testing.assert_allclose(features[:, COMPONENTS:], components[:, :SQUARED] ** 2 / 2, atol=1e-5)
    expected = network.head(torch.from_numpy(features)).softmax(1)
    torch.testing.assert_close(logits.softmax(1), expected)
