"""`ghosthunter train`."""

import re

import numpy as np
import pytest
from safetensors import safe_open

from napari_ghosthunter.learning import training
from napari_ghosthunter.learning.modelfile import load_model


@pytest.fixture
def train(call, samples):
    def trained(*options, labels="labels.csv", scan="scan.npy", out="m.safetensors"):
        return call("train", samples / scan, "--labels", samples / labels, "--out", out, *options)

    return trained


def test_it_prints_the_held_out_figures_and_writes_the_model_alone(train, tmp_path):
    called = train("--epochs", 2)
    assert (called.code, called.err) == (0, "")
    assert "20 labels (none " in called.out
    assert re.search(r"fit in \d+\.\d s, 2 steps", called.out)
    assert " s, 2 steps, not yet converged\n" in called.out
    assert "held-out labels right: accuracy 0." in called.out
    assert "each was judged by a fit that had seen neither it nor its neighbourhood" in called.out
    assert "estimated accuracy of the map 0." in called.out
    head, *rows = called.out.split("  labels   ")[1].splitlines()[:4]
    assert head.split("   ") == ["map changed", "held-out labels right", "estimated accuracy"]
    assert [row.split()[0] for row in rows] == ["5", "10", "15"]
    assert rows[2].count("%") == 3
    assert [path.name for path in tmp_path.iterdir()] == ["m.safetensors"]
    with safe_open(tmp_path / "m.safetensors", "pt") as file:
        assert file.metadata().keys() == {"ghosthunter"}
    assert load_model(tmp_path / "m.safetensors").classes.names == ("none", "vertical", "horizontal")


def test_a_fit_ends_by_itself_and_says_so(train, tmp_path):
    called = train()
    record = load_model(tmp_path / "m.safetensors").record
    assert record.converged
    assert record.config.network == "swift"
    assert f" s, converged after {len(record.history)} steps\n" in called.out


def test_the_network_of_the_paper_says_which_epoch_it_kept(train, tmp_path):
    called = train("--network", "ghosthunter", "--epochs", 2)
    model = load_model(tmp_path / "m.safetensors")
    assert model.network == "ghosthunter"
    assert "2 epochs in " in called.out
    assert f"; kept epoch {model.record.best_epoch}, the one with the lowest held-out loss\n" in called.out
    assert "they also chose the epoch" in called.out


@pytest.mark.parametrize("network", ["swift", "ghosthunter"])
def test_the_same_seed_gives_the_same_model(train, tmp_path, network):
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        assert train("--network", network, "--epochs", 3, "--seed", seed, "--device", "cpu", out=name).code == 0
    a, b, c = (load_model(tmp_path / name) for name in "abc")
    assert a.hash == b.hash
    assert (a.hash == c.hash) == (network == "swift")  # which leaves nothing to chance
    assert all(np.array_equal(a.weights[name], b.weights[name]) for name in a.weights)
    # in the files only the times differ
    assert timeless(a) == timeless(b)


def timeless(model):
    history = tuple(epoch.model_copy(update={"seconds": 0.0}) for epoch in model.record.history)
    return model.record.model_copy(update={"history": history})


@pytest.mark.parametrize(
    ("options", "pool", "size"),
    [
        ((), "none", 3),
        (("--pool", "none", "--pool-size", "1"), "none", 1),
        (("--pool", "mean"), "mean", 3),
        (("--pool", "mean", "--pool-size", "3"), "mean", 3),
        (("--pool", "max", "--pool-size", "5"), "max", 5),
    ],
)
def test_pooling_works_from_training_to_map(call, train, samples, tmp_path, options, pool, size):
    assert train("--epochs", 1, *options).code == 0
    config = load_model(tmp_path / "m.safetensors").patterns.config
    assert (config.pool, config.pool_size) == (pool, size)
    assert call("map", samples / "scan.npy", "--model", "m.safetensors", "--out", "maps").code == 0


def test_symmetries(train, tmp_path):
    swap = "rot90:vertical=horizontal,horizontal=vertical"
    assert train("--epochs", 1, "--symmetry", swap, "--symmetry", "rot180:none=none").code == 0
    symmetries = load_model(tmp_path / "m.safetensors").record.config.symmetries
    assert symmetries == {"rot90": {"vertical": "horizontal", "horizontal": "vertical"}, "rot180": {"none": "none"}}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--network", "nope"), "There is no network 'nope'; choose one of: swift, ghosthunter."),
        (("--device", "nope"), "There is no device 'nope'; choose one of: auto, cpu, cuda, mps"),
        (("--dataset", "nope"), "There is no dataset 'nope'"),
        (("--reader", "nope"), "There is no reader 'nope'"),
        (("--scan-shape", "3x3"), "cannot be folded"),
        (("--pool", "mean", "--pool-size", "4"), "--pool-size must be 1, 3 or 5"),
        (("--pool-size", "3"), "--pool-size needs --pool"),
        (("--seed", "-1"), "'--seed'"),
        (("--seed", 10**30), "--seed: "),
        (("--epochs", "0"), "'--epochs'"),
        (("--epochs", 10**9), "--epochs: "),
        (("--symmetry", "spin"), "'spin' is not a symmetry"),
        (("--symmetry", "rot90:vertical"), "is not a symmetry"),
        (("--symmetry", "rot90"), "--symmetry rot90 must say what becomes of the classes, as in rot90:vertical="),
        (("--symmetry", "flip_y: ,"), "--symmetry flip_y must say what becomes of the classes"),
        (("--symmetry", "rot90:up=down"), "Symmetry 'rot90' names '"),
        (("--out", "regular/m"), "is a file, not a folder"),
        (("--out", "."), "is a folder"),
    ],
)
def test_what_is_refused_writes_nothing(train, tmp_path, options, said):
    (tmp_path / "regular").touch()
    assert said in train(*options).error
    assert [path.name for path in tmp_path.iterdir()] == ["regular"]


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ("one_class.csv", "at least two classes"),
        ("empty.csv", "at least two classes"),
        ("outside.csv", "line 3: Position (10, 1) is outside the scan of 10 x 14"),
        ("conflict.csv", "different labels to one position"),
        ("nothing.csv", "Cannot read"),
        ("scan.npy", "is not UTF-8 text"),
        (".", "it is a folder, a pipe or a device, not a file"),
    ],
)
def test_labels_that_cannot_be_learned_from(train, tmp_path, labels, said):
    assert said in train(labels=labels).error
    assert list(tmp_path.iterdir()) == []


def test_an_old_model_is_kept_unless_told_otherwise(train, tmp_path, monkeypatch):
    old = tmp_path / "m.safetensors"
    old.write_text("old")
    assert "exists already" in train(scan="nothing.npy").error  # before anything is read
    assert "There is no file" in train("--overwrite", scan="nothing.npy").error
    assert old.read_text() == "old"
    assert train("--overwrite", "--epochs", 1).code == 0
    load_model(old)


def test_scan_and_labels_are_never_overwritten(call, samples):
    before = (samples / "labels.csv").read_text()
    for out in ("labels.csv", "scan.npy"):
        arguments = ("--labels", samples / "labels.csv", "--out", samples / out, "--overwrite")
        assert "is an input" in call("train", samples / "scan.npy", *arguments).error
    assert (samples / "labels.csv").read_text() == before


def test_rows_that_wait_for_a_label_are_told_and_passed_over(call, samples, tmp_path):
    labels = tmp_path / "l.csv"
    labels.write_text((samples / "labels.csv").read_text() + "1,1,\n0,0,vertical\n")
    arguments = ("--labels", labels, "--out", "m", "--epochs", 1)
    called = call("train", samples / "scan.npy", *arguments)
    assert called.err.count("\n") == 1
    assert "not labelled yet: 1" in called.err
    assert "20 labels" in called.out


def test_labels_of_several_files_are_merged(train, samples, tmp_path):
    more = tmp_path / "more.csv"
    more.write_text((samples / "labels.csv").read_text().splitlines()[0] + "\n1,1,none\n1,2,None\n")
    called = train("--labels", more, "--epochs", 1)
    assert "22 labels (" in called.out
    assert "None 1" in called.out
    assert called.err.startswith("note: ")
    assert called.err.endswith("classes whose names differ only in capitals or spaces: none / None.\n")
    assert called.err.count("\n") == 1


def test_contradictions_between_files_name_them(train, samples, tmp_path):
    more = tmp_path / "more.csv"
    more.write_text("scan_y,scan_x,label\n0,0,up\n")
    error = train("--labels", more).error
    assert f"{samples / 'labels.csv'} and {more} give different labels to one position: (0, 0) " in error


@pytest.mark.parametrize("epochs", [0, 2])
def test_ctrl_c_keeps_the_best_model_if_there_is_one(train, tmp_path, monkeypatch, epochs):
    real = training.train

    def stopped(*arguments, **options):
        for report in real(*arguments, **options):
            if report.figures.epoch > epochs:
                raise KeyboardInterrupt
            yield report

    monkeypatch.setattr(training, "train", stopped)
    called = train("--epochs", 5)
    if epochs:
        assert (called.code, called.err) == (0, "Stopped; keeping the best model so far.\n")
        assert len(load_model(tmp_path / "m.safetensors").record.history) == epochs
    else:
        assert (called.code, called.out) == (130, "")
        assert list(tmp_path.iterdir()) == []


def test_a_model_without_held_out_labels_says_so(call, samples, tmp_path):
    labels = tmp_path / "l.csv"
    labels.write_text("scan_y,scan_x,label\n0,0,a\n9,9,b\n")
    called = call("train", samples / "scan.npy", "--labels", labels, "--out", "m", "--epochs", 1)
    assert "2 labels (a 1, b 1)" in called.out
    assert "nothing is known of the accuracy" in called.out
    assert load_model(tmp_path / "m").record.held_out.count == 0
