"""Model files: safetensors with the rest as JSON in its metadata. Nothing is ever unpickled."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from napari_ghosthunter.errors import LabelError, ModelError, OutputError
from napari_ghosthunter.files import whole_file
from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.learning.model import Model, TrainingRecord
from napari_ghosthunter.learning.network import build_network
from napari_ghosthunter.learning.patterns import FittedPatterns

KEY = "ghosthunter"  # the entry of the metadata that holds the JSON
FORMAT = 1


class _Header(BaseModel):
    """The JSON of a model file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int
    classes: ClassScheme
    network: str
    patterns: FittedPatterns
    record: TrainingRecord


def save_model(model: Model, path: Path | str) -> None:
    """Write a model file, whole or not at all.

    Raises
    ------
    OutputError
        If it cannot be written there.
    """
    header = _Header(
        format=FORMAT, classes=model.classes, network=model.network, patterns=model.patterns, record=model.record
    )
    weights = {name: weight.contiguous() for name, weight in model.weights.items()}
    with whole_file(path) as temporary:
        try:
            save_file(weights, temporary, metadata={KEY: header.model_dump_json()})
        except SafetensorError as error:
            raise OutputError(f"Cannot write {path}: {error}.") from error


def load_model(path: Path | str) -> Model:
    """Read a model file.

    Raises
    ------
    ModelError
        If it is missing, damaged, not one of ours, or made by a newer version.
    """
    path = Path(path)
    if not path.is_file():
        raise ModelError(f"There is no model file {path}.")
    try:
        with safe_open(path, framework="pt") as stream:
            text = (stream.metadata() or {}).get(KEY)
            weights = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} is not a readable safetensors file: {error}.") from error
    if text is None:
        raise ModelError(f"{path} was not written by napari-ghosthunter: it lacks the classes and the preprocessing.")
    header = _header(path, text)
    model = Model(header.classes, header.network, header.patterns, weights, header.record)
    with torch.device("meta"):  # the shapes alone
        expected = build_network(model.network, len(model.classes), model.patterns.size).state_dict()
    if {name: w.shape for name, w in expected.items()} != {name: w.shape for name, w in weights.items()}:
        raise ModelError(f"{path} is damaged: its weights do not fit its network '{model.network}'.")
    return model


def _header(path: Path, text: str) -> _Header:
    """Check the version first: a newer file may have fields that this one cannot know."""
    try:
        version = json.loads(text).get("format")
        if isinstance(version, int) and version > FORMAT:
            raise ModelError(f"{path} was written by a newer napari-ghosthunter; update to read it.")
        return _Header.model_validate_json(text)
    except (LabelError, ValueError, AttributeError, RecursionError) as error:
        raise ModelError(f"{path} is damaged: its description cannot be read.") from error
