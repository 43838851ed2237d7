"""`ghosthunter map` and `ghosthunter evaluate`."""

import csv
import hashlib
import json
import shutil

import h5py
import numpy as np
import pytest
import tifffile
from PIL import Image

import napari_ghosthunter as gh

SUFFIXES = {
    "_classes.tif",
    "_confidence.tif",
    "_domains.csv",
    "_map.json",
    "_probabilities.npy",
    "_rgb.png",
    "_figure.png",
}
NAMES = ["none", "vertical", "horizontal"]


@pytest.fixture
def scan(samples, tmp_path):
    return shutil.copy(samples / "scan.npy", tmp_path)


@pytest.fixture
def maps(call, scan, model, tmp_path):
    """Map the scan and give the folder."""
    assert call("map", scan, "--model", model, "--out", "maps").code == 0
    return tmp_path / "maps"


def strict_json(text):
    return json.loads(text, parse_constant=pytest.fail)


def test_the_files_of_a_map(maps):
    assert {path.name.removeprefix("scan") for path in maps.iterdir()} == SUFFIXES
    probabilities = np.load(maps / "scan_probabilities.npy")
    assert (probabilities.shape, probabilities.dtype) == ((10, 14, 3), np.float32)
    assert np.allclose(probabilities.sum(2), 1, atol=1e-5)
    classes = tifffile.imread(maps / "scan_classes.tif")
    assert classes.dtype == np.uint8
    assert np.array_equal(classes, probabilities.argmax(2) + 1)
    confidence = tifffile.imread(maps / "scan_confidence.tif")
    assert confidence.dtype == np.float32
    assert np.array_equal(confidence, probabilities.max(2))
    rgb = np.asarray(Image.open(maps / "scan_rgb.png"))
    assert np.array_equal(rgb, np.rint(probabilities.astype(float) * 255))  # red, green and blue are the classes


def test_what_the_json_says(maps, model, scan):
    told = strict_json((maps / "scan_map.json").read_text())
    assert told["classes"] == [
        {"name": "none", "colour": "#ff0000"},
        {"name": "vertical", "colour": "#00ff00"},
        {"name": "horizontal", "colour": "#0000ff"},
    ]
    assert told["shape"] == [10, 14, 3]
    assert len(told["model_hash"]) == len(hashlib.sha256().hexdigest())
    assert (told["seed"], told["network"]) == (0, "ghosthunter")
    assert told["versions"].keys() == {"napari-ghosthunter", "numpy", "torch"}
    assert told["scan"]["path"] == str(scan)
    assert (told["scan"]["reader"], told["scan"]["shape"]) == ("npy", [10, 14, 32, 32])


def test_the_table_of_the_domains(maps):
    with (maps / "scan_domains.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["class"] for row in rows] == NAMES
    assert sum(float(row["area_fraction"]) for row in rows) == pytest.approx(1)
    assert sum(int(row["count"]) for row in rows) == 140
    assert {"mean_confidence", "wall_length_px", "wall_length", "wall_length_units", "area", "area_units"} <= rows[
        0
    ].keys()


def test_tiffs_keep_the_pixel_size_of_a_calibrated_scan(call, shared_file, make_model, tmp_path):
    from napari_ghosthunter.learning.modelfile import save_model

    save_model(make_model(detector_shape=(64, 48), size=16), tmp_path / "m")
    scan = shared_file("dm/particle_10x7x64x48.dm4")
    assert call("map", scan, "--model", "m", "--out", "maps").code == 0
    for name in ("classes", "confidence"):
        with tifffile.TiffFile(tmp_path / "maps" / f"particle_10x7x64x48_{name}.tif") as file:
            page = file.pages[0]
            assert page.shape == (10, 7)
            # ImageJ: pixels per unit along x and y, the unit in the description
            x, y = (page.tags[tag].value for tag in ("XResolution", "YResolution"))
            assert (x[1] / x[0], y[1] / y[0]) == pytest.approx((2.5, 2.0), rel=1e-6)
            assert file.is_imagej
            assert file.imagej_metadata["unit"] == "nm"
    with (tmp_path / "maps" / "particle_10x7x64x48_domains.csv").open(newline="") as stream:
        row = next(csv.DictReader(stream))
    assert (row["area_units"], row["wall_length_units"]) == ("nm^2", "nm")


def test_several_scans(call, scan, model, tmp_path):
    other = shutil.copy(scan, tmp_path / "öther scan.v2.npy")
    called = call("map", scan, other, "--model", model, "--out", "deep/er")
    assert (called.code, called.err, called.out.count("\n")) == (0, "", 2)
    names = {path.name for path in (tmp_path / "deep" / "er").iterdir()}
    assert names == {stem + suffix for stem in ("scan", "öther scan.v2") for suffix in SUFFIXES}


def test_options_for_scans_that_need_them(call, samples, model, tmp_path):
    arguments = ("--model", model, "--out", "maps", "--scan-shape", "10x14")
    assert call("map", samples / "flat.npy", *arguments).code == 0
    assert np.load(tmp_path / "maps" / "flat_probabilities.npy").shape == (10, 14, 3)


@pytest.mark.parametrize(
    ("scans", "options", "said"),
    [
        (["nothing.npy"], (), "There is no file"),
        (["wide.npy"], (), "trained on patterns of 32 x 32 pixels, but this scan has 40 x 40"),
        (["scan.npy", "scan.npy"], (), "scan.npy is named 2 times"),
        (["flat.npy"], (), "--scan-shape"),
        (["scan.npy"], ("--device", "nope"), "There is no device 'nope'"),
        (["cut.npy"], (), "cut short"),
        (["scan.npy"], ("--model", "nothing"), "There is no model file nothing"),
        (["scan.npy"], ("--model", "NOTES"), "is not a model file of this program"),
        (["scan.npy"], ("--out", "NOTES"), "is a file, not a folder"),
    ],
)
def test_what_is_refused_writes_nothing(call, samples, model, tmp_path, scans, options, said):
    options = [samples / "notes.txt" if option == "NOTES" else option for option in options]
    arguments = [samples / name for name in scans]
    assert said in call("map", *arguments, "--model", model, "--out", "maps", *options).error
    assert list(tmp_path.iterdir()) == []


def test_scans_that_fail_do_not_stop_the_others(call, samples, scan, model, tmp_path):
    names = ["nothing.npy", "wide.npy", "cut.npy"]
    called = call("map", *(samples / name for name in names), scan, "--model", model, "--out", "maps")
    assert called.code == 2
    assert called.out.startswith("scan.npy: none ")
    assert called.out.count("\n") == 1
    *errors, summary = called.err.splitlines()
    assert len(errors) == 3
    assert all(line.startswith("error: ") for line in errors)
    assert [any(name in line for line in errors) for name in names] == [True] * 3
    assert summary == "1 of 4 scans have their maps; not mapped: wide.npy, cut.npy, nothing.npy"
    assert {path.name for path in (tmp_path / "maps").iterdir()} == {"scan" + suffix for suffix in SUFFIXES}


def test_scans_of_the_same_name_are_told_apart_by_their_folders(call, scan, model, tmp_path):
    (tmp_path / "monday").mkdir()
    other = shutil.copy(scan, tmp_path / "monday")
    assert call("map", scan, other, "--model", model, "--out", "maps").code == 0
    stems = {path.name.removesuffix("_map.json") for path in (tmp_path / "maps").glob("*_map.json")}
    assert stems == {f"{tmp_path.name}_scan", "monday_scan"}


def test_a_scan_that_looks_different_is_told(call, samples, scan, tmp_path):
    train = ("train", scan, "--labels", samples / "labels.csv", "--out", "m.safetensors")
    assert call(*train).code == 0
    np.save(tmp_path / "moved.npy", np.roll(np.load(scan), 5, axis=2))
    called = call("map", scan, "moved.npy", "--model", "m.safetensors", "--out", "maps")
    assert called.code == 0
    beam, look = called.err.splitlines()  # further than the reach of the alignment, so that it cannot help
    assert beam.startswith("warning: The direct beam is 5.0 px (16 % of the detector) away")
    assert "the model copes with about 4.0 px" in beam
    assert look.startswith("warning: The patterns look different to the network")


def test_old_maps_are_kept_unless_told_otherwise(call, maps, scan, model):
    (maps / "scan_map.json").unlink()
    old = (maps / "scan_rgb.png").read_bytes()
    arguments = ("--model", model, "--out", maps)
    assert "exist already" in call("map", scan, *arguments).error
    assert (maps / "scan_rgb.png").read_bytes() == old
    assert not (maps / "scan_map.json").exists()
    assert call("map", scan, *arguments, "--overwrite").code == 0
    assert {path.name.removeprefix("scan") for path in maps.iterdir()} == SUFFIXES


def test_a_folder_in_the_place_of_a_file_is_told_before_any_work(call, scan, model, tmp_path):
    (tmp_path / "maps" / "scan_rgb.png").mkdir(parents=True)
    assert "is a folder" in call("map", scan, "--model", model, "--out", "maps", "--overwrite").error
    assert [path.name for path in (tmp_path / "maps").iterdir()] == ["scan_rgb.png"]


def test_the_same_model_gives_the_same_map(call, maps, scan, model, tmp_path):
    assert call("map", scan, "--model", model, "--out", "again").code == 0
    for suffix in SUFFIXES:
        assert (maps / f"scan{suffix}").read_bytes() == (tmp_path / "again" / f"scan{suffix}").read_bytes(), suffix


def test_a_batch_that_was_stopped_is_resumed(call, maps, scan, model, tmp_path):
    other = shutil.copy(scan, tmp_path / "other.npy")
    before = {path: path.stat().st_mtime_ns for path in maps.iterdir()}
    called = call("map", scan, "nothing.npy", other, "--model", model, "--out", "maps", "--resume")
    assert called.code == 2
    first, second = called.out.splitlines()
    assert first.startswith("scan.npy: none ")
    assert first.endswith("; was there already, in maps/scan_*")
    assert second.endswith("; 7 files written to maps/other_*")
    assert called.err.splitlines()[-1] == "2 of 3 scans have their maps; not mapped: nothing.npy"
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--resume", "--overwrite"), "choose one"),
        (("--scheduler", " "), "no address"),
        (("--neighbours", -1), "'--neighbours'"),
        (("--neighbours", 4.5), "'--neighbours'"),
        (("--neighbours", "many"), "'--neighbours'"),
        (("--neighbours", "nan"), "eighbours"),  # some releases of typer let it through to us
        (("--scheduler", "nowhere"), "No Dask scheduler answers at nowhere"),
    ],
)
def test_choices_that_do_not_go(call, scan, model, tmp_path, options, said):
    assert said in call("map", scan, "--model", model, "--out", "maps", *options).error
    assert not (tmp_path / "maps").exists()


def test_a_scheduler_makes_the_same_files(call, maps, samples, scan, model, tmp_path):
    pytest.importorskip("distributed")
    from benchmarks.local_cluster import local_cluster

    cut = samples / "cut.npy"
    with local_cluster(2) as client:
        address = client.scheduler_info()["address"]
        called = call("map", scan, cut, "--model", model, "--out", "again", "--scheduler", address, "--device", "cpu")
        assert client.nthreads()
    assert called.code == 2
    *errors, summary = called.err.splitlines()
    assert ["cut short" in error for error in errors] == [True]
    assert summary == "1 of 2 scans have their maps; not mapped: cut.npy"
    for suffix in SUFFIXES:
        assert (maps / f"scan{suffix}").read_bytes() == (tmp_path / "again" / f"scan{suffix}").read_bytes(), suffix


def test_neighbours_help_where_they_are_asked_to(call, maps, samples, scan, model, tmp_path):
    assert call("map", scan, "--model", model, "--out", "helped", "--neighbours", 1).code == 0
    plain, helped = (gh.DomainMap.load(folder) for folder in (maps, tmp_path / "helped"))
    assert np.array_equal(helped.probabilities, plain.with_neighbours(1).probabilities)
    assert helped.provenance == plain.provenance | {"neighbours": 1.0}
    assert "neighbours" not in plain.provenance
    done = call("evaluate", "helped", "--truth", samples / "truth.npy", "--json")
    assert strict_json(done.out)["accuracy"] == pytest.approx(
        (helped.classes_image - 1 == np.load(samples / "truth.npy")).mean()
    )
    resumed = [
        "was there already" in call("map", scan, "--model", model, "--out", "helped", "--resume", *options).out
        for options in (("--neighbours", 1), (), ("--neighbours", 0), ("--neighbours", 1))
    ]
    assert resumed == [True, False, True, False]


def test_nan_is_told_in_one_line(call, samples, model, tmp_path):
    cube = np.load(samples / "scan.npy").astype(np.float32)
    cube[0, 0, 3, 3:5] = np.nan, np.inf
    np.save(tmp_path / "nan.npy", cube)
    np.save(tmp_path / "more.npy", cube)
    called = call("map", "nan.npy", "more.npy", "--model", model, "--out", "maps")
    told = "warning: 2 detector pixels of the patterns read held NaN or infinity; they were treated as zero.\n"
    assert (called.code, called.err) == (0, told * 2)
    assert np.isfinite(np.load(tmp_path / "maps" / "nan_probabilities.npy")).all()


# ---- evaluate ----


def test_evaluation_for_a_person(call, maps, samples):
    called = call("evaluate", maps, "--truth", samples / "truth.npy")
    assert (called.code, called.err) == (0, "")
    first, second = called.out.splitlines()[:2]
    taken = "0 = none, 1 = vertical, 2 = horizontal"
    assert first == f"truth ids taken as {taken} (the map's order; --truth-names says otherwise)"
    assert second.startswith("accuracy ")
    assert "(within 2 pixels, " in called.out
    assert all(name in called.out for name in NAMES)


@pytest.mark.parametrize("json", [(), ("--json",)])
def test_ids_in_another_order_than_the_maps_are_not_guessed(call, maps, json):
    mapped = np.load(maps / "scan_probabilities.npy").argmax(2)
    np.save(maps / "turned.npy", np.array([1, 2, 0])[mapped])
    called = call("evaluate", maps, "--truth", maps / "turned.npy", *json)
    assert (called.code, called.out) == (2, "")
    assert "ids were those of horizontal,none,vertical than if" in called.error
    assert "--truth-names" in called.error
    asked = call("evaluate", maps, "--truth", maps / "turned.npy", "--truth-names", "horizontal,none,vertical")
    assert asked.code == 0


def test_evaluation_as_json_with_names_and_excluded_labels(call, maps, samples):
    truth = np.load(samples / "truth.npy")
    mapped = np.load(maps / "scan_probabilities.npy").argmax(2)
    order = ["horizontal", "none", "vertical"]
    np.save(maps / "reordered.npy", np.array([order.index(name) for name in NAMES])[truth])
    options = ("--truth-names", " horizontal,none , vertical", "--exclude", samples / "labels.csv", "--json")
    called = call("evaluate", maps, "--truth", maps / "reordered.npy", *options)
    assert (called.code, called.err, called.out.count("\n")) == (0, "", 1)
    told = strict_json(called.out)
    kept = np.ones(truth.shape, bool)
    kept[::3, ::3] = False
    assert told["accuracy"] == pytest.approx((mapped == truth)[kept].mean())
    recalls = [(mapped == truth)[kept & (truth == index)].mean() for index in range(3)]
    assert told["balanced_accuracy"] == pytest.approx(np.mean(recalls))
    assert [told["per_class"][name]["recall"] for name in NAMES] == pytest.approx(recalls)
    assert (told["n"], told["excluded"]) == (120, 20)
    assert told["truth_names"] == order
    assert {"wall_accuracy", "wall_n", "interior_accuracy", "confusion", "accuracy_interval"} <= told.keys()


def test_names_that_are_given_are_not_told_again(call, maps, samples):
    called = call("evaluate", maps, "--truth", samples / "truth.npy", "--truth-names", ",".join(NAMES))
    assert called.out.startswith("accuracy ")
    told = strict_json(call("evaluate", maps, "--truth", samples / "truth.npy", "--json").out)
    assert told["truth_names"] == NAMES


def test_several_files_of_positions_are_left_out(call, maps, samples, tmp_path):
    (tmp_path / "more.csv").write_text("scan_y,scan_x,label\n1,1,none\n1,2,none\n")
    excluded = ("--exclude", samples / "labels.csv", "--exclude", "more.csv")
    told = strict_json(call("evaluate", maps, "--truth", samples / "truth.npy", *excluded, "--json").out)
    assert (told["n"], told["excluded"]) == (118, 22)


def test_ids_of_a_class_image_are_told_from_those_of_a_truth(call, maps, tmp_path):
    np.save(tmp_path / "t.npy", np.full((10, 14), 3))
    assert "ids start at 0 here (those in _classes.tif start at 1)" in call("evaluate", maps, "--truth", "t.npy").error


def test_negative_truth_is_unknown(call, maps, samples):
    truth = np.load(samples / "truth.npy").astype(int)
    truth[:, 3:] = -1
    np.save(maps / "part.npy", truth)
    names = ("--truth-names", ",".join(NAMES))
    told = strict_json(call("evaluate", maps, "--truth", maps / "part.npy", *names, "--json").out)
    assert (told["n"], told["unknown"]) == (30, 110)


def damaged_truth(kind, truth):
    return {
        "turned": truth.T,
        "flat": truth.ravel(),
        "fractions": truth + 0.5,
        "nan": np.where(truth == 0, np.nan, truth),
        "text": truth.astype(str),
        "complex": truth.astype(complex),
        "too large": truth + 5,
        "unknown": np.full(truth.shape, -1),
        "pickled": truth.astype(object),
    }[kind]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("turned", "it seems transposed"), ("flat", "has the shape (140,)"), ("fractions", "integer ids"),
        ("nan", "integer ids"), ("text", "integer ids"), ("complex", "integer ids"), ("too large", "have a name"),
        ("unknown", "nothing to compare"), ("pickled", "no whole .npy file of numbers"),
    ],
)  # fmt: skip
def test_a_truth_that_does_not_fit(call, maps, samples, kind, said):
    np.save(maps / "t.npy", damaged_truth(kind, np.load(samples / "truth.npy")), allow_pickle=True)
    assert said in call("evaluate", maps, "--truth", maps / "t.npy", "--json").error


@pytest.mark.parametrize("name", ["labels.csv", "cut.npy", "text.npy", "zip.npz", "zero.npy"])
def test_a_truth_that_is_no_array(call, maps, samples, tmp_path, name):
    np.savez(tmp_path / "zip.npz", np.zeros(3))
    (tmp_path / "zero.npy").touch()
    path = tmp_path / name if (tmp_path / name).exists() else samples / name
    assert "no whole .npy file of numbers" in call("evaluate", maps, "--truth", path).error


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--truth", "nothing.npy"), "Cannot read nothing.npy"),
        (("--truth", "."), "Is a directory"),
        (("--truth-names", "none,vertical"), "only 0 to 1 have a name"),
        (("--truth-names", "none,none,vertical"), "must differ"),
        (("--truth-names", "none,vertical,up"), "does not know up"),
        (("--exclude", "nothing.csv"), "Cannot read nothing.csv"),
        (("--exclude", "OUTSIDE"), "outside the scan of 10 x 14"),
        (("--stem", "other"), "holds no map 'other'"),
    ],
)
def test_evaluations_that_cannot_be_done(call, maps, samples, options, said):
    options = [samples / "outside.csv" if option == "OUTSIDE" else option for option in options]
    assert said in call("evaluate", maps, "--truth", samples / "truth.npy", *options).error


def test_folders_without_a_single_map(call, maps, samples, tmp_path):
    truth = ("--truth", samples / "truth.npy")
    assert "is not a folder" in call("evaluate", "nothing", *truth).error
    assert "is not a folder" in call("evaluate", samples / "scan.npy", *truth).error
    assert "holds no whole map" in call("evaluate", tmp_path, *truth).error
    shutil.copy(maps / "scan_map.json", maps / "b_map.json")
    assert "holds 2 maps; choose one with --stem" in call("evaluate", maps, *truth).error
    assert call("evaluate", maps, *truth, "--stem", "scan").code == 0


def test_a_scan_of_another_pixel_size_is_mapped_with_a_warning(call, samples, tmp_path):
    for name, k_step in (("near", 0.01), ("far", 0.02)):
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file["cube"] = np.load(samples / "scan.npy")
            for axis in ("dim3", "dim4"):
                file[axis] = [0.0, k_step]
                file[axis].attrs["units"] = "1/nm"
    labels = samples / "labels.csv"
    assert call("train", "near.h5", "--labels", labels, "--out", "m.safetensors", "--epochs", 1).code == 0
    assert call("map", "near.h5", "--model", "m.safetensors", "--out", "maps").err == ""
    mapped = call("map", "far.h5", "--model", "m.safetensors", "--out", "maps")
    assert mapped.code == 0
    assert "warning: The size of a detector pixel differs" in mapped.err
