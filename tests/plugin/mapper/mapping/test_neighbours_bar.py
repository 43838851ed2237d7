"""The choice of how much neighbours help: what it does to maps, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.mapping.offered import NEIGHBOURS_HELP
from napari_ghosthunter.mapping.segmentation import segment
from napari_ghosthunter.plugin.mapper.mapping.map_layers import MapLayers
from napari_ghosthunter.plugin.mapper.mapping.map_page import MapPage
from napari_ghosthunter.plugin.mapper.mapping.mapping import Mapping
from napari_ghosthunter.plugin.mapper.mapping.neighbours_bar import (
    Neighbours,
    NeighboursBar,
    about_neighbours,
    helped_in,
)


@pytest.fixture
def bar(qtbot):
    bar = NeighboursBar(Neighbours())
    qtbot.addWidget(bar)
    bar.show()
    return bar


@pytest.fixture
def page(qtbot, desk, make_model):
    desk.session.training.use_model(make_model((48, 48)))
    page = MapPage(desk, Mapping(desk), MapLayers(desk))
    page.device = lambda: "cpu"
    qtbot.addWidget(page)
    desk.session_changed.emit(desk.session)
    return page


def map_it(qtbot, page):
    with qtbot.waitSignal(page.mapping.ended, timeout=20_000):
        qtbot.mouseClick(page.map_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.layers._new_rows is None and not page._figures_timer.isActive())


def test_it_is_off_until_the_keys_choose_a_strength_and_says_what_it_does(qtbot, bar) -> None:
    assert (bar.box.text(), bar.neighbours.strength) == ("off", 0)
    assert bar.box.toolTip() == NEIGHBOURS_HELP
    qtbot.keyClick(bar.box, Qt.Key.Key_Up)
    qtbot.keyClick(bar.box, Qt.Key.Key_Up)
    assert bar.neighbours.strength == 1
    bar.box.selectAll()
    qtbot.keyClicks(bar.box, "9")
    qtbot.keyClick(bar.box, Qt.Key.Key_Return)
    assert bar.neighbours.strength <= 4
    bar.neighbours.choose(2.5)
    assert bar.box.value() == 2.5
    assert Neighbours().strength == 0  # the next window begins without


def test_a_map_is_made_with_their_help_and_the_page_says_so(qtbot, page, desk, viewer, sample) -> None:
    map_it(qtbot, page)
    session = desk.session
    plain = segment(sample.scan, session.model, device="cpu")
    assert page.state.text() == ""
    page.neighbours_bar.box.setValue(2)
    assert page.state.text() == "Map the scan again to let neighbours help."
    np.testing.assert_array_equal(session.domain_map.probabilities, plain.probabilities)
    assert "neighbours" not in page.figures.accuracy_text.text()
    map_it(qtbot, page)
    expected = plain.with_neighbours(2)
    np.testing.assert_array_equal(session.domain_map.probabilities, expected.probabilities)
    np.testing.assert_array_equal(viewer.layers["Domains"].data, expected.classes_image)
    np.testing.assert_array_equal(viewer.layers["Confidence"].data, expected.confidence)
    assert page.state.text() == "Neighbours have helped in this map (strength 2)."
    assert page.figures.accuracy_text.text().endswith("without the help of neighbours in this map.")
    page.neighbours_bar.box.setValue(0)
    assert page.state.text().endswith("map the scan again to do without.")
    map_it(qtbot, page)
    np.testing.assert_array_equal(viewer.layers["Domains"].data, plain.classes_image)
    assert page.state.text() == ""


def test_it_cannot_be_changed_while_a_map_is_made(qtbot, page) -> None:
    with qtbot.waitSignal(page.mapping.ended, timeout=20_000):
        page.mapping.start("cpu")
        assert not page.neighbours_bar.box.isEnabled()
    assert page.neighbours_bar.box.isEnabled()


def test_what_is_said_of_a_map() -> None:
    values = np.full((2, 3, 2), (0.9, 0.1), np.float32)
    plain = DomainMap(values, ClassScheme.from_names("ab"))
    part = values.copy()
    part[1] = np.nan
    helped, odd = plain.with_neighbours(1), replace(plain, provenance={"neighbours": "odd"})
    assert about_neighbours(plain, 0) == about_neighbours(odd, 0) == about_neighbours(replace(plain), 0) == ""
    assert about_neighbours(helped, 1) == "Neighbours have helped in this map (strength 1)."
    assert about_neighbours(helped, 2).endswith("; map the scan again for another strength.")
    assert about_neighbours(replace(plain, probabilities=part), 1) == "Neighbours help only where all rows are mapped."
    assert about_neighbours(replace(plain, probabilities=part), 0) == ""
    assert (helped_in(helped), helped_in(plain), helped_in(odd)) == (1, 0, 0)
