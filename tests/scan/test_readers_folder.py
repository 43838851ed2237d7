"""A folder with one file a pattern: positions from names, and what is refused or told."""

import os
import shutil
import sys
import time

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_ghosthunter.errors import DatasetError, ScanError
from napari_ghosthunter.scan.readers import open_again, open_scan
from tests.scan.writers import (
    PATTERNS,
    everything,
    thermo_header,
    write_dm,
    write_mib,
    write_mrc,
    write_png,
    write_positions,
)

SHAPE = (3, 4)
BYTES = (PATTERNS >> 8).astype("u1")

KINDS = {
    ".tif": tifffile.imwrite,
    ".TIFF": lambda path, pattern: tifffile.imwrite(path, pattern, compression="zlib", byteorder=">"),
    ".mib": lambda path, pattern: write_mib(path, pattern[None]),
    ".mrc": lambda path, pattern: write_mrc(path, pattern[None], 6),
    ".npy": np.save,
    ".dm4": lambda path, pattern: write_dm(path, pattern, [(0.05, "1/nm")] * 2, collection=0),
}


@pytest.mark.parametrize("ending", KINDS)
def test_every_kind_of_file(tmp_path, ending):
    folder = write_positions(tmp_path / "patterns", "x{x}_y{y}" + ending, write=KINDS[ending])
    scan = open_scan(folder)
    np.testing.assert_array_equal(everything(scan), PATTERNS)


@pytest.mark.parametrize(
    ("ending", "write"),
    [
        (".dm3", lambda path, p: write_dm(path, p.astype("i2"), [(0.05, "1/nm")] * 2, collection=0)),
        (
            ".tif",
            lambda path, p: tifffile.imwrite(path, p, imagej=True, resolution=(20, 20), metadata={"unit": "1/nm"}),
        ),
        (
            ".mrc",
            lambda path, p: write_mrc(path, p[None], 6, kind=b"FEI1", content=thermo_header((0, 0, 4, 3), pixel=5e7)),
        ),
    ],
)
def test_the_pixel_size_in_the_files_is_taken(tmp_path, ending, write):
    calibration = open_scan(write_positions(tmp_path / "patterns", "x{x}_y{y}" + ending, write=write)).calibration
    assert (calibration.k_units, calibration.scan_units) == ("1/nm", "px")
    assert calibration.k_step == pytest.approx((0.05, 0.05))


def test_a_length_is_no_pixel_size_of_patterns(tmp_path):
    nm = [(0.05, "nm")] * 2
    folder = write_positions(
        tmp_path / "patterns", "x{x}_y{y}.dm4", write=lambda path, p: write_dm(path, p, nm, collection=0)
    )
    assert open_scan(folder).calibration.k_units == "px"


def test_float_pictures_keep_their_type(tmp_path):
    folder = write_positions(tmp_path / "patterns", "x{x}_y{y}.tif", PATTERNS / np.float32(7), KINDS[".tif"])
    np.testing.assert_array_equal(everything(open_scan(folder)), PATTERNS / np.float32(7))


def test_eight_bits_are_told(tmp_path):
    eight = open_scan(write_positions(tmp_path / "eight", "{x}_{y}.png", BYTES))
    sixteen = open_scan(write_positions(tmp_path / "sixteen", "{x}_{y}.png"))
    assert any("8 bits" in note for note in eight.provenance.notes)
    assert not any("8 bits" in note for note in sixteen.provenance.notes)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P"])
def test_grey_that_is_stored_as_colour_opens(tmp_path, mode):
    folder = write_positions(
        tmp_path / "patterns", "{x}_{y}.png", BYTES, lambda path, p: Image.fromarray(p).convert(mode).save(path)
    )
    scan = open_scan(folder)
    np.testing.assert_array_equal(everything(scan), BYTES)
    assert any("stored as colours" in note for note in scan.provenance.notes) == (mode != "LA")


def in_colours(path, pattern):
    Image.fromarray(np.stack([pattern, pattern // 2, pattern], -1)).save(path)


def see_through(path, pattern):
    Image.merge("LA", [Image.fromarray(pattern), Image.fromarray(pattern)]).save(path)


def with_palette(path, pattern):
    image = Image.fromarray(pattern, "P")
    image.putpalette([(3 * value) % 256 for value in range(768)][::-1])
    image.save(path)


def in_deep_colours(path, pattern):
    """Write what Pillow cannot: three channels of 16 bits."""
    import struct
    import zlib

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    height, width = pattern.shape
    rows = b"".join(b"\0" + np.repeat(row.astype(">u2"), 3).tobytes() for row in pattern)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


@pytest.mark.parametrize(
    ("write", "problem"),
    [
        (in_colours, "picture in colours, as a screenshot"), (see_through, "partly transparent"),
        (with_palette, "picture in colours"), (in_deep_colours, "colours of 16 bits"),
    ],
)  # fmt: skip
def test_what_is_no_picture_of_counts_is_refused(tmp_path, write, problem):
    folder = write_positions(tmp_path / "patterns", "{x}_{y}.png", BYTES, write)
    with pytest.raises(ScanError, match=rf"\d_\d\.png .*{problem}"):
        open_scan(folder)


def test_colours_in_one_file_are_met_when_it_is_read(tmp_path):
    folder = write_positions(tmp_path / "patterns", "{n}.png", np.repeat(BYTES, 9, axis=0))
    in_colours(folder / "50.png", BYTES[0, 0])
    scan = open_scan(folder, scan_shape=(27, 4))
    with pytest.raises(ScanError, match="50.png is a picture in colours"):
        everything(scan)


@pytest.mark.parametrize("other", [PATTERNS[0, 0, :5], BYTES[0, 0]])
def test_patterns_of_another_kind_are_named(tmp_path, other):
    folder = write_positions(tmp_path / "patterns", "{x}_{y}.png")
    write_png(folder / "2_1.png", other)
    with pytest.raises(
        ScanError, match=r"2_1.png is of . x . pixels \(uint\d+\); the first .* 6 x 5 pixels \(uint16\)"
    ):
        everything(open_scan(folder))


def test_strays_are_left_out(tmp_path):
    folder = write_positions(tmp_path / "patterns", "{x}_{y}.png")
    for name in ("Thumbs.db", "notes.txt", ".DS_Store", "._0_0.png", ".hidden.png", "scan.hdr"):
        (folder / name).write_bytes(b"x")
    (folder / "raw").mkdir()
    (folder / "5_5.png").mkdir()
    assert not any("left out" in note for note in open_scan(folder).provenance.notes)
    write_png(folder / "overview.png", PATTERNS[0, 0, :5])
    (folder / "screen.jpg").write_bytes(b"x")
    scan = open_scan(folder)
    np.testing.assert_array_equal(everything(scan), PATTERNS)
    assert any("2 other file(s)" in note and "overview.png" in note for note in scan.provenance.notes)


def test_two_series_are_asked_for(tmp_path):
    folder = write_positions(tmp_path / "patterns", "{x}_{y}_boxsize5.png")
    write_positions(folder, "{x}_{y}_boxsize3.png", PATTERNS // 2)
    with pytest.raises(DatasetError, match="several series of patterns; choose one with --dataset") as raised:
        open_scan(folder)
    assert sorted(raised.value.candidates) == ["X_Y_boxsize3.png", "X_Y_boxsize5.png"]
    scan = open_scan(folder, dataset="X_Y_boxsize3.png")
    np.testing.assert_array_equal(everything(scan), PATTERNS // 2)
    assert any("12 other file(s)" in note for note in scan.provenance.notes)


def test_a_file_that_goes_is_named(tmp_path):
    folder = write_positions(tmp_path / "patterns", "{x}_{y}.png", np.repeat(PATTERNS, 9, axis=0))
    scan = open_scan(folder)
    (folder / "1_7.png").unlink()
    (folder / "3_7.png").write_bytes(b"\x89PNG")
    with pytest.raises(ScanError, match="1_7.png is no longer in the folder"):
        scan.pattern(7, 1)
    with pytest.raises(ScanError, match="3_7.png cannot be read as a .png picture"):
        scan.pattern(7, 3)


def test_scans_side_by_side_are_no_patterns(tmp_path):
    for number in range(2):
        np.save(tmp_path / f"scan{number}.npy", PATTERNS)
    with pytest.raises(ScanError, match=r"scan0.npy holds an array of shape \(3, 4, 6, 5\).*open that file itself"):
        open_scan(tmp_path)


def test_a_folder_of_files_with_names_of_their_own_is_no_scan(tmp_path):
    for name in ("monday", "tuesday"):
        np.save(tmp_path / f"{name}.npy", PATTERNS)
    with pytest.raises(ScanError, match="is a folder but no Zarr store.*give the scan's file"):
        open_scan(tmp_path)


def test_a_folder_of_something_else_says_what_is_read(tmp_path):
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(ScanError, match=r"holds no files of one pattern each \(.png, .tif, "):
        open_scan(tmp_path)
    with pytest.raises(ScanError, match="no series of files with one pattern each"):
        open_scan(tmp_path, reader="folder")
    with pytest.raises(ScanError, match="is no folder"):
        open_scan(tmp_path / "a.txt", reader="folder")


def test_seven_thousand_files_open_without_being_read(tmp_path, monkeypatch):
    folder = write_positions(tmp_path / "patterns", "{x}_{y}.png", PATTERNS[:1, :1])
    for y, x in np.ndindex(34, 206):
        if (x, y) != (0, 0):
            (folder / f"{x}_{y}.png").hardlink_to(folder / "0_0.png")
    opened = []
    monkeypatch.setattr(
        Image, "open", lambda path, *a, _open=Image.open, **k: opened.append(path) or _open(path, *a, **k)
    )
    start = time.perf_counter()
    scan = open_scan(folder)
    assert time.perf_counter() - start < 5
    assert scan.scan_shape == (34, 206)
    assert len(opened) <= 10
    opened.clear()
    for _ in range(3):
        scan.pattern(20, 100)
    assert len(opened) == 1  # what was read last is kept


def test_the_folder_can_be_moved(tmp_path):
    folder = write_positions(tmp_path / "patterns", "{x}_{y}.png")
    scan = open_scan(folder)
    shutil.move(folder, tmp_path / "elsewhere")
    np.testing.assert_array_equal(everything(open_again(scan.provenance, tmp_path / "elsewhere")), PATTERNS)


def test_a_folder_that_cannot_be_looked_into_says_so(tmp_path, monkeypatch):
    def denied(_path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.scandir", denied)
    with pytest.raises(ScanError, match="Cannot look into the folder .*: Permission denied"):
        open_scan(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_names_of_several_lines_are_told_on_one(tmp_path):
    folder = write_positions(tmp_path / "patterns", "x{x}_y{y}.png")
    write_png(folder / "over\nview.png", PATTERNS[0, 0])
    notes = open_scan(folder).provenance.notes
    assert any("over view.png" in note for note in notes)
    assert not any("\n" in note for note in notes)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep names as letters")
def test_names_that_are_no_letters_can_be_written(tmp_path):
    folder = write_positions(tmp_path / "patterns", os.fsdecode(b"\xff") + "_x{x}_y{y}.png")
    scan = open_scan(folder)
    assert scan.provenance.dataset.encode("utf-8")
    np.testing.assert_array_equal(everything(open_again(scan.provenance, folder)), PATTERNS)
