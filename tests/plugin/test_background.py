"""One request at a time, of which the newest counts."""

from __future__ import annotations

import threading

import pytest

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.plugin.background import Background


@pytest.fixture
def background(qtbot):
    background = Background()
    yield background
    background.close()


def slow(gate: threading.Event, *values):
    def steps():
        assert gate.wait(5)
        yield from values

    return steps


def test_steps_arrive_in_the_window_thread(qtbot, background) -> None:
    seen, threads = [], []
    background.start(lambda: iter("abc"), lambda v: (seen.append(v), threads.append(threading.current_thread())), print)
    qtbot.waitUntil(lambda: not background.busy)
    assert seen == ["a", "b", "c"]
    assert set(threads) == {threading.main_thread()}


def test_a_newer_request_drops_the_older(qtbot, background) -> None:
    gate, seen, ended = threading.Event(), [], []
    for value in ("old", "middle", "new"):
        background.start(slow(gate, value), seen.append, print, lambda value=value: ended.append((value, *seen)))
    gate.set()
    qtbot.waitUntil(lambda: not background.busy)
    assert seen == ["new"]
    assert ended == [("new", "new")]  # after its steps, and of the others nothing


def test_while_hovering_the_running_one_may_answer_and_those_between_are_skipped(qtbot, background) -> None:
    gate, seen = threading.Event(), []
    for value in ("first", "second", "third"):
        background.start(slow(gate, value), seen.append, print, finish_running=True)
    gate.set()
    qtbot.waitUntil(lambda: not background.busy)
    assert seen == ["first", "third"]


def test_stopped_says_nothing_more_and_leaves_the_generator(qtbot, background) -> None:
    gate, seen, left = threading.Event(), [], []

    def steps():
        try:
            yield 1
            assert gate.wait(5)
            yield 2
            yield 3
        finally:
            left.append(True)

    background.start(steps, seen.append, print)
    qtbot.waitUntil(lambda: seen == [1])
    background.stop()
    gate.set()
    qtbot.waitUntil(lambda: bool(left))
    background.start(lambda: iter("x"), seen.append, print)
    qtbot.waitUntil(lambda: not background.busy)
    assert seen == [1, "x"]


def test_what_a_user_can_mend_is_told_and_the_rest_is_raised(qtbot, background) -> None:
    def fail(error: Exception):
        raise error
        yield

    told = []
    background.start(lambda: fail(ScanError("mend me")), print, told.append)
    qtbot.waitUntil(lambda: not background.busy)
    assert told == ["mend me"]
    bugs = []
    with qtbot.capture_exceptions() as raised:
        background.start(lambda: fail(ZeroDivisionError()), print, told.append, on_bug=bugs.append)
        qtbot.waitUntil(lambda: bool(raised))
    assert raised[0][0] is ZeroDivisionError
    assert [type(bug) for bug in bugs] == [ZeroDivisionError]
    assert told == ["mend me"]


def test_closed_while_at_work_can_be_used_again(qtbot, background) -> None:
    gate, seen = threading.Event(), []
    background.start(slow(gate, "old"), seen.append, print)
    background.close()
    background.start(lambda: iter(["new"]), seen.append, print)
    qtbot.waitUntil(lambda: seen == ["new"])
    gate.set()
    qtbot.wait(50)
    assert seen == ["new"]
