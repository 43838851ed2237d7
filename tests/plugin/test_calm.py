"""The wheel of the mouse scrolls a page, and changes nothing on it: over every widget of both docks, and of windows."""

from __future__ import annotations

from typing import Any

import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import (
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QScrollArea,
    QScrollBar,
    QSlider,
    QSpinBox,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from napari_ghosthunter.plugin.calm import calm
from napari_ghosthunter.plugin.docks import DIFFRACTION, MAPPER, find_dock

LONG = 60_000


def turn_wheel(widget: Any, turns: int) -> None:
    """Turn the wheel over the middle of a widget, away from the user for positive turns.

    What a widget leaves goes to the one around it; Qt does that only with a wheel that can be touched.
    """
    while widget is not None:
        place = QPointF(widget.rect().center())
        event = QWheelEvent(
            place, widget.mapToGlobal(place), QPoint(), QPoint(0, 120 * turns), Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(widget, event)
        widget = None if event.isAccepted() or widget.isWindow() else widget.parentWidget()


def state_of(widget: Any) -> Any:
    """What the wheel could change of a field; None of anything else."""
    if isinstance(widget, QAbstractSpinBox):
        return widget.text()
    if isinstance(widget, QComboBox | QTabBar):
        return widget.currentIndex()
    return widget.value() if isinstance(widget, QAbstractSlider) and not isinstance(widget, QScrollBar) else None


def fields_in(root: QWidget) -> dict[QWidget, Any]:
    found = {one: state_of(one) for one in root.findChildren(QWidget) if one.isVisible()}
    return {one: state for one, state in found.items() if state is not None}


def changed_by_the_wheel(root: QWidget) -> tuple[set[str], list[str]]:
    """Turn the wheel over everything in sight; give the kinds of fields met, and the fields that it changed."""
    before = fields_in(root)
    for widget in root.findChildren(QWidget):
        if widget.isVisible():
            for turns in (1, -1, -1):  # up and down, so that none can be at its end both times
                turn_wheel(widget, turns)
    after = fields_in(root)
    changed = [f"{one.metaObject().className()} {one.toolTip()}" for one in before if before[one] != after.get(one)]
    return {type(one).__name__ for one in before}, changed


@pytest.fixture
def mapper(window, scan_file, qtbot):
    window.open(scan_file, plugin="napari-ghosthunter")
    qtbot.waitUntil(lambda: find_dock(window, MAPPER) is not None, timeout=LONG)
    mapper = find_dock(window, MAPPER)
    qtbot.waitUntil(lambda: mapper.desk.session is not None, timeout=LONG)
    session = mapper.desk.session
    for name in ("a", "b"):
        session.labels.add_class(name)
    session.propose(3)
    return mapper


@pytest.fixture
def give_map(qtbot, make_model):
    def give(mapper):
        mapper.desk.session.training.use_model(make_model((16, 16), ("a", "b")))
        mapper.mapping.start("cpu")
        qtbot.waitUntil(lambda: mapper.map_layers.result is not None and not mapper.mapping.running, timeout=LONG)

    return give


def test_no_field_of_any_page_takes_the_wheel(window, mapper, qtbot, give_map) -> None:
    give_map(mapper)
    kinds: set[str] = set()
    for page in (mapper.scan_page, mapper.label_page, mapper.train_page, mapper.map_page, mapper.export_page):
        mapper.show_page(page)
        qtbot.wait(20)
        met, changed = changed_by_the_wheel(mapper)
        assert not changed, page.title
        assert mapper.page is page
        kinds |= met
    assert {"QTabBar", "QSlider", "QSpinBox", "QDoubleSpinBox", "QComboBox"} <= kinds
    assert mapper.map_layers.threshold == 0


def test_no_field_of_the_diffraction_viewer_takes_it(window, mapper, qtbot) -> None:
    met, changed = changed_by_the_wheel(find_dock(window, DIFFRACTION))
    assert not changed
    assert "QComboBox" in met


def test_no_field_of_the_window_for_other_scans_takes_it(window, mapper, qtbot, give_map) -> None:
    give_map(mapper)
    mapper.show_page(mapper.map_page)
    mapper.map_page.apply_button.click()
    met, changed = changed_by_the_wheel(mapper.apply_dialog)
    assert not changed
    assert met


def test_also_not_a_field_that_was_clicked_or_came_later_and_the_page_scrolls(qtbot) -> None:
    area, page = QScrollArea(), QWidget()
    qtbot.addWidget(area)
    column = QVBoxLayout(page)
    for _ in range(40):
        column.addWidget(QWidget(minimumHeight=20))
    area.setWidget(page)
    area.setWidgetResizable(True)
    area.resize(200, 200)
    calm(area)
    area.show()
    box, slider, inner = QSpinBox(value=5), QSlider(Qt.Orientation.Horizontal, value=5), QWidget()
    QVBoxLayout(inner).addWidget(slider)
    for one in (box, inner):
        column.insertWidget(0, one)
        one.show()
    qtbot.waitUntil(slider.isVisible)
    focused = QApplication.focusWidget()
    turn_wheel(box, -1)
    assert QApplication.focusWidget() is focused
    assert area.verticalScrollBar().value() > 0
    box.setFocus()
    area.verticalScrollBar().setValue(0)
    for one in (box, slider):
        turn_wheel(one, -1)
        assert one.value() == 5
    assert area.verticalScrollBar().value() > 0
