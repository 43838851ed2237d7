"""Compiled loops where nothing can be kept on disk: they run all the same."""

import errno
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_ghosthunter.compiled import compiled, run

SCRIPT = """
import numpy as np
from napari_ghosthunter.learning import kernels
out = np.empty((1, 16, 16), np.float32)
kernels.standardize(np.arange(256, dtype=np.float32).reshape(1, 16, 16), out)
print(float(out.std()))
"""


def test_what_fails_to_be_kept_on_a_full_disk_is_run_all_the_same():
    calls = []

    def full_once(value: int) -> int:
        calls.append(value)
        if len(calls) == 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return value + 1

    assert run(full_once, 1) == 2
    assert calls == [1, 1]


def test_without_a_folder_to_keep_it_in_a_loop_is_compiled_in_each_program(monkeypatch: pytest.MonkeyPatch):
    def add_up(values):
        total = 0.0
        for value in values:
            total += value
        return total

    def no_folder(*_args, **_kwargs):
        raise RuntimeError("cannot cache function: no locator available")

    monkeypatch.setattr("numba.core.dispatcher.Dispatcher.enable_caching", no_folder)
    assert run(compiled(add_up), np.arange(5.0)) == 10


def test_loops_compute_where_home_and_package_are_read_only(tmp_path: Path):
    """Run in a program of its own whose only folder for what is compiled is a file."""
    blocked = tmp_path / "file"
    blocked.touch()
    environment = {"NUMBA_CACHE_DIR": str(blocked / "folder"), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == pytest.approx(1, abs=1e-5)
