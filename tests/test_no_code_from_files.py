"""Nothing that is read can run: the source has no way to, and files made to do it do not get through."""

import ast
import io
import json
import pickle
import struct
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from napari_ghosthunter.cli import run
from napari_ghosthunter.errors import GhostHunterError
from napari_ghosthunter.labelling.labelfiles import read_labels
from napari_ghosthunter.labelling.paperlabels import read_paper_labels
from napari_ghosthunter.learning.modelfile import load_model
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.scan.readers import READERS, open_scan
from napari_ghosthunter.session.bundle import open_bundle
from tests.scan.zarr_stores import write_zarr

SOURCES = sorted((Path(__file__).parents[1] / "src").rglob("*.py"))

# What makes objects of what it reads, or runs it.
MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "code", "runpy", "imp"}
BUILTINS = {"eval", "exec", "compile"}
METHODS = {"load_pickle", "read_pickle", "unsafe_load", "full_load", "load_state_dict_from_url"}
NAMES = {"FullLoader", "UnsafeLoader", "CFullLoader", "CUnsafeLoader", "Unpickler"}
NUMPY_READERS = {"numpy.load", "np.load", "np.lib.format.read_array", "npy_format.read_array", "np.lib.npyio.NpzFile"}


def faults(source):
    """Name what in a source could run what it reads."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            if names == ["UnpicklingError", "pickle"]:  # an error to catch runs nothing
                continue
            found += [name for name in names if MODULES & set(name.split("."))]
            found += [name for name in names if isinstance(node, ast.ImportFrom) and name in METHODS | NAMES]
        elif isinstance(node, ast.Attribute) and node.attr in METHODS | NAMES:
            found.append(node.attr)
        elif isinstance(node, ast.Name) and node.id in NAMES:
            found.append(node.id)
        elif isinstance(node, ast.Call):
            found += _faults_of_call(ast.unparse(node.func), {one.arg: ast.unparse(one.value) for one in node.keywords})
    return found


def _faults_of_call(called, given):
    if called in BUILTINS or called in {"torch.load", "torch.jit.load", "torch.hub.load", "torch.package"}:
        return [called]
    if called == "yaml.load" and "Loader" not in given:
        return [called]
    if given.get("allow_pickle", "False") != "False" or (called in NUMPY_READERS and "allow_pickle" not in given):
        return [f"{called} with allow_pickle"]
    return []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: "/".join(path.parts[-2:]))
def test_the_source_can_run_nothing_that_it_reads(path):
    assert faults(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "bad",
    [
        "import pickle", "from pickle import UnpicklingError, loads",
        "from joblib import load", "import a.b, dill as d",
        "from torch.hub import load_state_dict_from_url",
        "eval('1')", "exec(text)", "f = compile(text, '', 'exec')", "torch.load(path, weights_only=True)",
        "np.load(path)", "np.load(path, allow_pickle=True)", "read(path, allow_pickle=flag)", "yaml.load(text)",
        "yaml.load(text, Loader=yaml.FullLoader)", "yaml.unsafe_load(text)", "class A(UnsafeLoader): ...",
        "import shelve", "import marshal", "pd.read_pickle(x)", "np.lib.format.read_array(stream)",
    ],
)  # fmt: skip
def test_what_could_is_found(bad):
    assert faults(bad)


@pytest.mark.parametrize(
    "good",
    [
        "from pickle import UnpicklingError",
        "np.load(path, allow_pickle=False)",
        "yaml.safe_load(text)",
        "network.eval()",
        "dialog.exec()",
        "re.compile('')",
    ],
)
def test_what_could_not_is_let_alone(good):
    assert not faults(good)


# ---- files that would leave a mark behind ----


class Bomb:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


@pytest.fixture
def bomb(tmp_path):
    """What leaves a mark; the test fails if the mark is there at its end."""
    mark = tmp_path / "it was run"
    yield Bomb(mark)
    assert not mark.exists(), "what a file says was run"


def test_the_bomb_works(tmp_path):
    pickle.loads(pickle.dumps(Bomb(tmp_path / "mark")))
    assert (tmp_path / "mark").exists()


def as_npy(bomb):
    stream = io.BytesIO()
    np.save(stream, np.array([[[[bomb]]]], dtype=object), allow_pickle=True)
    return stream.getvalue()


def as_npz(bomb):
    stream = io.BytesIO()
    np.savez(stream, data=np.array([[[[bomb]]]], dtype=object))
    return stream.getvalue()


def as_torch(bomb, **how):
    stream = io.BytesIO()
    torch.save({"ghosthunter": bomb}, stream, **how)
    return stream.getvalue()


def as_safetensors(bomb):
    body = pickle.dumps(bomb)
    header = json.dumps(
        {
            "__metadata__": {"ghosthunter": body.decode("latin-1")},
            "w": {"dtype": "U8", "shape": [len(body)], "data_offsets": [0, len(body)]},
        }
    ).encode()
    return struct.pack("<Q", len(header)) + header + body


WRITERS = {
    "pickle": pickle.dumps,
    "npy": as_npy,
    "npz": as_npz,
    "torch": as_torch,
    "old torch": lambda bomb: as_torch(bomb, _use_new_zipfile_serialization=False),
    "safetensors": as_safetensors,
}
ENDINGS = sorted(
    {ending for reader in READERS for ending in reader.extensions} | {".safetensors", ".pt", ".npy", ".npz"}
)


def refuse_scan(path, reader=None):
    with pytest.raises(GhostHunterError):
        np.asarray(open_scan(path, reader=reader).data[0, 0])


@pytest.mark.parametrize("kind", WRITERS)
def test_a_scan_is_not_run(bomb, tmp_path, kind):
    for ending in ENDINGS:
        (tmp_path / f"scan{ending}").write_bytes(WRITERS[kind](bomb))
        refuse_scan(tmp_path / f"scan{ending}")


@pytest.mark.slow
@pytest.mark.parametrize("kind", WRITERS)
def test_a_scan_is_not_run_by_any_reader(bomb, tmp_path, kind):
    (tmp_path / "scan.npy").write_bytes(WRITERS[kind](bomb))
    for reader in READERS:
        refuse_scan(tmp_path / "scan.npy", reader.name)


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("ending", [".safetensors", ".pt", ".npy"])
def test_a_model_is_not_run(bomb, tmp_path, capsys, kind, ending):
    path = tmp_path / f"model{ending}"
    path.write_bytes(WRITERS[kind](bomb))
    with pytest.raises(GhostHunterError):
        load_model(path)
    np.save(tmp_path / "scan.npy", np.zeros((2, 2, 16, 16), np.uint8))
    (tmp_path / "labels.csv").write_text("scan_y,scan_x,label\n0,0,a\n1,1,b\n")
    scan = str(tmp_path / "scan.npy")
    assert run(["map", scan, "--model", str(path), "--out", str(tmp_path / "maps")]) == 2
    labels = str(tmp_path / "labels.csv")
    assert run(["train", scan, "--labels", labels, "--from", str(path), "--out", str(tmp_path / "new")]) == 2
    assert capsys.readouterr().err.count("error: ") == 2


def paper_labels(path):
    return read_paper_labels(path, (9, 9))


@pytest.mark.parametrize("kind", WRITERS)
def test_labels_a_truth_and_a_bundle_are_not_run(bomb, tmp_path, capsys, kind):
    for read, name in ((read_labels, "a.csv"), (paper_labels, "a.yaml"), (open_bundle, "a.ghosthunter")):
        (tmp_path / name).write_bytes(WRITERS[kind](bomb))
        with pytest.raises(GhostHunterError):
            read(tmp_path / name)
    write_map(tmp_path, np.zeros((2, 2, 2), np.float32))
    (tmp_path / "truth.npy").write_bytes(WRITERS[kind](bomb))
    assert run(["evaluate", str(tmp_path), "--truth", str(tmp_path / "truth.npy")]) == 2
    assert "no whole .npy file" in capsys.readouterr().err


@pytest.mark.parametrize("kind", WRITERS)
def test_a_map_is_not_run(bomb, tmp_path, kind):
    write_map(tmp_path, np.zeros((2, 2, 2), np.float32))
    (tmp_path / "m_probabilities.npy").write_bytes(WRITERS[kind](bomb))
    with pytest.raises(GhostHunterError):
        DomainMap.load(tmp_path)
    assert run(["reproduce", str(tmp_path / "m_map.json")]) == 2


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("member", ["model.safetensors", "map_probabilities.npy", "session.json", "labels.csv"])
def test_the_members_of_a_bundle_are_not_run(bomb, tmp_path, kind, member, make_model):
    from napari_ghosthunter.learning.modelfile import save_model
    from napari_ghosthunter.session.bundle import save_bundle
    from napari_ghosthunter.session.session import Session

    np.save(tmp_path / "scan.npy", np.zeros((2, 2, 16, 16), np.uint8))
    session = Session.start(open_scan(tmp_path / "scan.npy"), data_folder=tmp_path / "data")
    save_bundle(session, tmp_path / "a.ghosthunter")
    with zipfile.ZipFile(tmp_path / "a.ghosthunter") as bundle:
        members = {name: bundle.read(name) for name in bundle.namelist()}
    save_model(make_model(names=("a", "b")), tmp_path / "model.safetensors")
    members["model.safetensors"] = (tmp_path / "model.safetensors").read_bytes()
    write_map(tmp_path, np.zeros((2, 2, 2), np.float32))
    for name in ("map.json", "probabilities.npy"):
        members[f"map_{name}"] = (tmp_path / f"m_{name}").read_bytes()
    with zipfile.ZipFile(tmp_path / "b.ghosthunter", "w") as bundle:
        for name, content in (members | {member: WRITERS[kind](bomb)}).items():
            bundle.writestr(name, content)
    try:
        opened = open_bundle(tmp_path / "b.ghosthunter", data_folder=tmp_path / "other")
    except GhostHunterError:
        assert member in {"session.json", "labels.csv"}
    else:
        assert any("cannot be read" in note for note in opened.notes)
        assert (opened.model is None) == (member == "model.safetensors")


@pytest.mark.parametrize("place", ["filters", "compressor"])
@pytest.mark.parametrize("ending", [".zarr", ".zspy"])
def test_a_zarr_store_that_unpickles_its_chunks_is_not_run(bomb, tmp_path, place, ending):
    """A codec of numcodecs, which zarr would use for numbers too."""
    path = tmp_path / f"scan{ending}"
    write_zarr(path, np.ones((4, 4, 8, 8), "u2"))
    described = json.loads((path / ".zarray").read_text())
    codec = {"id": "pickle", "protocol": 5}
    (path / ".zarray").write_text(json.dumps(described | {place: [codec] if place == "filters" else codec}))
    (path / "0.0.0.0").write_bytes(pickle.dumps(bomb))
    with pytest.raises(GhostHunterError):
        np.asarray(open_scan(path).data[0, 0])


def test_an_hdf5_file_with_pickles_in_it_is_not_run(bomb, tmp_path):
    for name in ("scan.h5", "scan.emd", "scan.hspy"):
        with h5py.File(tmp_path / name, "w") as file:
            file["data"] = np.zeros((2, 2, 8, 8), np.uint8)
            file["pickled"] = np.void(pickle.dumps(bomb))
            file["data"].attrs["pickled"] = np.void(pickle.dumps(bomb))
            file.attrs["pickled"] = np.void(pickle.dumps(bomb))
        try:
            np.asarray(open_scan(tmp_path / name).data[0, 0])
        except GhostHunterError:
            assert name != "scan.h5"


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:pathlib.Path.touch [!!python/object/apply:pathlib.PosixPath [{}]]",
        "!!python/object/apply:os.system ['touch \"{}\"']",
        "- file: !!python/object/apply:os.system ['touch \"{}\"']\n  label: a",
        "- {{file: 1_2.png, label: !!python/name:os.system }}\n# {}",
    ],
)
def test_yaml_that_makes_objects_is_not_run(bomb, tmp_path, text):
    (tmp_path / "labels.yaml").write_text(text.format(bomb.mark))
    with pytest.raises(GhostHunterError, match="YAML"):
        paper_labels(tmp_path / "labels.yaml")


def write_map(folder, probabilities):
    """Write what `DomainMap.load` reads."""
    from napari_ghosthunter.labelling.classes import ClassScheme
    from napari_ghosthunter.mapping.domains import DomainMap

    DomainMap(probabilities, ClassScheme.from_names("ab")).save(folder, "m", overwrite=True)
