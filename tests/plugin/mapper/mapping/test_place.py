"""Where maps are computed: what is chosen, kept, and missing."""

from __future__ import annotations

import sys

import pytest
from qtpy.QtCore import Qt

from napari_ghosthunter.plugin.mapper.mapping.place import NO_ADDRESS, Place
from napari_ghosthunter.plugin.mapper.mapping.place_bar import PlaceBar
from napari_ghosthunter.plugin.preferences import CLUSTER, HERE, defaults
from napari_ghosthunter.scan.readers import open_scan


@pytest.fixture
def bar(qtbot):
    bar = PlaceBar(Place())
    qtbot.addWidget(bar)
    bar.show()
    return bar


def choose(qtbot, bar, row: int) -> None:
    """Open the list with the mouse, and choose with the keys."""
    qtbot.mouseClick(bar.choice, Qt.MouseButton.LeftButton)
    view = bar.choice.view()
    qtbot.waitUntil(view.isVisible)
    qtbot.keyClick(view, Qt.Key.Key_End if row else Qt.Key.Key_Home)
    qtbot.keyClick(view, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: bar.choice.currentIndex() == row)


def test_it_is_this_machine_unless_chosen(bar) -> None:
    assert bar.choice.currentText() == "This machine"
    assert bar.address.isHidden()
    assert bar.place.scheduler == ""
    assert bar.place.needs() == ""


def test_mouse_and_keys_choose_a_scheduler_and_napari_keeps_it(qtbot, bar, preferences) -> None:
    choose(qtbot, bar, 1)
    assert bar.address.isVisible()
    assert bar.place.needs() == NO_ADDRESS
    assert bar.focusWidget() is bar.address
    qtbot.keyClicks(bar.address, " tcp://10.0.0.1:8786")
    assert bar.place.scheduler == "tcp://10.0.0.1:8786"  # also before Enter
    assert bar.place.needs() == ""
    qtbot.keyClick(bar.address, Qt.Key.Key_Return)
    assert (defaults().compute, defaults().scheduler) == (CLUSTER, "tcp://10.0.0.1:8786")
    assert "10.0.0.1" in preferences.read_text()
    again = Place()
    assert (again.on_cluster, again.address) == (True, "tcp://10.0.0.1:8786")
    choose(qtbot, bar, 0)
    assert bar.address.isHidden()
    assert defaults().compute == HERE
    again = Place()
    assert (again.scheduler, again.address) == ("", "tcp://10.0.0.1:8786")  # there for the next time


def test_typing_in_the_middle_leaves_the_cursor(qtbot, bar) -> None:
    bar.place.choose(True, "tcp://a:1")
    bar.address.setCursorPosition(7)
    qtbot.keyClicks(bar.address, "bc")
    assert bar.address.text() == "tcp://abc:1"
    assert bar.address.cursorPosition() == 9


def test_two_bars_show_one_place(qtbot, bar) -> None:
    other = PlaceBar(bar.place)
    qtbot.addWidget(other)
    other.place.choose(True, "tcp://a:1")
    assert (bar.choice.currentIndex(), bar.address.text()) == (1, "tcp://a:1")


def test_a_scan_that_is_in_no_file_cannot_go_there(scan, scan_file) -> None:
    place = Place()
    assert place.needs(scan) == ""
    place.choose(True, "tcp://a:1")
    assert "came from no file" in place.needs(scan)
    assert place.needs(open_scan(scan_file)) == ""


def test_without_distributed_it_is_said_what_to_install(monkeypatch) -> None:
    place = Place()
    place.choose(True, "")
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert "pip install 'distributed" in place.needs()
