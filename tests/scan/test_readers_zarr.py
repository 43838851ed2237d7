"""Zarr of both formats, as folders and zip files: found or asked for; what cannot be read is told by its cause."""

import json
import shutil
import zipfile

import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st

from napari_ghosthunter.errors import DatasetError, ScanError
from napari_ghosthunter.scan.readers import open_scan
from tests.scan.test_readers_hdf5 import CUBE, CUBES
from tests.scan.zarr_stores import FORMATS, NEW, write_zarr

formats = pytest.mark.parametrize("zarr_format", FORMATS)
only_new = pytest.mark.skipif(not NEW, reason="zarr 2 writes format 2 only")
DESCRIBED = {
    "zarr_format": 3, "node_type": "array", "shape": [2, 2, 3, 3], "data_type": "uint8", "fill_value": 0,
    "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2, 2, 3, 3]}},
    "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
    "codecs": [{"name": "bytes"}],
}  # fmt: skip


def zipped(folder, path):
    with zipfile.ZipFile(path, "w") as archive:
        for one in sorted(folder.rglob("*")):
            archive.write(one, one.relative_to(folder))


@given(CUBES, st.sampled_from(FORMATS))
def test_zarr_round_trip(tmp_path_factory, cube, zarr_format):
    folder = tmp_path_factory.mktemp("zarr")
    for name in ("array.zarr", "group.zarr", "no_ending", "array.zarr.zip", "group.zip"):
        arrays = {"in/cube": cube, "image": cube[0, 0]} if name.startswith("group") else cube
        path = write_zarr(folder / name, arrays, zarr_format)
        scan = open_scan(path)
        np.testing.assert_array_equal(scan.rows(0, len(cube)), cube)
        np.testing.assert_array_equal(scan.pattern(0, 0), cube[0, 0])
        assert open_scan(path, dataset=scan.provenance.dataset).shape == cube.shape


@formats
def test_several_zarr_arrays_must_be_chosen_from(tmp_path, zarr_format):
    write_zarr(tmp_path / "a.zarr", {"in/x": CUBE, "in/y": CUBE + 1}, zarr_format)
    with pytest.raises(DatasetError, match="in/x, in/y"):
        open_scan(tmp_path / "a.zarr")
    np.testing.assert_array_equal(open_scan(tmp_path / "a.zarr", dataset="in/y").rows(0, 3), CUBE + 1)


@formats
@pytest.mark.parametrize("name", ["a.zarr", "a.zip"])
def test_a_zarr_array_that_was_never_written_is_not_zero(tmp_path, zarr_format, name):
    folder = write_zarr(tmp_path / "written.zarr", {"cube": CUBE, "never": CUBE}, zarr_format)
    (folder / "never" / ".DS_Store").touch()  # as a Mac leaves them
    if zarr_format == 3:
        shutil.rmtree(folder / "never" / "c")
    else:
        (folder / "never" / "0.0.0.0").unlink()
    path = tmp_path / name
    if name.endswith("zip"):
        zipped(folder, path)
    else:
        folder.rename(path)
    np.testing.assert_array_equal(open_scan(path, dataset="cube").rows(0, 3), CUBE)
    with pytest.raises(ScanError, match="nothing was ever written"):
        open_scan(path, dataset="never")


@only_new
@pytest.mark.parametrize("name", ["a.zarr", "a.zarr.zip"])
def test_shards_are_read_by_the_pattern(tmp_path, name):
    path = write_zarr(tmp_path / name, {"cube": CUBE}, 3, shards=(3, 4, 5, 6), chunks=(1, 1, 5, 6))
    scan = open_scan(path)
    np.testing.assert_array_equal(scan.rows(0, 3), CUBE)
    np.testing.assert_array_equal(scan.pattern(2, 1), CUBE[2, 1])


@only_new
def test_consolidated_descriptions_are_read(tmp_path):
    for zarr_format in FORMATS:
        path = write_zarr(tmp_path / f"{zarr_format}.zarr", {"cube": CUBE}, zarr_format)
        zarr.consolidate_metadata(str(path))
        np.testing.assert_array_equal(open_scan(path).rows(0, 3), CUBE)


@pytest.mark.parametrize("name", ["a.zarr", "a.zip", "a.zspy"])
def test_format_3_under_zarr_2_is_not_called_damaged(tmp_path, monkeypatch, name):
    monkeypatch.setattr(zarr, "__version__", "2.18.7")
    if name == "a.zarr":
        (tmp_path / name).mkdir()
        (tmp_path / name / "zarr.json").write_text(json.dumps(DESCRIBED))
    else:
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("zarr.json", json.dumps(DESCRIBED))
    with pytest.raises(
        ScanError, match=r"format 3, which zarr 2.18.7 here cannot read.*pip install 'zarr>=3'"
    ) as raised:
        open_scan(tmp_path / name)
    assert "damaged" not in str(raised.value)


def with_codec(path, zarr_format, codec):
    """Write a store whose array says to be packed with a codec that this name has."""
    write_zarr(path, CUBE, zarr_format)
    file = path / (".zarray" if zarr_format == 2 else "zarr.json")
    described = json.loads(file.read_text())
    if zarr_format == 2:
        described["compressor"] = {"id": codec}
    else:
        described["codecs"] = [*described["codecs"][:1], {"name": codec, "configuration": {}}]
    file.write_text(json.dumps(described))


@formats
def test_a_codec_that_is_not_there_is_named_and_no_damage(tmp_path, zarr_format):
    with_codec(tmp_path / "a.zarr", zarr_format, "sz3-of-tomorrow")
    with pytest.raises(ScanError, match=r"sz3-of-tomorrow") as raised:
        open_scan(tmp_path / "a.zarr")
    assert "damaged" not in str(raised.value)


@pytest.mark.parametrize("name", ["a.zarr", "a.zip"])
def test_arrays_of_objects_beside_the_scan_are_passed_by(tmp_path, name):
    """zarr 3 would give up the whole group for one of them, as HyperSpy writes them."""
    folder = write_zarr(tmp_path / "group.zarr", {"in/cube": CUBE})
    for number, codec in enumerate(["pickle", "json2", "vlen-array", "of-tomorrow"]):
        described = json.loads((folder / "in" / "cube" / ".zarray").read_text())
        described |= {"dtype": "|O", "fill_value": None, "filters": [{"id": codec}], "shape": [2], "chunks": [2]}
        (folder / "in" / f"object-{number}").mkdir()
        (folder / "in" / f"object-{number}" / ".zarray").write_text(json.dumps(described))
    path = tmp_path / name
    if name.endswith("zip"):
        zipped(folder, path)
    else:
        folder.rename(path)
    np.testing.assert_array_equal(open_scan(path).rows(0, 3), CUBE)


@only_new
def test_both_formats_in_one_group(tmp_path):
    write_zarr(tmp_path / "a.zarr", {"old": CUBE})
    write_zarr(tmp_path / "a.zarr" / "new", CUBE + 1, 3)
    for dataset, expected in (("old", CUBE), ("new", CUBE + 1)):
        np.testing.assert_array_equal(open_scan(tmp_path / "a.zarr", dataset=dataset).rows(0, 3), expected)


@only_new
@pytest.mark.parametrize("codec", ["vlen-utf8", "numcodecs.pickle", "pickle"])
def test_codecs_of_format_3_that_give_no_numbers_are_refused(tmp_path, codec):
    with_codec(tmp_path / "a.zarr", 3, codec)
    with pytest.raises(ScanError):
        open_scan(tmp_path / "a.zarr").pattern(0, 0)


def test_a_zip_of_something_else_is_not_called_damaged(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("scan.zarr/.zarray", "{}")
    with pytest.raises(ScanError, match="no Zarr store.* at its top") as raised:
        open_scan(tmp_path / "a.zip")
    assert "damaged" not in str(raised.value)
