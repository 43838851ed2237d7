"""The page `Label`: everything it does is an edit of the session, and it shows whatever the session is."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtWidgets import QFileDialog, QMessageBox

from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.plugin.layers import bare
from napari_ghosthunter.plugin.mapper import desk as desk_module
from napari_ghosthunter.plugin.mapper.labelling import label_import
from napari_ghosthunter.plugin.mapper.labelling.label_page import LabelPage
from napari_ghosthunter.plugin.mapper.labelling.sample_points import SamplePoints
from napari_ghosthunter.session.earlier import Earlier
from napari_ghosthunter.session.session import Session


@pytest.fixture
def page(qtbot, desk):
    page = LabelPage(desk, SamplePoints(desk))
    qtbot.addWidget(page)
    return page


@pytest.fixture
def told(monkeypatch):
    messages = []
    monkeypatch.setattr(desk_module, "tell_error", messages.append)
    return messages


@pytest.fixture
def answer(monkeypatch, tmp_path):
    """Import this text as a file, and answer so if asked which labels to keep; gives what was asked."""
    asked = []

    def give(text: str, keep: bool | None = None, name: str = "labels.csv") -> list:
        path = tmp_path / name
        path.write_text(text)
        monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
        monkeypatch.setattr(label_import, "_ask", lambda _, count: asked.append(count) or keep)
        return asked

    return give


def test_from_nothing_to_the_second_round(page, desk, viewer) -> None:
    session = desk.session
    assert not page.needs(session)
    assert not page.start.isHidden()
    assert page.table.isHidden()
    page.paper_button.click()
    assert session.labels.classes.names == ("none", "vertical", "horizontal")
    assert session.labels.classes.colours == ("#ff0000", "#00ff00", "#0000ff")
    assert page.start.isHidden()
    assert not page.table.isHidden()
    assert page.step_box.value() == 3  # 4 x 7 points
    page.propose_button.click()
    assert page.note.text() == "Round 1. Grid with step 3: 28 of 28 points to label."
    assert page.progress.text() == "0 of 28 points labelled."
    assert "scan_y 0, scan_x 0" in page.current.text()
    assert page.current.text().endswith("grid")
    assert "1 none, 2 vertical, 3 horizontal" in page.hint.text()
    assert bare(viewer.layers.selection.active) is page.points.layer
    while session.current is not None:
        session.label_current("none" if session.current[1] < 9 else "vertical")
    assert page.progress.text().startswith("All 28 points are labelled")
    assert page.current.isHidden()
    page.propose_button.click()
    assert page.note.text() == "Round 2. Midpoints between different labels: 4 to label."
    assert page.current.text().endswith("midpoint of (0, 6) and (0, 9)")
    for number in (3, 4, 5):  # nothing but none is left between, until no two neighbours differ any more
        while session.current is not None:
            session.label_current("none")
        page.propose_button.click()
        if not session.labels.waiting:
            break
        assert page.note.text().startswith(f"Round {number}.")
    assert "No boundary is left" in page.note.text()


def test_undo_and_redo(page, desk) -> None:
    assert not page.undo_button.isEnabled()
    page.paper_button.click()
    page.propose_button.click()
    assert page.undo_button.isEnabled()
    assert not page.redo_button.isEnabled()
    page.undo_button.click()
    page.undo_button.click()
    assert not page.start.isHidden()
    assert not page.undo_button.isEnabled()
    page.redo_button.click()
    page.redo_button.click()
    assert page.progress.text() == "0 of 28 points labelled."


def test_classes_are_added_and_removed(page, desk) -> None:
    labels = desk.session.labels
    page.first_button.click()
    page.add_button.click()
    assert labels.classes.names == ("class 1", "class 2")
    labels.rename_class("class 1", "class 3")
    page.add_button.click()
    assert labels.classes.names == ("class 3", "class 2", "class 4")
    desk.session.add_point((0, 0))
    desk.session.label_current("class 2")
    page.table.setCurrentCell(1, 1)
    assert "its only label" in page.remove_button.toolTip()
    page.remove_button.click()
    assert "'class 2' and its only label were removed" in page.note.text()
    assert len(labels) == 0
    page.undo_button.click()
    assert dict(labels) == {(0, 0): "class 2"}
    page.table.clearSelection()
    assert not page.remove_button.isEnabled()


def test_without_a_session_it_says_what_is_missing(page, desk, viewer, layer) -> None:
    page.paper_button.click()
    page.propose_button.click()
    desk.close()
    assert page.needs_label.text() == desk.needs
    assert not page.body.isEnabled()
    assert page.table.rowCount() == 0
    assert page.progress.text() == ""


def test_the_step_is_that_of_the_grid_that_is_gone_on_with(page, desk, sample, tmp_path) -> None:
    labels = LabelSet(scan_shape=sample.scan.scan_shape)
    before = Session(sample.scan, labels)
    before.propose(5)
    desk.take(before)
    assert page.step_box.value() == 5
    assert "5 probe positions, which is 10 nm" in page.step_box.toolTip()


def test_uncertain_points_need_a_map(page, desk, sample) -> None:
    assert not page.unsure_button.isEnabled()
    page.paper_button.click()
    classes = desk.session.labels.classes
    probabilities = np.tile(np.float32([0.9, 0.1, 0]), (*sample.scan.scan_shape, 1))
    probabilities[5, 7] = [0.5, 0.5, 0]
    domain_map = DomainMap(probabilities, classes, sample.scan.calibration)
    session = Session(sample.scan, LabelSet(classes, sample.scan.scan_shape), earlier=Earlier(domain_map=domain_map))
    desk.take(session)
    assert page.unsure_button.isEnabled()
    page.unsure_button.click()
    assert session.current == (5, 7)
    assert session.labels.points[5, 7] == "uncertain 0.50"
    assert len(session.labels.points) == 5
    assert "least sure: 5" in page.note.text()


def test_the_button_comes_with_the_map(page, desk) -> None:
    desk.session.segmentation.changed.emit(0, 3)
    assert page.unsure_button.isEnabled()


def test_labels_come_from_a_file(page, desk, answer) -> None:
    asked = answer("scan_y,scan_x,label\n1,2,new\n3,4,vertical\n5,6,\n")
    page.paper_button.click()
    page.import_button.click()
    labels = desk.session.labels
    assert dict(labels) == {(1, 2): "new", (3, 4): "vertical"}
    assert labels.classes.names == ("none", "vertical", "horizontal", "new")
    assert page.note.text() == "labels.csv: 2 labels, 2 of them new; without a label yet: 1."
    assert asked == []
    page.undo_button.click()
    assert len(labels) == len(labels.points) == 0
    assert len(labels.classes) == 3


def test_points_that_wait_for_labels_come_from_a_file(page, desk, answer, told) -> None:
    desk.session.add_point((1, 2))
    answer('scan_y,scan_x,reason\n1,2,grid\n3,4,"midpoint of (0, 0) and (6, 8)"\n5,6,grid\n', name="points.csv")
    page.import_button.click()
    labels = desk.session.labels
    assert (len(labels), len(labels.classes), len(labels.points)) == (0, 0, 3)
    assert labels.points[3, 4] == "midpoint of (0, 0) and (6, 8)"
    assert page.note.text() == "points.csv: 2 new points without a label."
    page.undo_button.click()
    assert list(labels.points) == [(1, 2)]
    answer("scan_y,scan_x,reason\n1,99,grid\n", name="points.csv")
    page.import_button.click()
    assert "outside the scan" in told[0]


@pytest.mark.parametrize(
    ("keep", "label", "said"),
    [(True, "vertical", "1 of yours replaced"), (False, "none", "1 of yours kept"), (None, "none", "")],
)
def test_which_labels_to_keep_is_asked(page, desk, answer, keep, label, said) -> None:
    page.paper_button.click()
    desk.session.add_point((3, 4))
    desk.session.label_current("none")
    asked = answer("scan_y,scan_x,label\n3,4,vertical\n5,6,none\n", keep)
    page.import_button.click()
    assert asked == [1]
    assert desk.session.labels[3, 4] == label
    assert ((5, 6) in desk.session.labels) == (keep is not None)
    assert said in page.note.text()


@pytest.mark.parametrize(("button", "expected"), [("The file's", True), ("Mine", False), ("Cancel", None)])
def test_the_question(qtbot, page, monkeypatch, button, expected) -> None:
    def press(box: QMessageBox) -> None:
        next(one for one in box.buttons() if one.text().replace("&", "") == button).click()

    monkeypatch.setattr(QMessageBox, "exec", press)
    assert label_import._ask(page, 3) is expected


def test_the_file_of_the_paper(page, desk, answer) -> None:
    text = "labels:\n- {file: 2_1_box.png, label: vertical}\n- {file: 3_1_box.png, label: na}\n"
    answer(text + "- {file: 3_1_b.png, label: vertical}\n", name="labels.yaml")
    page.import_button.click()
    assert dict(desk.session.labels) == {(1, 2): "vertical"}
    assert "1 left out" in page.note.text()


def test_a_file_that_cannot_be_read_is_told(page, desk, answer, told) -> None:
    answer("scan_y,scan_x,label\n99,2,new\n")
    page.import_button.click()
    assert "line 2" in told[0]
    assert "outside the scan" in told[0]
    assert not desk.session.labels.can_undo


def test_nothing_is_asked_of_who_cancels(page, desk, monkeypatch, told) -> None:
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    page.import_button.click()
    assert told == []


def test_show_points(page, desk, viewer) -> None:
    page.paper_button.click()
    page.show_button.click()
    assert bare(viewer.layers.selection.active) is page.points.layer


def test_it_fits_into_a_narrow_dock(page, desk) -> None:
    page.paper_button.click()
    page.propose_button.click()
    desk.session.labels.add_class("a_name_that_is_much_too_long_for_the_dock_of_a_small_screen_" * 3)
    assert page.minimumSizeHint().width() <= 330  # of a dock of 340
