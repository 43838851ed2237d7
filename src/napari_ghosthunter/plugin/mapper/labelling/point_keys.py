"""Keys for labelling, on the layer of the sample points and others: they act while one of these is the active one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from napari_ghosthunter.labelling.classes import short_list
from napari_ghosthunter.plugin.mapper.desk import Desk
from napari_ghosthunter.plugin.window import tell
from napari_ghosthunter.session.session import Session

DIGITS = "123456789"  # napari's 1 deletes points and its 2 to 5 choose tools, so all are ours, also without a class
NO_CLASSES = "There are no classes yet: add them on the Label page."
NO_POINT = "No point is chosen: click one, or propose points on the Label page."

NOT_SEEN = "You were looking at another pattern. Here is that of the current point: press the key again to label it."

Action = Callable[[Session], object]


def _clear(session: Session) -> None:
    if session.current in session.labels:
        session.clear_current()


def _remove(session: Session) -> None:
    if session.current is not None:
        session.remove_point(session.current)


ACTIONS: dict[str, Action] = {
    "Backspace": _clear,
    "Delete": _remove,
    "N": lambda session: session.go_along(1),
    "Shift-N": lambda session: session.go_along(-1),
    "Ctrl-Z": lambda session: session.undo(),
    "Ctrl-Shift-Z": lambda session: session.redo(),
    "Ctrl-Y": lambda session: session.redo(),
}
NEED_POINT = {"Backspace", "Delete"}


class PointKeys:
    """Binds the keys on layers, and gives them back.

    `is_seen` tells whether the pattern of the current point is on the screen: nobody means to label another one.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.is_seen: Callable[[], bool] = lambda: True
        self._bound: dict[Any, list[str]] = {}

    def attach(self, layer: Any) -> None:
        """Bind the keys of the classes as they are now, and all others."""
        self.detach(layer)
        self._bound[layer] = []
        for key, action in ACTIONS.items():
            self._bind(layer, key, lambda _, key=key, action=action: self._act(key, action))
        for key in sorted({*DIGITS, *self._class_keys()}):
            self._bind(layer, key, lambda _, key=key: self._label(key))

    def detach(self, layer: Any) -> None:
        """Let napari have the keys again."""
        for key in self._bound.pop(layer, []):
            layer.bind_key(key, None)

    def renew(self) -> None:
        """Bind the keys of the classes as they are now, wherever there are keys."""
        for layer in list(self._bound):
            self.attach(layer)

    def _bind(self, layer: Any, key: str, act: Callable[..., object]) -> None:
        layer.bind_key(key, act, overwrite=True)
        self._bound[layer].append(key)

    def _class_keys(self) -> list[str]:
        """Give the keys of the classes that a keyboard has, as napari writes them."""
        session = self.desk.session
        keys = () if session is None else (entry.key.upper() for entry in session.labels.classes.classes)
        return [key for key in keys if key.isascii() and key.isalnum()]

    def _act(self, key: str, action: Action) -> None:
        session = self.desk.session
        if session is None:
            return
        if key in NEED_POINT and session.current is None:
            tell(NO_POINT)
        else:
            self.desk.attempt(lambda: action(session))

    def _label(self, key: str) -> None:
        session = self.desk.session
        if session is None:
            return
        classes = session.labels.classes.classes
        name = next((entry.name for entry in classes if entry.key.upper() == key), None)
        if not classes:
            tell(NO_CLASSES)
        elif name is None:
            keys = short_list([f"{entry.key} {entry.name}" for entry in classes if entry.key])
            tell(f"Key {key} has no class. Keys: {keys or 'none'}.")
        elif session.current is None:
            tell(NO_POINT)
        elif not self.is_seen():
            tell(NOT_SEEN)
        else:
            self.desk.attempt(lambda: session.label_current(name))
