"""The label files of the paper: what is refused and how, and those that it published."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from napari_ghosthunter.errors import LabelError
from napari_ghosthunter.labelling.merging import LabelReport
from napari_ghosthunter.labelling.paperlabels import read_paper_labels

PAPER = "labels:\n- file: 196_4_boxsize5.png\n  label: vertical\n- file: 0_33_boxsize5.png\n  label: na\n"


def written(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "labels.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_the_paper_writes_x_first(tmp_path: Path) -> None:
    labels, report = read_paper_labels(written(tmp_path, PAPER), (34, 206))
    assert labels == {(4, 196): "vertical", (33, 0): "na"}
    assert labels.classes.names == ("na", "vertical")
    assert report == LabelReport(2, 2, 0)


def test_classes_are_renamed_before_anything_is_compared(tmp_path: Path) -> None:
    content = PAPER + "- {file: 0_33.png, label: none}\n- {file: 'a/b\\5_6_x.png', label: }\n"
    labels, report = read_paper_labels(written(tmp_path, content), (34, 206), {"na": "none"})
    assert labels == {(4, 196): "vertical", (33, 0): "none"}
    assert labels.classes.names == ("none", "vertical")
    assert report == LabelReport(4, 2, 1, unlabelled=1)


def test_a_class_to_rename_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match=r"labels.yaml has no class 'NA' to rename; its classes are: vertical, na\.$"):
        read_paper_labels(written(tmp_path, PAPER), (34, 206), {"NA": "none"})
    with pytest.raises(LabelError, match="its classes are: none"):
        read_paper_labels(written(tmp_path, "labels: []"), (34, 206), {"NA": "none"})


def test_conflicts_of_the_papers_files_are_left_out_and_reported(tmp_path: Path) -> None:
    content = PAPER + "- {file: 0_33.png, label: vertical}\n- {file: 0_33.png, label: na}\n"
    labels, report = read_paper_labels(written(tmp_path, content), (34, 206))
    assert labels == {(4, 196): "vertical"}
    assert report == LabelReport(4, 2, 2, conflicts=((33, 0, ("na", "vertical")),))
    assert str(report).endswith("left out for their different labels: (33, 0) na / vertical.")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "no list 'labels'"),
        ("- 1\n", "no list 'labels'"),
        ("labels: {a: b}\n", "no list 'labels'"),
        ("labels: [a\n", "not valid YAML"),
        ("labels: 2001-99-99\n", "not valid YAML"),
        ("labels: !!python/object/apply:os.getcwd []\n", "not valid YAML"),
        ("[" * 1000, "not plain YAML"),
        ("labels: [7]\n", "entry 1: it should have a 'file' and a 'label'"),
        ("labels: [{label: na}]\n", "entry 1: it should have"),
        (PAPER + "- {file: boxsize5.png, label: na}\n", "entry 3: 'boxsize5.png' does not begin with a position X_Y"),
        (PAPER + "- {file: 1_2x.png, label: na}\n", "entry 3: '1_2x.png' does not begin"),
        (PAPER + "- {file: 1_2.png, label: no}\n", "entry 3: the label False is not text; put it in quotes"),
        (PAPER + "- {file: 1_2.png, label: 'a,b'}\n", "entry 3: 'a,b' cannot name a class"),
        (PAPER + "- {file: 206_2.png, label: na}\n", r"entry 3: Position \(2, 206\) is outside the scan of 34 x 206"),
        (b"labels: \xff", "not UTF-8"),
    ],
)
def test_malformed_paper_files(tmp_path: Path, content: str | bytes, words: str) -> None:
    with pytest.raises(LabelError, match=words):
        read_paper_labels(written(tmp_path, content), (34, 206))


@pytest.mark.parametrize(
    ("name", "entries", "unique", "conflicts"),
    [
        ("50_binary", 50, 48, ()),
        ("50_random", 50, 50, ()),
        ("100_binary", 244, 196, ((22, 0, ("na", "horizontal")),)),
        ("100_random", 100, 100, ()),
        ("250_binary", 250, 250, ()),
        ("250_random", 250, 250, ()),
    ],
)
def test_the_papers_own_files(shared_data: Path, name: str, entries: int, unique: int, conflicts: tuple) -> None:
    path = shared_data / "paper_labels" / f"paper_data_{name}_frame_1_labels.yaml"
    labels, report = read_paper_labels(path, (34, 206))
    assert (report.entries, report.unique, report.duplicates) == (entries, unique, entries - unique)
    assert [(y, x, set(names)) for y, x, names in report.conflicts] == [(y, x, set(n)) for y, x, n in conflicts]
    assert len(labels) == unique - len(conflicts)
    assert labels.classes.names == ("na", "vertical", "horizontal")
    with (path.parent / "all_labels_merged.csv").open(encoding="utf-8") as stream:
        rows = [row for row in csv.reader(stream) if not row[0].startswith("#")][1:]
    merged = {(int(y), int(x)): ("na", "vertical", "horizontal")[int(label)] for x, y, label in rows}
    assert all(merged.get(position, label) == label for position, label in labels.items())
    assert sum(position in merged for position in labels) >= len(labels) - 10, "10 contradictions between the files"


def test_swapped_scan_shapes_are_noticed(shared_data: Path) -> None:
    path = shared_data / "paper_labels" / "paper_data_250_random_frame_1_labels.yaml"
    with pytest.raises(LabelError, match="It would fit 34 x 206: check that scan_y and scan_x are not swapped"):
        read_paper_labels(path, (206, 34))


def test_a_path_may_be_text(tmp_path: Path) -> None:
    assert len(read_paper_labels(str(written(tmp_path, PAPER)), (34, 206))[0]) == 2
