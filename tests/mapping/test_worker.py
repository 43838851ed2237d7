"""What a worker of a cluster chooses by itself; all else of it is in the maps of test_cluster."""

from dataclasses import replace

import pytest
import torch

from napari_ghosthunter.mapping import worker
from napari_ghosthunter.mapping.cluster import ranks
from napari_ghosthunter.mapping.worker import Job


@pytest.mark.parametrize(("address", "gpu"), [("tcp://a:1", 0), ("tcp://a:2", 1), ("tcp://a:3", 0), ("tcp://a:41", 1)])
def test_each_worker_takes_a_gpu_of_its_own(make_model, monkeypatch, address, gpu):
    job = Job(
        provenance=None, shape=(), dtype=None, bad_pixels=None, model=None, window=None, device="auto",
        ranks=ranks(dict.fromkeys(["tcp://a:1", "tcp://a:2", "tcp://a:3"], 1)),
    )  # fmt: skip
    monkeypatch.setattr(worker, "_address", lambda: address)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert worker._device(replace(job, device="cpu")) == torch.device("cpu")
    monkeypatch.setattr(worker, "choose_device", lambda _: torch.device("cuda"))
    assert worker._device(job) == torch.device("cuda", gpu)
