"""What went wrong is told in full where it was asked for, and is gone when something goes well."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from qtpy.QtCore import Qt
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QFileDialog

from napari_ghosthunter.learning.modelfile import save_model
from napari_ghosthunter.plugin.docks import MAPPER, open_dock

LONG = 60_000


@pytest.fixture
def mapper(qtbot: Any, window: Any, sample: Any) -> Any:
    """The dock in a low window, with a session."""
    from napari_ghosthunter.plugin.scan_image import scan_layer

    data, arguments, _ = scan_layer(sample.scan)
    window.add_image(data, **arguments)
    mapper = open_dock(window, MAPPER)
    qtbot.waitUntil(lambda: mapper.desk.session is not None, timeout=LONG)
    return mapper


def test_an_error_is_read_and_copied_on_its_page(
    qtbot: Any, mapper: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = mapper.label_page
    mapper.show_page(page)
    folder = tmp_path / ("without_any_space_to_break_it_at_" * 4)
    folder.mkdir()
    file = folder / "labels.csv"
    file.write_text("scan_y,scan_x,label\n1,2,a,b,c\n")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(file), ""))
    width = mapper.width()
    qtbot.mouseClick(page.import_button, Qt.MouseButton.LeftButton)
    error = page.error
    qtbot.waitUntil(error.isVisible)
    assert error.message.startswith(f"{file}, line 2: ")
    qtbot.wait(50)
    assert mapper.width() == width
    assert error.height() >= 3 * error.fontMetrics().lineSpacing()
    assert error.document().size().width() <= error.width()
    assert not error.visibleRegion().isEmpty()
    for other in (mapper.scan_page, mapper.export_page):
        assert other.error.message == ""
    qtbot.mouseClick(error.viewport(), Qt.MouseButton.LeftButton)
    qtbot.keyClick(error, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(error, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert str(file) in QGuiApplication.clipboard().text()
    qtbot.mouseClick(page.paper_button, Qt.MouseButton.LeftButton)
    assert error.isHidden()


def test_a_failed_export_says_why_on_its_page(qtbot: Any, mapper: Any, tmp_path: Path) -> None:
    session = mapper.desk.session
    session.labels.add_class("a")
    session.add_point((1, 2))
    session.label_current("a")
    page = mapper.export_page
    mapper.show_page(page)
    page.labels.setChecked(True)
    (tmp_path / "file").write_text("")
    page.folder.setText(str(tmp_path / "file"))
    qtbot.mouseClick(page.export_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not page.background.busy)
    assert page.error.message.endswith("is a file, not a folder.")
    page.folder.setText(str(tmp_path))
    qtbot.mouseClick(page.export_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.done.text().startswith("1 file written"))
    assert page.error.isHidden()


def test_a_model_is_opened_on_the_map_page_and_what_is_wrong_with_it_is_told_there(
    qtbot: Any, mapper: Any, make_model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, path = mapper.map_page, tmp_path / "model.safetensors"
    mapper.show_page(page)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    path.write_text("scan_y,scan_x,label\n")
    qtbot.mouseClick(page.open_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(page.error.isVisible, timeout=LONG)
    assert str(path) in page.error.message
    save_model(make_model((48, 48)), path)
    qtbot.mouseClick(page.open_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: mapper.desk.session.model is not None, timeout=LONG)
    assert page.error.isHidden()
    assert page.open_button.isHidden()
    assert page.map_button.isEnabled()
