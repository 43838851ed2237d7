"""Opened, worked through and closed again and again: nothing stays, and memory does not grow."""

from __future__ import annotations

import gc
import json
import logging
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from napari_ghosthunter.plugin.own_context import delete_in_own_context
from napari_ghosthunter.scan.simulate import SimulationConfig, simulate
from tests.plugin.cycles import pause, put_away, work_through

ROOT = Path(__file__).parents[2]
LOG = logging.getLogger(__name__)
GROWTH = 1.05  # of what is in use, from the fifth cycle to the last


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "scan.npy"
    np.save(path, simulate(SimulationConfig(scan_shape=(5, 8), detector_shape=(24, 24))).scan.data)
    return path


def ours() -> Counter[str]:
    """Count the objects that Python holds of each class of the package."""
    kinds = (type(one) for one in gc.get_objects())
    return Counter(kind.__qualname__ for kind in kinds if str(kind.__module__).startswith("napari_ghosthunter."))


def test_nothing_survives_its_dock_nor_its_window(make_napari_viewer, file) -> None:
    viewer = make_napari_viewer(show=True)
    delete_in_own_context(viewer.window._qt_viewer)
    counts = []
    for _ in range(2):
        refs = work_through(viewer, file)
        put_away(viewer)
        assert [name for name, ref in refs.items() if ref() is not None] == []
        counts.append(ours())
    assert counts[1] - counts[0] == Counter()
    refs = work_through(viewer, file)
    viewer.close()
    del viewer
    for _ in range(3):
        pause(50)
        gc.collect()
    assert [name for name, ref in refs.items() if ref() is not None] == []


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory of the process where Linux tells it")
def test_fifty_cycles_take_no_more_memory_than_five(file, tmp_path) -> None:
    apart = {"XDG_DATA_HOME": tmp_path, "XDG_CONFIG_HOME": tmp_path, "NAPARI_CONFIG": tmp_path / "settings.yaml"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.plugin.cycles", str(file), "50"],
        cwd=ROOT, env=os.environ | {name: str(path) for name, path in apart.items()}, timeout=1800, check=True,
        capture_output=True, text=True,
    )  # fmt: skip
    in_use, held = zip(*json.loads(done.stdout.splitlines()[-1]), strict=True)
    LOG.info("in use %s, held %s", in_use, held)
    assert max(in_use[-3:]) <= in_use[4] * GROWTH, (in_use, held)
