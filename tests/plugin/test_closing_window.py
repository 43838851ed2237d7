"""Closing napari ends its process: nothing is done to a window that nobody sees any more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
LONGEST = 10.0  # seconds; about one on a machine at rest, of which Python takes most to let go of torch

pytestmark = pytest.mark.skipif(
    sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")),
    reason="no display: run `make test`",
)


def test_the_process_ends_with_its_window(scan_file: Path, tmp_path: Path) -> None:
    own = {name: str(tmp_path / "home") for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")}
    done = subprocess.run(
        [sys.executable, "-m", "tests.plugin.closing_window", str(scan_file)],
        capture_output=True, text=True, cwd=REPOSITORY, env=os.environ | own, timeout=300, check=False,
    )  # fmt: skip
    ended = time.time()
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["layers"] >= 5, "the scan, the points with their ring, the live map with its confidence"
    assert told["removed"] == 0, "napari collects garbage for each"
    assert ended - told["closed"] < LONGEST
