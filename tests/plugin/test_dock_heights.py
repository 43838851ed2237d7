"""How the two docks share the height of the window: what one takes for a while, it gives back."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt

from napari_ghosthunter.plugin.docks import DIFFRACTION, MAPPER, find_dock

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
