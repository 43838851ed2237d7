"""Sittings on a disk that is full, read-only or gone: what cannot be kept is refused, and what was kept stays."""

from __future__ import annotations

import errno
import io
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_ghosthunter.errors import OutputError
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.learning.config import TrainingConfig
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.session.past import find_sittings
from napari_ghosthunter.session.session import Session
from tests.disks import Disk, no_file_longer_than
from tests.session.kept import assert_comes_back, state


def as_kept(session: Session, scan: Scan, elsewhere: Path) -> Session:
    """Go on with what is on the disk at this moment."""
    assert session.folder is not None
    return Session.resume(scan, shutil.copytree(session.folder, elsewhere))


def edits(session: Session, number: int) -> list[Callable[[], object]]:
    """Give edits of every kind that all fit what is there."""
    first, *_, last = session.labels.classes.names
    return [
        lambda: session.label_current(last),
        lambda: session.labels.rename_class(first, f"name {number}"),
        lambda: session.labels.recolour_class(first, f"#{number:06x}"),
        session.undo,
        lambda: session.add_point((number % 6, number % 8)),
        lambda: setattr(session, "training_config", TrainingConfig(epochs=number + 1)),
    ]


def edit_until_full(session: Session) -> None:
    """Edit until nothing fits any more; what is refused must change nothing."""
    refused = 0
    for number in range(600):
        before, current, config = state(session), session.current, session.training_config
        told = ""
        try:
            edits(session, number)[number % 6]()
            session.go_along(1)
        except OutputError as error:
            told = str(error)
        if told:
            assert told.startswith("Cannot write the journal")
            assert "\n" not in told
            assert (state(session), session.current, session.training_config) == (before, current, config)
            refused += 1
            if refused > 12:
                return
    pytest.fail("It never became full.")


def test_what_a_full_disk_cannot_keep_has_not_happened(disk: Disk, scan: Scan, three: LabelSet, tmp_path: Path) -> None:
    session = Session.start(scan, three, data_folder=disk.path / "data")
    session.propose(3)
    session.label_current("a")
    disk.fill()
    edit_until_full(session)
    kept = as_kept(session, scan, tmp_path / "copy")
    assert kept.notes == ()
    assert state(kept) == state(session)
    kept.close()
    disk.empty()
    session.propose(1)
    session.label_current("c")
    assert_comes_back(session, scan)


def test_a_journal_that_cannot_grow(session: Session, scan: Scan, tmp_path: Path) -> None:
    session.propose(3)
    session.label_current("a")
    assert session.folder is not None
    size = (session.folder / "journal.jsonl").stat().st_size
    for more in (0, 1, 90, 700):  # refused at once, in the middle of a line, or some lines later
        with no_file_longer_than(size + more):
            edit_until_full(session)
    kept = as_kept(session, scan, tmp_path / "copy")
    assert kept.notes == ()
    assert state(kept) == state(session)
    kept.close()
    session.propose(1)


def test_a_sitting_that_a_full_disk_did_not_let_begin(disk: Disk, scan: Scan, three: LabelSet) -> None:
    session = Session.start(scan, three, data_folder=disk.path / "data")
    disk.fill()
    for _ in range(2):
        with pytest.raises(OutputError, match="No space left"):
            session.propose(3)
    assert not session.labels.points
    assert find_sittings(scan, disk.path / "data") == ()
    disk.empty()
    session.propose(3)
    session.label_current("a")
    before = state(session)
    session.close()
    (past,) = find_sittings(scan, disk.path / "data")
    again = Session.resume(scan, past)
    assert state(again) == before
    again.close()


def test_results_that_do_not_fit_leave_those_of_before(
    disk: Disk, scan: Scan, three: LabelSet, make_model: Callable[..., Any]
) -> None:
    session = Session.start(scan, three, data_folder=disk.path / "data")
    session.propose(3)
    model = make_model()
    session.training.use_model(model)
    list(session.segmentation.run("cpu"))
    assert session.domain_map is not None
    probabilities = session.domain_map.probabilities
    session.label_current("a")
    disk.fill()
    with pytest.raises(OutputError, match="model.safetensors: "):
        session.training.use_model(make_model(seed=1))
    with pytest.raises(OutputError, match="Cannot write .*map_map.json"):
        list(session.segmentation.run("cpu"))
    with suppress(OutputError):
        session.close()
    disk.empty()
    assert session.folder is not None
    again = Session.resume(scan, session.folder)
    assert again.notes == ()
    assert again.model is not None
    assert again.model.hash == model.hash
    assert again.domain_map is not None
    np.testing.assert_array_equal(again.domain_map.probabilities, probabilities)
    assert dict(again.labels) == {(0, 0): "a"}
    again.close()


def test_a_read_only_disk(disk: Disk, scan: Scan, three: LabelSet) -> None:
    session = Session.start(scan, three, data_folder=disk.path)
    session.propose(3)
    session.close()
    before = disk.names
    disk.make_read_only()
    assert session.folder is not None
    with pytest.raises(OutputError, match="Read-only file system"):
        Session.resume(scan, session.folder)
    anew = Session.start(scan, three, data_folder=disk.path)
    with pytest.raises(OutputError, match="Cannot keep this sitting in .*Read-only"):
        anew.propose(3)
    assert not anew.labels.points
    assert disk.names == before


def test_what_a_failed_line_left_is_taken_away_before_the_next(
    session: Session, scan: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fails may first take half a line, and then refuse even to cut it off."""
    session.propose(3)
    session.label_current("a")
    assert session._sitting is not None
    journal = session._sitting._journal
    assert journal is not None
    stream = journal._stream

    class Failing(io.FileIO):
        def write(self, data: Any) -> int:
            return super().write(bytes(data)[: len(data) // 2])

        def truncate(self, _size: int | None = None) -> int:
            raise OSError(errno.EIO, "Input/output error")

    with Failing(stream.name, "ab") as failing:
        journal._stream = failing
        for _ in range(2):
            with pytest.raises(OutputError):
                session.label_current("b")
    journal._stream = stream
    session.label_current("c")
    session.close()
    assert session.folder is not None
    again = Session.resume(scan, session.folder)
    assert again.notes == ()
    assert list(again.labels.values()) == ["a", "c"]
    again.close()


def test_ctrl_c_in_the_middle_of_an_edit(session: Session, scan: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    session.propose(3)
    session.label_current("a")
    before = state(session)

    def interrupt(handle: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        session.label_current("b")
    monkeypatch.undo()
    assert state(session) == before
    session.label_current("c")
    before = state(session)
    session.close()
    assert session.folder is not None
    again = Session.resume(scan, session.folder)
    assert (again.notes, state(again)) == ((), before)
    again.close()


@pytest.mark.skipif(os.name == "nt", reason="Windows deletes no file that is open")
def test_a_journal_that_was_deleted_takes_nothing_more(session: Session) -> None:
    session.propose(3)
    session.label_current("a")
    assert session.folder is not None
    shutil.rmtree(session.folder)
    before = state(session)
    with pytest.raises(OutputError, match="it was deleted; save a copy of your work"):
        session.label_current("b")
    assert state(session) == before
