"""When a dock is gone, in a real window."""

from __future__ import annotations

import pytest
from qtpy.compat import isalive
from qtpy.QtWidgets import QWidget

from napari_ghosthunter.plugin.mapper.closing import Closing


@pytest.fixture
def docked(window, qtbot):
    """A widget in a dock, behind another one, and what was heard of it."""
    widget, heard = QWidget(), []
    closing = Closing(widget)
    closing.opened.connect(lambda: heard.append("opened"))
    closing.closed.connect(lambda: heard.append("closed"))
    dock = window.window.add_dock_widget(widget, name="one")
    yield window, widget, dock, heard
    if isalive(widget):  # what is taken out of its dock belongs to nobody
        widget.deleteLater()
        qtbot.wait(50)


def test_opened_and_closed_with_its_x(docked) -> None:
    _, _, dock, heard = docked
    assert heard == ["opened"]
    dock.destroyOnClose()
    assert heard == ["opened", "closed"]


def test_closed_with_the_window(docked) -> None:
    window, _, _, heard = docked
    window.close()
    assert heard == ["opened", "closed"]


def test_hidden_behind_a_tab_or_from_the_menu_it_stays_open(docked, qtbot) -> None:
    window, widget, dock, heard = docked
    window.window.add_dock_widget(QWidget(), name="two", tabify=True)
    dock.hide()
    qtbot.wait(20)
    assert not widget.isVisible()
    dock.show()
    assert heard == ["opened"]


def test_floating_it_stays_open_and_closes_with_the_window(docked, qtbot) -> None:
    window, _, dock, heard = docked
    dock.setFloating(True)
    qtbot.wait(20)
    dock.setFloating(False)
    qtbot.wait(20)
    dock.setFloating(True)
    assert heard == ["opened"]
    window.close()
    assert heard == ["opened", "closed"]


def test_a_window_that_comes_back_opens_it_again(docked) -> None:
    window, _, _, heard = docked
    window.window._qt_window.hide()
    window.window._qt_window.show()
    assert heard == ["opened", "closed", "opened"]
