"""Two programs at one scan: the second is told, neither writes over the other, and a dead one keeps nobody out."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import filelock
import pytest

from napari_ghosthunter.errors import SessionError
from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.session.past import find_sittings
from napari_ghosthunter.session.session import ALSO_OPEN, Session
from tests.session.labeller import SCAN, do

REPOSITORY = Path(__file__).parents[2]
LABEL = "from tests.session import labeller; labeller.main()"
NO_FLOCK = (
    "import errno, fcntl\n"
    "def flock(*_): raise OSError(errno.ENOSYS, 'Function not implemented')\n"
    "fcntl.flock = flock\n"
)  # fmt: skip


def state(session: Session) -> tuple[Any, ...]:
    labels = session.labels
    return dict(labels), labels.classes, list(labels.points.items())


@contextmanager
def other_program(folder: Path, code: str = LABEL) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", code, str(folder), "a seed"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=REPOSITORY
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def follow(process: subprocess.Popen[str], expected: Session, actions: int) -> None:
    """Let it do so many things more, and do them here, too."""
    assert process.stdout is not None
    while actions:
        kind, action = json.loads(process.stdout.readline())
        if kind == "done":
            do(expected, action)
            actions -= 1


def start_labelling(folder: Path) -> Session:
    session = Session.start(SCAN, LabelSet(ClassScheme.from_names(["mine"]), SCAN.scan_shape), data_folder=folder)
    session.propose(5)
    return session


def test_the_second_is_told_and_each_keeps_its_own(tmp_path: Path) -> None:
    theirs = Session(SCAN)
    with other_program(tmp_path) as process:
        follow(process, theirs, 5)
        (past,) = find_sittings(SCAN, tmp_path)
        assert past.in_use
        assert "open in another window" in str(past)
        with pytest.raises(SessionError, match="open in another window .*; go on there, or start a new sitting"):
            Session.resume(SCAN, past)
        mine, told = Session.start(SCAN, data_folder=tmp_path), []
        mine.noted.connect(told.append)
        mine.labels.add_class("mine")
        mine.propose(5)
        assert told == [ALSO_OPEN], "also one who was not offered the other's work, because there was none yet"
        for _ in range(10):
            mine.label_current("mine")
            follow(process, theirs, 2)
        assert [one.in_use for one in find_sittings(SCAN, tmp_path)] == [True, True]
        process.kill()
        process.wait()
        found = {one.folder: one for one in find_sittings(SCAN, tmp_path)}
        assert found.keys() == {past.folder, mine.folder}
        assert not found[past.folder].in_use, "a dead program keeps nobody out"
        assert process.stdout is not None
        lines = [json.loads(line) for line in process.stdout if line.endswith("\n")]
    for kind, action in lines:
        if kind == "done":
            do(theirs, action)
    left = Session.resume(SCAN, past)
    if state(left) != state(theirs):
        do(theirs, lines[-1][1])  # what it was at
    assert state(left) == state(theirs)
    left.close()
    mine.close()
    again = Session.resume(SCAN, mine.folder or "")
    assert state(again) == state(mine)
    assert again.labels.counts() == {"mine": 10}
    again.close()


def test_of_two_that_open_a_sitting_at_once_one_gets_it(tmp_path: Path) -> None:
    start_labelling(tmp_path).close()
    with other_program(tmp_path) as one, other_program(tmp_path) as two:
        ready = [process for process in (one, two) if _is_ready(process)]
        assert len(ready) == 1
        (lost,) = {one, two} - {*ready}
        assert lost.stderr is not None
        assert "SessionError: This sitting is open in another window" in lost.stderr.read()


def _is_ready(process: subprocess.Popen[str]) -> bool:
    assert process.stdout is not None
    return process.stdout.readline().startswith('["ready"')


def test_without_locks_of_the_system_a_dead_program_keeps_nobody_out_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system that cannot lock, as some shares: then a file with the number of the process stands for a lock."""

    def flock(*_: Any) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    if not hasattr(filelock.UnixFileLock, "_fallback_to_soft_lock"):
        pytest.skip("this filelock refuses such a file system; newer ones do not")
    monkeypatch.setattr(pytest.importorskip("fcntl"), "flock", flock)
    theirs = Session(SCAN)
    with other_program(tmp_path, NO_FLOCK + LABEL) as process:
        follow(process, theirs, 5)
        (past,) = find_sittings(SCAN, tmp_path)
        assert past.in_use
        with pytest.raises(SessionError, match="open in another window .* delete .*lock"):
            Session.resume(SCAN, past)
        process.kill()
        process.wait()
        (past,) = find_sittings(SCAN, tmp_path)
        assert not past.in_use
        Session.resume(SCAN, past).close()
