"""The questions as dialogs: what they offer, show, take and refuse."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QSize, Qt, QTimer
from qtpy.QtWidgets import QApplication, QDialog

from napari_ghosthunter.plugin.questions.dataset_dialog import DatasetDialog
from napari_ghosthunter.plugin.questions.dialogs import Dialogs
from napari_ghosthunter.plugin.questions.shape_dialog import ICON, ShapeDialog
from napari_ghosthunter.plugin.thumbnails import thumbnail

SHAPES = ((6, 10), (10, 6), (5, 12), (12, 5), (4, 15), (15, 4), (3, 20), (20, 3), (2, 30), (30, 2), (1, 60), (60, 1))


@pytest.fixture
def dialog(qtbot, row_file):
    dialog = ShapeDialog(row_file, None, SHAPES)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitExposed(dialog)
    return dialog


def icon(dialog, row):
    """Grey values of a thumbnail, (height, width)."""
    return grey(dialog.choices.item(row).icon().pixmap(ICON).toImage())


def grey(image):
    return np.array([[image.pixelColor(x, y).red() for x in range(image.width())] for y in range(image.height())])


def texts(dialog):
    return [dialog.choices.item(row).text() for row in range(dialog.choices.count())]


def test_the_best_shapes_are_offered_and_the_first_is_chosen(dialog):
    assert texts(dialog) == [f"{y} × {x}" for y, x in SHAPES[:8]]
    assert dialog.scan_shape == (6, 10)
    assert dialog.verdict.text() == "uses all 60 patterns"


def test_each_shape_shows_the_image_that_it_would_give(dialog, qtbot, patterns):
    qtbot.waitUntil(lambda: not dialog.thumbnails.busy)
    values = patterns.reshape(60, 256).sum(1, dtype=float)
    for row, shape in enumerate(SHAPES[:8]):
        expected = thumbnail(values.reshape(shape), shape, ICON).toImage()
        assert np.abs(icon(dialog, row) - grey(expected)).max() <= 2


def test_a_click_chooses(dialog, qtbot):
    place = dialog.choices.visualItemRect(dialog.choices.item(3)).center()
    qtbot.mouseClick(dialog.choices.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert dialog.scan_shape == (12, 5)
    qtbot.mouseClick(dialog.open_button, Qt.MouseButton.LeftButton)
    assert dialog.result() == QDialog.DialogCode.Accepted


def test_another_shape_can_be_typed_and_is_shown(dialog, qtbot):
    dialog.columns.setValue(9)
    assert texts(dialog)[8:] == ["6 × 9"]
    assert dialog.choices.currentRow() == 8
    assert dialog.verdict.text() == "uses 54 patterns and leaves out 6"
    dialog.rows.setValue(30)
    dialog.columns.setValue(2)
    assert texts(dialog)[8:] == ["30 × 2"]
    qtbot.waitUntil(lambda: not dialog.thumbnails.busy)
    assert icon(dialog, 8).max() > 200
    dialog.accept()
    assert (dialog.result(), dialog.scan_shape) == (QDialog.DialogCode.Accepted, (30, 2))


def test_what_is_typed_may_be_among_those_offered(dialog):
    dialog.rows.setValue(5)
    dialog.columns.setValue(12)
    assert dialog.choices.currentItem().text() == "5 × 12"


def test_too_many_patterns_cannot_be_asked_for(dialog):
    dialog.rows.setValue(7)
    assert dialog.verdict.text() == "needs 70 patterns: 10 more than there are"
    assert not dialog.open_button.isEnabled()
    dialog.rows.setValue(6)
    assert dialog.open_button.isEnabled()


def test_a_shape_that_wastes_patterns_is_refused(dialog):
    dialog.rows.setValue(3)
    dialog.accept()
    assert dialog.isVisible()
    assert dialog.verdict.text() == "cannot be: 30 patterns would be left over"
    assert not dialog.open_button.isEnabled()


def test_what_was_chosen_before_comes_first(qtbot, row_file):
    for before in ((12, 5), (7, 8)):
        dialog = ShapeDialog(row_file, None, SHAPES, before)
        qtbot.addWidget(dialog)
        assert dialog.scan_shape == before
        assert texts(dialog)[0] == f"{before[0]} × {before[1]} (last time)"
        assert len(set(texts(dialog))) == 8


def test_nothing_is_cut_off(dialog):
    assert dialog.explanation.heightForWidth(dialog.explanation.width()) <= dialog.explanation.height()
    for row in range(8):
        place = dialog.choices.visualItemRect(dialog.choices.item(row))
        assert dialog.choices.viewport().rect().contains(place)


def test_the_array_is_shown_before_it_is_chosen(qtbot, two_file):
    dialog = DatasetDialog(two_file, ("before", "after"))
    qtbot.addWidget(dialog)
    assert dialog.caption.text() == "6 × 10 positions, patterns of 16 × 16 pixels (uint16)"
    dialog.choices.setCurrentRow(1)
    assert dialog.name == "after"
    assert dialog.caption.text().startswith("4 × 10 positions")
    qtbot.waitUntil(lambda: not dialog.thumbnails.busy)
    assert dialog.picture.pixmap().toImage().pixelColor(160, 180).red() > 0


def test_patterns_in_a_row_have_no_picture_yet(qtbot, tmp_path, patterns):
    np.savez(tmp_path / "rows.npz", a=patterns.reshape(60, 16, 16), b=patterns)
    dialog = DatasetDialog(tmp_path / "rows.npz", ("b", "a"), before="a")
    qtbot.addWidget(dialog)
    assert dialog.name == "a"
    assert "rows and columns" in dialog.caption.text()


@pytest.mark.parametrize("accept", [True, False])
def test_dialogs_answer_and_leave_nothing_behind(qtbot, row_file, two_file, accept):
    def answer():
        QApplication.activeModalWidget().done(int(accept))

    dialogs = Dialogs(None)
    QTimer.singleShot(100, answer)
    assert dialogs.scan_shape(row_file, None, SHAPES, (10, 6)) == ((10, 6) if accept else None)
    QTimer.singleShot(100, answer)
    assert dialogs.dataset(two_file, ("before", "after"), None) == ("before" if accept else None)
    qtbot.wait(10)
    assert not [one for one in QApplication.topLevelWidgets() if isinstance(one, QDialog) and one.isVisible()]


@pytest.mark.parametrize("shape", [(1, 7004), (7004, 1), (34, 206)])
def test_long_scans_keep_a_picture_that_can_be_seen(qapp, shape):
    image = thumbnail(np.ones((2, 2)), shape, QSize(150, 120)).toImage()
    drawn = [image.pixelColor(x, y).alpha() > 0 for x in range(150) for y in range(120)]
    assert sum(drawn) >= 2 * 120
