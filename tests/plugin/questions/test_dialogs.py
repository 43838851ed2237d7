"""The questions as dialogs: what they offer, show, take and refuse."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QSize, Qt, QTimer
from qtpy.QtWidgets import QApplication, QDialog

from napari_ghosthunter.errors import DatasetError, ScanShapeError
from napari_ghosthunter.plugin.questions.dataset_dialog import DatasetDialog
from napari_ghosthunter.plugin.questions.dialogs import Dialogs
from napari_ghosthunter.plugin.questions.shape_dialog import ICON, ShapeDialog
from napari_ghosthunter.plugin.thumbnails import thumbnail
from napari_ghosthunter.scan.options import ScanOptions
from napari_ghosthunter.scan.readers import open_with
from tests.scan.writers import frames_of, write_mib

SHAPES = ((6, 10), (10, 6), (5, 12), (12, 5), (4, 15), (15, 4), (3, 20), (20, 3), (2, 30), (30, 2), (1, 60), (60, 1))


@pytest.fixture
def ask(qtbot):
    """Ask what a file leaves open, as opening it raises it."""

    def show(path, before=None, **said):
        chosen = ScanOptions.of(**said)
        with pytest.raises(ScanShapeError) as raised:
            open_with(path, chosen)
        dialog = ShapeDialog(path, chosen, raised.value, before)
        qtbot.addWidget(dialog)
        dialog.show()
        qtbot.waitExposed(dialog)
        return dialog

    return show


@pytest.fixture
def dialog(ask, row_file):
    return ask(row_file)


def icon(dialog, row):
    """Grey values of a thumbnail, (height, width)."""
    return grey(dialog.choices.item(row).icon().pixmap(ICON).toImage())


def grey(image):
    return np.array([[image.pixelColor(x, y).red() for x in range(image.width())] for y in range(image.height())])


def texts(dialog):
    return [dialog.choices.item(row).text() for row in range(dialog.choices.count())]


def test_the_best_shapes_are_offered_and_the_first_is_chosen(dialog):
    assert texts(dialog) == [f"{y} × {x}" for y, x in SHAPES[:8]]
    assert dialog.options == ScanOptions(scan_shape=(6, 10))
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
    assert dialog.options.scan_shape == (12, 5)
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
    assert (dialog.result(), dialog.options.scan_shape) == (QDialog.DialogCode.Accepted, (30, 2))


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


def test_what_was_chosen_before_comes_first(ask, row_file):
    for before in ((12, 5), (7, 8)):
        dialog = ask(row_file, ScanOptions(scan_shape=before))
        assert dialog.options.scan_shape == before
        assert texts(dialog)[0] == f"{before[0]} × {before[1]} (last time)"
        assert len(set(texts(dialog))) == 8


def test_what_was_chosen_before_and_needs_more_patterns_than_there_are_is_not_offered(ask, row_file) -> None:
    dialog = ask(row_file, ScanOptions(scan_shape=(9, 7)))
    assert not any("last time" in text for text in texts(dialog))
    assert dialog.open_button.isEnabled()
    assert dialog.options.scan_shape == (6, 10)


@pytest.fixture
def dummy_file(tmp_path, patterns):
    """A file of 6 rows of 10, with a bright dummy before each."""
    path = tmp_path / "dummies.npy"
    dummies = np.full((6, 1, 16, 16), 1000, np.uint16)
    np.save(path, np.concatenate([dummies, patterns], axis=1).reshape(66, 16, 16))
    return path


def write(qtbot, box, text):
    """Type into a field, as a user does."""
    qtbot.mouseClick(box.lineEdit(), Qt.MouseButton.LeftButton)
    box.window().activateWindow()
    qtbot.waitUntil(box.hasFocus)
    qtbot.keyClick(box, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClicks(box, text)
    qtbot.keyClick(box, Qt.Key.Key_Tab)


def test_what_is_left_out_is_typed_and_shown(ask, qtbot, dummy_file, patterns):
    dialog = ask(dummy_file)
    for box, text in ((dialog.rows, "6"), (dialog.columns, "10"), (dialog.skip_frames, "1"), (dialog.flyback, "1")):
        write(qtbot, box, text)
    assert dialog.choices.currentItem().text() == "6 × 10\nskip 1, flyback 1"
    assert dialog.verdict.text() == "uses 60 patterns and leaves out 6"
    qtbot.waitUntil(lambda: not dialog.thumbnails.busy)
    expected = thumbnail(patterns.reshape(6, 10, 256).sum(2, dtype=float), (6, 10), ICON).toImage()
    assert np.abs(icon(dialog, dialog.choices.currentRow()) - grey(expected)).max() <= 2
    qtbot.mouseClick(dialog.open_button, Qt.MouseButton.LeftButton)
    assert dialog.result() == QDialog.DialogCode.Accepted
    assert dialog.options == ScanOptions(scan_shape=(6, 10), skip_frames=1, flyback=1)
    scan = open_with(dummy_file, dialog.options)
    np.testing.assert_array_equal(scan.rows(0, 6), patterns)


def test_more_between_the_rows_than_there_are_cannot_be_left_out(ask, qtbot, dummy_file):
    dialog = ask(dummy_file)
    write(qtbot, dialog.flyback, "60")
    assert "more than there are" in dialog.verdict.text()
    assert not dialog.open_button.isEnabled()


@pytest.mark.parametrize(("row", "first", "said"), [(0, 0, (None, 1)), (1, 1, (1, 1)), (2, 0, (None, 0))])
def test_the_places_of_patterns_too_many_are_offered_as_pictures(ask, qtbot, tmp_path, row, first, said):
    frames = frames_of(72, (8, 8), "u2")
    path = write_mib(tmp_path / "a.mib", frames, header={"ScanX": 8, "ScanY": 8})
    dialog = ask(path)
    assert texts(dialog) == [f"8 × 8\nskip {skip}, flyback {flyback}" for skip, flyback in ((0, 1), (1, 1), (0, 0))]
    assert "which do not fit the scan of 8 × 8 that it states" in dialog.explanation.text()
    place = dialog.choices.visualItemRect(dialog.choices.item(row)).center()
    qtbot.mouseClick(dialog.choices.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.mouseClick(dialog.open_button, Qt.MouseButton.LeftButton)
    assert dialog.result() == QDialog.DialogCode.Accepted
    assert (dialog.options.skip_frames, dialog.options.flyback) == said
    np.testing.assert_array_equal(open_with(path, dialog.options).pattern(1, 0), frames[first + 8 + (row < 2)])


def test_what_was_left_out_before_comes_first(ask, dummy_file):
    dialog = ask(dummy_file, ScanOptions(scan_shape=(6, 10), skip_frames=1, flyback=1))
    assert texts(dialog)[0] == "6 × 10 (last time)\nskip 1, flyback 1"
    assert dialog.options == ScanOptions(scan_shape=(6, 10), skip_frames=1, flyback=1)


def test_nothing_is_cut_off(dialog):
    assert dialog.explanation.heightForWidth(dialog.explanation.width()) <= dialog.explanation.height()
    for row in range(8):
        place = dialog.choices.visualItemRect(dialog.choices.item(row))
        assert dialog.choices.viewport().rect().contains(place)


def test_the_array_is_shown_before_it_is_chosen(qtbot, two_file):
    dialog = DatasetDialog(two_file, {"before": (6, 10, 16, 16), "after": (4, 10, 16, 16)})
    qtbot.addWidget(dialog)
    assert dialog.caption.text() == "6 × 10 positions, patterns of 16 × 16 pixels (uint16)"
    dialog.choices.setCurrentRow(1)
    assert dialog.name == "after"
    assert dialog.caption.text().startswith("4 × 10 positions")
    qtbot.waitUntil(lambda: not dialog.thumbnails.busy)
    assert dialog.picture.pixmap().toImage().pixelColor(160, 180).red() > 0


def test_patterns_in_a_row_have_no_picture_yet(qtbot, tmp_path, patterns):
    np.savez(tmp_path / "rows.npz", a=patterns.reshape(60, 16, 16), b=patterns)
    dialog = DatasetDialog(tmp_path / "rows.npz", {"b": (), "a": ()}, before="a")
    qtbot.addWidget(dialog)
    assert dialog.name == "a"
    assert "rows and columns" in dialog.caption.text()


@pytest.mark.parametrize("accept", [True, False])
def test_dialogs_answer_and_leave_nothing_behind(qtbot, row_file, two_file, accept):
    def answer():
        QApplication.activeModalWidget().done(int(accept))

    dialogs = Dialogs(None)
    QTimer.singleShot(100, answer)
    before = ScanOptions(scan_shape=(10, 6))
    layouts = tuple((shape, 0, 0) for shape in SHAPES)
    error = ScanShapeError("60 patterns", SHAPES, layouts, 60)
    assert dialogs.scan_shape(row_file, ScanOptions(), error, before) == (before if accept else None)
    QTimer.singleShot(100, answer)
    assert dialogs.dataset(two_file, dict.fromkeys(("before", "after"), ()), None) == ("before" if accept else None)
    qtbot.wait(10)
    assert not [one for one in QApplication.topLevelWidgets() if isinstance(one, QDialog) and one.isVisible()]


@pytest.mark.parametrize("shape", [(1, 7004), (7004, 1), (34, 206)])
def test_long_scans_keep_a_picture_that_can_be_seen(qapp, shape):
    image = thumbnail(np.ones((2, 2)), shape, QSize(150, 120)).toImage()
    drawn = [image.pixelColor(x, y).alpha() > 0 for x in range(150) for y in range(120)]
    assert sum(drawn) >= 2 * 120


def shown_in(dialog):
    """What is seen of each entry, cut as Qt cuts it."""
    choices = dialog.choices
    metrics, mode = choices.fontMetrics(), choices.textElideMode()
    width = choices.viewport().width() - 8
    return [metrics.elidedText(choices.item(row).text(), mode, width) for row in range(choices.count())]


@pytest.mark.parametrize(
    "names",
    [
        [f"Experiments/a scan of the {way} run/Acquisition {way}/data" for way in ("first", "second")],
        [f"/entry/{'very_' * 30}{number}_long/data" for number in range(3)],
        [f"/entry/{'very_' * 30}{number}{'_long' * 30}" for number in range(3)],
        [f"{'group/' * 30}{number}" for number in range(3)],
        ["data[0]", "data[1]", "other"],
    ],
)
def test_no_two_arrays_look_the_same(qtbot, two_file, names):
    dialog = DatasetDialog(two_file, {name: (6, 10 + at, 16, 16) for at, name in enumerate(names)})
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitExposed(dialog)
    shown = shown_in(dialog)
    assert len(set(shown)) == len(names)
    for row, name in enumerate(names):
        assert f"(6 × {10 + row} × 16 × 16)" in shown[row]
        assert dialog.choices.item(row).toolTip() == name
        dialog.choices.setCurrentRow(row)
        assert dialog.name == name
    assert dialog.width() <= 1200


def test_the_shapes_of_the_file_reach_the_dialog(qtbot, two_file):
    with pytest.raises(DatasetError) as raised:
        open_with(two_file, ScanOptions())
    assert raised.value.shapes == {"before": (6, 10, 16, 16), "after": (4, 10, 16, 16)}


def test_of_a_larger_array_the_shape_of_an_element_is_told(qtbot, tmp_path, patterns):
    np.save(tmp_path / "many.npy", np.stack([patterns, patterns]))
    with pytest.raises(DatasetError) as raised:
        open_with(tmp_path / "many.npy", ScanOptions())
    assert set(raised.value.shapes.values()) == {(6, 10, 16, 16)}
    assert tuple(raised.value.shapes) == raised.value.candidates


def test_an_array_that_cannot_be_read_says_why(qtbot, tmp_path, patterns):
    np.savez(tmp_path / "empty.npz", whole=patterns, empty=patterns[:, :, :0])
    dialog = DatasetDialog(tmp_path / "empty.npz", {"whole": patterns.shape, "empty": (6, 10, 0, 16)}, "empty")
    qtbot.addWidget(dialog)
    assert "empty.npz" in dialog.caption.text()
    dialog.choices.setCurrentRow(0)
    assert dialog.caption.text().startswith("6 × 10 positions")
