"""A training or a batch of maps that is killed: no half file, and the next one knows where it stands."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_ghosthunter.errors import TrainingError
from napari_ghosthunter.learning import training
from napari_ghosthunter.learning.model import Model
from napari_ghosthunter.learning.modelfile import load_model
from napari_ghosthunter.learning.report import EpochReport
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.session import runs
from tests.disks import Disk

REPOSITORY = Path(__file__).parents[2]
MAIN = (
    "import sys; from napari_ghosthunter.cli import main; from napari_ghosthunter.session import runs\n"
    "runs.KEEP_SECONDS = 0\n"
    "main(sys.argv[1:])"
)
NOTE = "an earlier training of m.safetensors was cut off. This one starts anew"


def killed(folder: Path, ready: Callable[[], bool], *arguments: object) -> None:
    """Run a command in a folder of its own, and kill it at a random moment after something is there."""
    command = [sys.executable, "-c", MAIN, *map(str, arguments)]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            end = time.monotonic() + 120
            while not ready() and process.poll() is None and time.monotonic() < end:
                time.sleep(0.005)
            time.sleep(random.uniform(0, 0.1))
        finally:
            process.kill()
        assert process.stderr is not None
        assert "error" not in process.stderr.read()


@pytest.fixture
def train(call: Callable[..., Any], samples: Path) -> Callable[..., Any]:
    def trained(*options: object) -> Any:
        return call(
            "train", samples / "scan.npy", "--labels", samples / "labels.csv", "--out", "m.safetensors", *options
        )

    return trained


class FakeTraining:
    """Stands for `learning.training.train`: two epochs that take no time, and an error then, if it is to `fail`."""

    def __init__(self, model: Model) -> None:
        self.model, self.fail, self.start = model, False, None

    def __call__(self, *_: Any, start: Model | None, **_also: Any) -> Iterator[EpochReport]:
        self.start = start
        for _epoch in range(2):
            yield EpochReport(self.model.record.history[0], 2, self.model, ())
        if self.fail:
            raise TrainingError("The loss is no longer a number.")


@pytest.fixture
def fake(make_model: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> FakeTraining:
    fake = FakeTraining(make_model((32, 32), ("none", "vertical", "horizontal"), size=32))
    monkeypatch.setattr(training, "train", fake)
    monkeypatch.setattr(runs, "KEEP_SECONDS", 0)
    return fake


def test_a_training_that_was_cut_off_is_told_and_can_be_gone_on_with(
    train: Callable[..., Any], fake: FakeTraining, tmp_path: Path
) -> None:
    fake.fail = True
    assert train().code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["m.unfinished.safetensors"]
    assert load_model("m.unfinished.safetensors").hash == fake.model.hash
    shutil.copy("m.unfinished.safetensors", "kept.safetensors")
    fake.fail = False
    anew = train()
    assert anew.code == 0
    assert NOTE in anew.err
    assert "--from m.unfinished.safetensors" in anew.err
    assert fake.start is None
    assert {path.name for path in tmp_path.iterdir()} == {"m.safetensors", "kept.safetensors"}
    Path("kept.safetensors").rename("m.unfinished.safetensors")
    on = train("--overwrite", "--from", "m.unfinished.safetensors")
    assert on.code == 0
    assert on.err == ""
    assert fake.start is not None
    assert [path.name for path in tmp_path.iterdir()] == ["m.safetensors"]


def test_a_disk_that_is_full_on_the_way_stops_no_training(
    call: Callable[..., Any], fake: FakeTraining, samples: Path, disk: Disk
) -> None:
    disk.fill()
    out = disk.path / "m.safetensors"
    called = call("train", samples / "scan.npy", "--labels", samples / "labels.csv", "--out", out)
    assert called.code == 2
    assert called.err.count("warning: Cannot write") == 2
    assert called.err.count(f"error: Cannot write {out}: ") == 1
    assert disk.names == set()


@pytest.mark.slow
def test_a_training_that_is_killed_leaves_no_half_model(
    train: Callable[..., Any], samples: Path, tmp_path: Path
) -> None:
    options = ["--labels", samples / "labels.csv", "--out", "m.safetensors", "--network", "ghosthunter"]
    for number in range(3):
        kept = tmp_path / "m.unfinished.safetensors"
        killed(tmp_path, kept.exists, "train", samples / "scan.npy", *options, "--epochs", 100000)
        assert not (tmp_path / "m.safetensors").exists()
        assert load_model(kept).record.history, number
    assert NOTE in train("--epochs", 1).err


@pytest.mark.slow
def test_a_batch_that_is_killed_goes_on_where_it_was(
    call: Callable[..., Any], samples: Path, model: Path, tmp_path: Path
) -> None:
    scans = [tmp_path / f"scan_{number}.npy" for number in range(12)]
    cube = np.load(samples / "scan.npy")
    for number, scan in enumerate(scans):
        np.save(scan, cube[: 4 + number % 5])
    command = ["map", *scans, "--model", model]
    assert call(*command, "--out", "whole").code == 0
    out, done = tmp_path / "out", 0
    for _ in range(8):
        killed(tmp_path, out.exists, *command, "--out", "out", "--resume")
        maps = {path.name.removesuffix("_map.json") for path in out.glob("[!.]*_map.json")}
        for name in maps:
            DomainMap.load(out, name)
            for path in (tmp_path / "whole").glob(f"{name}_*"):
                if not path.name.endswith("_map.json"):  # which tells the time
                    assert (out / path.name).read_bytes() == path.read_bytes()
        assert len(maps) >= done, "what was whole stays"
        done = len(maps)
    called = call(*command, "--out", "out", "--resume")
    assert called.code == 0
    assert called.out.count("was there already") == done
    for path in (tmp_path / "whole").iterdir():
        if not path.name.endswith("_map.json"):
            assert (out / path.name).read_bytes() == path.read_bytes()
