"""What cannot be kept must not look as if it were: every edit of the dock, while the journal cannot grow."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QColorDialog, QFileDialog

from napari_ghosthunter.plugin.mapper import bundles
from napari_ghosthunter.plugin.mapper import desk as desk_module
from napari_ghosthunter.plugin.mapper.desk import CLOSED, Desk
from napari_ghosthunter.plugin.mapper.labelling.class_table import COLOUR, GIVE, NAME
from napari_ghosthunter.plugin.mapper.labelling.label_page import LabelPage
from napari_ghosthunter.plugin.mapper.labelling.sample_points import SamplePoints
from napari_ghosthunter.plugin.mapper.training.train_settings import Settings
from napari_ghosthunter.session import sitting
from napari_ghosthunter.session.session import Session
from tests.disks import no_file_longer_than


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the user was told of errors."""
    messages: list[str] = []
    monkeypatch.setattr(desk_module, "tell_error", messages.append)
    return messages


@pytest.fixture
def page(qtbot: Any, desk: Desk) -> LabelPage:
    """The page with classes, points, two labels and something to redo."""
    page = LabelPage(desk, SamplePoints(desk))
    qtbot.addWidget(page)
    desk.session_changed.emit(desk.session)
    page.paper_button.click()
    page.step_box.setValue(6)
    page.propose_button.click()
    for row in (0, 1, 2):
        page.table.cellWidget(row, GIVE).click()
    page.undo_button.click()
    return page


def look(page: LabelPage) -> tuple[Any, ...]:
    """All that the user sees of the labels."""
    layer, ring, table = page.points.layer, page.points.ring, page.table
    cells = [[table.item(row, column).text() for column in (NAME, 2)] for row in range(table.rowCount())]
    swatches = [table.cellWidget(row, COLOUR).styleSheet() for row in range(table.rowCount())]
    texts = [label.text() for label in (page.progress, page.current, page.hint, page.note)]
    enabled = [button.isEnabled() for button in (page.undo_button, page.redo_button)]
    points = layer.data.tolist(), list(layer.features["label"]), layer.face_color.tolist(), ring.data.tolist()
    return points, cells, swatches, texts, enabled


def test_an_edit_that_is_not_kept_is_not_shown(
    qtbot: Any, page: LabelPage, desk: Desk, told: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, keys = desk.session, page.points.layer.keymap
    assert session is not None
    assert session.folder is not None
    settings = Settings(desk)
    qtbot.addWidget(settings)
    settings.show_session()
    epochs = settings.training_forms[0].editors["epochs"]
    monkeypatch.setattr(QColorDialog, "getColor", lambda *_: QColor("#123456"))

    def press(key: str) -> None:
        next(act for bound, act in keys.items() if str(bound) == key)(page.points.layer)

    def rename() -> None:
        page.table.item(0, NAME).setText("another name")

    def remove() -> None:
        page.table.setCurrentCell(0, NAME)
        page.remove_button.click()

    actions = [
        page.table.cellWidget(1, GIVE).click, lambda: press("1"), lambda: press("3"), page.undo_button.click,
        page.redo_button.click, page.add_button.click, rename, remove, page.table.cellWidget(0, COLOUR).click,
        page.propose_button.click, lambda: press("Delete"), lambda: press("Ctrl+Z"), lambda: epochs.edited.emit(7),
    ]  # fmt: skip
    page.step_box.setValue(2)
    page.table.setCurrentCell(0, NAME)
    before, config = look(page), session.training_config
    journal = session.folder / "journal.jsonl"
    with no_file_longer_than(journal.stat().st_size):
        for number, action in enumerate(actions, start=1):
            action()
            assert look(page) == before, number
            assert session.training_config == config
            assert len(told) == number, "one error, and one only"
            assert told[-1].startswith(f"Cannot write the journal {journal}: ")
    kept = Session.resume(session.scan, shutil.copytree(session.folder, tmp_path / "copy"))
    assert (dict(kept.labels), kept.labels.classes) == (dict(session.labels), session.labels.classes)
    kept.close()
    press("1")
    assert look(page) != before
    assert len(told) == len(actions)


def test_a_copy_that_cannot_be_saved_is_not_said_to_be(
    page: LabelPage, desk: Desk, told: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(bundles, "tell", said.append)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "work.ghosthunter"), ""))
    with no_file_longer_than(500):
        bundles.ask_where_to_save(desk, page)
    assert len(told) == 1
    assert told[0].startswith("Cannot write ")
    assert said == []
    assert not list(tmp_path.glob("*work*"))
    bundles.ask_where_to_save(desk, page)
    assert (tmp_path / "work.ghosthunter").exists()
    assert len(said) == 1


def test_work_on_a_disk_that_is_read_only_by_now_is_told_and_left_as_it_is(
    qtbot: Any, viewer: Any, layer: Any, disk: Any, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sitting, "default_data_folder", lambda: disk.path)
    desk = Desk(viewer)
    desk.wake()
    qtbot.waitUntil(lambda: desk.session is not None)
    session = desk.session
    assert session is not None
    session.labels.add_class("a")
    desk.sleep()
    before = disk.names
    disk.make_read_only()
    desk.wake()
    qtbot.waitUntil(lambda: bool(told))
    assert len(told) == 1
    assert told[0].endswith(": Read-only file system.")
    assert desk.needs == CLOSED
    assert disk.names == before
    desk.sleep()


def test_a_torn_last_line_is_told_when_the_work_is_gone_on_with(
    qtbot: Any, page: LabelPage, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(desk_module, "tell", said.append)
    session = desk.session
    assert session is not None
    assert session.folder is not None
    labels = dict(session.labels)
    desk.sleep()
    with (session.folder / "journal.jsonl").open("ab") as journal:
        journal.write(b'{"how":"apply","edit":{"ki')
    desk.wake()
    qtbot.waitUntil(lambda: bool(desk.past))
    assert "was cut off while it was written" in desk.past[0].notes[0]
    desk.go_on(desk.past[0])
    qtbot.waitUntil(lambda: desk.session is not None)
    assert said == ["The last entry of the journal was cut off while it was written, and is left out."]
    assert dict(desk.session.labels) == labels
