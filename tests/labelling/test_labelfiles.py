"""Label files: what is forgiven, and what is refused and how."""

from __future__ import annotations

import csv
import io
import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_ghosthunter.errors import LabelError
from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.labelling.labelfiles import (
    read_any_labels,
    read_label_files,
    read_labels,
    read_points,
    waits_for_labels,
    write_labels,
    write_points,
)
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.labelling.merging import LabelReport
from napari_ghosthunter.labelling.proposal import Proposal

characters = st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"], exclude_characters=",")
class_names = st.text(characters, min_size=1).map(lambda name: unicodedata.normalize("NFC", name.strip())).filter(bool)
same_file = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # each example overwrites it


def written(tmp_path: Path, content: str | bytes, name: str = "labels.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@same_file
@given(st.dictionaries(st.tuples(st.integers(0, 40), st.integers(0, 40)), class_names))
def test_labels_survive_the_file(tmp_path: Path, labels: dict[tuple[int, int], str]) -> None:
    path = tmp_path / "labels.csv"
    write_labels(path, labels)
    read, report = read_labels(path, (41, 41))
    assert read == labels
    assert replace(report, alike=()) == LabelReport(len(labels), len(labels), 0)  # names that look alike are told, too
    assert read.scan_shape == (41, 41)
    assert not read.can_undo


@pytest.mark.parametrize("name", ['the "wall"', "'", "µ-Domäne ↑", "東", "a;b", "=1+1", "# none", "-", '"', "nan"])
def test_odd_names(tmp_path: Path, name: str) -> None:
    write_labels(tmp_path / "labels.csv", {(0, 1): name})
    assert read_labels(tmp_path / "labels.csv")[0] == {(0, 1): name}


def test_what_is_written(tmp_path: Path) -> None:
    labels = LabelSet(ClassScheme.from_names(["a", "b"]), labels={(2, 1): "b", (0, 3): "a"})
    write_labels(tmp_path / "new" / "labels.csv", labels)
    assert (tmp_path / "new" / "labels.csv").read_bytes() == b"scan_y,scan_x,label\n0,3,a\n2,1,b\n"
    write_labels(tmp_path / "empty.csv", {})
    assert (tmp_path / "empty.csv").read_bytes() == b"scan_y,scan_x,label\n"
    assert len(read_labels(tmp_path / "empty.csv")[0]) == 0


@pytest.mark.parametrize(
    "content",
    [
        "scan_y,scan_x,label\n1,2,a\n3,4,b\n",
        "\ufeffscan_y,scan_x,label\r\n1,2,a\r\n3,4,b",
        "scan_y,scan_x,label\r1,2,a\r3,4,b\r",
        "\n\n scan_y , scan_x ,label \n\n 1 ,+2, a \n  \n,,\n3,04,b\n\n",
        'label,scan_x,scan_y\n"a",2,1\nb,"4",3\n',
        'scan_y,scan_x,reason,label\n1,2,"midpoint of (0, 1) and (2, 3)",a\n3,4,,b\n',
    ],
)
def test_what_cannot_be_mistaken_is_forgiven(tmp_path: Path, content: str) -> None:
    labels, report = read_labels(written(tmp_path, content))
    assert labels == {(1, 2): "a", (3, 4): "b"}
    assert labels.classes.names == ("a", "b")
    assert report == LabelReport(2, 2, 0)


def test_rows_that_wait_for_a_label_are_counted(tmp_path: Path) -> None:
    content = "scan_y,scan_x,reason,label\n0,0,grid,\n0,5,grid,a\n0,9,grid\n0,5,grid,\n"
    labels, report = read_labels(written(tmp_path, content))
    assert labels == {(0, 5): "a"}
    assert report == LabelReport(4, 1, 0, unlabelled=3)
    assert str(report) == "Entries: 4; different positions with a label: 1; not labelled yet: 3."


def test_rows_that_come_again_are_merged_and_counted(tmp_path: Path) -> None:
    labels, report = read_labels(written(tmp_path, "scan_y,scan_x,label\n0,5,a\n0,5, a\n0,6,a\n0,5,a\n"))
    assert labels == {(0, 5): "a", (0, 6): "a"}
    assert (report.entries, report.unique, report.duplicates) == (4, 2, 2)
    assert "entries for a position that came before: 2" in str(report)


def test_conflicts_are_refused_with_their_positions(tmp_path: Path) -> None:
    path = written(tmp_path, "scan_y,scan_x,label\n0,5,a\n0,6,a\n0,5,b\n2,2,c\n2,2,b\n")
    with pytest.raises(LabelError, match=r"labels\.csv .*: \(0, 5\) a / b, \(2, 2\) c / b\. Keep one row"):
        read_labels(path)


def test_several_files_are_read_as_one(tmp_path: Path) -> None:
    first = written(tmp_path, "scan_y,scan_x,label\n0,5,a\n0,6,b\n", "first.csv")
    second = written(tmp_path, "label,scan_x,scan_y\nc,7,0\na,5,0\n,8,0\n", "second.csv")
    labels, report = read_label_files([first, str(second)], (1, 9))
    assert labels == {(0, 5): "a", (0, 6): "b", (0, 7): "c"}
    assert report == LabelReport(5, 3, 1, unlabelled=1)
    assert read_label_files([first, first]) == read_labels(first)
    labels, report = read_label_files([], (1, 9))
    assert (len(labels), labels.scan_shape, report) == (0, (1, 9), LabelReport(0, 0, 0))


def test_conflicts_between_files_are_refused_with_the_names_of_the_files(tmp_path: Path) -> None:
    rows = {"one.csv": "0,5,a\n", "two.csv": "0,6,b\n0,5,\n", "three.csv": "0,5,b\n"}
    paths = [written(tmp_path, f"scan_y,scan_x,label\n{content}", name) for name, content in rows.items()]
    with pytest.raises(LabelError) as raised:
        read_label_files(paths)
    assert str(raised.value) == (
        f"{paths[0]} and {paths[2]} give different labels to one position: (0, 5) a / b. "
        "Keep one row for each of these positions."
    )


def test_names_that_look_alike_are_reported(tmp_path: Path) -> None:
    content = "scan_y,scan_x,label\n0,0,a\n0,1,A\n0,2,in plane\n0,3,In  plane\n0,4,b\n0,5,inplane\n"
    labels, report = read_labels(written(tmp_path, content))
    assert len(labels.classes) == 6
    assert report.alike == (("a", "A"), ("in plane", "In  plane", "inplane"))
    assert str(report).endswith("differ only in capitals or spaces: a / A, in plane / In  plane / inplane.")


def test_many_conflicts_are_not_all_listed(tmp_path: Path) -> None:
    rows = "".join(f"0,{x},a\n0,{x},b\n" for x in range(25))
    with pytest.raises(LabelError, match=r"\(0, 9\) a / b and 15 more"):
        read_labels(written(tmp_path, f"scan_y,scan_x,label\n{rows}"))


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("1.5,2,a", "line 3: scan_y is '1.5'; it must be a whole number"),
        ("1,x,a", "line 3: scan_x is 'x'"),
        ("1", "line 3: scan_x is ''"),
        ("1_0,2,a", "line 3: scan_y is '1_0'"),
        ("\u0661,2,a", "line 3: scan_y is"),
        ("-1,2,a", r"line 3: Position \(-1, 2\) is outside the scan"),
        ("1,4,a", r"line 3: Position \(1, 4\) is outside the scan of 3 x 4"),
        ("3,2,a", "It would fit 4 x 3: check that scan_y and scan_x are not swapped"),
        ("1,2,a,b", "line 3: the row has 4 values for 3 columns; put a text that holds commas in double quotes"),
        ('1,2,"a,b"', "line 3: 'a,b' cannot name a class"),
        ('1,2,"a\nb"', "line 4: 'a.*' cannot name a class"),
        ('1,2,"a', "line 3: unexpected end of data; check the double quotes"),
        ("99999999999999999999,2,a", "line 3: scan_y is"),
    ],
)
def test_bad_rows_are_told_with_file_and_line(tmp_path: Path, row: str, words: str) -> None:
    path = written(tmp_path, f"scan_y,scan_x,label\n0,0,a\n{row}")
    with pytest.raises(LabelError, match=f"(?s)labels.csv, {words}" if words.startswith("line") else words):
        read_labels(path, (3, 4))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty; its first line must be scan_y,scan_x,label"),
        ("\n \n", "is empty"),
        ("1,2,a\n", "line 1: the header '1,2,a' lacks the columns scan_y, scan_x, label"),
        ("scan_y,scan_x,reason\n1,2,grid\n", "line 1: .* lacks the columns label; add label"),
        ("scan_y;scan_x\tlabel\n1;2\ta\n", "line 1: the header .* lacks the columns"),
        ("scan_y|scan_x|label\n1|2|a\n", "line 1: the header .* lacks the columns"),
        ("scan_y;scan_x;reason\n1;2;grid\n", "line 1: .* lacks the columns label; add label"),
        ("scan_y;scan_x;label\n1;2;a;b\n", "line 2: the row has 4 values .* holds semicolons in double quotes"),
        ("scan_y;scan_x;label\n1,2,a\n", "line 2: scan_y is '1,2,a'"),
        ("scan_y;scan_x;label\n1,5;2;a\n", "line 2: scan_y is '1,5'"),
        ("sep=;\nscan_y,scan_x,label\n1,2,a\n", "line 2: the header .* lacks the columns"),
        ("scan_y,scan_x,label,label\n", "has label more than once"),
        (b"scan_y,scan_x,label\n1,2,\xff\n", "not UTF-8 text"),
        ("scan_y,scan_x,label\n1,2,a\n".encode("utf-16"), "not UTF-8 text"),
        (
            "scan_y,scan_x,label\n" + "".join(f"0,{x},class {x}\n" for x in range(256)),
            "labels.csv: 256 classes are too",
        ),
    ],
)
def test_files_that_are_no_label_tables(tmp_path: Path, content: str | bytes, words: str) -> None:
    with pytest.raises(LabelError, match=words):
        read_labels(written(tmp_path, content))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match=r"Cannot read .*none\.csv: No such file"):
        read_labels(tmp_path / "none.csv")
    with pytest.raises(LabelError, match="Cannot read"):
        read_labels(tmp_path)


@same_file
@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99), class_names)))
def test_points_survive_the_file(tmp_path: Path, rows: list[tuple[int, int, str]]) -> None:
    points = [Proposal(*row) for row in rows]
    write_points(tmp_path / "points.csv", points)
    assert read_points(tmp_path / "points.csv") == points


def test_points_with_commas_in_their_reason(tmp_path: Path) -> None:
    points = [Proposal(0, 0, "grid"), Proposal(12, 38, "midpoint of (12, 30) and (12, 45)")]
    write_points(tmp_path / "points.csv", points)
    content = (tmp_path / "points.csv").read_bytes()
    assert content == b'scan_y,scan_x,reason\n0,0,grid\n12,38,"midpoint of (12, 30) and (12, 45)"\n'
    assert read_points(tmp_path / "points.csv") == points


def test_an_empty_round_is_a_header(tmp_path: Path) -> None:
    write_points(tmp_path / "points.csv", [])
    assert (tmp_path / "points.csv").read_bytes() == b"scan_y,scan_x,reason\n"
    assert read_points(tmp_path / "points.csv") == []


def test_points_become_labels_by_a_column(tmp_path: Path) -> None:
    points = [Proposal(0, 0, "grid"), Proposal(0, 7, "midpoint of (0, 0) and (0, 14)")]
    write_points(tmp_path / "points.csv", points)
    with (tmp_path / "points.csv").open(encoding="utf-8", newline="") as stream:
        header, *rows = csv.reader(stream)
    table = io.StringIO()
    csv.writer(table).writerows([[*header, "label"], [*rows[0], "wall"], [*rows[1], ""]])
    labels, report = read_labels(written(tmp_path, table.getvalue()))
    assert labels == {(0, 0): "wall"}
    assert report.unlabelled == 1
    assert read_points(tmp_path / "labels.csv") == points


def test_paths_may_be_text(tmp_path: Path) -> None:
    write_labels(str(tmp_path / "l.csv"), {(0, 1): "a"})
    assert read_labels(str(tmp_path / "l.csv"))[0] == {(0, 1): "a"}
    write_points(str(tmp_path / "p.csv"), [Proposal(0, 0, "grid")])
    assert read_points(str(tmp_path / "p.csv")) == [Proposal(0, 0, "grid")]


def test_the_kind_of_a_file_is_told_by_its_name(tmp_path: Path) -> None:
    table, paper = tmp_path / "labels.csv", tmp_path / "labels.YML"
    table.write_text("scan_y,scan_x,label\n1,2,vertical\n")
    paper.write_text("labels:\n- {file: 2_1_box.png, label: vertical}\n")
    for path in (table, paper):
        labels, report = read_any_labels(path, (3, 4))
        assert dict(labels) == {(1, 2): "vertical"}
        assert report.unique == 1


# ---- other separators ----


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("said", [False, True])
def test_semicolons_and_tabs_separate_as_commas_do(tmp_path: Path, separator: str, end: str, said: bool) -> None:
    rows = [["label", "scan_x", "note", "scan_y"], ["a", "2", "x", "1"], ['"b c"', "4", "", "3"], ["", "0", "", "0"]]
    lines = [f"sep={separator}"] * said + [separator.join(row) for row in rows]
    labels, report = read_labels(written(tmp_path, "\ufeff" + end.join(lines) + end), (9, 9))
    assert labels == {(1, 2): "a", (3, 4): "b c"}
    assert report.unlabelled == 1


@pytest.mark.parametrize(("separator", "other"), [(",", ";"), (",", "\t "), (";", "|"), ("\t", ";")])
def test_another_separator_in_a_name_is_part_of_it(tmp_path: Path, separator: str, other: str) -> None:
    name = f"a{other.strip() or '/'}b"
    content = f"scan_y,scan_x,label\n1,2,{name}\n".replace(",", separator)
    assert read_labels(written(tmp_path, content))[0] == {(1, 2): name}


def test_the_line_of_an_error_counts_the_one_that_names_the_separator(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="labels.csv, line 4: scan_y is 'x'"):
        read_labels(written(tmp_path, "\nsep=;\nscan_y;scan_x;label\nx;2;a\n"))


@pytest.mark.parametrize("separator", [";", "\t"])
def test_points_are_read_with_other_separators(tmp_path: Path, separator: str) -> None:
    content = f"scan_y{separator}scan_x{separator}reason\n1{separator}2{separator}midpoint of (0, 1) and (2, 3)\n"
    path = written(tmp_path, content, "points.tsv")
    assert read_points(path) == [Proposal(1, 2, "midpoint of (0, 1) and (2, 3)")]
    assert waits_for_labels(path)


# ---- napari's points ----


def test_a_layer_that_napari_saves_comes_back(tmp_path: Path) -> None:
    io = pytest.importorskip("napari_builtins.io._write")
    places = np.array([[0.2, 3.4], [2.49, 1.5], [1.0, 0.0], [2.6, 0.4]])
    features = {
        "label": np.array(["a", "b", "not labelled", "nan"], object),
        "reason": np.array(["by hand"] * 4, object),
    }
    io.napari_write_points(str(tmp_path / "points.csv"), places, {"properties": features})
    labels, report = read_labels(tmp_path / "points.csv", (4, 5))
    assert labels == {(0, 3): "a", (2, 2): "b"}
    assert report.unlabelled == 2


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("feature", ["label", "class", "phase of it"])
def test_the_only_feature_of_points_is_their_label(tmp_path: Path, separator: str, feature: str) -> None:
    content = f"index,axis-0,axis-1,{feature}\n0.0,1.2,2.7,a\n1.0,-0.4,1e1,b\n".replace(",", separator)
    assert read_labels(written(tmp_path, content), (4, 11))[0] == {(1, 3): "a", (0, 10): "b"}


def test_decimal_commas_of_points_where_semicolons_separate(tmp_path: Path) -> None:
    content = "index;axis-0;axis-1;label\n0;1,2;2,7;a\n"
    assert read_labels(written(tmp_path, content))[0] == {(1, 3): "a"}


@given(y=st.floats(0, 9.49), x=st.floats(0, 9.49))
@same_file
def test_a_point_gets_the_position_that_it_lies_on(tmp_path: Path, y: float, x: float) -> None:
    path = written(tmp_path, f"index,axis-0,axis-1,label\n0,{y},{x},a\n")
    ((row, column),) = read_labels(path, (10, 10))[0]
    assert row - 0.5 <= y <= row + 0.5
    assert column - 0.5 <= x <= column + 0.5


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("index,axis-0,axis-1\n0,1,2\n", "line 1: .* has no feature; give it one column 'label'"),
        ("index,axis-0,axis-1,up,down\n0,1,2,a,b\n", "line 1: .* has the features up, down; give it one column"),
        ("index,axis-0,axis-1,axis-2,label\n0,1,2,3,a\n", "line 1: .* the axes axis-0, axis-1, axis-2; labels need"),
        ("index,axis-0,label\n0,1,a\n", "line 1: .* the axes axis-0; labels need axis-0"),
        ("index,axis-0,axis-1,axis-1,label\n0,1,2,2,a\n", "line 1: .* each once"),
        ("index,axis-0,axis-1,label,label\n0,1,2,a,b\n", "line 1: .* has the features label, label"),
        ("index,axis-0,axis-1,label\n0,1,2,a\n1,3.6,0,a\n", r"line 3: Position \(4, 0\) is outside the scan of 4 x 5"),
        ("index,axis-0,axis-1,label\n0,-0.6,2,a\n", r"line 2: Position \(-1, 2\) is outside the scan"),
        ("index,axis-0,axis-1,label\n0,nan,2,a\n", "line 2: axis-0 is 'nan'; it must be a number"),
        ("index,axis-0,axis-1,label\n0,1,inf,a\n", "line 2: axis-1 is 'inf'"),
        ("index,axis-0,axis-1,label\n0,1e90,2,a\n", "line 2: axis-0 is '1e90'"),
        ("index,axis-0,axis-1,label\n0,,2,a\n", "line 2: axis-0 is ''"),
        ("index,axis-0,axis-1,label\n0,1,2,a\n1,1.2,2.2,b\n", r"\(1, 2\) a / b"),
        ("index,shape-type,vertex-index,axis-0,axis-1\n0,path,0,1,2\n", "line 1: .* has the features"),
    ],
)
def test_points_that_are_no_labels_are_refused_in_a_line(tmp_path: Path, content: str, words: str) -> None:
    with pytest.raises(LabelError, match=words) as refused:
        read_labels(written(tmp_path, content), (4, 5))
    assert "\n" not in str(refused.value)
