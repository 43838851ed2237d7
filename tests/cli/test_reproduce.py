"""`ghosthunter reproduce`: the map comes out again, and whatever is another than it was is said."""

import json
import shutil

import numpy as np
import pytest

from napari_ghosthunter.errors import MapError
from napari_ghosthunter.learning.modelfile import load_model, save_model
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.mapping.reproducing import reproduce
from napari_ghosthunter.scan.readers import open_scan


@pytest.fixture
def mapped(call, samples, model, tmp_path):
    """A folder with a scan, a model and the map of it, all its own."""
    for path in (samples / "scan.npy", samples / "flat.npy", model):
        shutil.copy(path, tmp_path)
    assert call("map", "scan.npy", "--model", "model.safetensors", "--out", "maps", "--device", "cpu").code == 0
    return tmp_path


def change(mapped, **changes):
    path = mapped / "maps" / "scan_map.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def spoil(mapped, value):
    """Change one probability of the map that is kept."""
    path = mapped / "maps" / "scan_probabilities.npy"
    probabilities = np.load(path)
    probabilities[2, 3] = value
    np.save(path, probabilities)


def test_a_map_is_identical_and_the_files_stay_as_they_are(call, mapped):
    before = {path: path.read_bytes() for path in mapped.rglob("*") if path.is_file()}
    done = call("reproduce", "maps/scan_map.json")
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        "identical: all 140 positions have the same probabilities, bit by bit. The versions are the same.\n"
    )
    assert before == {path: path.read_bytes() for path in mapped.rglob("*") if path.is_file()}


def test_one_position_that_differs_in_the_last_bit_is_found(call, mapped):
    kept = DomainMap.load(mapped / "maps").probabilities[2, 3].copy()
    kept[0] = np.nextafter(kept[0], np.float32(2))
    spoil(mapped, kept)
    done = call("reproduce", "maps/scan_map.json")
    assert done.code == 1
    assert done.out.startswith("different: 1 of 140 positions have other probabilities (by ")
    assert ", 0 of them another class. The versions are the same." in done.out


def test_another_class_and_other_versions_are_named(call, mapped):
    kept = DomainMap.load(mapped / "maps")
    spoil(mapped, np.roll(np.eye(3, dtype=np.float32)[kept.classes_image[2, 3] - 1], 1))
    versions = kept.provenance["versions"] | {"torch": "2.0.0"}
    change(mapped, versions=versions)
    done = call("reproduce", "maps/scan_map.json", "--json")
    assert done.code == 1
    told = json.loads(done.out)
    assert (told["identical"], told["positions"], told["different"], told["other_class"]) == (False, 140, 1, 1)
    assert told["versions"]["torch"][0] == "2.0.0"
    assert list(told["versions"]) == ["torch"]
    assert "torch 2.0.0 then, " in call("reproduce", "maps/scan_map.json").out


def test_positions_without_data_are_not_compared(call, mapped):
    spoil(mapped, np.nan)
    assert call("reproduce", "maps/scan_map.json").out.startswith("identical: all 139 positions")


def test_what_has_moved_is_named_and_can_be_said(call, mapped):
    (mapped / "scan.npy").rename(mapped / "moved.npy")
    assert "The scan of scan_map.json is not at" in call("reproduce", "maps/scan_map.json").error
    assert call("reproduce", "maps/scan_map.json", "--scan", "moved.npy").code == 0
    (mapped / "model.safetensors").rename(mapped / "other.safetensors")
    error = call("reproduce", "maps/scan_map.json", "--scan", "moved.npy").error
    assert "The model of scan_map.json is not at" in error
    assert "--model" in error
    assert call("reproduce", "maps/scan_map.json", "--scan", "moved.npy", "--model", "other.safetensors").code == 0


def test_a_model_exported_beside_the_map_is_found(call, mapped, make_model):
    model = load_model(mapped / "model.safetensors")
    change(mapped, model_path=None)  # as it is of one that was trained in the window
    (mapped / "model.safetensors").unlink()
    assert "does not say where its model is" in call("reproduce", "maps/scan_map.json").error
    beside = mapped / "maps" / "scan_model.safetensors"
    save_model(model, beside)
    assert call("reproduce", "maps/scan_map.json").out.startswith("identical")
    change(mapped, model_path=str(mapped / "model.safetensors"))  # where it is no more
    assert call("reproduce", "maps/scan_map.json").out.startswith("identical")
    save_model(make_model(detector_shape=(32, 32), names=("none", "vertical", "horizontal"), size=32, seed=8), beside)
    assert "scan_model.safetensors is not the model that" in call("reproduce", "maps/scan_map.json").error


def test_another_model_or_scan_is_refused(call, mapped, make_model):
    other = make_model(detector_shape=(32, 32), names=("none", "vertical", "horizontal"), size=32, seed=8)
    save_model(other, mapped / "other.safetensors")
    assert "another hash" in call("reproduce", "maps/scan_map.json", "--model", "other.safetensors").error
    cube = np.load(mapped / "scan.npy")
    np.save(mapped / "other.npy", cube + 1)
    assert "another scan" in call("reproduce", "maps/scan_map.json", "--scan", "other.npy").error
    np.save(mapped / "turned.npy", cube.swapaxes(0, 1))
    assert "another scan" in call("reproduce", "maps/scan_map.json", "--scan", "turned.npy").error
    with pytest.raises(MapError, match="another scan"):
        reproduce(mapped / "maps" / "scan_map.json", scan=open_scan(mapped / "turned.npy"))


def test_a_scan_shape_that_was_given_is_given_again(call, mapped):
    made = call(
        "map", "flat.npy", "--scan-shape", "10x14", "--model", "model.safetensors", "--out", "m", "--device", "cpu"
    )
    assert made.code == 0
    assert call("reproduce", "m/flat_map.json", "--device", "cpu").out.startswith("identical")


@pytest.mark.parametrize(
    "missing", ["scan_fingerprint", "model_hash", "model_path", "scan", "versions", "patterns", "seed"]
)
def test_a_map_that_does_not_say_all_is_told_so_or_done(call, mapped, missing):
    for value in (None, 3, [], "x", {}):
        change(mapped, **{missing: value})
        done = call("reproduce", "maps/scan_map.json")
        assert done.code in {0, 2}
        assert (done.code == 0) == (missing in {"versions", "patterns", "seed"})
        assert done.code == 0 or done.error


def test_a_map_that_neighbours_helped_in_is_made_again_with_them(call, mapped):
    choices = ("--model", "model.safetensors", "--out", "maps", "--device", "cpu", "--overwrite", "--neighbours", 1.5)
    assert call("map", "scan.npy", *choices).code == 0
    assert call("reproduce", "maps/scan_map.json").out.startswith("identical: all 140 positions")
    change(mapped, neighbours=1.4)
    assert call("reproduce", "maps/scan_map.json").out.startswith("different: ")
    for nonsense in ("1.5", None, 7, True):
        change(mapped, neighbours=nonsense)
        assert "eighbours" in call("reproduce", "maps/scan_map.json").error


def test_what_is_shown_above_a_threshold_comes_out_again_with_the_neighbours(call, mapped):
    helped = DomainMap.load(mapped / "maps").with_neighbours(2)
    helped.above(float(np.median(helped.confidence))).save(mapped / "maps", "scan", overwrite=True)
    assert call("reproduce", "maps/scan_map.json").out.startswith("identical: all 7")


@pytest.mark.parametrize("wrong", ["none_map.json", "maps", "scan.npy", "maps/scan_classes.tif"])
def test_what_is_no_map_is_refused(call, mapped, wrong):
    assert "give the one that ends in _map.json" in call("reproduce", wrong).error


def test_a_map_of_a_scan_in_memory_needs_the_scan(mapped):
    from napari_ghosthunter.mapping.segmentation import segment
    from napari_ghosthunter.scan.scan import Scan

    scan = Scan(np.load(mapped / "scan.npy"))
    segment(scan, load_model(mapped / "model.safetensors"), device="cpu").save(mapped / "memory")
    with pytest.raises(MapError, match="does not say where its scan is; say it with --scan"):
        reproduce(mapped / "memory" / "scan_map.json", device="cpu")
    assert reproduce(mapped / "memory" / "scan_map.json", scan=scan, device="cpu").identical
