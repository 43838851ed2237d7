"""Bundles: all of a session comes back, on another machine too, and a hostile file does no harm."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_ghosthunter.errors import LabelError, OtherScanError, OutputError, ScanMovedError, SessionError
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.learning.config import PatternConfig, TrainingConfig
from napari_ghosthunter.scan.readers import open_scan
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.session import bundle as bundles
from napari_ghosthunter.session.bundle import open_bundle, save_bundle
from napari_ghosthunter.session.past import find_sittings
from napari_ghosthunter.session.session import Session


def state(session: Session) -> tuple[Any, ...]:
    """All that undo and redo walk over."""
    labels = session.labels
    return dict(labels), labels.classes, list(labels.points.items())


@pytest.fixture
def scan_file(scan: Scan, tmp_path: Path) -> Path:
    path = tmp_path / "scans" / "boracite.npy"
    path.parent.mkdir()
    np.save(path, np.asarray(scan.data).reshape(48, 16, 16))  # a stack, to be folded as the user said
    return path


@pytest.fixture
def full(scan_file: Path, three: LabelSet, make_model: Callable[..., Any], tmp_path: Path) -> Any:
    """A session with everything in it."""
    session = Session.start(open_scan(scan_file, scan_shape=(6, 8)), three, data_folder=tmp_path / "data")
    session.labels.recolour_class("b", "#123456")
    session.propose(3)
    for name in ("b", "a", "b"):
        session.label_current(name)
    session.add_point((1, 1))
    session.training_config = TrainingConfig(epochs=7)
    session.pattern_config = PatternConfig(pool="max", pool_size=3)
    session.training.use_model(make_model(seed=4))
    list(session.segmentation.run("cpu"))
    yield session
    session.close()


@pytest.fixture
def bundle(full: Session, tmp_path: Path) -> Path:
    path = tmp_path / "mine" / "work.ghosthunter"
    save_bundle(full, path)
    return path


def changed(bundle: Path, replaced: dict[str, bytes | None], how: int = zipfile.ZIP_STORED) -> Path:
    """Write the bundle again with other members; None leaves one out."""
    path = bundle.with_name("changed.ghosthunter")
    with zipfile.ZipFile(bundle) as old, zipfile.ZipFile(path, "w", how) as new:
        for name in old.namelist():
            if name not in replaced:
                new.writestr(name, old.read(name))
        for name, content in replaced.items():
            if content is not None:
                new.writestr(name, content)
    return path


def state_with(bundle: Path, **changes: Any) -> bytes:
    with zipfile.ZipFile(bundle) as opened:
        return json.dumps(json.loads(opened.read("session.json")) | changes).encode()


def test_all_of_it_comes_back(full: Session, bundle: Path, tmp_path: Path) -> None:
    again = open_bundle(bundle, data_folder=tmp_path / "new")
    assert again.notes == ()
    assert state(again) == state(full)
    assert again.training_config == full.training_config
    assert again.pattern_config == full.pattern_config
    assert again.scan.shape == full.scan.shape
    assert again.fingerprint == full.fingerprint
    assert again.model is not None
    assert full.model is not None
    assert again.model.hash == full.model.hash
    assert again.training.history == full.training.history
    assert again.domain_map is not None
    assert full.domain_map is not None
    np.testing.assert_array_equal(again.domain_map.probabilities, full.domain_map.probabilities)
    assert again.segmentation.is_current
    again.close()


def test_the_first_edit_brings_all_of_it_to_disk(full: Session, bundle: Path, tmp_path: Path) -> None:
    again = open_bundle(bundle, data_folder=tmp_path / "new")
    assert not (tmp_path / "new").exists()
    again.label_current("c")
    before = state(again)
    again.close()
    (past,) = find_sittings(again.scan, tmp_path / "new")
    resumed = Session.resume(again.scan, past)
    assert state(resumed) == before
    assert resumed.training_config == full.training_config
    assert resumed.pattern_config == full.pattern_config
    assert resumed.segmentation.is_current
    resumed.undo()
    assert state(resumed) == state(full)
    resumed.close()


def test_an_empty_session_of_a_scan_in_memory(scan: Scan, tmp_path: Path) -> None:
    save_bundle(Session(scan), tmp_path / "empty.ghosthunter")
    again = open_bundle(tmp_path / "empty.ghosthunter", scan=scan, data_folder=tmp_path)
    assert state(again) == state(Session(scan))
    assert again.model is None
    assert again.domain_map is None
    with pytest.raises(ScanMovedError, match="came from no file") as caught:
        open_bundle(tmp_path / "empty.ghosthunter", data_folder=tmp_path)
    assert caught.value.path is None


def test_a_scan_that_was_moved_is_asked_for(full: Session, bundle: Path, scan_file: Path, tmp_path: Path) -> None:
    moved = tmp_path / "other.npy"
    shutil.move(scan_file, moved)
    with pytest.raises(ScanMovedError, match="say where it is now") as caught:
        open_bundle(bundle, data_folder=tmp_path)
    assert caught.value.path == str(scan_file)
    again = open_bundle(str(bundle), scan_path=str(moved), data_folder=tmp_path)
    assert state(again) == state(full)


@pytest.mark.parametrize("recorded", ["/no/such/folder/boracite.npy", "D:\\data\\boracite.npy"])
def test_a_scan_beside_the_bundle_is_found(bundle: Path, scan_file: Path, tmp_path: Path, recorded: str) -> None:
    shutil.copy(scan_file, bundle.parent)
    with zipfile.ZipFile(bundle) as opened:
        reference = json.loads(opened.read("session.json"))["scan"]
    sent = changed(bundle, {"session.json": state_with(bundle, scan=reference | {"path": recorded})})
    again = open_bundle(sent, data_folder=tmp_path)
    assert again.scan.provenance.path == bundle.parent / "boracite.npy"


@pytest.mark.parametrize("other", [None, (3, 3)])
def test_a_mask_that_is_not_here_or_does_not_fit_is_left_out_and_named(
    scan_file: Path, three: LabelSet, tmp_path: Path, other: tuple[int, int] | None
) -> None:
    mask = tmp_path / "mask.npy"
    np.save(mask, np.eye(16))
    scan = open_scan(scan_file, scan_shape=(6, 8), mask=mask, beam=(8, 8), rows=(1, 5))
    labels = LabelSet(three.classes, scan.scan_shape)
    labels.label((1, 1), labels.classes.names[0])
    session = Session.start(scan, labels, data_folder=tmp_path / "data")
    save_bundle(session, tmp_path / "work.ghosthunter")
    mask.unlink()
    if other is not None:
        np.save(mask, np.ones(other))
    again = open_bundle(tmp_path / "work.ghosthunter", data_folder=tmp_path / "data")
    assert again.scan.bad_pixels is None
    assert again.scan.provenance.options == scan.provenance.options.updated(mask=None)
    assert dict(again.labels) == {(1, 1): labels.classes.names[0]}
    assert [f"The mask of last time ({mask}) was left out." in note for note in again.notes] == [True]
    session.close()
    again.close()


def test_another_scan_is_refused_unless_forced(full: Session, bundle: Path, other_scan: Scan, tmp_path: Path) -> None:
    with pytest.raises(OtherScanError, match="is not the scan that work.ghosthunter was made with"):
        open_bundle(bundle, scan=other_scan, data_folder=tmp_path)
    again = open_bundle(bundle, scan=other_scan, force=True, data_folder=tmp_path)
    assert state(again) == state(full)
    assert again.fingerprint != full.fingerprint
    smaller = Scan(np.asarray(other_scan.data)[:3])
    with pytest.raises(OtherScanError):
        open_bundle(bundle, scan=smaller, data_folder=tmp_path)
    with pytest.raises(LabelError, match="outside the scan"):
        open_bundle(bundle, scan=smaller, force=True, data_folder=tmp_path)


def test_a_bundle_is_not_overwritten_unasked(full: Session, bundle: Path) -> None:
    before = bundle.read_bytes()
    with pytest.raises(OutputError, match="exists already"):
        save_bundle(full, bundle)
    assert bundle.read_bytes() == before
    save_bundle(full, bundle, overwrite=True)


def test_a_bundle_is_written_whole_or_not_at_all(full: Session, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = bundle.read_bytes()

    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "write", fail)
    with pytest.raises(OutputError, match="No space left"):
        save_bundle(full, bundle, overwrite=True)
    assert bundle.read_bytes() == before
    assert list(bundle.parent.iterdir()) == [bundle]


def test_names_that_lead_elsewhere_are_never_written(full: Session, bundle: Path, tmp_path: Path) -> None:
    evil = {"../evil": b"x", "../../evil": b"x", str(tmp_path / "evil"): b"x", "map/../../evil": b"x"}
    again = open_bundle(changed(bundle, evil), data_folder=tmp_path)
    assert state(again) == state(full)
    assert not list(tmp_path.rglob("*evil*"))
    assert not (tmp_path.parent / "evil").exists()


def test_a_member_that_unpacks_to_too_much_is_refused(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = changed(bundle, {"model.safetensors": bytes(3 * 2**20)}, zipfile.ZIP_DEFLATED)
    monkeypatch.setitem(bundles.LIMITS, "model.safetensors", 2 * 2**20)
    with pytest.raises(SessionError, match="its model.safetensors is larger than 2 MiB"):
        open_bundle(bomb, data_folder=tmp_path)


@pytest.mark.parametrize(
    ("replaced", "words"),
    [
        ({"session.json": None}, "is not a bundle"),
        ({"labels.csv": None}, "is not a bundle"),
        ({"session.json": b"{"}, "session.json cannot be read"),
        ({"session.json": b"[]"}, "session.json cannot be read"),
        ({"session.json": b'{"format": 1}'}, "session.json cannot be read"),
        ({"session.json": b'{"format": 99, "other": 1}'}, "newer"),
        ({"labels.csv": b"scan_y,scan_x,label\n1,one,a\n"}, "labels.csv cannot be read"),
    ],
)
def test_damaged_bundles(bundle: Path, tmp_path: Path, replaced: dict[str, Any], words: str) -> None:
    with pytest.raises(SessionError, match=words):
        open_bundle(changed(bundle, replaced), data_folder=tmp_path)


@pytest.mark.parametrize("classes", [[], [{"name": "a,b", "colour": "#000000", "key": ""}], [{"name": "a"}]])
def test_classes_that_are_none(bundle: Path, tmp_path: Path, classes: Any) -> None:
    broken = changed(bundle, {"session.json": state_with(bundle, classes={"classes": classes})})
    with pytest.raises((SessionError, LabelError)):
        open_bundle(broken, data_folder=tmp_path)


def test_what_is_no_bundle_at_all(bundle: Path, tmp_path: Path) -> None:
    content = bundle.read_bytes()
    for name, data in {"text": b"hello", "empty": b"", "half": content[: len(content) // 2]}.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(SessionError, match="not a bundle"):
            open_bundle(tmp_path / name, data_folder=tmp_path)
    with pytest.raises(SessionError, match="Cannot read"):
        open_bundle(tmp_path / "missing", data_folder=tmp_path)
    with pytest.raises(SessionError, match="packed another way"):
        open_bundle(changed(bundle, {"labels.csv": b"x"}, zipfile.ZIP_LZMA), data_folder=tmp_path)


def test_flipped_bits_are_noticed(bundle: Path, tmp_path: Path) -> None:
    data = bytearray(bundle.read_bytes())
    where = data.index(b"labels.csv") + len("labels.csv")
    data[where + 5] ^= 0xFF
    (tmp_path / "flipped").write_bytes(data)
    with pytest.raises(SessionError, match="damaged"):
        open_bundle(tmp_path / "flipped", data_folder=tmp_path)


def test_damaged_results_are_left_out_and_told(full: Session, bundle: Path, tmp_path: Path) -> None:
    spoilt = changed(
        bundle,
        {
            "model.safetensors": b"no model",
            "map_probabilities.npy": b"no map",
            "session.json": state_with(bundle, training={"no": "such"}),
        },
    )
    again = open_bundle(spoilt, data_folder=tmp_path)
    assert again.model is None
    assert again.domain_map is None
    assert again.training_config == TrainingConfig()
    assert len(again.notes) == 3
    assert not any("tmp" in note for note in again.notes)
    assert dict(again.labels) == dict(full.labels)
