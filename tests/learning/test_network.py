"""The networks by name."""

import pytest
import torch

from napari_ghosthunter.errors import ModelError
from napari_ghosthunter.learning.config import DEFAULT_NETWORK
from napari_ghosthunter.learning.network import NETWORKS, GhostHunter, build_network


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


@pytest.mark.parametrize("name", ["", "resnet", "GhostHunter"])
def test_an_unknown_network_names_those_there_are(name):
    with pytest.raises(ModelError, match=r"choose one of: ghosthunter"):
        build_network(name, 3, 128)


def test_another_network_is_had_by_its_name(monkeypatch):
    monkeypatch.setitem(NETWORKS, "other", lambda classes, size: torch.nn.Linear(size, classes))
    assert isinstance(build_network("other", 2, 16), torch.nn.Linear)
    assert isinstance(build_network(DEFAULT_NETWORK, 2, 16), GhostHunter)
