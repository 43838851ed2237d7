"""The table of classes shows the session, and changes it."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QColorDialog, QLineEdit

from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.plugin.mapper import desk as desk_module
from napari_ghosthunter.plugin.mapper.labelling.class_table import COLOUR, GIVE, LABELS, NAME, ClassTable


@pytest.fixture
def session(desk):
    desk.session.labels.set_classes(ClassScheme.from_names(["a", "b", "c"]))
    return desk.session


@pytest.fixture
def table(qtbot, desk, session):
    table = ClassTable(desk)
    qtbot.addWidget(table)
    table.show_session(session)
    session.labels.changed.connect(lambda edit, _: table.follow(edit))
    table.resize(380, 120)
    table.show()
    return table


@pytest.fixture
def told(monkeypatch):
    messages = []
    monkeypatch.setattr(desk_module, "tell_error", messages.append)
    return messages


def column(table, number: int) -> list[str]:
    return [table.item(row, number).text() for row in range(table.rowCount())]


def test_it_follows_the_session(table, session) -> None:
    session.add_point((0, 0))
    session.label_current("b")
    assert column(table, NAME) == ["a", "b", "c"]
    assert column(table, LABELS) == ["0", "1", "0"]
    assert [table.cellWidget(row, GIVE).text() for row in range(3)] == ["1", "2", "3"]
    session.labels.remove_class("a")
    session.labels.rename_class("c", "d")
    session.labels.recolour_class("b", "#010203")
    assert column(table, NAME) == ["b", "d"]
    assert column(table, LABELS) == ["1", "0"]
    assert [table.cellWidget(row, GIVE).text() for row in range(2)] == ["2", "3"]
    assert "#010203" in table.cellWidget(0, COLOUR).styleSheet()
    for _ in range(3):
        session.undo()
    assert column(table, NAME) == ["a", "b", "c"]
    table.show_session(None)
    assert table.rowCount() == 0


def test_a_name_is_written_in_place(qtbot, table, session) -> None:
    table.edit_name("b")
    editor = table.findChild(QLineEdit)
    editor.selectAll()
    qtbot.keyClicks(editor, "a new name")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: session.labels.classes.names == ("a", "a new name", "c"))
    assert column(table, NAME) == ["a", "a new name", "c"]
    session.undo()
    assert column(table, NAME) == ["a", "b", "c"]


@pytest.mark.parametrize(("name", "reason"), [("a", "Two classes"), ("", "needs a name"), ("x,y", "commas")])
def test_a_name_that_cannot_be_is_told_and_taken_back(table, session, told, name, reason) -> None:
    table.item(1, NAME).setText(name)
    assert reason in told[0]
    assert column(table, NAME) == ["a", "b", "c"]
    assert session.labels.classes.names == ("a", "b", "c")


def test_a_colour_is_chosen(table, session, monkeypatch) -> None:
    monkeypatch.setattr(QColorDialog, "getColor", lambda *_: QColor("#112233"))
    table.cellWidget(1, COLOUR).click()
    assert session.labels.classes.colours[1] == "#112233"
    assert "#112233" in table.cellWidget(1, COLOUR).styleSheet()
    monkeypatch.setattr(QColorDialog, "getColor", lambda *_: QColor())  # cancelled
    table.cellWidget(0, COLOUR).click()
    assert session.labels.classes == ClassScheme.from_names(["a", "b", "c"]).recolour("b", "#112233")


def test_the_button_of_a_class_labels_the_current_point(table, session, told) -> None:
    table.cellWidget(2, GIVE).click()
    assert "No point is chosen" in told[0]
    session.add_point((0, 0))
    table.cellWidget(2, GIVE).click()
    assert dict(session.labels) == {(0, 0): "c"}


def test_the_chosen_row_stays_with_its_class(table, session) -> None:
    assert table.chosen is None
    table.setCurrentCell(1, NAME)
    assert table.chosen == "b"
    session.labels.remove_class("a")
    assert table.chosen == "b"
    session.labels.remove_class("b")
    assert table.chosen == "c"


def test_classes_beyond_nine_have_no_key(table, session) -> None:
    for number in range(9):
        session.labels.add_class(f"more {number}")
    assert table.cellWidget(9, GIVE).text() == "•"
    session.add_point((0, 0))
    table.cellWidget(9, GIVE).click()
    assert dict(session.labels) == {(0, 0): "more 6"}


def test_keys_that_are_not_for_the_table_go_on_to_the_viewer(qtbot, table) -> None:
    table.setCurrentCell(0, NAME)
    for key in (Qt.Key.Key_2, Qt.Key.Key_Backspace, Qt.Key.Key_N):
        qtbot.keyClick(table, key)
    assert table.currentRow() == 0
    qtbot.keyClick(table, Qt.Key.Key_Down)
    assert table.currentRow() == 1
