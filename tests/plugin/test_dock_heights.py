"""How the two docks share the height of the window: what one takes for a while, it gives back."""

from __future__ import annotations

import pytest
from napari._app_model import get_app_model
from qtpy.QtCore import Qt

from napari_ghosthunter.plugin.docks import DIFFRACTION, MAPPER, find_dock, open_docks
from napari_ghosthunter.plugin.scan_image import scan_layer

LONG = 60_000


@pytest.fixture
def docks(window, scan_file, qtbot):
    """The Diffraction viewer above the Domain mapper on a small screen, with labels of two classes."""
    window.window._qt_window.resize(1280, 800)
    window.open(scan_file, plugin="napari-ghosthunter")
    qtbot.waitUntil(lambda: find_dock(window, MAPPER) is not None, timeout=LONG)
    diffraction, mapper = find_dock(window, DIFFRACTION), find_dock(window, MAPPER)
    qtbot.waitUntil(lambda: mapper.desk.session is not None, timeout=LONG)
    for number, name in enumerate("ab"):
        mapper.desk.session.labels.add_class(name)
        mapper.desk.session.add_point((number, 3))
        mapper.desk.session.label_current(name)
    qtbot.wait(100)
    return diffraction, mapper


def test_the_class_means_give_back_the_height_they_took(window, docks, qtbot) -> None:
    diffraction, mapper = docks
    upper, lower = diffraction.parent(), mapper.parent()
    least, heights = upper.minimumHeight(), (upper.height(), lower.height())
    toggle = diffraction.class_strip.toggle
    for _ in range(2):
        qtbot.mouseClick(toggle, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: len(diffraction.class_strip.buttons) == 2, timeout=LONG)
        qtbot.waitUntil(lambda: upper.height() >= upper.minimumHeight() > least + 50, timeout=LONG)
        qtbot.wait(500)  # the docks glide to their places; what comes meanwhile Qt forgets
        qtbot.mouseClick(toggle, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: upper.minimumHeight() == least, timeout=LONG)
        qtbot.waitUntil(lambda: (upper.height(), lower.height()) == heights, timeout=LONG)
    window.window._qt_window.resizeDocks([upper, lower], [1000, 100], Qt.Orientation.Vertical)
    qtbot.waitUntil(lambda: upper.height() > heights[0], timeout=LONG)
    window.window._qt_window.resizeDocks([upper, lower], [least, 1000], Qt.Orientation.Vertical)
    qtbot.waitUntil(lambda: upper.height() == least, timeout=LONG)


@pytest.mark.slow
def test_what_is_looked_at_with_every_label_is_in_view_with_many_classes_on_a_small_screen(
    window, docks, qtbot
) -> None:
    _, mapper = docks
    page, area = mapper.label_page, mapper.tabs.widget(1)
    for name in "cdef":
        mapper.desk.session.labels.add_class(name)
    mapper.desk.session.add_point((2, 2))
    mapper.show_page(page)
    qtbot.wait(100)
    for part in (page.progress, page.current, page.hint, page.propose_button, page.live.tick):
        assert part.isVisible()
        assert part.mapTo(area.viewport(), part.rect().bottomLeft()).y() < area.viewport().height()
    assert page.table.verticalScrollBar().maximum() > 0  # six classes scroll within
    window.window._qt_window.resize(1280, 1600)
    qtbot.waitUntil(lambda: page.table.verticalScrollBar().maximum() == 0, timeout=LONG)


COMMANDS = {name: f"napari-ghosthunter.{name}" for name in ("domain_mapper", "diffraction_viewer")}


def places(window) -> list[tuple[int, int, int, int]]:
    """Where the patterns and the mapper lie in the window."""
    docks = [find_dock(window, name).parent() for name in (DIFFRACTION, MAPPER)]
    return [dock.geometry().getRect() for dock in docks]


@pytest.mark.parametrize("order", [tuple(COMMANDS), tuple(COMMANDS)[::-1]])
def test_docks_that_are_opened_one_by_one_lie_as_with_file_open(window, scan, qtbot, order) -> None:
    window.window._qt_window.resize(1280, 800)
    data, arguments, _ = scan_layer(scan)
    window.add_image(data, **arguments)
    open_docks(window)
    qtbot.waitUntil(lambda: find_dock(window, MAPPER).desk.session is not None, timeout=LONG)
    qtbot.wait(500)
    expected = places(window)
    for name in (DIFFRACTION, MAPPER):
        find_dock(window, name).parent().destroyOnClose()
    qtbot.wait(100)
    for name in order:
        get_app_model().commands.execute_command(COMMANDS[name])
        qtbot.wait(300)
    qtbot.waitUntil(lambda: find_dock(window, MAPPER).desk.session is not None, timeout=LONG)
    qtbot.wait(500)
    assert places(window) == expected
    docks = [find_dock(window, name).parent() for name in (DIFFRACTION, MAPPER)]
    window.window._qt_window.resizeDocks(docks, [520, 520], Qt.Orientation.Horizontal)
    window.window._qt_window.resizeDocks(docks, [400, 310], Qt.Orientation.Vertical)
    qtbot.wait(500)
    chosen = places(window)
    for name in order:  # hidden and shown again, they lie as the user had them
        for _ in range(2):
            get_app_model().commands.execute_command(COMMANDS[name])
            qtbot.wait(300)
    assert [place[2] for place in places(window)] == [place[2] for place in chosen]
    assert places(window)[0][1] < places(window)[1][1]


def test_no_page_is_cut_at_the_right(window, docks, qtbot) -> None:
    diffraction, mapper = docks
    both = [diffraction.parent(), mapper.parent()]
    window.window._qt_window.resizeDocks(both, [1, 1], Qt.Orientation.Horizontal)
    qtbot.wait(300)
    pages = (mapper.scan_page, mapper.label_page, mapper.train_page, mapper.map_page, mapper.export_page)
    for number, page in enumerate(pages):
        mapper.show_page(page)
        qtbot.wait(20)
        assert page.minimumSizeHint().width() <= mapper.tabs.widget(number).viewport().width(), page.title
