"""What a session holds, and what of it is on disk."""

from __future__ import annotations

from typing import Any

from napari_ghosthunter.learning.model import Model
from napari_ghosthunter.learning.modelfile import load_model
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.session.session import Session


def state(session: Session) -> tuple[Any, ...]:
    """All that a user sees, and what undo would do."""
    labels = session.labels
    return dict(labels), labels.classes, list(labels.points.items()), labels.next_undo, labels.next_redo


def assert_comes_back(session: Session, scan: Scan) -> None:
    """Close a session, and find all of it on disk."""
    before = state(session)
    session.close()
    assert session.folder is not None
    again = Session.resume(scan, session.folder)
    assert again.notes == ()
    assert state(again) == before
    again.close()


def kept_model(session: Session) -> Model:
    assert session.folder is not None
    return load_model(session.folder / "model.safetensors")


def kept_before(session: Session) -> Model | None:
    assert session.folder is not None
    path = session.folder / "model-before.safetensors"
    return load_model(path) if path.exists() else None
