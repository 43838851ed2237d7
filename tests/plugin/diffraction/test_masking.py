"""Bad pixels are painted on the pattern in a real window, and left out from then on."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog

from napari_ghosthunter.plugin.choices import recall
from napari_ghosthunter.plugin.layers import bare
from napari_ghosthunter.scan.virtual import bright_field_mask, measure_scan_beam, virtual_image


def click(qtbot, button) -> None:
    assert button.isVisible()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_painted_pixels_are_left_out_from_then_on(widget, qtbot, drag, scan_file, memory) -> None:
    before = widget.detector
    click(qtbot, widget.source_bar.mask_button)
    assert widget.mask_bar.isVisible()
    widget.mask_bar.brush_box.setValue(1)
    drag((4, 2), (4, 9))
    painted = widget.view.painted.copy()
    assert painted[4, 3:9].all()
    assert not painted[6:].any()
    assert widget.detector == before  # the circle of the virtual detector stays where it is
    click(qtbot, widget.mask_bar.erase_button)
    drag((4, 2), (4, 5))
    assert not widget.view.painted[4, 3:5].any()
    painted = widget.view.painted.copy()
    click(qtbot, widget.mask_bar.use_button)
    scan = widget.link.scan
    np.testing.assert_array_equal(scan.bad_pixels.mask, painted)
    assert not widget.mask_bar.isVisible()
    assert not widget.source_bar.mask_button.isChecked()
    assert widget.view.painted is None
    image = virtual_image(scan, bright_field_mask(scan.detector_shape, measure_scan_beam(scan)))
    qtbot.waitUntil(lambda: np.array_equal(widget.link.layer.data, image))
    kept = recall(scan_file).mask
    assert kept.parent.parent == memory
    np.testing.assert_array_equal(np.load(kept), painted)
    click(qtbot, widget.source_bar.mask_button)  # once more: what is left out can be changed
    np.testing.assert_array_equal(widget.view.painted, painted)
    click(qtbot, widget.mask_bar.cancel_button)
    assert widget.link.scan is scan


def test_nothing_painted_uses_all_pixels_again(widget, qtbot, memory, tmp_path, scan_file) -> None:
    shape = widget.link.scan.detector_shape
    click(qtbot, widget.source_bar.mask_button)
    widget.view.show_mask(np.eye(*shape, dtype=bool))
    click(qtbot, widget.mask_bar.use_button)
    assert len(widget.link.scan.bad_pixels) == min(shape)
    click(qtbot, widget.source_bar.mask_button)
    widget.view.show_mask(np.zeros(shape, bool))
    click(qtbot, widget.mask_bar.use_button)
    assert widget.link.scan.bad_pixels is None
    assert recall(scan_file).mask is None


def test_a_mask_comes_from_a_file_and_one_that_does_not_fit_is_refused(
    widget, qtbot, memory, tmp_path, monkeypatch
) -> None:
    shape = widget.link.scan.detector_shape
    np.save(tmp_path / "mask.npy", np.eye(*shape))
    np.save(tmp_path / "other.npy", np.eye(3))
    told = []
    monkeypatch.setattr("napari_ghosthunter.plugin.diffraction.masking.tell_error", told.append)
    click(qtbot, widget.source_bar.mask_button)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "other.npy"), ""))
    click(qtbot, widget.mask_bar.open_button)
    assert "(3, 3)" in told[0]
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "mask.npy"), ""))
    click(qtbot, widget.mask_bar.open_button)
    np.testing.assert_array_equal(widget.view.painted, np.eye(*shape, dtype=bool))


def test_work_in_the_mapper_goes_on_with_the_mask(window, widget, qtbot, memory) -> None:
    _, mapper = window.window.add_plugin_dock_widget("napari-ghosthunter", "Domain mapper")
    qtbot.waitUntil(lambda: mapper.desk.session is not None)
    mapper.desk.session.labels.add_class("a")
    mapper.desk.session.labels.label((1, 2), "a")
    click(qtbot, widget.source_bar.mask_button)
    widget.view.show_mask(np.eye(*widget.link.scan.detector_shape, dtype=bool))
    click(qtbot, widget.mask_bar.use_button)
    qtbot.waitUntil(lambda: mapper.desk.session is not None and mapper.desk.scan.bad_pixels is not None)
    assert mapper.desk.session.labels.get((1, 2)) == "a"
    assert mapper.desk.session.scan is mapper.desk.scan is bare(mapper.desk.layer).metadata["scan"]


def test_painting_survives_a_dock_that_is_hidden_and_shown(widget, qtbot) -> None:
    click(qtbot, widget.source_bar.mask_button)
    mask = np.eye(*widget.link.scan.detector_shape, dtype=bool)
    widget.view.show_mask(mask)
    widget.mask_bar.brush_box.setValue(3)
    dock = widget.parent()
    dock.hide()
    dock.show()
    qtbot.waitUntil(lambda: widget.canvas.drawing is not None)
    np.testing.assert_array_equal(widget.view.painted, mask)
    assert widget.view.mask.brush_size == 3
