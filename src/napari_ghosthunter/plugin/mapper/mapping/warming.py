"""Loading, in a thread, what napari needs before it draws ids in colours: seconds for which its window would freeze.

The first coloured Labels layer of a process makes napari import pandas, and fill a dictionary of numba's, which numba
compiles. All that stays, so the same dictionary filled before lets the layer come at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from threading import Event, Lock

from qtpy.QtCore import QObject

from napari_ghosthunter.plugin.background import Background
from napari_ghosthunter.plugin.qt import Signal

LOADING = Lock()  # held by the one thread that loads: of two that import each other's modules one sees half of them
_READY = Event()  # for this process


class Warming(QObject):
    """Makes ready for layers of ids.

    Signals
    -------
    done()
        Layers can be made without a wait.
    """

    done = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._background = Background()

    @property
    def ready(self) -> bool:
        """Whether layers can be made without a wait."""
        return _READY.is_set()

    def start(self) -> None:
        """Make ready, unless that is done or under way."""
        if not self.ready and not self._background.busy:
            self._background.start(warm_up, lambda _: self.done.emit(), lambda _: None)


def warm_up() -> Iterator[None]:
    """Load and compile; in a thread."""
    with LOADING:
        if not _READY.is_set():  # another page's may have done it meanwhile
            _load()
            _READY.set()
    yield


def _load() -> None:
    import_module("pandas")
    try:
        from numba import typed, types
    except ImportError:  # then napari does without it, too
        return
    ids = typed.Dict.empty(key_type=types.uint8, value_type=types.uint8)
    ids[types.uint8(1)] = types.uint8(1)
