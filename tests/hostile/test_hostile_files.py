"""Files made to do harm: what they ask for is refused, soon, in little memory, and nothing else is read or written."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import threading
import time
import tracemalloc
import zipfile
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pytest

from napari_ghosthunter.errors import LabelError, MapError, ScanError, SessionError
from napari_ghosthunter.labelling.labelfiles import read_any_labels, read_labels
from napari_ghosthunter.labelling.paperlabels import read_paper_labels
from napari_ghosthunter.scan.readers import READERS, open_scan
from tests.hostile.child import _opened_files as opened_files
from tests.scan.zarr_stores import write_zarr

CUBE = np.arange(3 * 4 * 5 * 6, dtype=np.uint16).reshape(3, 4, 5, 6)
ENDINGS = [ending for reader in READERS for ending in reader.extensions]
needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")


@contextmanager
def soon(seconds=10.0):
    """Fail, and let go, if the block waits for a pipe: somebody has to write to it."""
    started = time.process_time()
    yield
    assert time.process_time() - started < seconds


@pytest.fixture
def pipe(tmp_path):
    """A pipe that nobody writes to: who opens it would wait. After some time it is fed, so that the test fails."""
    path = tmp_path / "outside" / "pipe"
    path.parent.mkdir()
    os.mkfifo(path)
    opened = []

    def feed():
        with path.open("wb"):  # waits until somebody reads
            opened.append(True)

    threading.Thread(target=feed, daemon=True).start()
    yield path
    fed = bool(opened)
    os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
    assert not fed, "the pipe was opened"


# ---- what is no file ----


@needs_pipes
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_pipe_is_not_waited_for(tmp_path, ending):
    os.mkfifo(tmp_path / f"a_000{ending}")
    with pytest.raises(ScanError, match="neither a file nor a folder"):
        open_scan(tmp_path / f"a_000{ending}")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_folder_is_no_file(tmp_path, ending):
    (tmp_path / f"a_000{ending}").mkdir()
    with pytest.raises(ScanError):
        open_scan(tmp_path / f"a_000{ending}")


@pytest.mark.parametrize("name", ["a.npy", "a.h5", "a.zarr"])
def test_an_endless_link_and_impossible_names(tmp_path, name):
    (tmp_path / name).symlink_to(tmp_path / name)
    for path in (tmp_path / name, f"/{'x' * 5000}.npy", "a\0b.npy", "~nobody-at-all/a.npy", "/dev/zero"):
        with pytest.raises(ScanError) as raised:
            open_scan(path, reader="npy")
        assert str(raised.value).isprintable()


def test_names_that_break_lines_make_one_line(tmp_path):
    path = tmp_path / "two\nlines\x1b[31m.h5"
    with h5py.File(path, "w") as file:
        file["a\nb" * 500], file["c"] = CUBE, CUBE
    with pytest.raises(ScanError) as raised:
        open_scan(path)
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 4000


# ---- files that lead elsewhere ----


@pytest.fixture
def elsewhere(tmp_path):
    """A folder with a scan in it, and another one, where a file from outside is opened."""
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir(), inside.mkdir()
    with h5py.File(outside / "secret.h5", "w") as file:
        file["cube"], file["flat"] = CUBE, CUBE.reshape(12, 5, 6)
    CUBE.tofile(outside / "secret.bin")
    return inside, outside


def links_to(inside, kind, name):
    path = inside / ("run_master.h5" if kind == "master" else "a.h5")
    with h5py.File(path, "w") as file:
        if kind == "external":
            file.create_dataset(
                "cube", CUBE.shape, CUBE.dtype, external=[(name.replace(".h5", ".bin"), 0, CUBE.nbytes)]
            )
        elif kind == "virtual":
            layout = h5py.VirtualLayout(CUBE.shape, CUBE.dtype)
            layout[:] = h5py.VirtualSource(name, "cube", CUBE.shape)
            file.create_virtual_dataset("cube", layout)
        elif kind == "virtual through a link":
            file["link"] = h5py.ExternalLink(name, "/cube")
            layout = h5py.VirtualLayout(CUBE.shape, CUBE.dtype)
            layout[:] = h5py.VirtualSource(".", "link", CUBE.shape)
            file.create_virtual_dataset("cube", layout)
        elif kind == "axis":
            file["cube"], file["dim1"] = CUBE, h5py.ExternalLink(name, "/flat")
        elif kind == "soft":
            file["entry/data/data_000001"] = h5py.SoftLink("/other")
            file["other"] = h5py.ExternalLink(name, "/flat")
        else:
            file["entry/data/data_000001"] = h5py.ExternalLink(name, "/flat")
    return path


KINDS = ["external", "virtual", "virtual through a link", "axis", "soft", "master"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", ["absolute", "up"])
def test_hdf5_that_leads_out_of_its_folder_is_refused(elsewhere, kind, way, monkeypatch):
    inside, outside = elsewhere
    monkeypatch.chdir(inside)
    name = str(outside / "secret.h5") if way == "absolute" else "../outside/secret.h5"
    path, touched = links_to(inside, kind, name), []
    with opened_files(inside, touched), pytest.raises(ScanError, match="outside its own folder"):
        open_scan(path)
    assert not [one for one in touched if str(outside) in one]


@pytest.mark.parametrize("kind", KINDS)
def test_hdf5_that_leads_to_a_file_beside_it_is_read(elsewhere, kind, monkeypatch):
    inside, outside = elsewhere
    for name in ("secret.h5", "secret.bin"):
        (outside / name).rename(inside / name)
    monkeypatch.chdir(inside)
    scan = open_scan(links_to(inside, kind, "secret.h5"), scan_shape=(3, 4))
    np.testing.assert_array_equal(scan.rows(0, 3), CUBE)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "axis"])
def test_hdf5_whose_other_file_is_missing_is_no_scan_of_zeros(tmp_path, kind, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ScanError, match="missing"):
        open_scan(links_to(tmp_path, kind, "nowhere.h5"), scan_shape=(3, 4))


@needs_pipes
@pytest.mark.parametrize("kind", KINDS)
def test_hdf5_that_leads_to_a_pipe_does_not_wait(tmp_path, kind, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("pipe.h5", "pipe.bin"):
        os.mkfifo(tmp_path / name)
    with pytest.raises(ScanError, match="a pipe or a device|a circle"):
        open_scan(links_to(tmp_path, kind, "pipe.h5"))


def test_links_in_a_circle_end(tmp_path):
    with h5py.File(tmp_path / "a_master.h5", "w") as file:
        file["entry/data/data_000001"] = h5py.SoftLink("/one")
        file["one"], file["two"] = h5py.SoftLink("/two"), h5py.SoftLink("/one")
        file["entry/data/loop"] = file["entry"]
    with pytest.raises(ScanError, match="in a circle"):
        open_scan(tmp_path / "a_master.h5")


@pytest.mark.parametrize("name", ["../outside/secret.raw", "/etc/passwd", "..\\secret.raw", "..", ""])
def test_empad_takes_its_patterns_from_beside_only(tmp_path, name):
    (tmp_path / "a.xml").write_text(f'<root><pix_x>2</pix_x><pix_y>2</pix_y><raw_file filename="{name}"/></root>')
    with pytest.raises(ScanError, match="a file beside it"):
        open_scan(tmp_path / "a.xml")


@needs_pipes
def test_pipes_beside_a_scan_are_passed_by(tmp_path):
    patterns = np.zeros((4, 130, 128), np.float32)
    patterns.tofile(tmp_path / "scan_x2_y2.raw")
    for name in ("a.xml", "scan.hdr", "s_1.ser", "s.emi"):
        os.mkfifo(tmp_path / name)
    assert open_scan(tmp_path / "scan_x2_y2.raw").shape == (2, 2, 128, 128)
    (tmp_path / "s.emi").unlink()
    (tmp_path / "s.emi").write_bytes(b"x")
    with pytest.raises(ScanError, match="none is beside it"):
        open_scan(tmp_path / "s.emi")


# ---- files that take more than they are ----


def test_an_array_of_a_million_billion_elements(tmp_path):
    for number, (shape, chunks) in enumerate([((10**7, 10**8, 1, 1), (1, 1, 1, 1)), ((10**15, 1, 1), (1, 1, 1))]):
        with h5py.File(tmp_path / f"{number}.h5", "w") as file:
            file.create_dataset("cube", shape, "u2", chunks=chunks)
        with soon(), pytest.raises(ScanError, match="nothing was ever written"):
            open_scan(tmp_path / f"{number}.h5", scan_shape=(10**5, 10**5) if len(shape) == 3 else None)
        with h5py.File(tmp_path / f"{number}.h5", "r+") as file:
            file["cube"][(0,) * len(shape)] = 3
        tracemalloc.start()
        with soon():
            try:
                scan = open_scan(tmp_path / f"{number}.h5")
                assert scan.pattern(0, 0) == 3
                assert scan.pattern(scan.shape[0] - 1, scan.shape[1] - 1) == 0
            except ScanError as error:
                assert "of an unknown scan shape" in str(error)  # noqa: PT017
        assert tracemalloc.get_traced_memory()[1] < 50e6
        tracemalloc.stop()


def test_patterns_as_large_as_a_disk_are_refused(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("cube", (2, 2, 10**6, 10**6), "u2", chunks=(1, 1, 10, 10))[0, 0, 0, 0] = 1
    with soon(), pytest.raises(ScanError, match="states patterns of 1000000 x 1000000 pixels, 2000.0 GB each"):
        open_scan(tmp_path / "a.h5")


@pytest.mark.parametrize("kind", ["h5", "zarr"])
def test_a_chunk_that_unpacks_to_gigabytes_is_refused(tmp_path, kind):
    shape = (2**11, 2**11, 16, 16)  # 2 GiB of zeros
    if kind == "h5":
        with h5py.File(tmp_path / "a.h5", "w") as file:
            data = file.create_dataset("cube", shape, "u2", chunks=shape, compression="gzip")
            data.id.write_direct_chunk((0, 0, 0, 0), b"x")
    else:
        write_zarr(tmp_path / "a.zarr", CUBE)
        described = json.loads((tmp_path / "a.zarr" / ".zarray").read_text())
        (tmp_path / "a.zarr" / ".zarray").write_text(json.dumps(described | {"shape": shape, "chunks": shape}))
    with soon(), pytest.raises(ScanError, match="chunks that take 2.1 GB each"):
        open_scan(tmp_path / f"a.{kind}")


def packed_npz(path, shape, stored):
    """Write a .npz whose array says `shape` and holds `stored` zeros."""
    import io

    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("a.npy", "w") as file,
    ):
        file.write(header.getvalue())
        for _ in range(stored // 2**20):
            file.write(bytes(2**20))
    return path


def test_a_zip_bomb_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr("napari_ghosthunter.scan.readers.arrays.LARGE_BYTES", 64 * 2**20)
    path = packed_npz(tmp_path / "a.npz", (2**8, 2**8, 16, 80), 80 * 2**20)
    assert path.stat().st_size < 1e6
    with soon(2), pytest.raises(ScanError, match="over 100 times what is packed"):
        open_scan(path)


def test_more_in_a_npz_than_its_array_is_not_unpacked_and_less_is_said(tmp_path):
    scan = open_scan(packed_npz(tmp_path / "more.npz", (2, 2, 3, 3), 100 * 2**20))
    assert not scan.rows(0, 2).any()
    with pytest.raises(ScanError, match="is cut short: .* bytes are missing"):
        open_scan(packed_npz(tmp_path / "less.npz", (2**10, 2**10, 3, 3), 2**20))


def test_a_member_of_a_zarr_zip_that_unpacks_to_gigabytes_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zarr.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open(".zattrs", "w") as file:
            for _ in range(300):
                file.write(bytes(2**20))
        archive.writestr(".zgroup", '{"zarr_format": 2}')
    with soon(), pytest.raises(ScanError, match=r".zattrs in it unpacks to 0.3 GB"):
        open_scan(tmp_path / "a.zarr.zip")


def test_zarr_groups_that_hold_themselves_end(tmp_path):
    write_zarr(tmp_path / "a.zarr", {"cube": CUBE})
    (tmp_path / "a.zarr" / "loop").symlink_to(tmp_path / "a.zarr", target_is_directory=True)
    with soon(), pytest.raises(ScanError, match="choose one"):
        open_scan(tmp_path / "a.zarr")
    assert open_scan(tmp_path / "a.zarr", dataset="cube").shape == CUBE.shape


@pytest.mark.parametrize("where", ["compressor", "filters"])
def test_zarr_is_never_unpickled(tmp_path, where):
    class Harm:
        def __reduce__(self):
            return Path.touch, (tmp_path / "harm",)

    write_zarr(tmp_path / "a.zarr", CUBE)
    described = json.loads((tmp_path / "a.zarr" / ".zarray").read_text())
    codec = {"id": "pickle", "protocol": 5}
    described[where] = codec if where == "compressor" else [codec]
    (tmp_path / "a.zarr" / ".zarray").write_text(json.dumps(described))
    (tmp_path / "a.zarr" / "0.0.0.0").write_bytes(pickle.dumps(Harm()))
    with pytest.raises(ScanError, match="packed with pickle, which is not read"):
        open_scan(tmp_path / "a.zarr").pattern(0, 0)
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("way", ["npy", "npz", "npy as npz", "npz as npy"])
def test_numpy_is_never_unpickled(tmp_path, way):
    class Harm:
        def __reduce__(self):
            return Path.touch, (tmp_path / "harm",)

    objects = np.array([[Harm()]], object)
    written, _, read = way.partition(" as ")
    (np.save if written == "npy" else np.savez)(tmp_path / f"a.{written}", objects)
    path = (tmp_path / f"a.{written}").rename(tmp_path / f"b.{read or written}")
    with pytest.raises(ScanError):
        open_scan(path)
    assert not (tmp_path / "harm").exists()


# ---- while it is open ----


def test_an_array_that_was_never_written_is_not_zero(tmp_path):
    write_zarr(tmp_path / "a.zarr", CUBE)
    (tmp_path / "a.zarr" / "0.0.0.0").unlink()
    with pytest.raises(ScanError, match="nothing was ever written"):
        open_scan(tmp_path / "a.zarr")


def written(folder, kind):
    if kind == "npy":
        np.save(folder / "a.npy", np.zeros((8, 64, 64, 64), "u2"))
        return folder / "a.npy"
    with h5py.File(folder / "a.h5", "w") as file:
        file.create_dataset(
            "cube", data=np.zeros((8, 64, 64, 64), "u2"), chunks=(1, 8, 64, 64) if kind == "chunked" else None
        )
    return folder / "a.h5"


USES = """
import sys, os
from napari_ghosthunter.errors import LabelError, MapError, ScanError, SessionError
from napari_ghosthunter.scan.readers import open_scan
from napari_ghosthunter.scan.virtual.images import virtual_image
from napari_ghosthunter.scan.fingerprint import fingerprint
import numpy as np
scan = open_scan(sys.argv[1])
before = scan.pattern(7, 63)
os.truncate(sys.argv[1], os.path.getsize(sys.argv[1]) // 2)
for use in (
    lambda: scan.pattern(7, 63), lambda: scan.rows(0, 8).sum(), lambda: fingerprint(scan),
    lambda: scan.patterns([(7, 1)]), lambda: virtual_image(scan, np.ones((64, 64))),
):
    try:
        use()
        print("read")
    except ScanError as error:
        print("refused", error)
"""


@pytest.mark.parametrize("kind", ["npy", "contiguous", "chunked"])
def test_a_file_cut_short_while_open_is_told_and_ends_nothing(tmp_path, kind):
    """A memory map that is read past the end of its file ends the process: so a process of its own tries it."""
    path = written(tmp_path, kind)
    child = subprocess.run([sys.executable, "-c", USES, path], capture_output=True, text=True, timeout=300, check=False)
    assert child.returncode == 0, child.stderr
    lines = child.stdout.splitlines()
    assert len(lines) == 5
    assert all(line.startswith("refused a.") for line in lines)


def test_a_file_removed_or_grown_while_open_stays_readable(tmp_path):
    path = written(tmp_path, "npy")
    scan = open_scan(path)
    with path.open("ab") as file:
        file.write(b"more")
    assert not scan.rows(0, 8).any()
    path.unlink()
    assert not scan.rows(0, 8).any()


# ---- labels ----


def test_yaml_bombs_are_refused(tmp_path):
    laughs = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9 if n else ['lol'] * 9)}]" for n in range(12))
    bombs = {
        "aliases": f"{laughs}\nlabels: [*a11]\n",
        "merges": "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 40)),
        "deep": "labels: " + "[" * 100_000,
        "deep blocks": "".join(" " * n + "- \n" for n in range(2000)),
        "number": "labels: [{file: " + ":".join(["59"] * 300_000) + ", label: a}]",
        "digits": "labels: [{file: " + "9" * 100_000 + ", label: a}]",
        "python": "labels: !!python/object/apply:os.system ['exit 3']",
        "large": "labels:\n" + "- {file: 1_1.png, label: na}\n" * 200_000,
    }
    for name, text in bombs.items():
        (tmp_path / "labels.yaml").write_text(text)
        with soon(), pytest.raises(LabelError, match="not plain YAML|not valid YAML|too large|no list"):
            read_paper_labels(tmp_path / "labels.yaml", (34, 206))
        assert name


@needs_pipes
def test_label_files_are_files(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv"), os.mkfifo(tmp_path / "pipe.yaml")
    for path in (tmp_path / "pipe.csv", tmp_path / "pipe.yaml", tmp_path, "/dev/zero"):
        with pytest.raises(LabelError, match="not a file"):
            read_any_labels(path, (3, 4))


@pytest.mark.parametrize("cell", ["=HYPERLINK(1)", "@SUM(1)", "+1", "-2", "\"=cmd|' /C calc'!A0\"", "=1+1"])
def test_formula_cells_are_text_and_no_positions(tmp_path, cell):
    (tmp_path / "a.csv").write_text(f"scan_y,scan_x,label,extra\n1,2,{cell},{cell}\n")
    labels, _ = read_labels(tmp_path / "a.csv")
    assert list(labels.values()) == [cell.strip('"')]
    if cell not in ("+1",):
        (tmp_path / "a.csv").write_text(f"scan_y,scan_x,label\n{cell},2,a\n")
        with pytest.raises(LabelError, match="line 2"):
            read_labels(tmp_path / "a.csv")


# ---- bundles and maps that are read back ----


@needs_pipes
def test_a_bundle_that_is_a_pipe_is_not_waited_for(tmp_path):
    from napari_ghosthunter.session.bundle import open_bundle

    os.mkfifo(tmp_path / "a.ghosthunter")
    for path in (tmp_path / "a.ghosthunter", tmp_path):
        with pytest.raises(SessionError, match="Cannot read"):
            open_bundle(path)


@pytest.mark.parametrize("what", ["shape", "deep"])
def test_a_map_that_says_to_be_endless_is_refused(tmp_path, what):
    from napari_ghosthunter.labelling.classes import ClassScheme
    from napari_ghosthunter.mapping.domains import DomainMap

    DomainMap(np.full((2, 3, 2), 0.5, np.float32), ClassScheme.from_names(["a", "b"])).save(tmp_path, "m")
    if what == "deep":
        (tmp_path / "m_map.json").write_text("[" * 100_000)
    else:
        header = {"descr": "<f4", "fortran_order": False, "shape": (10**7, 10**7, 2)}
        with (tmp_path / "m_probabilities.npy").open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
    with soon(), pytest.raises(MapError):
        DomainMap.load(tmp_path, "m")


# ---- readers that are asked for by name ----


def test_a_library_that_hangs_takes_all_memory_or_crashes_is_ended(tmp_path, monkeypatch):
    from napari_ghosthunter.scan.readers import links, probing

    np.save(tmp_path / "a.npy", CUBE)
    for body, words in {
        "import time; time.sleep(60)": "did not come to an end with it within 1 s",
        "bytearray(10**13)": "takes too much memory",
        "import os; os.abort()": "crashed on it",
        "raise KeyError": None,
    }.items():
        faulty = tmp_path / "faulty"
        faulty.mkdir(exist_ok=True)
        (faulty / "h5py.py").write_text(f"class File:\n    def __init__(self, *_):\n        {body}\n")
        monkeypatch.setenv("PYTHONPATH", str(faulty))
        if words is None:
            probing.probe(links.read_attributes, "h5py", tmp_path / "a.npy", "/", seconds=60)
            continue
        with pytest.raises(ScanError, match=words):
            probing.probe(links.read_attributes, "h5py", tmp_path / "a.npy", "/", seconds=1 if "sleep" in body else 60)


def test_texts_in_the_heap_of_hdf5_are_read_in_another_process_first(tmp_path, monkeypatch):
    from napari_ghosthunter.scan.readers import links

    asked = []
    monkeypatch.setattr(links, "probe", lambda *arguments, **_: asked.append(arguments))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["g/cube"], file["g/dim1"], file["g/dim2"] = CUBE, [0.0, 2.0], [0.0, 2.0]
        file["g/dim1"].attrs["units"] = file["g/dim2"].attrs["units"] = "nm"  # of variable length
    assert open_scan(tmp_path / "a.h5").calibration.scan_units == "nm"
    assert asked == [(links.read_attributes, "h5py", tmp_path / "a.h5", "/g")]
