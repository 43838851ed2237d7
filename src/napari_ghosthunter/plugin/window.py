"""The window that a user looks at, if there is one: where a reader or writer may ask, tell and keep someone waiting.

The same functions serve scripts, which have no window and want exceptions, and a user, who wants neither a traceback
nor silence. Nothing here loads Qt: where it is not loaded already there is no window.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psygnal import Signal

PATH = re.compile(  # or a long name of a file
    r"""(?<![^\s'"(])((?:[A-Za-z]:|~)?[\\/][^\s'"]*|[^\s'"\\/]{25,}\.\w{1,11})"""
)
FIRST = re.compile(
    r"(?P<what>Cannot \w+ )?(?P<name>[^\s:,]+\.\w+(?: and the files beside it)?(?:, line \d+)?): (?P<reason>.+)",
    re.DOTALL,
)
NAME_LENGTH = 24  # of the 40 letters or so that a notification shows


class _Errors:
    """Tells what users are told of errors; the docks repeat it in full."""

    told = Signal(str)


errors = _Errors()


def main_window() -> Any:
    """Give the visible main window of napari, the active one of several; None without one, or in another thread."""
    if "qtpy.QtWidgets" not in sys.modules:
        return None
    from qtpy.QtCore import QThread
    from qtpy.QtWidgets import QApplication, QMainWindow

    app = QApplication.instance()
    if app is None or QThread.currentThread() != app.thread():
        return None
    shown = [one for one in QApplication.topLevelWidgets() if isinstance(one, QMainWindow) and one.isVisible()]
    active = QApplication.activeWindow()
    return active if active in shown else (shown[0] if shown else None)


def is_seen(window: Any) -> bool:
    """Whether a window is there and visible still."""
    from qtpy.compat import isalive

    return bool(isalive(window) and window.isVisible())  # type: ignore[no-untyped-call]


def user_is_asking() -> bool:
    """Whether a click, a key or a drop has led here, and not a script, which wants to see the exception."""
    if main_window() is None:
        return False
    from qtpy.QtCore import QThread

    return bool(QThread.currentThread().loopLevel() > 0)


def tell(message: str) -> None:
    """Show a napari notification, if there is a window to show it in."""
    if main_window() is not None:
        from napari.utils.notifications import show_info

        show_info(message)


def tell_error(message: str) -> None:
    """Show a napari notification of an error: its message alone, which says what to do, without a traceback."""
    from napari.utils.notifications import show_error

    show_error(reason_first(message))
    errors.told.emit(message)


def reason_first(message: str) -> str:
    """Shorten paths to names of files, and put the one that a message begins with last: few of its words are seen."""
    short = PATH.sub(lambda found: _name_of(found[0]), message)
    first = FIRST.fullmatch(short)
    if first is None:
        return short
    what, reason = (first["what"] or "").lower() + first["name"], first["reason"].removesuffix(".")
    return f"{reason[:1].upper()}{reason[1:]} ({what})."


def _name_of(path: str) -> str:
    """Give the last part of a path, with what is written after it; a long one without its middle."""
    stripped = path.rstrip(".,;:)")
    name = re.split(r"[\\/]", stripped.rstrip("\\/"))[-1] or stripped
    if len(name) > NAME_LENGTH:
        name = f"{name[: NAME_LENGTH // 2]}…{name[-NAME_LENGTH // 3 :]}"
    return name + path[len(stripped) :]


@contextmanager
def waiting() -> Iterator[None]:
    """Show the cursor that means 'wait' while the block runs."""
    if main_window() is None:
        yield
        return
    from qtpy.QtCore import Qt
    from qtpy.QtWidgets import QApplication

    QApplication.setOverrideCursor(Qt.CursorShape.WaitCursor)
    try:
        yield
    finally:
        QApplication.restoreOverrideCursor()


def canvas_of(viewer: Any) -> Any:
    """Give the widget that a viewer draws on and that gets its keys, or None without a window."""
    window = getattr(viewer, "window", None)
    qt_viewer = getattr(window, "_qt_viewer", None)  # nothing public leads there
    return None if qt_viewer is None else qt_viewer.canvas.native


def focus_canvas(viewer: Any) -> None:
    """Let the keyboard go to the canvas of a viewer, if it has a window."""
    canvas = canvas_of(viewer)
    if canvas is not None:
        canvas.setFocus()
