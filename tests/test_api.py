"""The public Python API: every name is there, light to import, and does what its documentation says."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import subprocess
import sys
from types import ModuleType

import numpy as np
import pytest

import napari_ghosthunter as gh

NAMES = sorted(set(gh.__all__) - {"__version__"})


@pytest.mark.parametrize("name", NAMES)
def test_each_public_name_is_there_and_documented(name: str) -> None:
    assert getattr(gh, name).__doc__
    assert name in dir(gh)


def test_names_for_type_checkers_and_at_run_time_are_the_same() -> None:
    source = importlib.util.find_spec("napari_ghosthunter").origin
    with open(source, encoding="utf-8") as stream:  # noqa: PTH123
        typed = {
            line.split(" as ")[1].strip() for line in stream if line.startswith("    from napari_") and " as " in line
        }
    assert typed == {name for name in NAMES if not isinstance(getattr(gh, name), ModuleType)}


def test_star_import_gives_the_public_names() -> None:
    code = "from napari_ghosthunter import *; import napari_ghosthunter as gh; assert set(gh.__all__) <= set(dir())"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("code", "unwanted"),
    [
        ("gh.LabelSet, gh.ClassScheme, gh.sampler, gh.labels", {"torch", "py4DSTEM", "rsciio", "dask"}),
        ("gh.open_scan, gh.Scan, gh.simulate", {"torch", "py4DSTEM", "rsciio", "dask"}),
        ("gh.train, gh.segment, gh.TrainingConfig", {"py4DSTEM", "rsciio", "dask"}),
    ],
)  # fmt: skip
def test_names_load_no_more_than_they_need(code: str, unwanted: set[str]) -> None:
    script = f"import sys, napari_ghosthunter as gh; {code}; print(sorted({unwanted!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'napari_ghosthunter' has no attribute 'Nothing'"):
        _ = gh.Nothing
    assert not hasattr(gh, "segments")


def test_version_is_that_of_the_package() -> None:
    assert gh.__version__ == importlib.metadata.version("napari-ghosthunter")


def test_the_main_job_in_code(tmp_path) -> None:
    simulation = gh.simulate(gh.SimulationConfig(scan_shape=(10, 14), detector_shape=(32, 32), seed=1))
    np.save(tmp_path / "scan.npy", np.asarray(simulation.scan.data))

    scan = gh.open_scan(tmp_path / "scan.npy")
    labels = gh.LabelSet(gh.ClassScheme.from_names(simulation.names), scan.scan_shape)
    for point in gh.sampler.next_round(labels, scan.scan_shape, step=3).proposals:
        labels.label(point.position, simulation.names[simulation.truth[point.position]])
    assert gh.labels.LabelSet is gh.LabelSet

    reports = list(gh.train(scan, labels, gh.TrainingConfig(epochs=3)))
    assert [report.figures.epoch for report in reports] == [1, 2, 3]
    assert all(isinstance(report, gh.EpochReport) for report in reports)
    gh.save_model(reports[-1].model, tmp_path / "model.safetensors")
    model = gh.load_model(tmp_path / "model.safetensors")
    assert isinstance(model, gh.Model)

    domains = gh.segment(scan, model)
    assert isinstance(domains, gh.DomainMap)
    assert len(domains.save(tmp_path / "maps")) == 6
    again = gh.DomainMap.load(tmp_path / "maps")
    assert np.array_equal(again.probabilities, domains.probabilities)
    rows = np.concatenate([band.probabilities for band in gh.segment_rows(scan, model)])
    assert np.array_equal(rows, domains.probabilities)
    assert 0 <= gh.evaluate(domains, simulation.truth, simulation.names, labels).accuracy <= 1


def test_one_except_clause_catches_all_that_a_user_can_mend(tmp_path) -> None:
    for wrong in (
        lambda: gh.open_scan(tmp_path / "nothing.dm4"),
        lambda: gh.load_model(tmp_path / "nothing"),
        lambda: gh.read_labels(tmp_path / "nothing.csv"),
        lambda: gh.DomainMap.load(tmp_path / "nothing"),
        lambda: gh.ClassScheme.from_names(["a,b"]),
    ):
        with pytest.raises(gh.GhostHunterError):
            wrong()
