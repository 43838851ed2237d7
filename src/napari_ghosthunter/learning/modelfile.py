"""Model files: safetensors with the rest as JSON in its metadata. Nothing is ever unpickled.

A file may come from a stranger. Whatever is wrong with it is found here, before any of it is used: the header before
the weights are read, and all that a program would trip over later.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NoReturn, Self, TypeAlias

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from napari_ghosthunter.errors import LabelError, ModelError
from napari_ghosthunter.files import whole_file
from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.learning.model import Model, TrainingRecord
from napari_ghosthunter.learning.network import NETWORKS, build_network
from napari_ghosthunter.learning.patterns import FittedPatterns

KEY = "ghosthunter"  # the entry of the metadata that holds the JSON; with a second one, files would differ by chance
DIGEST = re.compile(r',"sha256":"([0-9a-f]{64})"}$')  # its end, a hash of all else: a flipped bit is no other model
FORMAT = 1
LARGEST_HEADER = 32 * 2**20  # bytes; a hundred thousand epochs are half of it
LARGEST_VALUE = 1e6  # of a template, whose patterns have standard deviation 1

_Step: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Header(BaseModel):
    """The JSON of a model file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = Field(ge=1, le=FORMAT)
    classes: ClassScheme
    network: str
    patterns: FittedPatterns
    record: TrainingRecord

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        """Refuse what no training gives; who shows or uses it relies on that."""
        held, patterns = self.record.held_out, self.patterns
        if not len(self.classes):
            raise ValueError("there are no classes")
        if [len(held.names)] * len(held.names) != [len(row) for row in held.confusion]:
            raise ValueError("the confusion matrix is not square")
        if any(count < 0 for row in held.confusion for count in row):
            raise ValueError("a count is negative")
        if abs(patterns.turn) > 180 or any(abs(by) > patterns.size for by in patterns.offset or ()):
            raise ValueError("patterns lie out of reach of the template")
        if any(abs(value) > LARGEST_VALUE for row in patterns.template or () for value in row):
            raise ValueError("the template is of impossible brightness")
        _Described.model_validate(self.record.scan)
        return self


class _Described(BaseModel):
    """What of the description of the training scan others are compared with; a model need not have one."""

    scan_step: tuple[_Step, _Step] | None = None
    scan_units: str = ""
    k_step: tuple[_Step, _Step] | None = None
    k_units: str = ""


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
    text, weights = header.model_dump_json(), {name: weight.contiguous() for name, weight in model.weights.items()}
    described = f'{text[:-1]},"sha256":"{_digest(text, weights)}"}}'
    # not `save_file`, which writes a temporary file of its own, that stays beside ours if the process is killed
    content = save(weights, metadata={KEY: described})
    with whole_file(path) as temporary:
        temporary.write_bytes(content)


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
        _check_length(path)
        with safe_open(path, framework="pt") as stream:
            text, digest = _parted((stream.metadata() or {}).get(KEY))
            header = _header(path, text)
            weights = _weights(path, stream, header)
    except OSError as error:
        raise ModelError(f"Cannot read {path}: {error.strerror or error}.") from error
    except SafetensorError as error:
        raise ModelError(f"{path} is not a readable safetensors file: {error}.") from error
    if text is not None and digest not in {"", _digest(text, weights)}:  # earlier versions wrote none
        raise ModelError(f"{path} is damaged: it does not hold what was written to it; take another copy.")
    return Model(header.classes, header.network, header.patterns, weights, header.record, path.absolute())


def _parted(described: str | None) -> tuple[str | None, str]:
    """Part a description from the hash at its end, which is empty where there is none."""
    found = DIGEST.search(described or "")
    if described is None or found is None:
        return described, ""
    return described[: found.start()] + "}", found[1]


def _check_length(path: Path) -> None:
    """Refuse a header that would fill the memory, by the length that the file begins with."""
    with path.open("rb") as stream:
        start = stream.read(8)
    length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0  # what is too short is left to safetensors
    if length > path.stat().st_size:
        raise ModelError(f"{path} is not a model file of this program (safetensors), or it is cut off.")
    if length > LARGEST_HEADER:
        raise ModelError(f"{path} is not a readable safetensors file: its header would be of {length:,} bytes.")


def _header(path: Path, text: str | None) -> _Header:
    """Check the version first: a newer file may have fields that this one cannot know."""
    if text is None:
        raise ModelError(f"{path} was not written by napari-ghosthunter: it lacks the classes and the preprocessing.")
    try:
        described = json.loads(text, object_pairs_hook=_once, parse_constant=_refuse, parse_float=_finite)
        version = described.get("format")
        if isinstance(version, int) and version > FORMAT:
            raise ModelError(f"{path} was written by a newer napari-ghosthunter; update to read it.")
        header = _Header.model_validate_json(text)
    except (LabelError, ValueError, AttributeError, RecursionError) as error:
        raise ModelError(f"{path} is damaged: its description cannot be read.") from error
    if header.network not in NETWORKS:
        known = ", ".join(NETWORKS)
        raise ModelError(f"{path} is of a network '{header.network:.40}', which is not known here (but {known} are).")
    return header


def _weights(path: Path, stream: Any, header: _Header) -> dict[str, Tensor]:
    """Read the weights, once their names and shapes are seen to be those of the network."""
    with torch.device("meta"):  # the shapes alone
        expected = build_network(header.network, len(header.classes), header.patterns.size).state_dict()
    unfit = ModelError(f"{path} is damaged: its weights do not fit its network '{header.network}'.")
    names = stream.keys()
    if {name: tuple(weight.shape) for name, weight in expected.items()} != {
        name: tuple(stream.get_slice(name).get_shape()) for name in names
    }:
        raise unfit
    weights: dict[str, Tensor] = {name: stream.get_tensor(name) for name in names}
    if any(weight.dtype != expected[name].dtype for name, weight in weights.items()):
        raise unfit
    if not all(bool(weight.isfinite().all()) for weight in weights.values()):
        raise ModelError(f"{path} is damaged: not all of its weights are numbers.")
    return weights


def _digest(text: str, weights: Mapping[str, Tensor]) -> str:
    """Hash a description and its weights, as hexadecimal digits."""
    digest = hashlib.sha256(text.encode())
    for name in sorted(weights):
        digest.update(weights[name].numpy().tobytes())
    return digest.hexdigest()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that has a key twice: who reads it otherwise would read something else."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


def _refuse(constant: str) -> NoReturn:
    """Refuse NaN and infinities, which are no JSON."""
    raise ValueError(f"{constant} is no number")


def _finite(digits: str) -> float:
    """Refuse what is no number of double precision, as 1e999."""
    number = float(digits)
    if not math.isfinite(number):
        _refuse(digits)
    return number
