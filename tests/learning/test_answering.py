"""A network in the layout of oneDNN answers as the network does, whoever is beside a pattern."""

import pytest
import torch

from napari_ghosthunter.learning.answering import FEW_PIXELS, answering
from napari_ghosthunter.learning.device import one_thread, own_threads
from napari_ghosthunter.learning.network import build_network, placed

pytestmark = pytest.mark.usefixtures("one_thread")


def drawn(name: str, classes: int, size: int, count: int) -> tuple[torch.nn.Module, torch.Tensor]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = placed(build_network(name, classes, size), "cpu").eval()
        return network, torch.randn(count, 1, size, size)


@pytest.mark.parametrize(("classes", "size", "count"), [(3, 128, 19), (2, 16, 1), (7, 24, 70), (255, 48, 8)])
def test_the_answers_are_those_of_the_network(classes, size, count):
    network, inputs = drawn("ghosthunter", classes, size, count)
    with torch.inference_mode():
        expected, found = network(inputs), answering(network)(inputs)
    assert found.shape == (count, classes)
    torch.testing.assert_close(found, expected, atol=2e-5, rtol=1e-4)


def test_inputs_that_go_through_the_convolutions_in_parts_are_answered_as_one_by_one():
    network, inputs = drawn("ghosthunter", 3, 64, 70)
    assert len(inputs) > 2 * FEW_PIXELS // 64**2
    with torch.inference_mode():
        answer = answering(network)
        alone = torch.cat([answer(one) for one in inputs.split(1)])
        torch.testing.assert_close(answer(inputs), alone, atol=2e-5, rtol=1e-4)


def test_threads_that_share_the_convolutions_change_no_bit():
    network, inputs = drawn("ghosthunter", 3, 128, 11)
    found = []
    for threads in (1, 3):
        torch.set_num_threads(threads)
        with torch.inference_mode(), own_threads(torch.device("cpu")) as pool, one_thread():
            found.append(answering(network, pool)(inputs))
            expected = network(inputs)
    torch.set_num_threads(1)
    assert torch.equal(*found)
    torch.testing.assert_close(found[0], expected, atol=2e-5, rtol=1e-4)


def test_the_weights_are_those_of_the_moment():
    network, inputs = drawn("ghosthunter", 3, 16, 8)
    with torch.inference_mode():
        answer, before = answering(network), network(inputs)
    with torch.no_grad():
        network.features[0].weight.zero_()
    with torch.inference_mode():
        torch.testing.assert_close(answer(inputs), before, atol=2e-5, rtol=1e-4)
        assert not torch.allclose(network(inputs), before)


def test_what_has_no_such_layout_answers_itself(monkeypatch):
    swift, convolutional = (drawn(name, 3, 16, 1)[0] for name in ("swift", "ghosthunter"))
    assert answering(swift) is swift
    assert answering(convolutional) is not convolutional
    double = drawn("ghosthunter", 3, 16, 1)[0].double()
    assert answering(double) is double
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert answering(convolutional) is convolutional
