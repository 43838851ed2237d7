"""Which device is taken."""

import pytest
import torch

from napari_ghosthunter.errors import TrainingError
from napari_ghosthunter.learning.device import available_devices, choose_device, device_titles, spare_core


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
