"""A monkey does at the window whatever it likes; what is promised holds after every action.

`GHOSTHUNTER_MONKEY=<seed>` repeats a run; a failure says which seed it was, and what was done last. If it stands still,
the process is ended. The diary, which `-s` names at first, tells in which action that was, and where the threads were.
"""

from __future__ import annotations

import faulthandler
import os
import secrets
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qtpy.compat import isalive
from qtpy.QtGui import QDesktopServices
from qtpy.QtTest import QTest

from napari_ghosthunter.plugin.docks import DIFFRACTION, MAPPER, find_dock
from napari_ghosthunter.plugin.mapper.exporting.exporting import remember_folder
from napari_ghosthunter.plugin.mapper.mapping.result_layers import DOMAINS, mark_of, pixels_of
from napari_ghosthunter.scan.simulate import SimulationConfig, simulate
from napari_ghosthunter.session.journal import read_journal
from napari_ghosthunter.session.locking import in_use
from napari_ghosthunter.session.replay import replay
from napari_ghosthunter.session.session import Session
from tests.plugin.monkey import NOT_LABELLING, Monkey

SHAPES = {"wide.npy": ((6, 14), (24, 24)), "high.npy": ((11, 8), (32, 32))}  # of another shape in every way
LONG = 120_000  # ms; for machines with much else to do
STANDSTILL_S = 900  # no single action takes that long, even there

pytestmark = [
    pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning"),
    pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def cubes() -> dict[str, np.ndarray]:
    return {
        name: np.asarray(simulate(SimulationConfig(scan_shape=scan, detector_shape=detector, seed=7)).scan.data)
        for name, (scan, detector) in SHAPES.items()
    }


@pytest.fixture
def monkey(window, cubes, tmp_path, monkeypatch):
    """Give a function that puts a monkey with a seed before a window with one scan."""
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda *_: True)
    monkeypatch.chdir(tmp_path)
    remember_folder(tmp_path)
    for name, cube in cubes.items():
        np.save(tmp_path / name, cube)

    def make(seed: int) -> Monkey:
        files = [tmp_path / name for name in cubes]
        window.window._qt_window.resize(1100, 800)
        window.open(files[0], plugin="napari-ghosthunter")
        diary = Path(tempfile.gettempdir(), f"monkey-{seed}.txt")  # where later runs of pytest leave it
        diary.unlink(missing_ok=True)
        sys.stderr.write(f"GHOSTHUNTER_MONKEY={seed}, diary: {diary}\n")
        monkey = Monkey(window, files, tmp_path, seed, diary)
        QTest.qWait(50)
        return monkey

    return make


@contextmanager
def no_standstill(diary: Path) -> Iterator[None]:
    """End the process if the block takes far too long, and write down where every thread was."""
    with diary.open("a", encoding="utf-8") as where:
        faulthandler.dump_traceback_later(STANDSTILL_S, exit=True, file=where)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()


class Promises:
    """What must hold at a window, whatever was done to it.

    Parameters
    ----------
    monkey
        Who does it.
    """

    def __init__(self, monkey: Monkey) -> None:
        self.monkey = monkey
        self.viewer = monkey.viewer
        self.labels: dict[int, tuple[Session, Any]] = {}  # of each session, when it was last looked at

    def hold(self, action: Any) -> None:
        """Check all of them after an action."""
        for name in self.monkey.open:
            dock = find_dock(self.viewer, name)
            assert dock is not None, f"{name} is gone"
            assert isalive(dock)
        mapper = self.monkey.mapper
        if mapper is not None:
            self.one_session_everywhere(mapper)
            if mapper.desk.session is not None:
                self.labels_change_by_labelling_only(mapper.desk.session, action)
                self.results_are_of_this_scan(mapper, mapper.desk.session)
                self.the_journal_tells_the_labels(mapper.desk.session)
        if self.monkey.diffraction is not None:
            self.the_pattern_is_of_its_scan(self.monkey.diffraction)

    def one_session_everywhere(self, mapper: Any) -> None:
        desk = mapper.desk
        session, scans = desk.session, desk.scan_layers
        assert desk.layer is None or any(desk.layer is layer for layer in scans)
        assert session is None or (session.scan is desk.scan and not session._sitting.closed)
        for page in (mapper.scan_page, *mapper._further_pages()):
            assert page.session is session, page.title
        live = mapper.label_page.live
        for part in (live, live.work, live.layers, mapper.points, mapper.patterns_link):
            assert part._session is session, type(part).__name__
        assert mapper.map_layers.session is session
        if session is None:
            assert [part for part in (mapper.training, mapper.mapping, live.work) if part.running] == []

    def labels_change_by_labelling_only(self, session: Session, action: Any) -> None:
        ids = {spot: session.labels.classes.id_of(name) for spot, name in session.labels.items()}
        now = ids, list(session.labels.points)
        _, before = self.labels.get(id(session), (session, now))
        if id(session) not in self.labels and session.folder in self.latest():  # gone on with
            earlier = self.latest()[session.folder].labels
            before = {spot: earlier.classes.id_of(name) for spot, name in earlier.items()}, list(earlier.points)
        self.labels[id(session)] = session, now
        assert before == now or not hasattr(action, NOT_LABELLING)

    def latest(self) -> dict[Path, Session]:
        """Give the session that was last seen to work in each sitting's folder; what is gone on with has had others."""
        return {session.folder: session for session, _ in self.labels.values() if session.folder is not None}

    def results_are_of_this_scan(self, mapper: Any, session: Session) -> None:
        scan, layers, live = session.scan, mapper.map_layers, mapper.label_page.live.layers
        if session.model is not None:
            assert session.model.patterns.detector_shape == scan.detector_shape
        for found in (layers.result, session.live.domain_map):
            if found is not None:
                assert found.scan_shape == scan.scan_shape
                assert found.provenance["scan"]["path"] == str(scan.provenance.path)
        for layer in (*layers._present().values(), *live._present().values()):
            assert layer.data.shape[:2] == scan.scan_shape, layer.name
            np.testing.assert_array_equal(layer.scale, mapper.desk.layer.scale)
        if layers._new_rows is None and not layers.previewing and layers.result is not None:
            for kind, layer in layers._present().items():
                np.testing.assert_array_equal(layer.data, pixels_of(kind, layers.result, layers.threshold))
        if live.shown and session.live.domain_map is not None:
            for kind, layer in live._present().items():
                np.testing.assert_array_equal(layer.data, pixels_of(kind, session.live.domain_map, 0))
        shown = [mark for layer in self.viewer.layers if (mark := mark_of(layer)) and mark.kind == "Live map"]
        assert len(shown) <= 1 + len(live._removing.doomed)
        points = mapper.points.layer
        if points is not None:
            assert [(round(y), round(x)) for y, x in points.data] == list({**session.labels.points, **session.labels})

    def the_journal_tells_the_labels(self, session: Session) -> None:
        if self.monkey.done % 10 == 0 and session.folder is not None and session.folder.exists():
            told = replay(read_journal(session.folder / "journal.jsonl"), session.scan.scan_shape)
            assert told.whole
            assert told.notes == []
            assert dict(told.labels) == dict(session.labels)
            assert told.labels.points == session.labels.points
            assert told.labels.classes == session.labels.classes

    def the_pattern_is_of_its_scan(self, dock: Any) -> None:
        scan, frame = dock.link.scan, dock.showing.frame
        if not dock._awake:
            return
        assert dock.showing._scan is scan
        assert scan is None or dock.view.image.data.shape == scan.detector_shape or dock.showing.network
        if scan is not None and frame is not None and not frame.network:
            np.testing.assert_array_equal(frame.values, scan.pattern(*frame.position))
        for mean in dock.comparing.means.values():
            assert scan is not None
            assert mean.pattern.shape == scan.detector_shape

    def hold_at_rest(self, qtbot: Any) -> None:
        """Check what is true once all that was set going has ended."""
        mapper = self.monkey.mapper
        if mapper is None:
            return
        mapper.training.stop()
        mapper.mapping.stop()
        work = mapper.label_page.live.work
        qtbot.waitUntil(
            lambda: not (
                mapper.training.running or mapper.mapping.running or work.running or mapper.desk.busy
                or work._mapping.busy
            ), timeout=LONG,
        )  # fmt: skip
        QTest.qWait(150)
        session = mapper.desk.session
        if session is None:
            return
        self.results_are_of_this_scan(mapper, session)
        if work.wanted and session.live.complete and not work.error:
            from napari_ghosthunter.mapping.live import live_map

            found = live_map(session.live._look.features, session.live._ordered(), session.labels.classes)
            assert (found is None) == (session.live.domain_map is None)
            if found is not None:
                np.testing.assert_array_equal(found.probabilities, session.live.domain_map.probabilities)
        domains = mapper.map_layers._present().get(DOMAINS)
        assert domains is None or domains.data.shape == session.scan.scan_shape

    def hold_afterwards(self) -> None:
        """Check what each sitting has left on disk, once all are closed."""
        for folder, session in self.latest().items():
            if folder.exists():
                assert not in_use(folder)
                again = Session.resume(session.scan, folder)
                assert again.notes == ()
                assert dict(again.labels) == dict(session.labels)
                assert again.labels.points == session.labels.points
                again.close()


@pytest.mark.parametrize(
    ("actions", "seed"), [(100, 1), pytest.param(2000, None, marks=pytest.mark.slow)], ids=["quick", "long"]
)
def test_a_monkey_breaks_no_promise(monkey, qtbot, actions, seed) -> None:
    seed = int(os.environ.get("GHOSTHUNTER_MONKEY") or (secrets.randbelow(10**6) if seed is None else seed))
    hand = monkey(seed)
    promises = Promises(hand)
    try:
        with qtbot.capture_exceptions() as raised, hand.answering():
            for _ in range(actions):
                with no_standstill(hand.diary):
                    action = hand.act()
                    assert not raised, raised
                    promises.hold(action)
            with no_standstill(hand.diary):
                promises.hold_at_rest(qtbot)
            for name in (MAPPER, DIFFRACTION):
                if find_dock(hand.viewer, name) is not None:
                    find_dock(hand.viewer, name).parent().destroyOnClose()
            QTest.qWait(100)
            promises.hold_afterwards()
        assert not raised, raised
        hand.diary.unlink()
    except BaseException as error:
        last = "\n".join(hand.log)
        error.add_note(f"GHOSTHUNTER_MONKEY={seed} repeats it. Action {hand.done} failed; the last ones:\n{last}")
        raise
