"""`ghosthunter demo`."""

import re

import numpy as np
import pytest

from napari_ghosthunter.learning import config
from napari_ghosthunter.learning.config import TrainingConfig
from napari_ghosthunter.scan import simulate as simulation

FILES = {
    "labels.csv", "model.safetensors", "overview.png", "boracite_classes.tif", "boracite_confidence.tif",
    "boracite_domains.csv", "boracite_map.json", "boracite_probabilities.npy", "boracite_rgb.png",
    "boracite_figure.png",
}  # fmt: skip


def test_the_whole_job_on_a_small_scan(call, tmp_path, monkeypatch):
    small = simulation.simulate(simulation.SimulationConfig(scan_shape=(16, 24), detector_shape=(32, 32)))
    monkeypatch.setattr(simulation, "simulate", lambda: small)
    monkeypatch.setattr(config, "TrainingConfig", lambda: TrainingConfig(epochs=3))
    called = call("demo", "--out", "deep/demo")
    assert (called.code, called.err) == (0, "")
    assert {path.name for path in (tmp_path / "deep" / "demo").iterdir()} == FILES
    assert re.search(r"^accuracy +0\.\d{4} ", called.out, re.MULTILINE)
    for path in ("overview.png", "boracite_figure.png"):
        assert f"deep/demo/{path}" in called.out.replace("\\", "/")
    labels = len((tmp_path / "deep" / "demo" / "labels.csv").read_text().splitlines()) - 1
    assert f"{small.truth.size - labels} positions" in called.out


def test_an_old_result_is_kept(call, tmp_path):
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "boracite_map.json").write_text("old")
    assert "exists already" in call("demo", "--out", "demo").error
    assert [path.name for path in (tmp_path / "demo").iterdir()] == ["boracite_map.json"]


@pytest.mark.slow
def test_the_real_demo_finds_the_domains(call, tmp_path):
    called = call("demo", "--out", "demo")
    assert called.code == 0
    accuracy = float(re.search(r"^accuracy +(\S+)", called.out, re.MULTILINE)[1])
    assert accuracy > 0.9
    assert np.load(tmp_path / "demo" / "boracite_probabilities.npy").shape == (34, 64, 3)
