"""`ghosthunter sample` and `ghosthunter labels import`."""

import csv

import pytest

HEADER = ["scan_y", "scan_x", "reason"]


def rows_of(path):
    with path.open(newline="") as stream:
        return list(csv.reader(stream))


def test_the_grid_comes_first(call, samples, tmp_path):
    called = call("sample", samples / "scan.npy", "--step", 5, "--out", "points.csv")
    assert (called.code, called.err) == (0, "")
    assert called.out.endswith("6 points written to points.csv\n")
    grid = [[str(y), str(x), "grid"] for y in (0, 5) for x in (0, 5, 10)]
    assert rows_of(tmp_path / "points.csv") == [HEADER, *grid]


def test_count_takes_so_many(call, samples, tmp_path):
    for count in (0, 1, 4):
        path = tmp_path / f"{count}.csv"
        assert call("sample", samples / "scan.npy", "--step", 5, "--count", count, "--out", path).code == 0
        assert len(rows_of(path)) == 1 + count


def test_labelled_points_round_trip_until_a_round_is_empty(call, samples, tmp_path):
    # the expert adds a column to points.csv and hands it back, with the rounds before
    points, labels = tmp_path / "points.csv", tmp_path / "labels.csv"
    labelled = []
    for _ in range(20):
        labels.write_text("\n".join(["scan_y,scan_x,reason,label", *labelled]) + "\n")
        arguments = ("--labels", labels, "--step", 6, "--out", points, "--overwrite")
        called = call("sample", samples / "scan.npy", *arguments)
        assert (called.code, called.err) == (0, "")
        new = rows_of(points)[1:]
        if not new:
            break
        labelled += [f'{y},{x},"{reason}",{"left" if int(x) < 8 else "right"}' for y, x, reason in new]
    assert points.read_text() == "scan_y,scan_x,reason\n"
    assert called.out.startswith("No boundary is left")
    assert any("midpoint of (0, 6) and (0, 12)" in row for row in labelled)
    assert len({tuple(row.split(",")[:2]) for row in labelled}) == len(labelled)


def test_labels_of_several_files_count_as_one(call, samples, tmp_path):
    for name, rows in {"a": "0,0,a\n", "b": "0,6,b\n6,0,a\n", "c": "0,0,B\n"}.items():
        (tmp_path / f"{name}.csv").write_text(f"scan_y,scan_x,label\n{rows}")
    sample = ("sample", samples / "scan.npy", "--step", 6, "--labels", "a.csv", "--labels")
    assert call(*sample, "b.csv", "--out", "p.csv").code == 0
    assert not {("0", "0"), ("0", "6"), ("6", "0")} & {tuple(row[:2]) for row in rows_of(tmp_path / "p.csv")}
    assert "a.csv and c.csv give different labels to one position" in call(*sample, "c.csv", "--out", "q.csv").error
    assert "is an input" in call(*sample, "b.csv", "--out", "b.csv", "--overwrite").error


def test_one_class_only_writes_the_header_and_says_why(call, samples, tmp_path):
    labels = tmp_path / "l.csv"
    labels.write_text("scan_y,scan_x,label\n0,0,a\n")
    called = call("sample", samples / "scan.npy", "--step", 20, "--labels", labels, "--out", "p.csv")
    assert called.code == 0
    assert "All labels are of one class" in called.out
    assert rows_of(tmp_path / "p.csv") == [HEADER]


def test_random_positions(call, samples, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        arguments = ("--step", 5, "--method", "random", "--count", 9, "--seed", seed, "--out", name)
        assert call("sample", samples / "scan.npy", *arguments).code == 0
    a, b, c = (rows_of(tmp_path / name) for name in "abc")
    assert a == b != c
    assert len(a) == 10


def test_uncertain_points_need_no_model(call, samples, tmp_path):
    labels = tmp_path / "l.csv"
    labels.write_text("scan_y,scan_x,label\n0,0,a\n")
    arguments = ("--step", 5, "--method", "uncertain", "--out", "p.csv")
    assert "with --labels FILE" in call("sample", samples / "scan.npy", *arguments).error
    arguments = (*arguments, "--labels", labels)
    assert "labels of at least two classes" in call("sample", samples / "scan.npy", *arguments).error
    labels.write_text("scan_y,scan_x,label\n0,0,a\n5,12,b\n0,12,b\n")
    called = call("sample", samples / "scan.npy", *arguments)
    assert called.code == 0
    reasons = [row[2].split()[0] for row in rows_of(tmp_path / "p.csv")[1:]]
    assert reasons == ["uncertain"] * 4 + ["unlike"]
    assert "map is least sure: 4" in called.out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--method", "random"), "needs --count"),
        (("--method", "magic"), "'magic' is not one of 'adaptive', 'random', 'uncertain'"),
        (("--labels", "nothing.csv"), "Cannot read nothing.csv"),
        (("--labels", "OUTSIDE"), "line 3: Position (10, 1) is outside the scan of 10 x 14"),
        (("--labels", "CONFLICT"), "different labels to one position: (0, 0) a / b"),
        (("--scan-shape", "3x3"), "cannot be folded"),
    ],
)
def test_what_is_refused_writes_nothing(call, samples, tmp_path, options, said):
    files = {"OUTSIDE": samples / "outside.csv", "CONFLICT": samples / "conflict.csv"}
    options = [files.get(option, option) for option in options]
    assert said in call("sample", samples / "scan.npy", "--step", 5, "--out", "p.csv", *options).error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("scan_y,label\n0,a\n", "lacks"),
        ("scan_y|scan_x|label\n0|0|a\n", "lacks the columns"),
        ("scan_y,scan_x,label\n0,zero,a\n", "line 2: scan_x is 'zero'"),
        ("scan_y,scan_x,label\n0,1.5,a\n", "line 2: scan_x is '1.5'"),
        ("scan_y,scan_x,label\n-1,0,a\n", "line 2"),
        ('scan_y,scan_x,label\n0,0,"a\n', "line 2"),
    ],
)
def test_malformed_labels_are_refused_with_their_line(call, samples, tmp_path, content, said):
    path = tmp_path / "l.csv"
    path.write_text(content)
    assert said in call("sample", samples / "scan.npy", "--step", 5, "--labels", path, "--out", "p.csv").error
    assert not (tmp_path / "p.csv").exists()


def test_outputs_are_looked_at_before_any_work(call, samples, tmp_path):
    old = tmp_path / "old.csv"
    old.write_text("mine")
    (tmp_path / "folder").mkdir()
    sample = ("sample", "nothing.npy", "--step", 5, "--out")  # the missing scan would be told later
    assert "exists already" in call(*sample, old).error
    assert "is a file, not a folder" in call(*sample, old / "p.csv").error
    assert "is a folder" in call(*sample, tmp_path / "folder", "--overwrite").error
    assert "There is no file" in call(*sample, old, "--overwrite").error
    assert old.read_text() == "mine"
    assert call("sample", samples / "scan.npy", "--step", 5, "--out", old, "--overwrite").code == 0
    assert rows_of(old)[0] == HEADER


def test_an_input_is_never_overwritten(call, samples, tmp_path):
    labels = tmp_path / "labels.csv"
    labels.write_text("scan_y,scan_x,label\n0,0,a\n")
    arguments = ("--step", 5, "--labels", labels, "--out", "./labels.csv", "--overwrite")
    assert "is an input of this command" in call("sample", samples / "scan.npy", *arguments).error
    assert labels.read_text().endswith("0,0,a\n")


# ---- labels import ----

YAML = """labels:
- file: 3_1_boxsize5.png
  label: vertical
- file: 0_0_boxsize5.png
  label: na
- file: 0_0_boxsize5.png
  label: na
- file: 2_1_boxsize5.png
  label: na
- file: 2_1_boxsize5.png
  label: horizontal
"""


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("50_binary", 48),
        ("50_random", 50),
        ("100_binary", 195),
        ("100_random", 100),
        ("250_binary", 250),
        ("250_random", 250),
    ],
)
def test_the_label_files_of_the_paper(call, shared_file, tmp_path, name, count):
    source = shared_file(f"paper_labels/paper_data_{name}_frame_1_labels.yaml")
    called = call("labels", "import", source, "--scan-shape", "34x206", "--out", "labels.csv")
    assert called.code == 0
    assert called.out == f"{count} labels written to labels.csv\n"
    assert called.err.count("\n") == 1
    assert ("(22, 0) na / horizontal" in called.err) == (name == "100_binary")
    rows = rows_of(tmp_path / "labels.csv")
    assert rows[0] == ["scan_y", "scan_x", "label"]
    assert len(rows) == 1 + count == 1 + len({tuple(row[:2]) for row in rows[1:]})
    assert ["22", "0"] not in [row[:2] for row in rows] or name != "100_binary"
    # the way back: they are labels of that scan
    assert {row[2] for row in rows[1:]} == {"na", "vertical", "horizontal"}


def test_import_swaps_x_and_y_merges_renames_and_reports(call, tmp_path):
    (tmp_path / "paper.yaml").write_text(YAML)
    called = call("labels", "import", "paper.yaml", "--scan-shape", "2x4", "--out", "l.csv", "--rename", "na=none")
    assert called.code == 0
    assert rows_of(tmp_path / "l.csv")[1:] == [["0", "0", "none"], ["1", "3", "vertical"]]
    assert "(1, 2) none / horizontal" in called.err


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        (YAML, ("--scan-shape", "4x2"), "It would fit 2 x 4"),
        (YAML, ("--scan-shape", "2x4", "--rename", "na"), "'na' is not OLD=NEW"),
        (YAML, ("--scan-shape", "2by4"), "is not a scan shape"),
        (YAML, ("--scan-shape", "2x4", "--rename", "NA=none"), "classes are: vertical, na, horizontal"),
        ("labels: 3", ("--scan-shape", "2x4"), "not a label file of the paper"),
        ("a: [b", ("--scan-shape", "2x4"), "not valid YAML"),
        ("labels:\n- file: foo.png\n  label: x\n", ("--scan-shape", "2x4"), "does not begin with a position"),
        ("x: !!python/object/apply:os.mkdir [pwned]", ("--scan-shape", "2x4"), "not valid YAML"),
    ],
)
def test_what_is_no_label_file_of_the_paper(call, tmp_path, content, options, said):
    (tmp_path / "paper.yaml").write_text(content)
    assert said in call("labels", "import", "paper.yaml", *options, "--out", "l.csv").error
    assert [path.name for path in tmp_path.iterdir()] == ["paper.yaml"]


def test_a_table_needs_no_import(call, samples, tmp_path):
    arguments = ("--scan-shape", "10x14", "--out", "o.csv")
    error = call("labels", "import", samples / "labels.csv", *arguments).error
    assert "needs no import" in error
    assert "--labels" in error
    assert list(tmp_path.iterdir()) == []
