"""Which scan is worked on: opened, gone on with, switched, deleted."""

from __future__ import annotations

import threading
import time

import pytest

from napari_ghosthunter.errors import LabelError, ScanError
from napari_ghosthunter.plugin.mapper import desk as desk_module
from napari_ghosthunter.plugin.mapper.desk import ASKING, CLOSED, NO_SCAN, OPENING, Desk
from napari_ghosthunter.plugin.scan_image import scan_layer
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.session.locking import in_use
from napari_ghosthunter.session.session import Session


@pytest.fixture
def told(monkeypatch):
    """What the user was told of errors."""
    messages = []
    monkeypatch.setattr(desk_module, "tell_error", messages.append)
    return messages


def label_something(session) -> None:
    session.labels.add_class("a")
    session.add_point((1, 2))
    session.label_current("a")


def test_without_a_scan_it_says_how_to_open_one(qtbot, viewer) -> None:
    desk = Desk(viewer)
    desk.wake()
    assert desk.needs == NO_SCAN
    desk.sleep()


def test_a_scan_is_opened_beside_the_window(qtbot, viewer, layer) -> None:
    desk, seen = Desk(viewer), []
    desk.session_changed.connect(seen.append)
    desk.wake()
    assert desk.needs == OPENING
    qtbot.waitUntil(lambda: desk.session is not None)
    assert desk.needs == ""
    assert desk.session.scan is layer.metadata["scan"]
    assert seen[-1] is desk.session
    desk.sleep()
    assert seen[-1] is None


def test_looking_at_a_scan_leaves_no_trace(desk, sittings) -> None:
    desk.sleep()
    assert list(sittings.rglob("*")) == []


def test_earlier_work_is_offered_and_gone_on_with(qtbot, desk, viewer, layer) -> None:
    label_something(desk.session)
    desk.sleep()
    again = Desk(viewer)
    again.wake()
    qtbot.waitUntil(lambda: bool(again.past))
    assert again.session is None
    assert again.needs == ASKING
    again.go_on(again.past[0])
    qtbot.waitUntil(lambda: again.session is not None)
    assert dict(again.session.labels) == {(1, 2): "a"}
    again.session.undo()
    assert dict(again.session.labels) == {}
    again.sleep()


def test_or_begun_anew_and_the_earlier_stays(qtbot, desk, viewer) -> None:
    label_something(desk.session)
    desk.sleep()
    for _ in range(2):
        again = Desk(viewer)
        again.wake()
        qtbot.waitUntil(lambda again=again: bool(again.past))
        assert [past.label_count for past in again.past] == [1]
        again.start_anew()
        qtbot.waitUntil(lambda again=again: again.session is not None)
        assert len(again.session.labels) == 0
        again.sleep()


def test_deleting_the_layer_closes_and_turns_to_the_next_scan(qtbot, desk, viewer, layer, patterns) -> None:
    session = desk.session
    other = Scan(patterns[:2, :3])
    data, arguments, _ = scan_layer(other)
    label_something(session)
    viewer.add_image(data, **arguments)
    assert desk.session is session  # a second scan waits until it is chosen
    viewer.layers.remove(layer)
    qtbot.waitUntil(lambda: desk.session is not None)
    assert desk.scan is other
    with pytest.raises(Exception, match="closed"):
        session.labels.label((0, 0), "a")


def test_a_scan_that_cannot_be_read_is_told_and_can_be_tried_again(qtbot, viewer, layer, told, monkeypatch) -> None:
    def fail(scan, folder):
        raise ScanError("The disk is gone.")

    monkeypatch.setattr(desk_module, "find_sittings", fail)
    desk = Desk(viewer)
    desk.wake()
    qtbot.waitUntil(lambda: bool(told))
    assert told == ["The disk is gone."]
    assert desk.needs == CLOSED
    monkeypatch.undo()
    desk.open(layer)
    qtbot.waitUntil(lambda: desk.session is not None)
    desk.sleep()


def test_an_edit_that_cannot_be_done_is_told(desk, told) -> None:
    assert desk.attempt(lambda: 3) == 3
    assert desk.attempt(lambda: desk.session.label_current("nothing")) is None
    assert len(told) == 1
    with pytest.raises(LabelError):
        desk.session.label_current("nothing")


def test_as_long_as_nothing_was_done_a_scan_that_is_opened_is_the_one_meant(
    qtbot, desk, viewer, layer, patterns
) -> None:
    data, arguments, _ = scan_layer(Scan(patterns))
    second = viewer.add_image(data, **arguments)
    qtbot.waitUntil(lambda: desk.session is not None)
    assert desk.layer is second
    assert (layer.visible, second.visible) == (False, True)
    assert viewer.layers.selection.active is second


@pytest.mark.parametrize("when", ["in the thread", "on the way to the window"])
@pytest.mark.parametrize("overtaken_by", ["another start", "sleep"])
def test_work_that_is_gone_on_with_too_late_can_be_gone_on_with_again(
    qtbot, desk, viewer, monkeypatch, overtaken_by, when
) -> None:
    """What the thread opened holds the lock of the sitting; nobody takes it, so it must be closed again."""
    label_something(desk.session)
    desk.sleep()
    again, gate, made = Desk(viewer), threading.Event(), []
    again.wake()
    qtbot.waitUntil(lambda: bool(again.past))
    resume = Session.resume

    def slow(scan, past):
        session = resume(scan, past)
        made.append(session)
        assert when == "on the way to the window" or gate.wait(10)
        return session

    monkeypatch.setattr(Session, "resume", slow)
    past = again.past[0]
    again.go_on(past)
    while not made:
        time.sleep(0.01)  # no events: it stays on its way
    time.sleep(0.1)
    if overtaken_by == "sleep":
        again.sleep()
    else:
        again.start_anew()
    gate.set()
    qtbot.waitUntil(lambda: not in_use(past.folder))
    assert again.session not in made
    again.sleep()
