"""Ways to a cluster; what is computed there is tested in test_cluster."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from napari_ghosthunter.mapping.connections import local_workers

START = """
import signal
from multiprocessing import resource_tracker
from napari_ghosthunter.mapping.connections import _interrupts_blocked
with _interrupts_blocked():
    resource_tracker.ensure_running()  # as the first start of a process does
    print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()), flush=True)
print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()))
"""


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="no such signals")
def test_ctrl_c_does_not_reach_the_first_process_either() -> None:
    done = subprocess.run([sys.executable, "-c", START], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]


def test_the_environment_is_as_before_when_the_workers_have_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before = for_threads_and_memory()
    with local_workers(1) as client:
        assert set(client.run(os.environ.get, "OMP_NUM_THREADS").values()) == {"1"}
        assert for_threads_and_memory() != before
    assert for_threads_and_memory() == before


def for_threads_and_memory() -> dict[str, str]:
    return {name: os.environ[name] for name in os.environ if "_THREADS" in name or name.startswith("MALLOC")}
