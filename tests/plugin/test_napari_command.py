"""`napari FILE`, as the README has it, and scripts: real processes, in which the docks open with the scan."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_ghosthunter.plugin.docks import DIFFRACTION, MAPPER

REPOSITORY = Path(__file__).parents[2]
OURS = ("--plugin", "napari-ghosthunter")  # napari opens .npy, too, and would ask

pytestmark = pytest.mark.skipif(
    sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")),
    reason="no display: run `make test`",
)


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Give a function that starts a process of `napari_process`, and gives what its window showed."""

    def run(*arguments: object) -> dict[str, Any]:
        own = {name: str(tmp_path / "home") for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")}
        done = subprocess.run(
            [sys.executable, "-m", "tests.plugin.napari_process", *map(str, arguments)],
            capture_output=True, text=True, cwd=REPOSITORY, env=os.environ | own, timeout=180, check=False,
        )  # fmt: skip
        lines = done.stdout.strip().splitlines()
        assert lines, done.stderr[-3000:]
        assert "Traceback" not in done.stderr, done.stderr[-3000:]
        shown: dict[str, Any] = json.loads(lines[-1])
        return shown

    return run


def test_the_docks_open_with_the_file_that_napari_is_started_with(start, scan_file) -> None:
    shown = start("command", scan_file, *OURS)
    assert shown == {"layers": ["scan"], "docks": [DIFFRACTION, MAPPER], "told": [], "asked": []}


def test_and_with_a_real_file_without_further_ado(start, shared_file) -> None:
    shown = start("command", shared_file("dm/particle_10x7x64x48.dm4"))
    assert shown["docks"] == [DIFFRACTION, MAPPER]


def test_and_with_several_files(start, scan_file, tmp_path, patterns) -> None:
    np.save(tmp_path / "other.npy", patterns)
    shown = start("command", scan_file, tmp_path / "other.npy", *OURS)
    assert shown["layers"] == ["scan", "other"]
    assert shown["docks"] == [DIFFRACTION, MAPPER]


@pytest.mark.parametrize("kind", ["shown", "hidden"])
def test_and_with_a_file_that_a_script_opens(start, kind, scan_file) -> None:
    assert start(kind, scan_file) == {"layers": ["scan"], "docks": [DIFFRACTION, MAPPER], "told": [], "asked": []}


def test_what_a_file_leaves_open_is_asked_there_too(start, row_file) -> None:
    shown = start("command", row_file, *OURS)
    assert shown["asked"] == ["How was this scan recorded?"]
    assert shown["layers"] == ["row"]
    assert shown["docks"] == [DIFFRACTION, MAPPER]


def test_a_file_that_does_not_open_is_told_in_the_window(start, tmp_path) -> None:
    (tmp_path / "bad.dm4").write_bytes(b"123")
    shown = start("command", tmp_path / "bad.dm4")
    assert (shown["layers"], shown["docks"]) == ([], [])
    assert len(shown["told"]) == 1
    assert "bad.dm4 cannot be read" in shown["told"][0]
