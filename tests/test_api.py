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
    assert len(domains.save(tmp_path / "maps")) == 7
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


def test_what_is_printed_is_short(make_model) -> None:
    simulation = gh.simulate(gh.SimulationConfig(scan_shape=(6, 8), detector_shape=(16, 16)))
    scan = simulation.scan
    names = [f"class {number}" for number in range(60)]
    model = make_model(names=tuple(names))
    domains = gh.segment(scan, model)
    labels = gh.LabelSet(gh.ClassScheme.from_names(names), scan.scan_shape, {(0, 0): "class 0", (5, 7): "class 1"})
    report = next(gh.train(scan, labels, gh.TrainingConfig(network="ghosthunter", epochs=2)))
    fitted = next(gh.train(scan, labels, gh.TrainingConfig(epochs=2)))
    printed = {
        "Scan('scan': 6 x 8 probe positions, 16 x 16 detector pixels, uint16)": scan,
        "DomainMap(6 x 8 probe positions; class 0 ": domains,
        "EpochReport(epoch 1 of 2: loss ": report,
        "EpochReport(step 1: loss ": fitted,
        "Model('swift' for class 0, class 1; patterns of 16 x 16 pixels; 8,322 parameters; 1 step, not ": fitted.model,
        "Model('ghosthunter' for class 0, class 1; patterns of 16 x 16 pixels; ": report.model,
        "Model('ghosthunter' for class 0, class 1, class 2, class 3, class 4, class 5 and 54 more; ": model,
        "Session(Scan('scan': ": gh.Session(scan, labels),
        "LabelSet(2 labels; class 0: 1, ": labels,
        "Evaluation(accuracy ": gh.evaluate(domains, np.zeros((6, 8), int)),
        "Simulation(scan=Scan('scan'": simulation,
        "RowBand(start=0, ": next(iter(gh.segment_rows(scan, model))),
    }
    for start, thing in printed.items():
        assert str(thing).startswith(start)
        assert repr(thing) == str(thing)
        assert len(str(thing)) <= 240, "two lines of a terminal"
        assert "\n" not in str(thing)
        assert not any(word in str(thing) for word in ("array", "tensor"))
    assert str(gh.Session(scan, labels)).endswith("no model, no map)")


def test_paths_may_be_text(tmp_path, make_model) -> None:
    from napari_ghosthunter.mapping.export import output_paths, save_file, save_map

    folder = str(tmp_path)
    scan = gh.simulate(gh.SimulationConfig(scan_shape=(6, 8), detector_shape=(16, 16)), path=f"{folder}/scan.npy").scan
    assert scan.name == "scan"
    assert gh.open_scan(f"{folder}/scan.npy").shape == scan.shape

    gh.save_model(make_model(), f"{folder}/m.safetensors")
    domains = gh.segment(scan, gh.load_model(f"{folder}/m.safetensors"))
    assert save_map(domains, folder, "map") == output_paths(folder, "map")
    assert gh.DomainMap.load(folder, "map").scan_shape == (6, 8)
    assert save_file(domains, f"{folder}/map.csv") == tmp_path / "map.csv"
    save_file(domains, f"{folder}/map.h5")

    session = gh.Session.start(scan, data_folder=f"{folder}/data")
    session.labels.add_class("a")
    gh.save_bundle(session, f"{folder}/a.ghosthunter")
    session.close()
    assert [past.folder for past in gh.find_sittings(scan, f"{folder}/data")] == [session.folder]
    gh.Session.resume(scan, str(session.folder)).close()
    gh.open_bundle(f"{folder}/a.ghosthunter", data_folder=f"{folder}/data").close()
