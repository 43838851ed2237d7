"""Killed at any moment, by SIGKILL: what had returned is there again, exactly once, and so is all that undo reaches."""

from __future__ import annotations

import json
import logging
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.session.journal import read_journal
from napari_ghosthunter.session.past import find_sittings
from napari_ghosthunter.session.session import Session
from tests.session.labeller import SCAN, Action, do

REPOSITORY = Path(__file__).parents[2]
TORN = "The last entry of the journal was cut off while it was written, and is left out."
LOG = logging.getLogger(__name__)  # pytest --log-cli-level=INFO shows the figures


def state(session: Session) -> tuple[Any, ...]:
    """All that a user sees of the labels."""
    labels = session.labels
    return dict(labels), labels.classes, list(labels.points.items())


def history(session: Session) -> list[tuple[Any, ...]]:
    """All that undo can take back, the first first, and then all that redo can do; nothing is changed, nor kept."""
    labels, recorder, edits = session.labels, session.labels.recorder, []
    labels.recorder, ahead = None, 0
    while labels.can_redo:
        labels.redo()
        ahead += 1
    while labels.can_undo:
        edits.append(labels.next_undo)
        labels.undo()
    for _ in range(len(edits) - ahead):
        labels.redo()
    labels.recorder = recorder
    return [(ahead, edit) for edit in edits]


@contextmanager
def labeller(folder: Path, seed: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.session.labeller", str(folder), seed]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as process:
        try:
            yield process
        finally:
            process.kill()


def told_until_killed(folder: Path, seed: str) -> tuple[list[Action], Action | None]:
    """Let a process label, and kill it at a random moment; give what it had done, and what it may have been at."""
    chance = random.Random(seed)
    wanted = chance.choice([0, 1, 2, chance.randint(3, 60)])
    lines = []
    with labeller(folder, seed) as process:
        assert process.stdout is not None
        kind = ""
        while kind != "ready":
            kind, _ = json.loads(process.stdout.readline())
        lines += [json.loads(process.stdout.readline()) for _ in range(2 * wanted)]
        time.sleep(chance.uniform(0, 0.02))
        process.kill()
        # a pipe keeps what was told; the last line may be torn, and then nobody was told
        lines += [json.loads(line) for line in process.stdout if line.endswith("\n")]
    done = [action for kind, action in lines if kind == "done"]
    return done, lines[-1][1] if lines and lines[-1][0] == "begin" else None


@pytest.mark.skipif(not hasattr(os, "kill") or sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("rounds", [8, pytest.param(100, marks=pytest.mark.slow)])
def test_nothing_that_had_returned_is_lost_and_nothing_comes_twice(tmp_path: Path, rounds: int) -> None:
    expected = Session(SCAN)  # the same work without a disk
    did, torn = 0, 0
    for number in range(rounds):
        done, perhaps = told_until_killed(tmp_path, f"{random.random()} {number}")
        did += len(done)
        for action in done:
            do(expected, action)
        sittings = find_sittings(SCAN, tmp_path)
        assert len(sittings) <= 1
        if not sittings:
            assert state(expected) == state(Session(SCAN)), "it was killed before anything was done"
            if perhaps is not None:  # at its first edit
                continue
            continue
        assert not sittings[0].in_use, "the lock went with the process"
        session = Session.resume(SCAN, sittings[0])
        torn += len(session.notes)
        assert session.notes in {(), (TORN,)}
        if state(session) != state(expected) or history(session) != history(expected):
            assert perhaps is not None, "more or less than was done"
            do(expected, perhaps)
        assert state(session) == state(expected)
        session.close()
        again = Session.resume(SCAN, sittings[0])
        assert again.notes == (), "what was torn was taken away"
        assert history(again) == history(expected)
        again.close()
    assert did > rounds
    LOG.info("%d rounds, %d actions that returned, %d torn lines; none lost, none twice", rounds, did, torn)


def test_cut_after_any_byte_the_last_line_is_lost_at_most(tmp_path: Path, scan: Scan, three: LabelSet) -> None:
    session = Session.start(scan, three, data_folder=tmp_path)
    session.propose(3)
    session.label_current("a")
    before = state(session)
    assert session.folder is not None
    journal = session.folder / "journal.jsonl"
    start = journal.stat().st_size
    session.take_labels(LabelSet(three.classes, labels={(1, 1): "b", (1, 2): "b"}))
    after = state(session)
    session.close()
    whole = journal.read_bytes()
    for end in [*range(start, len(whole) - 3, 2), *range(len(whole) - 3, len(whole) + 1)]:
        journal.write_bytes(whole[:end])
        again = Session.resume(scan, journal.parent)
        is_whole = end >= len(whole) - 1  # the last byte ends the line, and nothing else
        assert state(again) == (after if is_whole else before), end
        assert (TORN in again.notes) == (start < end and not is_whole), end
        again.label_current("c")
        again.close()
        assert read_journal(journal).unreadable == 0
        assert not read_journal(journal).torn
