"""Small scans, labels and models for the command line, and a way to call it."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from napari_ghosthunter.cli import run
from napari_ghosthunter.learning.modelfile import save_model
from napari_ghosthunter.scan.simulate import SimulationConfig, simulate


@dataclass(frozen=True)
class Called:
    """What a command gave."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line of a failure, which must be all that was said."""
        assert self.code == 2
        assert self.out == ""
        assert self.err.count("\n") == 1
        assert self.err.startswith("error: ")
        return self.err.removeprefix("error: ").strip()


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Called]:
    """Give a function that runs one command in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def called(*arguments: object) -> Called:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        return Called(code, *capsys.readouterr())

    return called


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with a scan, its truth, the same as one row of patterns, and some labels; nobody may change it."""
    folder = tmp_path_factory.mktemp("samples")
    simulation = simulate(SimulationConfig(scan_shape=(10, 14), detector_shape=(32, 32), seed=1))
    cube = np.asarray(simulation.scan.data)
    np.save(folder / "scan.npy", cube)
    np.save(folder / "flat.npy", cube.reshape(-1, 32, 32))
    np.save(folder / "wide.npy", np.zeros((2, 3, 40, 40), np.uint16))
    np.save(folder / "truth.npy", simulation.truth)
    rows = [(y, x, simulation.names[simulation.truth[y, x]]) for y in range(0, 10, 3) for x in range(0, 14, 3)]
    write_rows(folder / "labels.csv", rows)
    write_rows(folder / "one_class.csv", [(0, 0, "a"), (1, 1, "a")])
    write_rows(folder / "outside.csv", [(0, 0, "a"), (10, 1, "b")])
    write_rows(folder / "conflict.csv", [(0, 0, "a"), (0, 0, "b"), (1, 1, "b")])
    write_rows(folder / "empty.csv", [])
    (folder / "cut.npy").write_bytes((folder / "scan.npy").read_bytes()[:5000])
    (folder / "text.npy").write_text("no numbers")
    (folder / "notes.txt").write_text("a regular file")
    return folder


@pytest.fixture(scope="session")
def model(samples: Path, make_model: Callable) -> Path:
    """Write a model that fits the scan; what it says means nothing."""
    path = samples / "model.safetensors"
    save_model(make_model(detector_shape=(32, 32), names=("none", "vertical", "horizontal"), size=32), path)
    return path


def write_rows(path: Path, rows: list[tuple[int, int, str]]) -> None:
    """Write a labels.csv."""
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([("scan_y", "scan_x", "label"), *rows])
