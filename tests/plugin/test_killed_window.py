"""A window that is killed while keys label: opened again, it has every label whose key had returned, and none twice."""

from __future__ import annotations

import json
import logging
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.plugin.mapper.labelling.points_look import UNLABELLED
from napari_ghosthunter.scan.readers import open_scan
from napari_ghosthunter.session.past import find_sittings
from napari_ghosthunter.session.session import Session
from tests.session.labeller import do

REPOSITORY = Path(__file__).parents[2]
LOG = logging.getLogger(__name__)  # pytest --log-cli-level=INFO shows the figures

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL"),
    pytest.mark.skipif(
        sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")),
        reason="no display: run `make test`",
    ),
]


def told_until_killed(scan_file: Path, home: Path, seed: str) -> list[Any]:
    """Open the scan in a window, let it label, and kill it at a random moment; give the lines that it told."""
    chance = random.Random(seed)
    environment = {name: str(home) for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")}
    command = [sys.executable, "-m", "tests.plugin.labeller_window", str(scan_file), seed]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY, env=os.environ | environment
    ) as process:
        try:
            assert process.stdout is not None
            lines = [json.loads(process.stdout.readline()) for _ in range(1 + 2 * chance.randint(1, 25))]
            time.sleep(chance.uniform(0, 0.03))
        finally:
            process.kill()
        return lines + [json.loads(line) for line in process.stdout if line.endswith("\n")]


def state(session: Session) -> tuple[Any, ...]:
    labels = session.labels
    return dict(labels), labels.classes, list(labels.points.items()), labels.next_undo, labels.next_redo


@pytest.mark.parametrize("rounds", [1, pytest.param(10, marks=pytest.mark.slow)])
def test_what_a_key_had_labelled_is_there_again(scan_file: Path, tmp_path: Path, rounds: int) -> None:
    scan, data = open_scan(scan_file), tmp_path / "home" / "napari-ghosthunter"
    given = LabelSet(ClassScheme.from_names(["none", "vertical", "horizontal"]), scan.scan_shape)
    first, expected, did = Session.start(scan, given, data_folder=data), Session(scan, given), 0
    for session in (first, expected):
        session.propose(2)
    first.close()
    for number in range(rounds):
        (_, shown), *lines = told_until_killed(scan_file, tmp_path / "home", f"{random.random()} {number}")
        labels = expected.labels
        assert shown == sorted([*spot, labels.get(spot, UNLABELLED)] for spot in labels.points), "what was seen again"
        for kind, action in lines:
            if kind == "done":
                do(expected, action)
                did += 1
        (past,) = find_sittings(scan, data)
        assert not past.in_use
        session = Session.resume(scan, past)
        assert session.notes == ()
        if state(session) != state(expected):
            kind, action = lines[-1]
            assert kind == "begin", "more or less than was done"
            do(expected, action)
        assert state(session) == state(expected)
        session.close()
    assert did >= rounds
    LOG.info("%d windows killed, %d keys that had returned; none lost, none twice", rounds, did)
