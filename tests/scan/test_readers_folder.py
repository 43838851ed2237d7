"""A folder with one file a pattern: positions from names, and what is refused or told."""

import shutil
import time

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from napari_ghosthunter.errors import DatasetError, ScanError, ScanShapeError
from napari_ghosthunter.scan.readers import open_again, open_scan
from napari_ghosthunter.scan.readers.file_names import series_in
from tests.scan.writers import frames_of, thermo_header, write_dm, write_mib, write_mrc

SHAPE = (3, 4)
PATTERNS = frames_of(12, (6, 5), "u2").reshape(*SHAPE, 6, 5)
BYTES = (PATTERNS >> 8).astype("u1")


def write_png(path, pattern):
    Image.fromarray(pattern).save(path)


def write_positions(folder, form, patterns=PATTERNS, write=write_png):
    folder.mkdir(exist_ok=True)
    for y, x in np.ndindex(patterns.shape[:2]):
        write(folder / form.format(x=x, y=y, n=y * patterns.shape[1] + x), patterns[y, x])
    return folder


def everything(scan):
    return scan.rows(0, scan.shape[0])


@pytest.mark.parametrize(
    "form",
    [
        "{x}_{y}.png", "{x}_{y}_boxsize5.png", "x{x}_y{y}.png", "row_{y:03d}_col_{x:03d}.png", "Y{y}-X{x}.PNG",
        "scan3_x{x}_y{y}.png", "scan_x{x}_y{y}_t{n}.png", "pos_x={x},y={y}.png", "R{y}C{x}.png", "row{y}_column{x}.png",
        "dp_{x}_{y}.png", "dp ({x}, {y}).png", "col{x}_row{y}.png", "rx{x}_ry{y}.png", "line_{y}_col_{x}.png",
        "2024_run7_x{x:04d}y{y:04d}.png", "{x:03d}-{y:03d}.png",
    ],
)  # fmt: skip
def test_positions_are_taken_from_the_names(tmp_path, form):
    scan = open_scan(write_positions(tmp_path / "patterns", form))
    assert (scan.shape, scan.dtype, scan.provenance.reader) == ((3, 4, 6, 5), np.dtype("u2"), "folder")
    np.testing.assert_array_equal(everything(scan), PATTERNS)
    np.testing.assert_array_equal(scan.pattern(2, 1), PATTERNS[2, 1])
    words = any(word in form.lower() for word in ("x{x", "col", "c{x", "x="))
    assert any("taken as X_Y" in note for note in scan.provenance.notes) == (not words)
    np.testing.assert_array_equal(everything(open_again(scan.provenance, scan.provenance.path)), PATTERNS)


@pytest.mark.parametrize(
    "asked", [{"dataset": "Y_X.png"}, {"dataset": "Y_X"}, {"scan_shape": (3, 4)}, {"dataset": "X_Y.png"}]
)
def test_row_and_column_can_be_said(tmp_path, asked):
    scan = open_scan(write_positions(tmp_path / "patterns", "{y}_{x}.png"), **asked)
    wrong = asked.get("dataset") == "X_Y.png"
    np.testing.assert_array_equal(everything(scan), PATTERNS.swapaxes(0, 1) if wrong else PATTERNS)
    assert any("taken as X_Y" in note for note in scan.provenance.notes) == wrong
    again = open_again(scan.provenance, scan.provenance.path)
    np.testing.assert_array_equal(everything(again), everything(scan))


def test_letters_beside_the_numbers_stay_as_they_are(tmp_path):
    folder = write_positions(tmp_path / "patterns", "EXP_Y_{y}_{x}.png")
    assert open_scan(folder).provenance.dataset == "EXP_Y_X_Y.png"
    np.testing.assert_array_equal(everything(open_scan(folder, dataset="EXP_Y_Y_X.png")), PATTERNS)


def test_words_in_the_names_leave_no_choice(tmp_path):
    folder = write_positions(tmp_path / "patterns", "x{x}_y{y}.png")
    with pytest.raises(DatasetError, match="no dataset 'Y_X'.*xX_yY.png") as raised:
        open_scan(folder, dataset="Y_X")
    assert raised.value.candidates == ("xX_yY.png",)


@pytest.mark.parametrize("form", ["frame_{n}.png", "frame_{n:04d}.png", "{n}.png", "20240512_{n}.png", "a{n}_12.png"])
def test_names_that_only_count_are_taken_in_order_and_the_shape_is_asked(tmp_path, form):
    folder = write_positions(tmp_path / "patterns", form)
    with pytest.raises(ScanShapeError, match="12 patterns of 6 x 5 pixels in one row.*order of their names") as raised:
        open_scan(folder)
    assert (3, 4) in raised.value.candidates
    np.testing.assert_array_equal(everything(open_scan(folder, scan_shape=(3, 4))), PATTERNS)


def test_names_without_numbers_are_taken_in_order(tmp_path):
    folder = tmp_path / "patterns"
    folder.mkdir()
    for letter, pattern in zip("abcdef", PATTERNS[0].tolist() + PATTERNS[1, :2].tolist(), strict=True):
        write_png(folder / f"{letter}.png", np.array(pattern, "u2"))
    np.testing.assert_array_equal(everything(open_scan(folder, scan_shape=(1, 6)))[0, 4], PATTERNS[1, 0])


def test_a_number_that_is_missing_from_a_count_is_told(tmp_path):
    folder = write_positions(tmp_path / "patterns", "frame_{n}.png")
    (folder / "frame_5.png").unlink()
    with pytest.raises(ScanShapeError, match="11 patterns.*gaps, the widest from 4 to 6"):
        open_scan(folder)


@pytest.mark.parametrize("form", ["{x}_{y}.png", "x{x}_y{y}.png"])
def test_positions_without_a_file_are_counted(tmp_path, form):
    folder = write_positions(tmp_path / "patterns", form)
    (folder / form.format(x=1, y=2)).unlink()
    with pytest.raises(ScanError, match=r"3 x 4 .*1 of the positions have none, the first at x 1, y 2"):
        open_scan(folder)


def test_a_position_that_comes_twice_names_both(tmp_path):
    folder = write_positions(tmp_path / "patterns", "{x}_{y}.png")
    write_png(folder / "03_2.png", PATTERNS[0, 0])
    with pytest.raises(ScanError, match="(3_2.png and 03_2|03_2.png and 3_2).png are both at x 3, y 2"):
        open_scan(folder)


def test_names_that_count_from_elsewhere_are_told(tmp_path):
    folder = tmp_path / "patterns"
    folder.mkdir()
    for y, x in np.ndindex(SHAPE):
        write_png(folder / f"x{10 + 2 * x}_y{y + 1}.png", PATTERNS[y, x])
    scan = open_scan(folder)
    np.testing.assert_array_equal(everything(scan), PATTERNS)
    assert "x from 10 in steps of 2 and y from 1" in scan.provenance.notes[0]


def test_a_single_row_is_a_scan_where_the_names_say_so(tmp_path):
    scan = open_scan(write_positions(tmp_path / "patterns", "x{x}_y{y}.png", PATTERNS[:1]))
    assert scan.scan_shape == (1, 4)


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


@pytest.mark.parametrize("form", ["x{x}.0_y{y}.5.png", "x{x}.50_y{y}.png"])
def test_positions_with_decimals_are_refused(tmp_path, form):
    with pytest.raises(ScanError, match="positions with decimals.*rename the files to rows and columns"):
        open_scan(write_positions(tmp_path / "patterns", form))


def test_a_dash_is_no_minus_and_told(tmp_path):
    scan = open_scan(write_positions(tmp_path / "patterns", "x-{x}_y-{y}.png"))
    np.testing.assert_array_equal(everything(scan), PATTERNS)
    assert "no minus" in scan.provenance.notes[0]


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


def test_a_folder_of_something_else_says_what_is_read(tmp_path):
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(ScanError, match="holds no files of one pattern each"):
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


def test_names_from_another_system_are_no_numbers():
    assert series_in(["a²_1.png", "a²_2.png", "a٣_1.png"])[0].name == "a²_N.png"


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4)), min_size=2, unique=True), st.booleans())
def test_a_grid_is_whole_or_refused(places, words):
    """Whatever positions there are: each file is at the place that its name says, or the scan is refused."""
    form = "x{}_y{}.png" if words else "{}_{}.png"
    found = series_in([form.format(x, y) for x, y in places])[0]
    xs, ys = sorted({x for x, _ in places}), sorted({y for _, y in places})
    if found.grid is None:
        assert found.refused or found.name.count("N")
        assert len(found.files) == len(places)
        return
    assert found.grid == (len(ys), len(xs))
    assert found.files == tuple(form.format(x, y) for y in ys for x in xs)


def test_the_folder_can_be_moved(tmp_path):
    folder = write_positions(tmp_path / "patterns", "{x}_{y}.png")
    scan = open_scan(folder)
    shutil.move(folder, tmp_path / "elsewhere")
    np.testing.assert_array_equal(everything(open_again(scan.provenance, tmp_path / "elsewhere")), PATTERNS)
