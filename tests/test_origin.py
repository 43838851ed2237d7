"""Every file that is written says what it comes from: versions, seed, choices, the hashes of the scan and the model."""

import csv
import json
import re
import zipfile

import h5py
import numpy as np
import pytest
import tifffile
from PIL import Image
from safetensors import safe_open

from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.learning.config import PatternConfig, TrainingConfig
from napari_ghosthunter.learning.modelfile import KEY, load_model, save_model
from napari_ghosthunter.learning.training import train
from napari_ghosthunter.mapping.batch import map_scans
from napari_ghosthunter.mapping.export import FILE_WRITERS, SET_WRITERS, save_file
from napari_ghosthunter.mapping.segmentation import segment
from napari_ghosthunter.scan.fingerprint import fingerprint
from napari_ghosthunter.scan.readers import open_scan
from napari_ghosthunter.scan.simulate import SimulationConfig, simulate
from napari_ghosthunter.session.bundle import open_bundle, save_bundle
from napari_ghosthunter.session.session import Session
from napari_ghosthunter.versions import versions


def from_json(path):
    return json.loads(path.read_text(encoding="utf-8"))


def from_tiff(path):
    with tifffile.TiffFile(path) as file:
        return json.loads(file.imagej_metadata["Info"].rpartition("provenance = ")[2])


def from_png(path):
    return json.loads(Image.open(path).text["provenance"])


def from_hdf5(path):
    with h5py.File(path) as file:
        return json.loads(file["domain_map"].attrs["provenance"])


def from_companion(path):
    """Arrays and tables are for other programs; what they come from is in the JSON file that belongs to them."""
    return from_json(path.with_name(re.sub("_(probabilities.npy|domains.csv)$", "_map.json", path.name)))


READ = {
    ".json": from_json, ".tif": from_tiff, ".tiff": from_tiff, ".csv": from_companion, ".png": from_png,
    ".h5": from_hdf5, ".hdf5": from_hdf5, ".npy": from_companion,
}  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A scan in a file of an odd name, a model in a file, and the map that it makes."""
    folder = tmp_path_factory.mktemp("Maßstab β")
    simulation = simulate(SimulationConfig(scan_shape=(8, 10), detector_shape=(32, 32), seed=3))
    np.save(folder / "séan.npy", np.asarray(simulation.scan.data))
    scan = open_scan(folder / "séan.npy")
    labels = LabelSet(ClassScheme.from_names(simulation.names), scan.scan_shape)
    labels.label_many(
        {(y, x): simulation.names[simulation.truth[y, x]] for y in range(0, 8, 2) for x in range(0, 10, 2)}
    )
    config, patterns = TrainingConfig(network="ghosthunter", epochs=1, seed=11), PatternConfig(size=16, crop=0.9)
    model = list(train(scan, labels, config, patterns, device="cpu"))[-1].model
    save_model(model, folder / "model.safetensors")
    model = load_model(folder / "model.safetensors")
    return folder, scan, labels, model, segment(scan, model, device="cpu")


def check(told, made):
    _, scan, _, model, _ = made
    assert told["versions"] == versions()
    assert told["seed"] == 11
    assert told["scan_fingerprint"] == fingerprint(scan)
    assert told["scan"]["path"] == str(scan.provenance.path)
    assert told["model_hash"] == model.hash
    assert told.get("model_path", str(model.path)) == str(model.path)
    assert TrainingConfig.model_validate(told["training"]) == model.record.config
    assert PatternConfig.model_validate(told["patterns"]) == model.patterns.config


@pytest.mark.parametrize("suffix", SET_WRITERS)
def test_every_file_of_the_set_says_it(made, suffix, tmp_path):
    made[-1].save(tmp_path, "m")
    path = tmp_path / f"m{suffix}"
    check(READ[path.suffix](path), made)


def check_table(path, made):
    _, scan, _, model, domains = made
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == len(domains.classes)
    for row in rows:
        assert row["scan"] == scan.provenance.path.name
        assert row["scan_fingerprint"] == f"sha256:{fingerprint(scan)[:12]}"
        assert row["model_hash"] == f"sha256:{model.hash[:12]}"


def test_a_table_names_scan_and_model_in_short_columns(made, tmp_path):
    made[-1].save(tmp_path, "m")
    for path in (tmp_path / "m_domains.csv", save_file(made[-1], tmp_path / "alone.csv")):
        check_table(path, made)
        lines = path.read_text(encoding="utf-8").splitlines()
        assert max(map(len, lines)) < 250, "a spreadsheet shows a row as a row"
        assert "{" not in "".join(lines)


def test_a_table_opens_in_pandas_as_it_is(made, tmp_path):
    pandas = pytest.importorskip("pandas")
    made[-1].save(tmp_path, "m")
    found = pandas.read_csv(tmp_path / "m_domains.csv")
    assert list(found["class"]) == list(made[-1].classes.names)
    assert list(found["colour"]) == list(made[-1].classes.colours)
    assert found["area_fraction"].sum() == pytest.approx(1)
    assert pandas.concat([found, found]).groupby(["scan", "class"])["count"].sum().sum() == 2 * found["count"].sum()


@pytest.mark.parametrize("ending", [ending for ending in FILE_WRITERS if ending != ".csv"])
def test_every_single_file_says_it(made, ending, tmp_path):
    check(READ[ending](save_file(made[-1], tmp_path / f"one{ending}")), made)


def test_the_files_of_a_batch_say_it(made, tmp_path):
    _, scan, _, model, _ = made
    *_, last = map_scans(model, [scan.provenance.path], tmp_path, device="cpu")
    check(from_json(last.written[0]), made)


def test_a_model_says_it(made):
    with safe_open(made[0] / "model.safetensors", framework="np") as stream:
        told = json.loads(stream.metadata()[KEY])
    assert told["record"]["versions"] == versions()
    assert told["record"]["config"]["seed"] == 11
    assert told["record"]["scan"]["looks"]["fingerprint"] == fingerprint(made[1])
    assert told["patterns"]["config"]["crop"] == 0.9


def test_a_bundle_says_it_and_names_no_folder_that_is_gone(made, tmp_path):
    _, scan, labels, _, _ = made
    session = Session.start(scan, labels, data_folder=tmp_path / "data")
    session.training_config = TrainingConfig(network="ghosthunter", epochs=1, seed=11)
    session.pattern_config = PatternConfig(size=16, crop=0.9)
    assert list(session.training.run(device="cpu"))
    save_bundle(session, tmp_path / "b.ghosthunter")
    with zipfile.ZipFile(tmp_path / "b.ghosthunter") as bundle:
        told = json.loads(bundle.read("session.json"))
    assert told["versions"] == versions()
    assert told["training"]["seed"] == 11
    assert told["patterns"]["crop"] == 0.9
    assert told["scan"]["fingerprint"] == fingerprint(scan)
    model = open_bundle(tmp_path / "b.ghosthunter", data_folder=tmp_path / "other").model
    assert (model.path, model.record.versions) == (None, versions())
