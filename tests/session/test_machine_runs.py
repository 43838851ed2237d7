"""A session whose trainings, maps and live maps are stopped, overtaken, closed and relabelled at any of their states.

A run that goes in another thread is taken apart: `step` is what its thread does until the next thing it brings, and
`deliver` is what the window does with that, later or never. So every order that threads can come in is tried, one
after the other, and a failure is made small. Two scans are of one shape: what is of the wrong one looks right.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from napari_ghosthunter.errors import GhostHunterError
from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.learning.config import PatternConfig, TrainingConfig
from napari_ghosthunter.learning.model import Model
from napari_ghosthunter.mapping import live, segmentation, streaming
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.mapping.segmentation import segment
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.simulate import SimulationConfig, simulate
from napari_ghosthunter.session.journal import read_journal
from napari_ghosthunter.session.replay import replay
from napari_ghosthunter.session.session import Session

pytestmark = pytest.mark.usefixtures("one_thread")

NAMES = ("a", "b", "wall")
SHAPES = ((4, 6), (4, 6), (5, 3))
FAST = PatternConfig(size=16)
TAUGHT = TrainingConfig(network="ghosthunter", epochs=2)

names = st.sampled_from([*NAMES, "new"])
spots = st.tuples(st.integers(0, 4), st.integers(0, 5))
some = st.integers(1, 3)
which = st.integers(0, 7)


@cache
def scan_of(number: int) -> Scan:
    simulated = simulate(SimulationConfig(scan_shape=SHAPES[number], detector_shape=(16, 16), seed=number))
    return Scan(np.asarray(simulated.scan.data))


@dataclass(eq=False)
class Worker:
    """A run in its thread, and what it has brought that nobody has taken yet."""

    kind: str
    session: Session
    run: Any
    steps: Iterator[Any]
    brought: deque[Any] = field(default_factory=deque)
    ended: bool = False


class RunsMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.patched = pytest.MonkeyPatch()
        stream = streaming.stream
        row = 16 * 16 * 2  # so that runs go on row by row
        self.patched.setattr(live, "stream", lambda *a: stream(*a, block_bytes=row * 6))
        rows = segmentation.segment_rows
        self.patched.setattr(segmentation, "segment_rows", lambda *a, **k: rows(*a, **k, block_bytes=row * 6))
        self.maps: dict[tuple[int, str], DomainMap] = {}
        self.models: dict[Path, dict[str, Model]] = {}  # that each sitting was given
        self.left: dict[Path, tuple[Any, ...]] = {}  # how each was when it was closed, and its scan
        self.workers: list[Worker] = []
        self.latest: dict[tuple[Session, str], Any] = {}

    @initialize(number=st.integers(0, 2))
    def begin(self, number: int) -> None:
        self.number = number
        given = LabelSet(ClassScheme.from_names(NAMES), SHAPES[number])
        self.take(Session.start(scan_of(number), given, data_folder=self.root))
        self.snapshots, self.now = [self.state()], 0

    def take(self, session: Session) -> None:
        self.session = session
        assert session.folder is not None
        self.known = self.models.setdefault(session.folder, {})
        session.pattern_config = FAST

    def state(self) -> tuple[Any, ...]:
        labels = self.session.labels
        return dict(labels), labels.classes, dict(labels.points)

    # ---- labels, against a list of snapshots ----

    def edit(self, action: Callable[[], object]) -> None:
        before = self.state()
        try:
            action()
        except GhostHunterError:
            assert self.state() == before
        if self.state() != before:
            del self.snapshots[self.now + 1 :]
            self.snapshots.append(self.state())
            self.now += 1

    @rule(labels=st.dictionaries(spots, names | st.none(), min_size=1, max_size=8))
    def label(self, labels: dict[tuple[int, int], str | None]) -> None:
        self.edit(lambda: self.session.labels.label_many(labels))

    @rule(seed=st.integers(0, 3))
    def label_the_whole_scan(self, seed: int) -> None:
        chance = np.random.default_rng(seed)
        spots = np.ndindex(SHAPES[self.number])
        classes = self.session.labels.classes.names
        if classes:
            self.edit(lambda: self.session.labels.label_many({spot: str(chance.choice(classes)) for spot in spots}))

    @rule(name=names, new=names)
    def rename(self, name: str, new: str) -> None:
        self.edit(lambda: self.session.labels.rename_class(name, new))

    @rule(name=names)
    def remove_class(self, name: str) -> None:
        self.edit(lambda: self.session.labels.remove_class(name))

    @rule(name=names)
    def add_class(self, name: str) -> None:
        self.edit(lambda: self.session.labels.add_class(name))

    @rule()
    def propose_by_live_map(self) -> None:
        self.edit(lambda: self.session.live.propose(2))

    @rule(times=some, redo=st.booleans())
    def undo(self, times: int, redo: bool) -> None:
        for _ in range(times):
            (self.session.redo if redo else self.session.undo)()
        self.now = min(self.now + times, len(self.snapshots) - 1) if redo else max(self.now - times, 0)

    # ---- runs ----

    def begun(self, kind: str, run: Any) -> None:
        self.latest[self.session, kind] = run
        self.workers.append(Worker(kind, self.session, run, iter(run)))

    @rule(taught=st.sampled_from([False, False, False, True]))
    def train(self, taught: bool) -> None:
        self.session.training_config = TAUGHT if taught else TrainingConfig()
        self.begun("train", self.session.training.start("cpu"))

    @rule()
    def map(self) -> None:
        if self.session.model is None:
            with pytest.raises(GhostHunterError):
                self.session.segmentation.start("cpu")
        else:
            self.begun("map", self.session.segmentation.start("cpu"))

    @rule()
    def look(self) -> None:
        self.begun("look", self.session.live.start_looking("cpu", float("inf")))
        self.latest[self.session, "live"] = None

    @rule()
    def map_live(self) -> None:
        run = self.session.live.start_mapping()
        if run is not None:
            self.begun("live", run)

    @precondition(lambda self: self.workers)
    @rule(index=which, count=st.sampled_from([1, 1, 2, 3, 99]))
    def step(self, index: int, count: int) -> None:
        """Let a thread go on; what it cannot do is one clear error."""
        worker = self.workers[index % len(self.workers)]
        for _ in range(count):
            if worker.ended:
                return
            try:
                worker.brought.append(next(worker.steps))
            except (StopIteration, GhostHunterError):
                worker.ended = True

    @precondition(lambda self: self.workers)
    @rule(index=which)
    def leave(self, index: int) -> None:
        """Let a thread end where it is, as a window does that waits for it no more."""
        worker = self.workers[index % len(self.workers)]
        worker.steps.close()  # type: ignore[attr-defined]
        worker.ended = True

    @precondition(lambda self: any(worker.brought for worker in self.workers))
    @rule(index=which, count=st.sampled_from([1, 2, 99]))
    def deliver(self, index: int, count: int) -> None:
        """Hand over what a run has brought; it is taken if it is of the latest run of an open session."""
        full = [worker for worker in self.workers if worker.brought]
        worker = full[index % len(full)]
        session = worker.session
        wanted = session is self.session and self.latest[session, worker.kind] is worker.run
        take = {
            "train": session.training.take, "map": session.segmentation.take,
            "look": session.live.take_look, "live": session.live.take_map,
        }[worker.kind]  # fmt: skip
        for _ in range(min(count, len(worker.brought))):
            brought = worker.brought.popleft()
            before = session.model, session.domain_map, session.live.domain_map, session.live.share
            assert take(worker.run, brought) == wanted, worker.kind
            if not wanted:
                assert before == (session.model, session.domain_map, session.live.domain_map, session.live.share)
            elif worker.kind == "train":
                self.known[brought.model.hash] = brought.model
            elif worker.kind == "live" and brought.domain_map is not None:
                self.live_map_is_of_these_labels(brought.domain_map, worker.run)

    @rule(kind=st.sampled_from(["train", "map", "live"]))
    def stop(self, kind: str) -> None:
        if kind == "live":
            self.session.live.stop()
            self.latest[self.session, "live"] = self.latest[self.session, "look"] = None
        else:
            (self.session.training.stop if kind == "train" else self.session.segmentation.stop)()

    @rule(other=st.integers(0, 3))
    def use_a_model(self, other: int) -> None:
        """Go back to the model before, or take one of any sitting as from a file."""
        models = [model for known in self.models.values() for model in known.values()]
        if other == 0 or not models:
            if self.session.training.model_before is None:
                return
            model = self.session.training.go_back()
        else:
            model = models[other % len(models)]
            self.session.training.use_model(model)
        self.known[model.hash] = model
        self.latest[self.session, "train"] = None

    # ---- scans ----

    @rule(number=st.integers(0, 2), go_on=st.booleans())
    def open_another_scan(self, number: int, go_on: bool) -> None:
        """Close the session, with all that still runs, and begin one or go on with one, at any scan."""
        self.close()
        self.number = number
        sittings = [folder for folder, left in self.left.items() if left[0] == number and folder.exists()]
        if not go_on or not sittings:
            self.begin(number)
            return
        folder = sittings[-1]
        _, self.snapshots, self.now, model, before = self.left[folder]
        again = Session.resume(scan_of(number), folder)
        assert again.notes == ()
        self.session = again
        assert self.state() == self.snapshots[self.now]
        assert [one and one.hash for one in (again.model, again.training.model_before)] == [model, before]
        if again.domain_map is not None:
            self.rows_are_right(again.domain_map, folder)
        self.take(again)

    def close(self) -> None:
        session = self.session
        session.close()
        hashes = [one and one.hash for one in (session.model, session.training.model_before)]
        assert session.folder is not None
        self.left[session.folder] = self.number, self.snapshots, self.now, *hashes
        assert session.live.domain_map is None

    # ---- what always holds ----

    @invariant()
    def labels_are_those_of_the_user(self) -> None:
        assert self.state() == self.snapshots[self.now]

    @invariant()
    def the_journal_tells_them(self) -> None:
        folder = self.session.folder
        assert folder is not None
        if (folder / "journal.jsonl").exists():
            told = replay(read_journal(folder / "journal.jsonl"), SHAPES[self.number])
            assert told.notes == []
            assert (dict(told.labels), told.labels.classes, dict(told.labels.points)) == self.state()

    @invariant()
    def results_are_of_this_scan(self) -> None:
        session = self.session
        for model in (session.model, session.training.model_before):
            assert model is None or model.hash in self.known
        if session.domain_map is not None:
            assert session.folder is not None
            self.rows_are_right(session.domain_map, session.folder)
        assert session.live.domain_map is None or session.live.domain_map.scan_shape == SHAPES[self.number]

    def rows_are_right(self, found: DomainMap, folder: Path) -> None:
        """Compare what there is of a map with the whole map of its model, made apart."""
        key = self.number, found.provenance["model_hash"]
        model = self.models[folder][key[1]]  # one that this sitting had
        if key not in self.maps:
            self.maps[key] = segment(scan_of(self.number), model, device="cpu")
        whole, done = self.maps[key].probabilities, found.has_data
        assert found.probabilities.shape == whole.shape
        np.testing.assert_array_equal(found.probabilities[done], whole[done])

    def live_map_is_of_these_labels(self, found: DomainMap, run: Any) -> None:
        """Compare a live map with that of the labels of the moment when it was begun, made apart."""
        assert found is self.session.live.domain_map
        features = run._look.features
        assert features.scan is scan_of(self.number)
        alone = live.live_map(features, run._labels, run._classes)
        assert alone is not None
        rows = min(features.rows, int(found.has_data.all(axis=1).sum()))
        np.testing.assert_allclose(found.probabilities[:rows], alone.probabilities[:rows], atol=1e-5)

    def teardown(self) -> None:
        for worker in self.workers:
            worker.run.stop() if hasattr(worker.run, "stop") else None
            worker.steps.close()  # type: ignore[attr-defined]
        self.session.close()
        self.patched.undo()
        shutil.rmtree(self.root)


class MoreOfThem(RunsMachine):
    """The same for longer."""


TestRunsMachine = RunsMachine.TestCase
TestRunsMachine.settings = settings(max_examples=12, stateful_step_count=25)

TestManyRuns = pytest.mark.slow(MoreOfThem.TestCase)
TestManyRuns.settings = settings(max_examples=300, stateful_step_count=50)
