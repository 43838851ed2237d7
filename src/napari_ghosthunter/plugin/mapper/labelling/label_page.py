"""The page `Label`: classes, what to label next, and how far it is."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_ghosthunter.labelling.classes import ClassScheme, palette
from napari_ghosthunter.labelling.edits import Edit, How
from napari_ghosthunter.labelling.rounds import round_number
from napari_ghosthunter.labelling.sampling import Round
from napari_ghosthunter.plugin.mapper.desk import Desk
from napari_ghosthunter.plugin.mapper.labelling.class_table import ClassTable
from napari_ghosthunter.plugin.mapper.labelling.label_import import import_labels
from napari_ghosthunter.plugin.mapper.labelling.label_words import current_of, hint_of, labels_of, progress_of
from napari_ghosthunter.plugin.mapper.labelling.live_bar import LiveBar
from napari_ghosthunter.plugin.mapper.labelling.propose_bar import ProposeBar
from napari_ghosthunter.plugin.mapper.labelling.sample_points import SamplePoints
from napari_ghosthunter.plugin.mapper.panel import Link, Panel
from napari_ghosthunter.plugin.preferences import SAFE, defaults
from napari_ghosthunter.session.session import Session

PAPER = ("none", "vertical", "horizontal")
START = "Which kinds of domain are there? Add a class for each; what is not a domain is best a class of its own."


class LabelPage(Panel):
    """Labels the sample points, and says where to go on.

    Parameters
    ----------
    desk
        Whose session is labelled.
    points
        The points in the viewer.
    """

    title = "Label"

    def __init__(self, desk: Desk, points: SamplePoints) -> None:
        super().__init__(desk)
        self.points = points
        self.table = ClassTable(desk)
        self.paper_button = _button("Use none / vertical / horizontal", "The three classes of the paper")
        self.first_button = _button("Add class", "Begin with a class of your own")
        self.add_button = _button("Add class", "Add a class, and write its name")
        self.remove_button = _button("Remove", "")
        self.import_button = _button(
            "Import labels…", "Take labels or points from a table (CSV), or a label file of the paper"
        )
        self.proposing, self.live = ProposeBar(desk), LiveBar(desk)
        self.step_box, self.propose_button = self.proposing.step_box, self.proposing.propose_button
        self.unsure_button = self.proposing.unsure_button
        self.note, self.progress, self.current, self.hint = _text(), _text(), _text(), _text()
        self.undo_button = _button("Undo", "Take the last label, point or class back (Ctrl+Z)")
        self.redo_button = _button("Redo", "Do again what was taken back (Ctrl+Shift+Z)")
        self.show_button = _button(
            "Show points", "Bring the sample points to the front, so that clicks and keys go to them"
        )
        self.select_button = _button("Select the points", "Let keys and clicks label again")
        self.start = self._start()
        self._lay_out()
        self._connect()
        self._turn(desk.session)

    def links(self, session: Session) -> Iterable[Link]:
        """Follow labels, the current point and the maps."""
        yield session.labels.changed, self._follow
        yield session.current_changed, self._show_current
        yield session.segmentation.changed, self.proposing.map_came
        yield session.live.changed, self._follow_live

    def refresh(self) -> None:
        """Show another session."""
        session = self.session
        self.table.show_session(session)
        _say(self.note, "")
        self.proposing.show_session(session)
        self._show_state()

    # ---- what is shown ----

    def _follow(self, edit: Edit, _how: How) -> None:
        self.table.follow(edit)
        _say(self.note, "")  # what was proposed is no longer what is left to do
        self._show_state()

    def _show_state(self) -> None:
        session = self.session
        labels = None if session is None else session.labels
        self.undo_button.setEnabled(labels is not None and labels.can_undo)
        self.redo_button.setEnabled(labels is not None and labels.can_redo)
        there = labels is not None and bool(labels.classes.classes)
        self.start.setVisible(not there)
        for widget in (self.table, self.add_button, self.remove_button):
            widget.setVisible(there)
        self._tell_removal()
        self._show_current()

    def _show_current(self, _position: object = None) -> None:
        session = self.session
        self.progress.setText("" if session is None else progress_of(session))
        _say(self.current, "" if session is None else current_of(session))
        heard = self.points.listening.heard
        _say(self.hint, "" if session is None else hint_of(session, heard=heard))
        self.select_button.setVisible(not heard and bool(self.hint.text()))

    def _follow_live(self) -> None:
        self.proposing.follow_maps()
        self._show_current()

    def _tell_removal(self) -> None:
        name, session = self.table.chosen, self.session
        there = name is not None and session is not None and name in session.labels.classes
        self.remove_button.setEnabled(there)
        if name is not None and session is not None and there:
            self.remove_button.setToolTip(f"Remove '{name}' and {labels_of(session, name)}; undo brings all back")

    # ---- what the user does ----

    def _connect(self) -> None:
        self.table.itemSelectionChanged.connect(self._tell_removal)
        self.paper_button.clicked.connect(lambda: self._do(_use_paper_classes))
        self.first_button.clicked.connect(self._add_class)
        self.add_button.clicked.connect(self._add_class)
        self.remove_button.clicked.connect(self._remove_class)
        self.import_button.clicked.connect(self._import)
        self.proposing.proposed.connect(self._take_round)
        self.undo_button.clicked.connect(lambda: self._do(Session.undo))
        self.redo_button.clicked.connect(lambda: self._do(Session.redo))
        self.select_button.clicked.connect(lambda _: self.points.show())
        self.points.listening.changed.connect(self._show_current)
        self.show_button.clicked.connect(lambda _: self.points.show())

    def _do(self, action: Any) -> Any:
        session = self.session
        return None if session is None else self.desk.attempt(lambda: action(session))

    def _add_class(self) -> None:
        name = self._do(_add_class)
        if name is not None:
            self.table.edit_name(name)

    def _remove_class(self) -> None:
        name, session = self.table.chosen, self.session
        if name is not None and session is not None:
            lost = labels_of(session, name)
            self._do(lambda session: session.labels.remove_class(name))
            if name not in session.labels.classes:
                _say(self.note, f"'{name}' and {lost} were removed. Undo brings them back.")

    def _take_round(self, found: Round, numbered: bool) -> None:
        session = self.session
        if session is None:
            return
        _say(self.note, found.message)
        if found.proposals:
            if numbered:
                number = round_number(session.labels.points, [one.position for one in found.proposals])
                _say(self.note, f"Round {number}. {found.message}")
            self.points.show()

    def _import(self) -> None:
        told = import_labels(self.desk, self)
        if told:
            self.points.show()  # the keys that the page tells of are theirs
            _say(self.note, told)

    # ---- layout ----

    def _lay_out(self) -> None:
        """Put on top what is looked at with every label; the classes, which are there already, come below."""
        status = QHBoxLayout()
        status.addWidget(self.progress, 1)
        for button in (self.undo_button, self.redo_button):
            status.addWidget(button)
        self.live.add(self.show_button)
        column = QVBoxLayout(self.body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3)
        column.addWidget(self.start)
        column.addLayout(status)
        for part in (self.current, self.hint, self.select_button, self.proposing, self.note, self.live):
            column.addWidget(part)
        column.addWidget(self.table, 1)
        column.addLayout(_row(self.add_button, self.remove_button, self.import_button))
        column.addWidget(self.live.curve)
        column.addStretch(0)

    def _start(self) -> QWidget:
        """Make what is shown in place of the table while there are no classes."""
        page = QWidget()
        words = _text()
        words.setText(START)
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        for widget in (words, self.paper_button, self.first_button):
            column.addWidget(widget)
        return page


def _use_paper_classes(session: Session) -> None:
    classes = ClassScheme.from_names(PAPER)
    if defaults().colours == SAFE:
        for name, colour in zip(PAPER, palette(len(PAPER)), strict=True):
            classes = classes.recolour(name, colour)
    session.labels.set_classes(classes)


def _add_class(session: Session) -> str:
    """Add a class with a name that is free, and give the name."""
    classes = session.labels.classes
    number = next(number for number in count(len(classes) + 1) if f"class {number}" not in classes)
    session.labels.add_class(f"class {number}")
    return f"class {number}"


def _button(text: str, tooltip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tooltip)
    return button


def _text() -> QLabel:
    """Make a text that wraps, and never widens the dock."""
    label = QLabel()
    label.setWordWrap(True)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


def _say(label: QLabel, text: str) -> None:
    """Show a text, which takes no room if there is none."""
    label.setText(text)
    label.setVisible(bool(text))


def _row(*widgets: QWidget) -> QHBoxLayout:
    """Put widgets beside each other, of the same right to room."""
    row = QHBoxLayout()
    for widget in widgets:
        row.addWidget(widget, 1)
    return row
