"""A session against a naive model, a list of snapshots, with a crash at any moment."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from napari_ghosthunter.errors import LabelError
from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.session.past import find_sittings
from napari_ghosthunter.session.session import Session

SCAN = Scan(np.arange(4 * 5 * 2 * 2, dtype=np.uint16).reshape(4, 5, 2, 2))
NAMES = ("a", "b", "wall")

positions = st.tuples(st.integers(-1, 4), st.integers(-1, 5))  # some outside the scan
names = st.sampled_from([*NAMES, "new", "other"])


class SessionMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.folder = self.root / "0"
        given = LabelSet(ClassScheme.from_names(NAMES), SCAN.scan_shape, {(1, 1): "a"})
        self.session = Session.start(SCAN, given, data_folder=self.folder)
        self.snapshots, self.now = [self.state()], 0

    def state(self) -> tuple[Any, ...]:
        labels = self.session.labels
        return dict(labels), labels.classes, list(labels.points.items())

    def do(self, action: Callable[[], object]) -> None:
        """Do it; what is refused must change nothing, and anything else is one undo step at most."""
        before, current = self.state(), self.session.current
        try:
            action()
        except LabelError:
            assert (self.state(), self.session.current) == (before, current)
        if self.state() != before:
            del self.snapshots[self.now + 1 :]
            self.snapshots.append(self.state())
            self.now += 1

    @rule(step=st.integers(0, 5), count=st.none() | st.integers(0, 4))
    def propose(self, step: int, count: int | None) -> None:
        self.do(lambda: self.session.propose(step, count))

    @rule(name=names)
    def label(self, name: str) -> None:
        self.do(lambda: self.session.label_current(name))

    @rule()
    def clear(self) -> None:
        self.do(self.session.clear_current)

    @rule(position=positions)
    def add_point(self, position: tuple[int, int]) -> None:
        self.do(lambda: self.session.add_point(position))

    @rule(position=positions)
    def remove_point(self, position: tuple[int, int]) -> None:
        self.do(lambda: self.session.remove_point(position))

    @rule(position=positions)
    def make_current(self, position: tuple[int, int]) -> None:
        self.do(lambda: self.session.make_current(position))

    @rule(labels=st.dictionaries(positions, st.none() | names, max_size=3))
    def label_many(self, labels: dict[tuple[int, int], str | None]) -> None:
        self.do(lambda: self.session.labels.label_many(labels))

    @rule(name=names)
    def add_class(self, name: str) -> None:
        self.do(lambda: self.session.labels.add_class(name))

    @rule(name=names)
    def remove_class(self, name: str) -> None:
        self.do(lambda: self.session.labels.remove_class(name))

    @rule(name=names, new=names)
    def rename_class(self, name: str, new: str) -> None:
        self.do(lambda: self.session.labels.rename_class(name, new))

    @rule(times=st.integers(1, 4))
    def undo(self, times: int) -> None:
        for _ in range(times):
            self.session.undo()
        self.now = max(self.now - times, 0)

    @rule(times=st.integers(1, 4))
    def redo(self, times: int) -> None:
        for _ in range(times):
            self.session.redo()
        self.now = min(self.now + times, len(self.snapshots) - 1)

    @rule(torn=st.none() | st.sampled_from([b'{"how":"ap', b"\x00\x00\x00", b'{"how":"apply"}x\n', b"\xff\n\n"]))
    def crash_and_go_on(self, torn: bytes | None) -> None:
        """Take the disk as it is in this moment, maybe with half a line more, into the next life."""
        if not self.folder.exists():
            assert len(self.snapshots) == 1, "nothing was done yet"
            return
        after = self.folder.with_name(str(int(self.folder.name) + 1))
        shutil.copytree(self.folder, after)
        self.session.close()
        self.folder = after
        (past,) = find_sittings(SCAN, after)
        if torn:
            with (past.folder / "journal.jsonl").open("ab") as journal:
                journal.write(torn)
        self.session = Session.resume(SCAN, past)
        assert bool(self.session.notes) == bool(torn)
        assert past.label_count == len(self.session.labels)

    @invariant()
    def agrees_with_the_model(self) -> None:
        assert self.state() == self.snapshots[self.now]
        labels = self.session.labels
        assert labels.can_undo == (self.now > 0)
        assert labels.can_redo == (self.now < len(self.snapshots) - 1)

    @invariant()
    def the_current_point_is_there(self) -> None:
        current, labels = self.session.current, self.session.labels
        assert current is None or current in labels.points or current in labels

    def teardown(self) -> None:
        self.session.close()
        shutil.rmtree(self.root)


TestSessionMachine = SessionMachine.TestCase
TestSessionMachine.settings = settings(max_examples=40, stateful_step_count=25)
