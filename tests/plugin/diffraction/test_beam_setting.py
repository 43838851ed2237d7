"""The direct beam is seen on the pattern, and is dragged and typed in a real window."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_ghosthunter.plugin.choices import recall
from napari_ghosthunter.plugin.reader import open_asking
from napari_ghosthunter.plugin.scan_image import scan_layer
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.virtual import bright_field_mask, measure_scan_beam, virtual_image


def press(qtbot, button) -> None:
    assert button.isVisible()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def measured(widget, qtbot) -> None:
    qtbot.waitUntil(lambda: widget.showing.facts is not None and widget.detector is not None)


def test_the_beam_is_dragged_and_the_bright_field_follows(widget, qtbot, drag, scan_file) -> None:
    before = widget.showing.facts.beam
    assert not widget.beam_bar.isVisible()
    assert widget.view.beam == (before.k_y, before.k_x)
    press(qtbot, widget.source_bar.beam_button)
    assert widget.beam_bar.isVisible()
    drag(widget.view.beam, (before.k_y + 3, before.k_x - 2))
    measured(widget, qtbot)
    beam = widget.link.scan.beam
    assert beam == pytest.approx((before.k_y + 3, before.k_x - 2), abs=0.3)
    assert (widget.detector.kind, widget.detector.k_y, widget.detector.k_x) == ("bright field", *beam)
    assert widget.beam_bar.isVisible()  # until the user leaves it
    assert recall(scan_file).beam == beam
    assert open_asking(scan_file, object()).beam == beam
    scan = widget.link.scan
    image = virtual_image(scan, bright_field_mask(scan.detector_shape, measure_scan_beam(scan)))
    qtbot.waitUntil(lambda: np.allclose(widget.link.layer.data, image))
    if folder := os.environ.get("SHOTS"):
        widget.window().grab().save(str(Path(folder) / "beam.png"))
    press(qtbot, widget.beam_bar.measure_button)
    measured(widget, qtbot)
    assert widget.link.scan.beam is None
    assert recall(scan_file).beam is None
    assert (widget.detector.k_y, widget.detector.k_x) == (before.k_y, before.k_x)
    assert not widget.beam_bar.measure_button.isEnabled()
    press(qtbot, widget.source_bar.beam_button)
    assert not widget.beam_bar.isVisible()


def test_the_beam_is_typed_and_the_adf_follows(widget, qtbot) -> None:
    widget.detector_bar.kind_asked.emit("annular dark field")
    qtbot.wait(300)
    press(qtbot, widget.source_bar.beam_button)
    box = widget.beam_bar.k_x_box
    box.setFocus()
    box.selectAll()
    qtbot.keyClicks(box, "4.5")
    qtbot.keyClick(box, Qt.Key.Key_Return)
    measured(widget, qtbot)
    assert widget.link.scan.beam[1] == 4.5
    assert (widget.detector.kind, widget.detector.k_x) == ("annular dark field", 4.5)


def test_the_beam_stays_where_it_is_while_it_is_not_to_be_moved(widget, drag) -> None:
    place = widget.view.beam
    drag(place, (place[0] + 3, place[1]))
    assert widget.link.scan.beam is None
    assert widget.detector.kind == "custom"  # the virtual detector was moved, as ever


def test_the_beam_is_left_alone_while_bad_pixels_are_painted(widget, qtbot) -> None:
    press(qtbot, widget.source_bar.beam_button)
    press(qtbot, widget.source_bar.mask_button)
    assert not widget.beam_bar.isVisible()
    assert not widget.source_bar.beam_button.isEnabled()
    press(qtbot, widget.mask_bar.cancel_button)
    assert widget.source_bar.beam_button.isEnabled()


def test_the_cross_outlives_the_sleep_of_the_dock(widget, qtbot) -> None:
    place = widget.view.beam
    widget.parent().hide()
    widget.parent().show()
    qtbot.waitUntil(lambda: widget.canvas.drawing is not None)
    assert widget.view.beam == place
    assert widget.view.cross in widget.view.viewer.layers


@pytest.mark.filterwarnings("ignore:No clear direct beam")
def test_a_beam_that_is_not_found_is_told_and_can_be_moved_at_once(widget, window, qtbot, drag) -> None:
    data, arguments, _ = scan_layer(Scan(np.zeros((4, 5, 16, 16), np.uint8)))
    window.add_image(data, **arguments)
    qtbot.waitUntil(widget.beam_bar.isVisible)
    assert widget.beam_bar.told.isVisible()
    assert "drag the cross" in widget.beam_bar.told.text()
    if folder := os.environ.get("SHOTS"):
        widget.window().grab().save(str(Path(folder) / "unsure.png"))
    assert widget.source_bar.beam_button.isChecked()
    drag((7.5, 7.5), (4, 10))
    measured(widget, qtbot)
    assert widget.link.scan.beam == pytest.approx((4, 10), abs=0.3)
    assert not widget.beam_bar.told.isVisible()


def test_the_work_in_the_domain_mapper_goes_on_with_the_beam(widget, window, qtbot, drag) -> None:
    _, mapper = window.window.add_plugin_dock_widget("napari-ghosthunter", "Domain mapper")
    qtbot.waitUntil(lambda: mapper.desk.session is not None and widget.showing.facts is not None)
    session, place = mapper.desk.session, widget.view.beam
    session.labels.add_class("a")
    session.labels.label((1, 2), "a")
    press(qtbot, widget.source_bar.beam_button)
    drag(place, (place[0] + 2, place[1]))
    qtbot.waitUntil(lambda: widget.link.scan.beam is not None)
    measured(widget, qtbot)
    qtbot.waitUntil(lambda: mapper.desk.session not in (None, session))
    assert mapper.desk.scan.beam == widget.link.scan.beam == pytest.approx((place[0] + 2, place[1]), abs=0.3)
    assert mapper.desk.session.scan is widget.link.scan
    assert mapper.desk.session.folder == session.folder
    assert dict(mapper.desk.session.labels) == {(1, 2): "a"}
    mapper.desk.session.undo()
    assert not mapper.desk.session.labels
    qtbot.waitUntil(lambda: widget.detector.k_y == widget.link.scan.beam[0])
