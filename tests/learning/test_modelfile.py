"""Model files: what comes back is what was saved, and nothing else gets in."""

import errno
import json
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from napari_ghosthunter.errors import ModelError, OutputError
from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.learning.modelfile import DIGEST, FORMAT, KEY, load_model, save_model
from napari_ghosthunter.learning.network import NETWORKS
from napari_ghosthunter.mapping.segmentation import segment
from napari_ghosthunter.scan.scan import Scan

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def saved(make_model, tmp_path):
    path = tmp_path / "model.safetensors"
    save_model(make_model(), path)
    return path


def described(path):
    with safe_open(path, framework="np") as stream:
        found = json.loads(stream.metadata()[KEY])
    found.pop("sha256", None)  # models that a test forges have none
    return found


def rewrite(path, *, weights=None, **changes):
    """Write the file anew with other weights or another description."""
    with safe_open(path, framework="pt") as stream:
        tensors = {name: stream.get_tensor(name).clone() for name in stream.keys()}  # noqa: SIM118
    text = json.dumps(described(path) | changes)
    save_file(tensors if weights is None else weights, path, metadata={KEY: text})


def test_everything_comes_back(make_model, tmp_path):
    model = make_model((20, 30), ("none", "vertical", "x β"), seed=3, pool="max", pool_size=5, crop=0.9)
    save_model(model, tmp_path / "new folder" / "model.safetensors")
    loaded = load_model(tmp_path / "new folder" / "model.safetensors")
    assert (loaded.classes, loaded.network, loaded.patterns) == (model.classes, model.network, model.patterns)
    assert loaded.record == model.record
    assert loaded.weights.keys() == model.weights.keys()
    assert all(torch.equal(loaded.weights[name], weight) for name, weight in model.weights.items())
    assert (loaded.hash, loaded.parameter_count) == (model.hash, model.parameter_count)


def test_a_loaded_model_says_exactly_the_same(make_model, saved):
    inputs = torch.randn(9, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        before, after = (m.load_network()(inputs).softmax(1) for m in (make_model(), load_model(str(saved))))
    assert torch.equal(before, after)


def test_the_file_is_safetensors_with_a_description_in_json(make_model, saved):
    with safe_open(saved, framework="np") as stream:
        assert set(stream.keys()) == set(make_model().weights)
        assert set(stream.metadata()) == {KEY}  # with two, their order would be one of chance
        assert DIGEST.search(stream.metadata()[KEY])
    description = described(saved)
    assert description["format"] == FORMAT
    assert [entry["name"] for entry in description["classes"]["classes"]] == ["a", "b", "c"]
    assert description["patterns"]["detector_shape"] == [16, 16]
    assert description["record"]["config"]["seed"] == 0
    assert description["record"]["history"][0]["validation_loss"] is None


def test_weights_in_another_memory_layout_are_saved_too(make_model, tmp_path):
    model = make_model()
    turned = {
        name: weight.to(memory_format=torch.channels_last) if weight.ndim == 4 else weight
        for name, weight in model.weights.items()
    }
    save_model(type(model)(model.classes, model.network, model.patterns, turned, model.record), tmp_path / "m")
    assert load_model(tmp_path / "m").hash == model.hash


@pytest.mark.parametrize("other", [{"seed": 1}, {"names": ("a", "b", "d")}, {"crop": 0.8}])
def test_the_hash_tells_models_apart(make_model, other):
    assert make_model().hash == make_model().hash != make_model(**other).hash
    assert len(bytes.fromhex(make_model().hash)) == 32


def test_loading_leaves_torchs_global_generator_as_it_is(saved):
    before = torch.get_rng_state()
    load_model(saved).load_network()
    assert torch.equal(before, torch.get_rng_state())


def test_a_network_owns_its_weights(make_model):
    model = make_model()
    before = model.hash
    for weight in model.load_network().parameters():
        weight.data.zero_()
    assert model.hash == before


def test_a_missing_file_and_a_folder_are_said_so(tmp_path):
    for path in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(ModelError, match="no model file"):
            load_model(path)


class Bomb:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("write", [lambda value, path: path.write_bytes(pickle.dumps(value)), torch.save])
def test_nothing_is_unpickled(tmp_path, write):
    write(Bomb(tmp_path / "boom"), tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match="not a (readable safetensors|model) file"):
        load_model(tmp_path / "model.safetensors")
    assert not (tmp_path / "boom").exists()


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"\x00" * 40, b"\xff" * 40, struct.pack("<Q", 2) + b"[]", b"PK\x03\x04" * 9]
)
def test_what_is_no_safetensors_file_is_refused(tmp_path, content):
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelError):
        load_model(path)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.999])
def test_a_truncated_file_is_refused(saved, share):
    content = saved.read_bytes()
    saved.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ModelError, match="not a (readable safetensors|model) file"):
        load_model(saved)


def test_a_text_is_said_to_be_no_model(tmp_path):
    (tmp_path / "labels.csv").write_text("scan_y,scan_x,label\n0,0,a\n")
    with pytest.raises(ModelError, match=r"labels\.csv is not a model file of this program \(safetensors\)"):
        load_model(tmp_path / "labels.csv")


def test_a_safetensors_file_of_another_program_is_refused(tmp_path):
    for metadata in (None, {"format": "pt"}):
        save_file({"weight": torch.zeros(3)}, tmp_path / "other.safetensors", metadata=metadata)
        with pytest.raises(ModelError, match="was not written by napari-ghosthunter"):
            load_model(tmp_path / "other.safetensors")


def test_a_file_of_a_newer_version_asks_for_an_update(saved):
    rewrite(saved, format=FORMAT + 1, surprise=True)
    with pytest.raises(ModelError, match="newer napari-ghosthunter; update"):
        load_model(saved)


@pytest.mark.parametrize("text", ["", "null", "[]", "3", "{", '{"format": "one"}', "{}", "[" * 100_000])
def test_a_description_that_is_none_is_refused(saved, text):
    save_file({"weight": torch.zeros(3)}, saved, metadata={KEY: text})
    with pytest.raises(ModelError, match="damaged"):
        load_model(saved)


@pytest.mark.parametrize("size", [0, -8, 8, 20, 10**9, "many"])
def test_an_impossible_size_is_refused_and_not_tried(saved, size):
    rewrite(saved, patterns=described(saved)["patterns"] | {"size": size})
    with pytest.raises(ModelError, match="damaged"):
        load_model(saved)


@pytest.mark.parametrize(
    "classes",
    [
        {"classes": [{"name": "a", "colour": "#000000", "key": ""}] * 3},
        {"classes": [{"name": "", "colour": "#000000", "key": ""}]},
        ClassScheme.from_names("ab").model_dump(),
    ],
)
def test_wrong_classes_are_refused(saved, classes):
    rewrite(saved, classes=classes)
    with pytest.raises(ModelError, match="damaged"):
        load_model(saved)


def test_an_unknown_network_is_named(saved):
    rewrite(saved, network="transformer")
    with pytest.raises(ModelError, match="transformer"):
        load_model(saved)


def test_weights_that_do_not_fit_are_refused(make_model, saved):
    right = dict(make_model().weights)
    first, *others = right
    wrongs = (
        {name: right[name] for name in others},
        right | {"more": torch.zeros(1)},
        right | {first: torch.zeros(3)},
    )
    for wrong in wrongs:
        rewrite(saved, weights=wrong)
        with pytest.raises(ModelError, match="do not fit its network"):
            load_model(saved)


def test_the_old_file_stays_when_a_new_one_cannot_be_written(make_model, saved, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "no space left")

    before = saved.read_bytes()
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match="no space left"):
        save_model(make_model(seed=1), saved)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_a_model_of_before_patterns_were_aligned_loads_and_maps_unaligned(make_model, saved):
    patterns = described(saved)["patterns"]
    old = {name: value for name, value in patterns.items() if name not in {"template", "turn"}}
    old["config"] = {name: value for name, value in patterns["config"].items() if name != "align"}
    assert old != patterns
    rewrite(saved, patterns=old)
    loaded = load_model(saved)
    assert loaded.patterns.template is None
    scan = Scan(np.random.default_rng(0).poisson(20, (3, 5, 16, 16)).astype(np.uint16))
    plain, found = (segment(scan, model, device="cpu").probabilities for model in (make_model(align=False), loaded))
    np.testing.assert_array_equal(found, plain)


@pytest.mark.parametrize("template", [[], [[0.0] * 16] * 15, [[0.0] * 16] * 15 + [[0.0]], [["x"] * 16] * 16, 3])
def test_a_template_that_does_not_fit_is_refused(saved, template):
    rewrite(saved, patterns=described(saved)["patterns"] | {"template": template})
    with pytest.raises(ModelError, match="damaged"):
        load_model(saved)


@pytest.mark.parametrize("network", NETWORKS)
def test_a_trained_model_comes_back_with_its_template_and_says_the_same(run, labels, simulation, tmp_path, network):
    model = run(labels, epochs=2, network=network)[-1].model
    save_model(model, tmp_path / "m")
    loaded = load_model(tmp_path / "m")
    assert loaded.patterns == model.patterns
    assert loaded.patterns.template is not None
    assert (loaded.hash, loaded.record) == (model.hash, model.record)
    before, after = (segment(simulation.scan, one, device="cpu").probabilities for one in (model, loaded))
    np.testing.assert_array_equal(before, after)


def test_the_weights_do_not_hang_on_the_file(saved, make_model):
    loaded = load_model(saved)
    save_model(make_model(seed=9), saved)
    assert loaded.hash == make_model().hash
    assert not np.array_equal(loaded.weights["head.1.bias"], load_model(saved).weights["head.1.bias"])
