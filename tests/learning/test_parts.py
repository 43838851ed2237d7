"""Batches in parts: the answers and gradients of whole batches, the same bits from any number of threads."""

import threading

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own idiom
from torch import nn

from napari_ghosthunter.learning import parts
from napari_ghosthunter.learning.config import PatternConfig, TrainingConfig
from napari_ghosthunter.learning.device import own_threads
from napari_ghosthunter.learning.network import NETWORKS, GhostHunter
from napari_ghosthunter.learning.parts import PART_PIXELS, logits_in_parts
from napari_ghosthunter.learning.training import train
from tests.threads import in_another_thread

pytestmark = pytest.mark.usefixtures("one_thread")

SIZE, OURS = 32, "ghosthunter-compute"


@pytest.fixture(autouse=True)
def two_patterns(monkeypatch):
    """Parts of two patterns, as there are of 128 x 128, for small ones too."""
    monkeypatch.setattr(parts, "PART_PIXELS", 2 * SIZE**2)


@pytest.fixture
def pool():
    torch.set_num_threads(3)
    with own_threads(torch.device("cpu")) as threads:
        torch.set_num_threads(1)
        yield threads


def drawn(batch, seed=0):
    """A network in double precision, a batch and its classes."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = GhostHunter(3, SIZE).double()
        return network, torch.randn(batch, 1, SIZE, SIZE, dtype=torch.double), torch.arange(batch) % 3


def gone_through(network, logits, targets):
    """Go backward, and give the logits and all gradients."""
    network.zero_grad()
    F.cross_entropy(logits, targets).backward()
    return [logits.detach(), *(weight.grad.clone() for weight in network.parameters())]


@pytest.mark.parametrize("batch", [1, 2, 3, 5, 8])
def test_answers_and_gradients_are_those_of_the_whole_batch(pool, batch):
    network, inputs, targets = drawn(batch)
    whole = gone_through(network, network(inputs), targets)
    split = gone_through(network, logits_in_parts(network, pool, inputs), targets)
    assert len(whole) == 11
    for expected, found in zip(whole, split, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-13)
        assert expected.abs().max() > 1e-6


@pytest.mark.parametrize(("pixels", "expected"), [(2, [1, 2, 2]), (4, [1, 4]), (64, [5]), (0.5, [1] * 5)], ids=str)
def test_parts_are_of_so_many_pixels_and_at_least_a_pattern(pool, monkeypatch, pixels, expected):
    monkeypatch.setattr(parts, "PART_PIXELS", int(pixels * SIZE**2))
    network, inputs, _ = drawn(5)
    seen = []
    network.features.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
    logits_in_parts(network, pool, inputs)
    assert sorted(seen) == expected


def test_patterns_of_the_papers_size_leave_work_for_four_threads():
    assert 8 * 128**2 / PART_PIXELS == 4


class MishapError(Exception):
    """Something that goes wrong in a thread."""


@pytest.mark.parametrize("way", ["there", "back"])
def test_what_goes_wrong_in_a_thread_is_told_in_that_which_calls(pool, way):
    network, inputs, targets = drawn(5)

    def fail(*_):
        assert threading.current_thread().name.startswith(OURS)
        raise MishapError

    def watch(module, given, found):
        fail() if way == "there" else found.register_hook(fail)

    network.features[3].register_forward_hook(watch)
    with pytest.raises(MishapError):
        F.cross_entropy(logits_in_parts(network, pool, inputs), targets).backward()


# ---- in a training ----


@pytest.fixture
def computed_in(monkeypatch):
    """Names of the threads that taught a network, each of which let torch use one thread."""
    names = set()

    def remember(*_):
        assert torch.get_num_threads() == 1
        names.add(threading.current_thread().name)

    def alone(*_):
        assert torch.get_num_threads() == 1

    class Watched(GhostHunter):
        def __init__(self, classes, size):
            super().__init__(classes, size)
            self.features.register_forward_hook(remember)
            self.head.register_forward_hook(alone)

    monkeypatch.setitem(NETWORKS, "watched", Watched)
    return names


@pytest.fixture
def reports(simulation, labels, computed_in):
    """Begin to train."""

    def begin(epochs=3):
        config = TrainingConfig(network="watched", epochs=epochs, batch_size=7, seed=3)
        return train(simulation.scan, labels, config, PatternConfig(size=SIZE), device="cpu")

    return begin


def learned(reports, threads):
    """Train with that many threads of torch, and give all that comes of it but the time it took."""
    torch.set_num_threads(threads)
    found = list(reports())
    return [(told.model.hash, told.figures.model_copy(update={"seconds": 0})) for told in found]


def test_the_same_bits_come_out_of_any_number_of_threads_here_and_beside(reports, computed_in, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    expected, used = learned(reports, 1), []
    for threads in (1, 2, 3, 8):
        computed_in.clear()
        assert learned(reports, threads) == expected
        used.append(len(computed_in))
    computed_in.clear()
    assert in_another_thread(lambda: learned(reports, 8)) == expected
    assert used[:2] == [1, 2]
    assert used[3] > 2
    assert len(computed_in) == 2  # a core is left to the window
    assert all(name.startswith(OURS) for name in computed_in)


def of_ours():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(OURS)]


def test_between_epochs_and_after_them_no_thread_of_ours_is_there(reports, computed_in):
    before = of_ours()
    torch.set_num_threads(3)
    going = reports(epochs=4)
    for _ in range(2):
        next(going)
        assert of_ours() == before
        assert torch.get_num_threads() == 3
    going.close()
    assert computed_in
    assert of_ours() == before
    assert in_another_thread(torch.get_num_threads) == 3


def test_a_training_that_fails_ends_its_threads(reports, monkeypatch):
    before = of_ours()
    torch.set_num_threads(3)
    going = reports()
    next(going)

    def fail(*_):
        raise MishapError

    monkeypatch.setattr(nn.Conv2d, "forward", fail)
    with pytest.raises(MishapError):
        next(going)
    assert of_ours() == before
    assert torch.get_num_threads() == 3
