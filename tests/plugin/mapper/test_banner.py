"""The offer to go on with earlier work."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QSize
from qtpy.QtGui import QResizeEvent

from napari_ghosthunter.plugin.mapper.banner import Banner
from napari_ghosthunter.plugin.mapper.desk import Desk


@pytest.fixture
def worked_on(qtbot, desk):
    """The scan has two earlier sittings: one label, then two."""
    for count in (1, 2):
        session = desk.session
        session.labels.add_class("vertical")
        for x in range(count):
            session.labels.label((0, x), "vertical")
        desk.sleep()
        if count == 1:
            desk.wake()
            qtbot.waitUntil(lambda: bool(desk.past))
            desk.start_anew()
            qtbot.waitUntil(lambda: desk.session is not None)


@pytest.fixture
def again(qtbot, viewer, worked_on):
    desk = Desk(viewer)
    banner = Banner(desk)
    qtbot.addWidget(banner)
    desk.wake()
    qtbot.waitUntil(lambda: not banner.isHidden())
    yield desk, banner
    desk.sleep()


def test_nothing_is_offered_for_a_new_scan(qtbot, desk) -> None:
    banner = Banner(desk)
    qtbot.addWidget(banner)
    assert banner.isHidden()


def test_it_asks_for_no_negative_room_before_it_has_words(qtbot, desk, monkeypatch) -> None:
    banner, asked = Banner(desk), []
    qtbot.addWidget(banner)
    monkeypatch.setattr(banner.words, "setMinimumHeight", asked.append)
    banner.resizeEvent(QResizeEvent(QSize(200, 50), QSize(100, 50)))  # while nothing is said yet
    assert asked == [0]


def test_the_last_one_comes_first_and_is_described(again) -> None:
    _, banner = again
    assert banner.choice.count() == 2
    assert "2 labels (vertical 2)" in banner.words.text()
    banner.choice.setCurrentIndex(1)
    assert "1 label (vertical 1)" in banner.words.text()


def test_going_on_brings_the_labels_back(qtbot, again) -> None:
    desk, banner = again
    banner.choice.setCurrentIndex(1)
    banner.go_on.click()
    qtbot.waitUntil(lambda: desk.session is not None)
    assert len(desk.session.labels) == 1
    assert banner.isHidden()


def test_starting_anew_keeps_the_earlier(qtbot, again) -> None:
    desk, banner = again
    banner.anew.click()
    qtbot.waitUntil(lambda: desk.session is not None)
    assert len(desk.session.labels) == 0
    assert banner.isHidden()


def test_what_is_open_in_another_window_cannot_be_gone_on_with(qtbot, again, viewer) -> None:
    first, banner = again
    banner.go_on.click()
    qtbot.waitUntil(lambda: first.session is not None)
    second = Desk(viewer)
    other = Banner(second)
    qtbot.addWidget(other)
    second.wake()
    qtbot.waitUntil(lambda: not other.isHidden())
    assert other.choice.currentIndex() == 1  # the one that is free
    assert other.go_on.isEnabled()
    other.choice.setCurrentIndex(0)
    assert "open in another window" in other.words.text()
    assert not other.go_on.isEnabled()
    second.sleep()
