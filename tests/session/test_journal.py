"""Journals that were torn, damaged, or could not be written."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_ghosthunter.errors import OutputError, SessionError
from napari_ghosthunter.learning.config import TrainingConfig
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.session.journal import read_journal
from napari_ghosthunter.session.past import find_sittings
from napari_ghosthunter.session.replay import replay
from napari_ghosthunter.session.session import Session
from tests.session.kept import assert_comes_back, state


@pytest.fixture
def journal(session: Session) -> Path:
    """The journal of a sitting of 8 lines: header, points, three labels, a class, a name, an undo."""
    session.propose(3)
    for name in ("a", "b", "a"):
        session.label_current(name)
    session.labels.add_class("d")
    session.labels.rename_class("b", "wall")
    session.undo()
    session.close()
    assert session.folder is not None
    return session.folder / "journal.jsonl"


def lines(journal: Path) -> list[bytes]:
    return journal.read_bytes().splitlines(keepends=True)


def test_every_edit_is_on_disk_before_the_next(session: Session) -> None:
    assert session.folder is not None
    assert not session.folder.exists(), "looking leaves no trace"
    session.propose(3)
    for count in range(2, 5):
        text = read_journal(session.folder / "journal.jsonl")
        assert len(text.entries) == count - 1
        assert not text.torn
        session.label_current("a")


@pytest.mark.parametrize("cut", [1, 2, 20])
def test_a_torn_last_line_costs_that_line(journal: Path, scan: Scan, cut: int) -> None:
    *_, last = lines(journal)
    os.truncate(journal, journal.stat().st_size - len(last) + cut)
    session = Session.resume(scan, journal.parent)
    assert "cut off" in session.notes[0]
    assert session.labels.counts() == {"a": 2, "wall": 1, "c": 0, "d": 0}, "the undo was not written"
    session.undo()
    session.undo()
    session.label_current("c")
    before = state(session)
    session.close()
    again = Session.resume(scan, journal.parent)
    assert again.notes == ()
    assert state(again) == before
    again.close()


def test_a_last_line_that_lacks_only_its_end_counts(journal: Path, scan: Scan) -> None:
    os.truncate(journal, journal.stat().st_size - 1)
    session = Session.resume(scan, journal.parent)
    assert session.notes == ()
    session.label_current("c")
    before = state(session)
    session.close()
    again = Session.resume(scan, journal.parent)
    assert again.notes == ()
    assert state(again) == before
    again.close()


@pytest.mark.parametrize(
    "damage", [b"###\n", b"\x00" * 50 + b"\n", b"\xff\xfe\n", b'{"how":"apply"', b"[]\n", b"{}}\n"]
)
def test_a_damaged_line_costs_what_it_said(journal: Path, scan: Scan, damage: bytes) -> None:
    written = lines(journal)
    written[3] = damage + (b"" if damage.endswith(b"\n") else b"\n")  # the second label
    journal.write_bytes(b"".join(written))
    (past,) = find_sittings(scan, journal.parents[3])
    assert past.label_count == 2
    session = Session.resume(scan, past)
    (note,) = session.notes
    assert "damaged: 1 of its 8 lines" in note
    assert dict(session.labels) == {(0, 0): "a", (0, 6): "a"}
    assert session.labels.classes.names == ("a", "b", "c", "d")
    assert list(session.labels.points) == [(0, 0), (0, 3), (0, 6), (3, 0), (3, 3), (3, 6)]
    assert session.current == (0, 3)
    assert not session.labels.can_undo
    session.label_current("c")
    before = state(session)
    session.close()
    again = Session.resume(scan, past)
    assert again.notes == ()
    assert state(again) == before
    assert again.labels.can_undo
    again.close()
    damaged = journal.with_name("journal-damaged-1.jsonl")
    assert damaged.read_bytes() == b"".join(written), "the damaged one is kept"


@pytest.mark.parametrize("number", range(1, 8))
@pytest.mark.parametrize("lost", ["damaged", "missing"])
def test_whichever_line_is_lost_the_others_are_read(journal: Path, scan: Scan, number: int, lost: str) -> None:
    written = lines(journal)
    if lost == "damaged":
        written[number] = b"?\n"
    else:
        del written[number]
    journal.write_bytes(b"".join(written))
    session = Session.resume(scan, journal.parent)
    assert len(session.labels) == (2 if number in {2, 3, 4} else 3)
    assert session.notes or lost == "missing", "a line that vanished whole need not be missed by the others"
    session.close()


@given(data=st.data())
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_damage_stops_the_reading(journal: Path, scan: Scan, data: st.DataObject) -> None:
    written = journal.read_bytes()
    broken = bytearray(written)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(broken) - 1))
        broken[at : at + data.draw(st.integers(0, 60))] = data.draw(st.binary(max_size=5) | st.just(b"\n"))
    (copy := journal.with_name("broken.jsonl")).write_bytes(broken)
    with suppress(SessionError):  # the damage may look like a newer version
        labels = replay(read_journal(copy), scan.scan_shape).labels
        assert set(labels.values()) <= set(labels.classes.names)


def test_a_lost_beginning_leaves_the_names_of_the_labels(journal: Path, scan: Scan) -> None:
    written = lines(journal)
    written[0] = b"\x00\n"
    journal.write_bytes(b"".join(written))
    session = Session.resume(scan, journal.parent)
    assert dict(session.labels) == {(0, 0): "a", (0, 3): "b", (0, 6): "a"}
    assert "damaged" in session.notes[0]
    session.close()


def test_a_class_that_is_still_used_survives_a_lost_line(session: Session, scan: Scan) -> None:
    session.add_point((1, 1))
    session.label_current("a")
    session.make_current((1, 1))
    session.label_current("b")
    session.labels.remove_class("a")
    session.close()
    assert session.folder is not None
    journal = session.folder / "journal.jsonl"
    written = lines(journal)
    written[3] = b"lost\n"  # 'b' in place of 'a'
    journal.write_bytes(b"".join(written))
    again = Session.resume(scan, journal.parent)
    assert dict(again.labels) == {(1, 1): "a"}
    assert again.labels.classes.names == ("b", "c", "a")
    again.close()


def test_nothing_but_noise(journal: Path, scan: Scan) -> None:
    journal.write_bytes(b"noise\nmore noise")
    assert find_sittings(scan, journal.parents[3]) == ()


def test_a_newer_version(journal: Path, scan: Scan) -> None:
    first, *others = lines(journal)
    header = json.loads(first) | {"format": 2, "something": "new"}
    journal.write_bytes(json.dumps(header).encode() + b"\n" + b"".join(others))
    (past,) = find_sittings(scan, journal.parents[3])
    assert "newer" in past.notes[0]
    with pytest.raises(SessionError, match="newer"):
        Session.resume(scan, past)
    assert not find_sittings(scan, journal.parents[3])[0].in_use, "the lock was given back"


def test_an_edit_that_cannot_be_written_has_not_happened(
    session: Session, scan: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.propose(3)
    session.label_current("a")
    before, current = state(session), session.current

    def fail(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OutputError, match="No space left"):
        session.label_current("b")
    with pytest.raises(OutputError):
        session.undo()
    with pytest.raises(OutputError):
        session.training_config = TrainingConfig(epochs=3)
    assert (state(session), session.current) == (before, current)
    assert session.training_config.epochs is None
    monkeypatch.undo()
    session.label_current("c")
    assert_comes_back(session, scan)


def test_a_sitting_that_cannot_begin_can_begin_later(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OutputError):
        session.propose(3)
    assert len(session.labels.points) == 0
    monkeypatch.undo()
    session.propose(3)
    assert session.folder is not None
    text = read_journal(session.folder / "journal.jsonl")
    assert text.header is not None
    assert len(text.entries) == 1


def test_a_folder_that_cannot_be_made(scan: Scan, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    session = Session.start(scan, data_folder=tmp_path / "data")
    with pytest.raises(OutputError, match="Cannot keep this sitting"):
        session.propose(3)
    assert len(session.labels.points) == 0


def test_a_closed_session_takes_no_edit(session: Session) -> None:
    session.propose(3)
    session.close()
    before = state(session)
    with pytest.raises(SessionError, match="closed"):
        session.label_current("a")
    assert state(session) == before


@pytest.mark.parametrize("content", [{"training": {"epochs": 7}}, {"training": {"no": "such"}}])
def test_choices_come_back(session: Session, scan: Scan, content: dict[str, Any]) -> None:
    from napari_ghosthunter.learning.config import PatternConfig

    session.training_config = TrainingConfig(epochs=5)
    session.pattern_config = PatternConfig(pool="mean", pool_size=3)
    assert session.folder is not None
    with (session.folder / "journal.jsonl").open("a") as journal:
        journal.write(json.dumps(content) + "\n")
    session.close()
    again = Session.resume(scan, session.folder)
    readable = "epochs" in content["training"]
    assert again.training_config.epochs == (7 if readable else None)
    assert bool(again.notes) != readable
    if readable:
        assert again.pattern_config == PatternConfig(pool="mean", pool_size=3)
    again.close()
