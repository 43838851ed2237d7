"""Every command that writes, where nothing can be written: one line that says why, and nothing is left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.disks import Disk

YAML = "labels:\n- {file: 1_2.png, label: vertical}\n"


@pytest.fixture
def commands(samples: Path, model: Path, tmp_path: Path) -> dict[str, list[object]]:
    (tmp_path / "paper.yaml").write_text(YAML)
    scan, labels = samples / "scan.npy", samples / "labels.csv"
    return {
        "points.csv": ["sample", scan, "--step", 3, "--out"],
        "labels.csv": ["labels", "import", "paper.yaml", "--scan-shape", "10x14", "--out"],
        "maps": ["map", scan, "--model", model, "--device", "cpu", "--out"],
        "m.safetensors": ["train", scan, "--labels", labels, "--epochs", 1, "--device", "cpu", "--out"],
    }


NAMES = ["points.csv", "labels.csv", "maps", "m.safetensors"]


@pytest.mark.parametrize("name", NAMES)
def test_a_full_disk(name: str, call: Callable[..., Any], commands: dict[str, list[object]], disk: Disk) -> None:
    disk.fill()
    called = call(*commands[name], disk.path / name)
    assert "Cannot write" in called.error
    assert str(disk.path) in called.error
    assert disk.names <= {name}, "the folder of the maps at most"
    disk.empty()
    assert name == "m.safetensors" or call(*commands[name], disk.path / name).code == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_read_only_disk(name: str, call: Callable[..., Any], commands: dict[str, list[object]], disk: Disk) -> None:
    disk.make_read_only()
    called = call(*commands[name], disk.path / name)
    assert "Cannot write" in called.error
    assert disk.names == set()
