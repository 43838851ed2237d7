"""The models that a session has on disk."""

from __future__ import annotations

from napari_ghosthunter.learning.model import Model
from napari_ghosthunter.learning.modelfile import load_model
from napari_ghosthunter.session.session import Session


def kept_model(session: Session) -> Model:
    assert session.folder is not None
    return load_model(session.folder / "model.safetensors")


def kept_before(session: Session) -> Model | None:
    assert session.folder is not None
    path = session.folder / "model-before.safetensors"
    return load_model(path) if path.exists() else None
