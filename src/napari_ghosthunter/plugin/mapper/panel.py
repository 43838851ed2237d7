"""What the pages of the dock share: they follow the session of the desk, and say what is missing to work."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_ghosthunter.plugin.mapper.desk import Desk
from napari_ghosthunter.plugin.mapper.error_line import ErrorLine
from napari_ghosthunter.session.session import Session

Link = tuple[Any, Callable[..., object]]
"""A psygnal signal of a session, and what hears it."""


class Panel(QWidget):
    """A page: a sentence that says what is missing, if anything is, above a body that is enabled if nothing is.

    Between them it says what went wrong with what was asked for here, until something goes well.

    A page overrides `needs`, `links` and `refresh`, and puts its widgets into `body`.
    """

    title = ""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.session: Session | None = None
        self.needs_label = QLabel()
        self.needs_label.setWordWrap(True)
        self.error = ErrorLine()
        self.body = QWidget()
        column = self.column = QVBoxLayout(self)
        column.setContentsMargins(6, 4, 6, 4)  # the docks share the height of a screen
        column.setSpacing(4)
        column.addWidget(self.needs_label)
        column.addWidget(self.error)
        column.addWidget(self.body, 1)
        desk.session_changed.connect(self._turn)
        desk.went_wrong.connect(self._show_error)
        desk.went_well.connect(self._show_error)

    def needs(self, session: Session | None) -> str:
        """Say what is missing for this page to work, as a sentence for the user; empty if nothing is."""
        return "" if session is not None else self.desk.needs

    def links(self, session: Session) -> Iterable[Link]:
        """Give the signals to hear while this is the session."""
        del session
        return ()

    def refresh(self) -> None:
        """Show `self.session` (or None) as it is now."""

    def update_needs(self, *_: object) -> None:
        """Say what is missing now."""
        missing = self.needs(self.session)
        self.needs_label.setText(missing)
        self.needs_label.setVisible(bool(missing))
        self.body.setEnabled(not missing)

    def _show_error(self, message: str = "") -> None:
        if self.isVisible():  # of the pages it is the one that the user has asked on
            self.error.say(message)

    def _turn(self, session: Session | None) -> None:
        if self.session is not None:
            for signal, heard in self.links(self.session):
                signal.disconnect(heard, missing_ok=True)
        self.session = session
        if session is not None:
            for signal, heard in self.links(session):
                signal.connect(heard)
        self.refresh()
        self.update_needs()
