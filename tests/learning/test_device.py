"""Which device is taken."""

import threading

import pytest
import torch

from napari_ghosthunter.errors import TrainingError
from napari_ghosthunter.learning.device import (
    MOST_THREADS,
    available_devices,
    choose_device,
    device_titles,
    flushed,
    one_thread,
    own_threads,
    spare_core,
    thread_count,
)
from tests.threads import in_another_thread


@pytest.fixture
def found(monkeypatch):
    """Say which accelerators torch is to find."""

    def find(*, cuda=False, mps=False):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return find


def test_there_is_always_a_cpu():
    assert available_devices()[-1] == "cpu"
    assert choose_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize(
    ("here", "best"),
    [({}, "cpu"), ({"mps": True}, "mps"), ({"cuda": True}, "cuda"), ({"cuda": True, "mps": True}, "cuda")],
)
def test_auto_takes_the_fastest(found, here, best):
    found(**here)
    assert choose_device("auto").type == best
    assert choose_device(best).type == best
    assert choose_device("cpu").type == "cpu"


def test_devices_are_named_for_the_user(found, monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA H100 PCIe")
    found()
    assert device_titles() == {"cpu": "CPU"}
    found(cuda=True, mps=True)
    assert list(device_titles().items()) == [("cuda", "NVIDIA H100 PCIe"), ("mps", "Apple GPU"), ("cpu", "CPU")]


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_a_device_that_is_not_here_says_which_are(found, name):
    found()
    with pytest.raises(TrainingError, match=f"no '{name}' device on this machine; use one of: cpu"):
        choose_device(name)


@pytest.mark.parametrize("name", ["gpu", "", "cuda:7", "CPU"])
def test_an_unknown_device_says_which_are_known(name):
    with pytest.raises(TrainingError, match="choose one of: auto, cpu, cuda, mps"):
        choose_device(name)


@pytest.fixture
def three_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("cores", "used"), [(1, 1), (2, 1), (3, 2), (64, 3), (None, 1)])
def test_a_core_is_spared_while_torch_computes_and_only_then(three_threads, monkeypatch, cores, used):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    with spare_core():
        assert torch.get_num_threads() == used
    assert torch.get_num_threads() == 3


def test_a_user_who_says_how_many_threads_gets_them(three_threads, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    with spare_core():
        assert torch.get_num_threads() == 3


def computing_threads(device="cpu"):
    """How many threads compute, seen by letting them all wait for each other; and how many torch uses in each."""
    with own_threads(torch.device(device)) as pool:
        count = pool._max_workers
        together = threading.Barrier(count, timeout=20)
        list(pool.map(lambda _: together.wait(), range(count)))
        return count, pool.submit(torch.get_num_threads).result()


def test_as_many_threads_as_torch_would_use_compute_with_one_each(three_threads):
    assert computing_threads() == (3, 1)
    assert torch.get_num_threads() == 3
    assert in_another_thread(torch.get_num_threads) == 3


def test_beside_the_main_thread_a_core_is_left_to_that(three_threads, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    for cores, used in ((1, 1), (2, 1), (3, 2), (64, 3)):
        monkeypatch.setattr("os.cpu_count", lambda cores=cores: cores)
        assert in_another_thread(computing_threads) == (used, 1)


def test_a_gpu_has_one_thread_and_memory_bounds_the_others(monkeypatch):
    assert computing_threads("cuda") == (1, 1)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1000)
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)
    with own_threads(torch.device("cpu")) as pool:
        assert pool._max_workers == MOST_THREADS


def test_leaving_early_drops_what_has_not_begun(three_threads):
    go_on, done = threading.Event(), []
    with own_threads(torch.device("cuda")) as pool:
        pool.submit(go_on.wait, 20)
        waiting = pool.submit(done.append, 1)
        threading.Timer(0.05, go_on.set).start()
    assert waiting.cancelled()
    assert not done


def test_the_smallest_numbers_count_as_zero_where_that_is_asked_for_and_only_there():
    if not torch.set_flush_denormal(False):
        pytest.skip("this processor has no way to")

    def is_zero():
        return bool(torch.full((64,), 2e-39).mul(0.5).eq(0).all())

    def in_our_thread():
        return is_zero(), flushed(is_zero), is_zero()

    assert in_another_thread(in_our_thread) == (False, True, False)
    assert not is_zero()


def test_threads_of_torch_that_are_asked_for_meanwhile_take_them_for_zero_too():
    if not torch.set_flush_denormal(False):
        pytest.skip("this processor has no way to")
    many = torch.full((2**20,), 2e-39)  # so many that torch shares them out

    def in_our_thread():
        torch.set_num_threads(1)
        used = flushed(torch.get_num_threads, 2)
        return used, flushed(lambda: int(many.mul(0.5).count_nonzero()), 2), torch.get_num_threads()

    before = torch.get_num_threads()
    assert in_another_thread(in_our_thread) == (2, 0, 1)
    torch.set_num_threads(before)


def test_there_are_as_many_threads_of_our_own_as_are_told(three_threads, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    cpu = torch.device("cpu")
    assert thread_count(cpu) == 3
    assert in_another_thread(lambda: thread_count(cpu)) == 2
    assert thread_count(torch.device("cuda")) == 1


def test_they_count_again_after_a_failure():
    with pytest.raises(ZeroDivisionError):
        flushed(lambda: 1 / 0)
    assert bool(torch.full((64,), 2e-39).mul(0.5).ne(0).all())


def test_two_runs_at_once_have_the_whole_budget_each(three_threads, monkeypatch):
    """The second is started while all threads of the first keep to one each, as a training beside the live map is."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    device = torch.device("cpu")
    with own_threads(device) as first, spare_core():
        list(first.map(lambda _: torch.ones(3).sum(), range(9)))
        torch.set_num_threads(1)  # as the first run does while it is at its own arithmetic
        assert in_another_thread(lambda: thread_count(device)) == 3
        assert in_another_thread(computing_threads) == (3, 1)
        assert in_another_thread(_within_spare_core) == 3
    assert torch.get_num_threads() == 3
    assert in_another_thread(torch.get_num_threads) == 3


def _within_spare_core() -> int:
    with one_thread():
        pass  # what is left is as it was before
    with spare_core():
        return torch.get_num_threads()


def test_what_computes_in_a_thread_of_a_run_keeps_to_one(three_threads):
    with own_threads(torch.device("cpu")) as pool:
        assert pool.submit(_within_spare_core).result() == 1
        assert pool.submit(thread_count, torch.device("cpu")).result() == 1


def test_a_user_may_change_the_budget_between_runs(three_threads):
    assert thread_count(torch.device("cpu")) == 3
    torch.set_num_threads(2)
    assert thread_count(torch.device("cpu")) == 2
