"""The page `Map`: what it offers, what it says of the map, and that it follows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QGuiApplication
from qtpy.QtTest import QTest

from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.learning.validation import HeldOut
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.plugin.layers import bare
from napari_ghosthunter.plugin.mapper.desk import NO_SCAN, Desk
from napari_ghosthunter.plugin.mapper.mapping import threshold_bar
from napari_ghosthunter.plugin.mapper.mapping.map_layers import MapLayers
from napari_ghosthunter.plugin.mapper.mapping.map_page import MapPage, left_text
from napari_ghosthunter.plugin.mapper.mapping.mapping import Mapping
from napari_ghosthunter.plugin.mapper.mapping.threshold_bar import below_text, count_below
from napari_ghosthunter.plugin.scan_image import scan_layer
from napari_ghosthunter.session.earlier import Earlier
from napari_ghosthunter.session.session import Session


@pytest.fixture
def page(qtbot, desk):
    page = MapPage(desk, Mapping(desk), MapLayers(desk))
    qtbot.addWidget(page)
    desk.session_changed.emit(desk.session)
    return page


@pytest.fixture
def trained(desk, page, make_model):
    """A session with a model, after its page was made."""
    model = make_model((48, 48))
    held_out = HeldOut(names=model.classes.names, confusion=((5, 1, 0), (0, 4, 0), (0, 0, 0)))
    desk.session.training.use_model(replace(model, record=model.record.model_copy(update={"held_out": held_out})))
    return desk.session


def settled(qtbot, page):
    qtbot.waitUntil(lambda: page.layers._new_rows is None and not page._figures_timer.isActive())


def test_it_says_what_is_missing(qtbot, page, desk, trained) -> None:
    assert page.body.isEnabled()
    assert page.open_button.isHidden()
    desk.viewer.layers.clear()
    assert page.needs_label.text() == NO_SCAN
    assert not page.body.isEnabled()


def test_a_map_needs_a_model(page, desk) -> None:
    assert page.needs_label.text() == desk.session.segmentation.needs
    assert not page.body.isEnabled()
    assert page.open_button.isEnabled()
    assert not page.open_button.isHidden()


def test_a_click_maps_the_scan(qtbot, page, trained, viewer) -> None:
    page.device = lambda: "cpu"
    with qtbot.waitSignal(page.mapping.ended, timeout=20_000):
        qtbot.mouseClick(page.map_button, Qt.MouseButton.LeftButton)
        assert page.map_button.text() == "Stop"
        assert not page.progress.isHidden()
    settled(qtbot, page)
    assert page.map_button.text() == "Map the scan again"
    assert page.progress.isHidden()
    assert page.state.text() == ""
    assert "Domains" in viewer.layers


def test_stop_is_offered_once(qtbot, page, trained) -> None:
    page.mapping.start()
    qtbot.mouseClick(page.map_button, Qt.MouseButton.LeftButton)
    assert not page.map_button.isEnabled()
    qtbot.waitUntil(lambda: not page.mapping.running, timeout=20_000)
    assert page.map_button.isEnabled()


def test_the_figures_are_those_of_the_map(qtbot, page, trained, mapped) -> None:
    expected = mapped(trained)
    settled(qtbot, page)
    rows = page.figures.areas.table.rows
    for row, entry in zip(rows, expected.statistics, strict=True):
        assert row[0] == entry.name
        assert row[1] == f"{100 * entry.area_fraction:.1f}"
        assert row[2] == str(entry.count)
    wall = expected.walls[0]
    assert page.figures.walls.table.rows[0][0] == f"{wall.first} | {wall.second}"
    page.figures.setCurrentIndex(1)
    page.figures.copy()
    assert QGuiApplication.clipboard().text().startswith("Wall between\tLength")


def test_a_class_that_is_renamed_is_so_everywhere(qtbot, page, trained, mapped, viewer) -> None:
    labels = trained.labels
    for name in "abc":
        labels.add_class(name)
    mapped(trained)
    settled(qtbot, page)

    def shown():
        settled(qtbot, page)
        areas = tuple(row[0] for row in page.figures.areas.table.rows)
        assert tuple(viewer.layers["Domains"].features["class"]) == areas
        assert tuple(row[0] for row in page.figures.confusion.table.rows) == areas
        assert page.layers.result.classes.names == areas
        return areas

    labels.rename_class("a", "left")
    assert shown() == ("left", "b", "c")
    assert "class b" not in page.figures.accuracy_text.text()
    labels.undo()
    assert shown() == ("a", "b", "c")
    for before, after in (("a", "x"), ("b", "a"), ("x", "b")):
        labels.rename_class(before, after)
    assert shown() == ("b", "a", "c")  # of the same map: they have changed places
    mapped(trained)  # by the same model, which was not trained on the new names
    assert shown() == ("b", "a", "c")
    labels.rename_class("c", "right")
    labels.add_class("c")
    assert shown() == ("b", "a", "right")


def test_the_threshold_hides_and_the_figures_follow(qtbot, page, trained, mapped) -> None:
    expected = mapped(trained)
    settled(qtbot, page)
    page.threshold.slider.setValue(60)
    settled(qtbot, page)
    below = count_below(expected, 0.6)
    assert page.threshold.count.text() == f"Of 240 positions, {below} are below 0.60 and hidden."
    assert page.threshold.box.value() == pytest.approx(0.6)
    assert [row[2] for row in page.figures.areas.table.rows] == [str(e.count) for e in expected.above(0.6).statistics]
    page.threshold.box.setValue(0)
    assert page.layers.threshold == 0
    assert page.threshold.slider.value() == 0


def test_below_is_counted_where_there_is_data() -> None:
    values = np.full((7004, 1, 2), (0.9, 0.1), np.float32)
    values[:312] = 0.55, 0.45
    values[312:322] = np.nan
    domain_map = DomainMap(values, ClassScheme.from_names("ab"))
    assert below_text(domain_map, 0.6) == "Of 6,994 positions, 312 are below 0.60 and hidden."
    assert below_text(domain_map, 0) == "6,994 positions are mapped."


def test_an_earlier_models_map_is_said_to_be_one(qtbot, page, trained, make_model) -> None:
    with qtbot.waitSignal(page.mapping.ended, timeout=20_000):
        page.mapping.start()
    settled(qtbot, page)
    trained.training.use_model(make_model((48, 48), seed=3))
    assert "earlier model" in page.state.text()
    assert "not of the earlier one" in page.figures.accuracy_text.text()
    said = []
    page.mapping.changed.connect(lambda: said.append((page.mapping.rows_done, page.state.text())))
    with qtbot.waitSignal(page.mapping.ended, timeout=20_000):
        page.mapping.start()
    assert said[0] == (0, "The map that is shown is of an earlier model still.")
    assert page.state.text() == ""


def test_a_part_of_a_map_is_said_to_be_one(qtbot, page, trained, stream, probabilities) -> None:
    stream(trained, probabilities(), [(0, 4)])
    settled(qtbot, page)
    assert page.state.text().startswith("Only 4 of 12 rows are mapped.")


def test_the_accuracy_is_told_with_what_it_rests_on(page, trained) -> None:
    said = page.figures.accuracy_text.text().replace("\N{NO-BREAK SPACE}", " ")
    assert said.startswith("9 of 10 held-out labels right: accuracy 90 % (60 to 98 %)")
    assert "rests on 10 labels only" in said
    assert "No label was kept back of the class c" in said
    assert page.figures.confusion.table.rows == (("a", "5", "1", "0"), ("b", "0", "4", "0"), ("c", "0", "0", "0"))


def test_a_map_without_its_model_is_shown(qtbot, desk, page, viewer, probabilities) -> None:
    domain_map = DomainMap(probabilities(), ClassScheme.from_names("abc"), desk.scan.calibration)
    desk.take(Session(desk.scan, earlier=Earlier(domain_map=domain_map)))
    settled(qtbot, page)
    assert page.body.isEnabled()
    assert not page.map_button.isEnabled()
    assert "train one" in page.state.text()
    assert "Domains" in viewer.layers
    assert page.figures.areas.table is not None


def test_deleted_layers_can_be_shown_again(qtbot, page, trained, viewer, mapped) -> None:
    mapped(trained)
    settled(qtbot, page)
    assert page.show_button.isHidden()
    viewer.layers.remove("Domains")
    assert not page.show_button.isHidden()
    qtbot.mouseClick(page.show_button, Qt.MouseButton.LeftButton)
    assert "Domains" in viewer.layers
    assert page.show_button.isHidden()


def test_a_preview_is_said_to_be_one(page, trained, probabilities) -> None:
    page.layers.show_preview(DomainMap(probabilities(), trained.model.classes))
    assert "preview" in page.state.text()
    page.layers.end_preview()
    assert page.state.text() == ""


def test_time_left_in_words() -> None:
    assert [left_text(seconds) for seconds in (None, 0.2, 42, 300, 7300)] == [
        "", "", ", 42 s left", ", 5 min left", ", 2 h left",
    ]  # fmt: skip


@pytest.mark.parametrize("scale", [(2, 3), (2, -3)])
def test_the_real_cursor_reads_the_probabilities(
    qtbot, window, sample, make_model, scale, mapped, probabilities
) -> None:
    data, arguments, _ = scan_layer(sample.scan)
    scan = bare(window.add_image(data, **{**arguments, "scale": scale}))
    desk = Desk(bare(window))
    page = MapPage(desk, Mapping(desk), MapLayers(desk))
    window.window.add_dock_widget(page, area="right")
    desk.wake()
    qtbot.waitUntil(lambda: desk.session is not None)
    desk.session.training.use_model(make_model((48, 48)))
    values = probabilities()
    values[3, 15] = 0.03, 0.02, 0.95
    mapped(desk.session, values)
    settled(qtbot, page)
    window.reset_view()
    viewer = bare(window)
    canvas = viewer.window._qt_viewer.canvas
    for kind in (scan.name, "Domains"):
        window.layers.selection.active = window.layers[kind]
        for position in ((8, 4), (3, 15)):
            node = canvas.layer_to_visual[scan].node
            spot = node.get_transform("visual", "canvas").map([position[1] + 0.5, position[0] + 0.5])[:2]
            qtbot.wait(30)
            QTest.mouseMove(canvas.native, QPoint(round(spot[0]), round(spot[1])))
            qtbot.waitUntil(lambda position=position: page.hover.position == position)
        assert page.here.text() == "(3, 15):  c 0.95, a 0.03, b 0.02"
    qtbot.waitUntil(lambda: "c, confidence: 0.95" in str(viewer.window._qt_window.statusBar()._coordinates.text()))
    page.hide()
    assert page.hover._move not in viewer.mouse_move_callbacks
    desk.sleep()


def test_the_help_of_the_threshold_says_what_the_documentation_says() -> None:
    said = (Path(__file__).parents[4] / "docs" / "accuracy.md").read_text(encoding="utf-8")
    for words in ("as sure as it is right", "too bold"):
        assert words in said
        assert words in threshold_bar.HELP
