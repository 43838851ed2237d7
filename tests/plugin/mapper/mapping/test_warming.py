"""Loading large libraries beside the window: one thread at a time, and once."""

from __future__ import annotations

import threading
import time

from napari_ghosthunter.learning import logistic
from napari_ghosthunter.plugin.mapper.labelling import live_work
from napari_ghosthunter.plugin.mapper.mapping import warming


def test_no_two_threads_load_at_once_and_none_what_is_loaded(monkeypatch) -> None:
    inside: list[str] = []
    seen: list[tuple[str, ...]] = []

    def load(what: str) -> None:
        inside.append(what)
        time.sleep(0.05)
        seen.append(tuple(inside))
        inside.remove(what)

    monkeypatch.setattr(warming, "_READY", threading.Event())
    monkeypatch.setattr(warming, "_load", lambda: load("for layers"))
    monkeypatch.setattr(logistic, "get_ready", lambda: load("for labels"))
    works = [lambda: list(warming.warm_up()), lambda: list(live_work._look(())), lambda: list(warming.warm_up())]
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == [("for labels",), ("for layers",)]
    assert warming._READY.is_set()
