"""Sittings on disk: found again by what the scan holds, never mixed up, never written by two."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_ghosthunter.errors import OtherScanError, SessionError
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.scan.readers import open_scan
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.session.past import find_sittings
from napari_ghosthunter.session.session import Session
from napari_ghosthunter.session.sitting import default_data_folder


def state(session: Session) -> tuple[Any, ...]:
    """All that undo and redo walk over."""
    labels = session.labels
    return dict(labels), labels.classes, list(labels.points.items())


def test_a_moved_scan_is_known_again(scan: Scan, three: LabelSet, tmp_path: Path) -> None:
    data = tmp_path / "data"
    np.save(tmp_path / "here.npy", scan.data)
    session = Session.start(open_scan(tmp_path / "here.npy"), three, data_folder=data)
    session.propose(3)
    session.label_current("b")
    session.close()
    (tmp_path / "elsewhere").mkdir()
    moved = shutil.move(tmp_path / "here.npy", tmp_path / "elsewhere" / "renamed.npy")
    (past,) = find_sittings(open_scan(moved), data)
    assert past.counts == {"a": 0, "b": 1, "c": 0}
    assert past.waiting == 5
    assert (past.has_model, past.has_map, past.in_use, past.notes) == (False, False, False, ())
    assert "1 label (b 1)" in str(past)
    again = Session.resume(open_scan(moved), past)
    assert state(again) == state(session)
    again.close()


def test_another_scan_is_not_offered_the_labels(session: Session, other_scan: Scan, tmp_path: Path) -> None:
    session.propose(3)
    session.close()
    assert find_sittings(other_scan, tmp_path / "data") == ()
    assert session.folder is not None
    with pytest.raises(OtherScanError, match="another scan"):
        Session.resume(other_scan, session.folder)
    with pytest.raises(SessionError, match="journal"):
        Session.resume(other_scan, session.folder.parent)


def test_two_windows_have_a_sitting_each(session: Session, scan: Scan, three: LabelSet, tmp_path: Path) -> None:
    session.propose(3)
    session.label_current("a")
    (past,) = find_sittings(scan, tmp_path / "data")
    assert past.in_use
    assert "open in another window" in str(past)
    with pytest.raises(SessionError, match="open in another window"):
        Session.resume(scan, past)
    second = Session.start(scan, three, data_folder=tmp_path / "data")
    second.propose(2)
    session.label_current("b")
    second.label_current("c")
    states = [state(second), state(session)]
    second.close()
    session.close()
    os.utime(past.folder / "journal.jsonl", (1, 1))
    found = find_sittings(scan, tmp_path / "data")
    assert [entry.label_count for entry in found] == [1, 2], "the last used one first"
    for entry, expected in zip(found, states, strict=True):
        again = Session.resume(scan, entry)
        assert state(again) == expected
        again.close()


def test_another_process_holds_the_lock_until_it_dies(session: Session, scan: Scan, tmp_path: Path) -> None:
    session.propose(3)
    session.close()
    assert session.folder is not None
    code = (
        "import sys; from pathlib import Path; from napari_ghosthunter.session.locking import locked\n"
        "lock = locked(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, session.folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(SessionError, match="another window"):
            Session.resume(scan, session.folder)
        process.kill()
    Session.resume(scan, session.folder).close()


def test_only_looking_leaves_nothing_behind(scan: Scan, tmp_path: Path) -> None:
    find_sittings(scan, tmp_path)
    session = Session.start(scan, data_folder=tmp_path)
    session.close()
    assert list(tmp_path.iterdir()) == []


def test_results_come_back(session: Session, scan: Scan, make_model: Callable[..., Any]) -> None:
    session.propose(3)
    model = make_model()
    session.training.use_model(model)
    list(session.segmentation.run("cpu"))
    expected = session.domain_map
    assert expected is not None
    session.close()
    assert session.folder is not None
    again = Session.resume(scan, session.folder)
    assert again.model is not None
    assert again.model.hash == model.hash
    assert again.training.history == model.record.history
    assert again.domain_map is not None
    np.testing.assert_array_equal(again.domain_map.probabilities, expected.probabilities)
    assert again.segmentation.is_current
    again.close()


def test_damaged_results_are_left_out_and_told(session: Session, scan: Scan, make_model: Callable[..., Any]) -> None:
    session.propose(3)
    session.training.use_model(make_model())
    list(session.segmentation.run("cpu"))
    session.close()
    assert session.folder is not None
    (session.folder / "model.safetensors").write_bytes(b"no model")
    (session.folder / "model-before.safetensors").write_bytes(b"no model")
    np.save(session.folder / "map" / "map_probabilities.npy", np.zeros(3))
    again = Session.resume(scan, session.folder)
    assert again.model is None
    assert again.domain_map is None
    assert again.training.model_before is None
    assert [note.split(" cannot")[0] for note in again.notes] == [
        "The model of this sitting",
        "The model from before the last training of this sitting",
        "The map of this sitting",
    ]
    assert len(again.labels.points) == 6
    again.close()


def test_the_default_place_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if sys.platform == "linux":
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
        assert default_data_folder() == tmp_path / "napari-ghosthunter"
    assert default_data_folder().name == "napari-ghosthunter"


@pytest.mark.parametrize("module", ["session", "past", "bundle"])
def test_it_imports_neither_torch_nor_napari(module: str) -> None:
    code = f"import sys, napari_ghosthunter.session.{module}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "napari", "qtpy", "py4DSTEM", "rsciio"} & set(done.stdout.split())
