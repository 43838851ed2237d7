"""The page that says which scan is worked on."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog

from napari_ghosthunter.plugin.choices import recall
from napari_ghosthunter.plugin.layers import bare
from napari_ghosthunter.plugin.mapper import bundles
from napari_ghosthunter.plugin.mapper import desk as desk_module
from napari_ghosthunter.plugin.mapper.desk import NO_SCAN, Desk
from napari_ghosthunter.plugin.mapper.scan_page import ScanPage
from napari_ghosthunter.plugin.scan_image import scan_layer
from napari_ghosthunter.scan.calibration import Calibration
from napari_ghosthunter.scan.readers import open_scan
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.session.bundle import save_bundle
from napari_ghosthunter.session.session import Session


@pytest.fixture
def page(qtbot, desk):
    page = ScanPage(desk)
    qtbot.addWidget(page)
    page._turn(desk.session)
    return page


def add(viewer, scan, name=None):
    data, arguments, _ = scan_layer(scan, name)
    return viewer.add_image(data, **arguments)


def test_without_a_scan_it_offers_to_open_one(qtbot, viewer) -> None:
    page = ScanPage(Desk(viewer))
    qtbot.addWidget(page)
    assert page.needs_label.text() == NO_SCAN
    assert page.open_button.isEnabled()
    assert not page.sample_button.isHidden()
    assert not page.patterns_button.isEnabled()


def test_says_what_the_scan_is(page) -> None:
    assert page.needs_label.isHidden()
    assert page.facts["scan"].text() == "12 x 20 probe positions (scan_y x scan_x)"
    assert page.facts["detector"].text().startswith("48 x 48 pixels")
    assert page.sample_button.isHidden()


def test_another_scan_is_chosen_by_its_name(qtbot, page, desk, viewer, patterns) -> None:
    other = Scan(patterns)
    desk.session.labels.add_class("a")
    add(viewer, other, "second scan")
    assert [page.choice.itemText(i) for i in range(page.choice.count())][1] == "second scan"
    assert page.choice.currentIndex() == 0
    page.choice.setCurrentIndex(1)
    page.choice.activated.emit(1)
    qtbot.waitUntil(lambda: desk.session is not None)
    assert desk.scan is other
    viewer.layers["second scan"].name = "renamed"
    assert page.choice.currentText() == "renamed"


def test_the_scan_stays_while_something_runs(page) -> None:
    page.set_busy(True)
    assert not page.choice.isEnabled()
    page.set_busy(False)
    assert page.choice.isEnabled()


def test_says_where_labels_are_kept_once_there_are_some(page, desk) -> None:
    assert "Nothing yet" in page.kept.text()
    desk.session.labels.add_class("a")
    assert desk.session.folder.as_uri().split("/")[-1] in page.kept.text()


def save(desk, page, monkeypatch, path) -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    page.save_button.click()


def test_a_copy_is_saved_and_opened_again(qtbot, page, desk, viewer, tmp_path, monkeypatch) -> None:
    desk.session.labels.add_class("vertical")
    desk.session.labels.label((3, 4), "vertical")
    save(desk, page, monkeypatch, tmp_path / "monday")
    first = desk.session
    first.labels.label((5, 6), "vertical")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "monday.ghosthunter"), ""))
    page.load_button.click()
    qtbot.waitUntil(lambda: desk.session not in (None, first))
    assert dict(desk.session.labels) == {(3, 4): "vertical"}
    assert len(viewer.layers) == 1  # its scan was open already


def test_a_copy_brings_its_scan_and_asks_where_it_is_now(
    qtbot, page, desk, viewer, tmp_path, monkeypatch, patterns
) -> None:
    there, moved = tmp_path / "there.npy", tmp_path / "elsewhere" / "moved.npy"
    np.save(there, patterns)
    other = add(viewer, open_scan(there))
    qtbot.waitUntil(lambda: desk.session is not None)
    desk.session.labels.add_class("a")
    save(desk, page, monkeypatch, tmp_path / "copy.ghosthunter")
    viewer.layers.remove(other)
    qtbot.waitUntil(lambda: desk.session is not None)  # at the first scan again

    bundles.open_copy(desk, tmp_path / "copy.ghosthunter", page)
    qtbot.waitUntil(lambda: desk.session is not None and desk.session.scan.shape == patterns.shape)
    assert desk.layer is viewer.layers[-1]

    viewer.layers.pop()
    qtbot.waitUntil(lambda: desk.session is not None)
    moved.parent.mkdir()
    there.rename(moved)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(moved), ""))
    bundles.open_copy(desk, tmp_path / "copy.ghosthunter", page)
    qtbot.waitUntil(lambda: desk.session is not None and desk.session.scan.shape == patterns.shape)
    assert desk.session.labels.classes.names == ("a",)


def test_a_copy_of_a_scan_that_is_not_open_stays_open(qtbot, page, desk, tmp_path, monkeypatch, patterns) -> None:
    path = tmp_path / "there.npy"
    np.save(path, patterns)
    elsewhere = Session.start(open_scan(path), data_folder=tmp_path / "elsewhere")  # on another machine, say
    elsewhere.labels.add_class("a")
    save_bundle(elsewhere, tmp_path / "copy.ghosthunter")
    elsewhere.close()

    bundles.open_copy(desk, tmp_path / "copy.ghosthunter", page)
    qtbot.waitUntil(lambda: desk.session is not None and desk.session.labels.classes.names == ("a",))
    taken = desk.session
    qtbot.waitUntil(lambda: not desk.busy)
    qtbot.wait(100)  # for what its layer may have set going
    assert desk.session is taken
    taken.labels.add_class("b")


def test_a_wrong_copy_is_told_and_the_work_goes_on(qtbot, page, desk, tmp_path, monkeypatch) -> None:
    told = []
    monkeypatch.setattr(desk_module, "tell_error", told.append)
    wrong = tmp_path / "wrong.ghosthunter"
    wrong.write_text("nothing of the kind")
    session, seen = desk.session, []
    desk.session_changed.connect(seen.append)
    bundles.open_copy(desk, wrong, page)
    qtbot.waitUntil(lambda: bool(told))
    assert "is not a bundle" in told[0]
    assert desk.session is session
    assert set(seen) == {session}
    assert page.save_button.isEnabled()
    session.labels.add_class("a")
    assert "this folder" in page.kept.text()


def test_the_chosen_scan_is_the_one_that_is_seen(qtbot, page, desk, viewer, layer, patterns) -> None:
    desk.session.labels.add_class("a")
    other = add(viewer, Scan(patterns), "second scan")
    assert layer.visible
    desk.open(other)
    qtbot.waitUntil(lambda: desk.session is not None)
    assert (layer.visible, other.visible) == (False, True)
    desk.open(layer)
    assert (layer.visible, other.visible) == (True, False)


@pytest.fixture
def on_file(qtbot, tmp_path, sample, viewer):
    """A desk with a labelled scan from a file on it, and its page."""
    np.save(tmp_path / "scan.npy", np.asarray(sample.scan.data))
    layer = bare(add(viewer, open_scan(tmp_path / "scan.npy")))
    desk = Desk(viewer)
    desk.wake()
    qtbot.waitUntil(lambda: desk.session is not None)
    desk.session.labels.add_class("a")
    desk.session.labels.label((1, 2), "a")
    page = ScanPage(desk)
    qtbot.addWidget(page)
    page.show()
    page._turn(desk.session)
    yield desk, page, layer
    desk.sleep()


def type_in(qtbot, edit, text) -> None:
    edit.setFocus()
    edit.selectAll()
    qtbot.keyClick(edit, Qt.Key.Key_Delete)
    qtbot.keyClicks(edit, text)
    qtbot.keyClick(edit, Qt.Key.Key_Return)


def said_of(qtbot, desk, edit, text) -> None:
    before = desk.scan
    type_in(qtbot, edit, text)
    qtbot.waitUntil(lambda: desk.scan is not before and desk.session is not None)


def test_a_pixel_size_that_is_typed_holds_for_scan_layer_and_work(qtbot, on_file, memory) -> None:
    desk, page, layer = on_file
    assert page.scan_step.text() == ""
    assert "2 nm" in page.scan_step.placeholderText()
    said_of(qtbot, desk, page.scan_step, "2 x 2.5 nm")
    said_of(qtbot, desk, page.k_step, "0.02 1/nm")
    assert desk.scan.calibration == Calibration((2, 2.5), "nm", (0.02, 0.02), "1/nm")
    assert desk.session.scan is desk.scan is layer.metadata["scan"]
    assert desk.session.labels.get((1, 2)) == "a"
    assert tuple(layer.scale) == (2, 2.5)
    assert [str(unit) for unit in layer.units] == ["nanometer", "nanometer"]
    assert page.scan_step.text() == "2 x 2.5 nm"
    assert "step 2 x 2.5 nm" in page.facts["scan"].toolTip()
    kept = recall(desk.scan.provenance.path)
    assert (kept.scan_step, kept.k_step) == ((2, 2.5, "nm"), (0.02, 0.02, "1/nm"))


def test_what_is_no_pixel_size_is_refused_and_changes_nothing(qtbot, on_file, monkeypatch) -> None:
    desk, page, _ = on_file
    told, before = [], desk.scan
    monkeypatch.setattr(desk_module, "tell_error", told.append)
    type_in(qtbot, page.scan_step, "two")
    assert ["2nm" in one for one in told] == [True]
    assert desk.scan is before
    assert desk.session is not None


def test_an_emptied_pixel_size_is_that_of_the_file_again(qtbot, on_file) -> None:
    desk, page, _ = on_file
    said_of(qtbot, desk, page.scan_step, "3nm")
    said_of(qtbot, desk, page.scan_step, "")
    assert desk.scan.calibration == Calibration()
