"""Ways to a cluster; what is computed there is tested in test_cluster."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

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
