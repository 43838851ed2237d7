"""Model files that are damaged or made to do harm: each ends in one sentence, or in the model that was saved."""

import json
import math
import random
import struct
import warnings

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from napari_ghosthunter.cli import run as run_command
from napari_ghosthunter.errors import GhostHunterError, ModelError
from napari_ghosthunter.learning import modelfile
from napari_ghosthunter.learning.modelfile import DIGEST, FORMAT, KEY, LARGEST_HEADER, load_model, save_model
from napari_ghosthunter.learning.training import train
from napari_ghosthunter.mapping.compatibility import check_scan
from napari_ghosthunter.mapping.segmentation import segment
from napari_ghosthunter.scan.scan import Scan

pytestmark = pytest.mark.usefixtures("one_thread")

WRONG = [None, True, -1, 0, 5.5, 1e300, 10**30, "x", "a\nb\0", "é" * 99, [], {}, [[1]], [None] * 3, math.nan, math.inf]
KINDS = ("bit", "cut", "longer", "length", "header", "description", "weight")


@pytest.fixture(scope="module")
def trained(run, labelled):
    """A model with all that a description may hold: a template, and what the training scan looks like."""
    return run(labelled(12))[-1].model


@pytest.fixture(scope="module")
def good(trained, tmp_path_factory):
    path = tmp_path_factory.mktemp("good") / "model.safetensors"
    save_model(trained, path)
    return path.read_bytes()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


@pytest.fixture(scope="module")
def other_scan():
    return Scan(np.random.default_rng(0).poisson(20, (3, 5, 32, 32)).astype(np.uint16))


def parts(content):
    """Take a file apart: header, description, and the bytes of the weights."""
    length = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + length])
    description = json.loads(header["__metadata__"][KEY])
    del description["sha256"]
    return header, description, content[8 + length :]


def put_together(header, description, data, *, signed=False):
    """Make a file of parts; without the hash, unless it is to stay: whoever forges a file forges that too."""
    described = description if isinstance(description, str) else json.dumps(description)
    if signed:
        described = described[:-1] + DIGEST.search(header["__metadata__"][KEY])[0]
    text = json.dumps(header | {"__metadata__": header["__metadata__"] | {KEY: described}}).encode()
    return struct.pack("<Q", len(text)) + text + data


def places(value, before=()):
    """Name every place in a tree of JSON; of a list its first two."""
    inside = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    for key, part in inside:
        yield (*before, key)
        yield from places(part, (*before, key))


def changed(tree, place, value):
    """Copy a tree with another value at a place; with `KeyError` as the value the place is gone."""
    tree = json.loads(json.dumps(tree))
    holder = tree
    for key in place[:-1]:
        holder = holder[key]
    if value is KeyError:
        del holder[place[-1]]
    else:
        holder[place[-1]] = value
    return tree


def mutated(content, kind, rng):
    """Spoil a file in one place, in one of the ways of `KINDS`."""
    spot = rng.randrange(len(content))
    length = rng.choice([0, 1, 2, 10**9, 2**63, 2**64 - 1, spot])
    in_bytes = {
        "bit": content[:spot] + bytes([content[spot] ^ 1 << rng.randrange(8)]) + content[spot + 1 :],
        "cut": content[:spot] + content[spot + rng.choice([len(content), 1, 8, 99]) :],
        "longer": content + rng.randbytes(rng.randrange(1, 99)),
        "length": struct.pack("<Q", length) + content[8:],
    }
    return in_bytes[kind] if kind in in_bytes else forged(content, kind, rng)


def forged(content, kind, rng):
    """Spoil a part of a file, so that the rest still fits."""
    header, description, data = parts(content)
    wrong = rng.choice([*WRONG, KeyError])
    if kind == "header":
        metadata = header.pop("__metadata__")
        header = changed(header, rng.choice(list(places(header))), wrong) | {"__metadata__": metadata}
    elif kind == "description":
        description = changed(description, rng.choice(list(places(description))), wrong)
    else:
        weights = np.frombuffer(data, np.float32).copy()
        weights[rng.randrange(len(weights))] = rng.choice([math.nan, math.inf, -math.inf, 3e38, 1e-40])
        data = weights.tobytes()
    return put_together(header, description, data)


def refused(path, content):
    """Give the sentence that a file is refused with."""
    path.write_bytes(content)
    with pytest.raises(ModelError) as found:
        load_model(path)
    sentence = str(found.value)
    assert str(path) in sentence
    assert "\n" not in sentence
    assert len(sentence) < len(str(path)) + 300
    return sentence


def tried(path, content, scan):
    """Load a file and use all that came in; say whether it was refused."""
    path.write_bytes(content)
    try:
        model = load_model(path)
    except ModelError:
        return True
    said = (repr(model), model.hash, str(model.record.held_out), model.record.held_out.cautions, model.record.reached)
    assert all(said[:3])
    try:
        check_scan(model, scan)
        segment(scan, model, device="cpu")
    except GhostHunterError:
        pass  # of another detector, for instance
    save_model(model, path)
    assert load_model(path).hash == model.hash
    return False


def check_mutations(good, path, scan, count):
    found = {kind: [0, 0] for kind in KINDS}
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        content = mutated(good, kind, random.Random(number))
        with warnings.catch_warnings(action="ignore"):  # of a class more or less, of NaN in this noise
            found[kind][tried(path, content, scan)] += 1
    for kind in ("bit", "cut", "longer", "length"):  # which leave the hash in it
        assert found[kind][0] == 0, f"a file spoilt by '{kind}' was taken for whole"
    assert all(refused for _, refused in found.values())


def test_mutated_files_are_refused_or_load(good, path, other_scan):
    check_mutations(good, path, other_scan, 104)


@pytest.mark.slow
def test_many_mutated_files_are_refused_or_load(good, path, other_scan):
    check_mutations(good, path, other_scan, 1200)


def test_the_unspoilt_file_loads_taken_apart_and_put_together(good, path, trained):
    for signed in (False, True):  # else all of the tests here may be about something else
        path.write_bytes(put_together(*parts(good), signed=signed))
        if not signed:
            assert load_model(path).hash == trained.hash
    path.write_bytes(good)
    assert load_model(path).hash == trained.hash


@pytest.mark.parametrize("length", [LARGEST_HEADER + 1, 10**9, 2**63, 2**64 - 1])
def test_a_header_that_claims_to_be_huge_is_not_read(good, path, length):
    assert "is not a model file of this program" in refused(path, struct.pack("<Q", length) + good[8:])


def test_a_file_as_large_as_its_huge_header_says_is_refused_too(path):
    text = b"{" + b" " * (LARGEST_HEADER + 8)
    assert "bytes" in refused(path, struct.pack("<Q", len(text)) + text)


def test_keys_that_are_there_twice_are_refused(good, path):
    header, description, data = parts(good)
    text = json.dumps(description)
    assert "cannot be read" in refused(path, put_together(header, text[:-1] + ', "network": "swift"}', data))
    inner = text.replace('"turn":', '"turn": 0.0, "turn":', 1)
    assert inner != text
    assert "cannot be read" in refused(path, put_together(header, inner, data))


@pytest.mark.parametrize("deep", ["[" * 10**6, '{"format":' * 10**5, "[" * 10**5 + "]" * 10**5])
def test_deep_descriptions_are_refused(good, path, deep):
    header, description, data = parts(good)
    assert "cannot be read" in refused(path, put_together(header, deep, data))
    within = json.dumps(description).replace('"scan": {', f'"scan": {{"deep": {"[" * 20_000}{"]" * 20_000}, ', 1)
    refused(path, put_together(header, within, data))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5000])
def test_numbers_that_are_none_are_refused(good, path, number):
    header, description, data = parts(good)
    text = json.dumps(changed(description, ("record", "held_out", "crossed"), "HERE")).replace('"HERE"', number)
    refused(path, put_together(header, text, data))
    text = json.dumps(changed(description, ("record", "scan", "more"), "HERE")).replace('"HERE"', number)
    assert "cannot be read" in refused(path, put_together(header, text, data))


@pytest.mark.parametrize("future", [FORMAT + 1, 10**6])
def test_a_future_version_is_named_even_with_other_fields(good, path, future):
    header, _, data = parts(good)
    assert "newer napari-ghosthunter; update" in refused(path, put_together(header, {"format": future, "x": 1}, data))


@pytest.mark.parametrize("past", [0, -1, None, "one", 1.5])
def test_a_version_that_never_was_is_refused(good, path, past):
    header, description, data = parts(good)
    refused(path, put_together(header, description | {"format": past}, data))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_weights_that_are_no_numbers_are_refused(good, path, value):
    header, description, data = parts(good)
    weights = np.frombuffer(data, np.float32).copy()
    weights[-1] = value
    assert "not all of its weights are numbers" in refused(path, put_together(header, description, weights.tobytes()))


def test_a_flipped_bit_in_the_weights_or_the_figures_is_noticed(good, path):
    header, description, data = parts(good)
    assert "does not hold what was written" in refused(path, good[:-1] + bytes([good[-1] ^ 1]))
    better = changed(description, ("record", "held_out", "confusion", 0, 0), 10**6)
    assert "does not hold what was written" in refused(path, put_together(header, better, data, signed=True))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16, torch.int32, torch.bool])
def test_weights_of_another_type_are_refused(good, trained, path, dtype):
    _, description, _ = parts(good)
    weights = {name: weight.to(dtype) for name, weight in trained.weights.items()}
    save_file(weights, path, metadata={KEY: json.dumps(description)})
    assert "do not fit its network" in refused(path, path.read_bytes())


def test_weights_that_do_not_fit_are_not_even_read(good, path, monkeypatch):
    class Watched:
        """Lets everything be read but tensors."""

        def __init__(self, path, framework):
            self.stream = safe_open(path, framework)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def __getattr__(self, name):
            return pytest.fail("read") if name == "get_tensor" else getattr(self.stream, name)

    _, description, _ = parts(good)
    save_file({"more": torch.zeros(3)}, path, metadata={KEY: json.dumps(description)})
    monkeypatch.setattr(modelfile, "safe_open", Watched)
    assert "do not fit its network" in refused(path, path.read_bytes())
    with pytest.raises(pytest.fail.Exception):
        refused(path, good)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("record", "held_out", "confusion"), [[1]]),
        (("record", "held_out", "confusion", 0), []),
        (("record", "held_out", "confusion", 0, 0), -1),
        (("record", "held_out", "names"), []),
        (("record", "scan", "k_units"), []),
        (("record", "scan", "k_step"), ["a", "b"]),
        (("record", "scan", "scan_step"), [0, 1]),
        (("patterns", "turn"), 1e9),
        (("patterns", "offset"), [1e9, 0.0]),
        (("patterns", "template", 0, 0), 1e30),
        (("patterns", "config", "pool_size"), 4),
        (("classes", "classes"), []),
        (("network",), "x" * 10**6),
        (("network",), "ghosthunter"),
    ],
)
def test_descriptions_that_no_training_gives_are_refused(good, path, place, value):
    header, description, data = parts(good)
    refused(path, put_together(header, changed(description, place, value), data))


def test_looks_that_cannot_be_compared_are_as_good_as_none(good, path, other_scan):
    header, description, data = parts(good)
    path.write_bytes(
        put_together(header, changed(description, ("record", "scan", "looks", "features", "mean", 0), [1.0]), data)
    )
    assert not any("look" in difference.what for difference in check_scan(load_model(path), other_scan))


# ---- models that are whole, but of something else ----


def test_a_model_of_another_input_is_refused_with_both_sizes(trained):
    wide = Scan(np.zeros((2, 3, 40, 48), np.uint16))
    with pytest.raises(ModelError, match="32 x 32 pixels, but this scan has 40 x 48"):
        segment(wide, trained, device="cpu")


def test_training_further_with_other_classes_keeps_those_of_the_model(simulation, trained, of_classes):
    """Other names are further classes, never taken for those of the model."""
    for report in train(simulation.scan, of_classes(*"aabb", classes=["a", "b"]), trained.record.config, start=trained):
        further = report.model
    assert further.classes.names == (*trained.classes.names, "a", "b")


def test_the_command_line_says_the_same_in_one_line(good, path, tmp_path, capsys):
    np.save(tmp_path / "scan.npy", np.zeros((2, 3, 32, 32), np.uint16))
    sentence = refused(path, good[:-1])
    for command in (
        ("map", tmp_path / "scan.npy", "--model", path, "--out", tmp_path / "maps"),
        ("train", tmp_path / "scan.npy", "--labels", tmp_path / "labels.csv", "--from", path, "--out", tmp_path / "m"),
    ):
        (tmp_path / "labels.csv").write_text("scan_y,scan_x,label\n0,0,a\n1,1,b\n")
        assert run_command(list(map(str, command))) == 2
        told = capsys.readouterr()
        assert (told.out, told.err) == ("", f"error: {sentence}\n")
    assert not (tmp_path / "maps").exists()
