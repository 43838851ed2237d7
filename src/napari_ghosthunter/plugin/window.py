"""The window that a user looks at, if there is one: where a reader or writer may ask, tell and keep someone waiting.

The same functions serve scripts, which have no window and want exceptions, and a user, who wants neither a traceback
nor silence. Nothing here loads Qt: where it is not loaded already there is no window.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
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
    """Give the main window of napari that a user looks at, the active one of several.

    While the command `napari FILE` opens its files, that is the window that it is about to show. None without a window,
    or in another thread.
    """
    app = _application()
    if app is None:
        return None
    from qtpy.QtWidgets import QMainWindow

    shown = [one for one in app.topLevelWidgets() if isinstance(one, QMainWindow) and one.isVisible()]
    active = app.activeWindow()
    if shown:
        return active if active in shown else shown[0]
    return hidden_window() if _napari_was_called() else None


def hidden_window() -> Any:
    """Give the newest window of napari that is not shown yet, as a script may have one; None if there is none."""
    if _application() is None:
        return None
    from napari import current_viewer

    viewer = current_viewer()
    window = None if viewer is None else viewer.window._qt_window  # nothing public leads there
    return None if window is None or window.isVisible() else window


def _application() -> Any:
    """Give Qt's application, to who is in its thread."""
    if "qtpy.QtWidgets" not in sys.modules:
        return None
    from qtpy.QtCore import QThread
    from qtpy.QtWidgets import QApplication

    app = QApplication.instance()
    return app if app is not None and QThread.currentThread() == app.thread() else None


def _napari_was_called() -> bool:
    """Whether this is the process of the command `napari`, or of `python -m napari`."""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    return "napari.__main__" in sys.modules or getattr(spec, "name", "") == "napari.__main__"


def is_seen(window: Any) -> bool:
    """Whether a window is there and visible still."""
    from qtpy.compat import isalive

    return bool(isalive(window) and window.isVisible())  # type: ignore[no-untyped-call]


def was_closed(viewer: Any) -> bool:
    """Whether a viewer had a window that the user has closed; one that was never shown is not."""
    window = getattr(getattr(viewer, "window", None), "_qt_window", None)
    return window is not None and window not in type(window)._instances  # nothing public tells


def when_seen(window: Any, action: Callable[[], object]) -> None:
    """Do something soon, in a turn of the event loop in which the window is visible; never if it is closed first."""
    from qtpy.QtCore import QTimer

    from napari_ghosthunter.plugin.showing import Showing

    if is_seen(window):
        QTimer.singleShot(0, lambda: action() if is_seen(window) else None)
    else:
        Showing(window).shown.connect(lambda: when_seen(window, action))


def user_is_asking() -> bool:
    """Whether a user has led here, by a click, a key, a drop or `napari FILE`: a script wants to see the exception."""
    window = main_window()
    if window is None:
        return False
    from qtpy.QtCore import QThread

    return not window.isVisible() or bool(QThread.currentThread().loopLevel() > 0)


def tell(message: str) -> None:
    """Show a napari notification, if there is a window to show it in."""
    window = main_window()
    if window is not None:
        from napari.utils.notifications import show_info

        _at_window(window, lambda: show_info(message))


def _at_window(window: Any, action: Callable[[], object]) -> None:
    """Do at once what needs a visible window, or as soon as it is: napari drops the notifications of a hidden one."""
    if window is None or window.isVisible():
        action()
    else:
        when_seen(window, action)


def tell_error(message: str) -> None:
    """Show a napari notification of an error: its message alone, which says what to do, without a traceback."""
    from napari.utils.notifications import show_error

    def show() -> None:
        show_error(reason_first(message))
        errors.told.emit(message)

    _at_window(main_window(), show)


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
