"""The table of classes: colour, name, number of labels, and the button that gives the class to the current point."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QAbstractItemView, QColorDialog, QHeaderView, QTableWidget, QTableWidgetItem, QToolButton
from superqt.utils import signals_blocked

from napari_ghosthunter.labelling.classes import DomainClass
from napari_ghosthunter.labelling.edits import Edit, RenameClass, SetClasses, singles
from napari_ghosthunter.plugin.mapper.desk import Desk
from napari_ghosthunter.session.session import Session

COLOUR, NAME, LABELS, GIVE = range(4)
HEADER = ("", "Class", "Labels", "Key")
ROW_HEIGHT = 24  # screen pixels
SHOWN_ROWS = 3  # of more classes; all where there is room


class ClassTable(QTableWidget):
    """Shows the classes of a session, and changes them.

    Parameters
    ----------
    desk
        Whose session is labelled, and who tells the user of errors.
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(0, len(HEADER))
        self.desk = desk
        self.session: Session | None = None
        self.setHorizontalHeaderLabels(HEADER)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        self.verticalHeader().setMinimumSectionSize(ROW_HEIGHT)
        header = self.horizontalHeader()
        header.setMinimumSectionSize(20)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        for column, width in ((COLOUR, 30), (LABELS, 58), (GIVE, 44)):
            self.setColumnWidth(column, width)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTabKeyNavigation(False)
        self._fit()
        self.itemChanged.connect(self._renamed)

    @property
    def chosen(self) -> str | None:
        """Name of the class whose row is selected."""
        item = self.item(self.currentRow(), NAME) if self.selectedItems() else None
        return None if item is None else str(item.data(Qt.ItemDataRole.UserRole))

    def show_session(self, session: Session | None) -> None:
        """Show the classes of a session."""
        self.session = session
        chosen, row = self.chosen, self.currentRow()
        classes = () if session is None else session.labels.classes.classes
        with signals_blocked(self):
            self.setRowCount(len(classes))
            for number, entry in enumerate(classes):
                self._show_class(number, entry)
        self._fit()
        self.show_counts()
        names = [entry.name for entry in classes]
        self.setCurrentCell(names.index(chosen) if chosen in names else min(row, len(classes) - 1), NAME)

    def show_counts(self) -> None:
        """Show how many labels each class has."""
        counts = {} if self.session is None else self.session.labels.counts()
        with signals_blocked(self):
            for row, count in enumerate(counts.values()):
                self._item(row, LABELS).setText(f"{count:,}")
        self.viewport().update()

    def follow(self, edit: Edit) -> None:
        """Show what an edit has changed."""
        if any(isinstance(part, RenameClass | SetClasses) for part in singles(edit)):
            self.show_session(self.session)
        else:
            self.show_counts()

    def edit_name(self, name: str) -> None:
        """Let the user write another name for a class."""
        if self.session is not None and name in self.session.labels.classes:
            row = self.session.labels.classes.id_of(name) - 1
            self.setCurrentCell(row, NAME)
            self.setFocus()
            self.editItem(self._item(row, NAME))

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Leave to the viewer what would otherwise search the table: a click on a row must not cost the label keys."""
        if event.text() and event.key() not in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            event.ignore()
        else:
            super().keyPressEvent(event)

    def _item(self, row: int, column: int) -> Any:
        item = self.item(row, column)
        if item is None:
            item = QTableWidgetItem()
            self.setItem(row, column, item)
        return item

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Ask for no more than is needed: what is below shares the height of a dock."""
        return QSize(super().sizeHint().width(), self.minimumHeight())

    def _fit(self) -> None:
        """Be no higher than the rows, and scroll from three rows on where there is no room."""
        frame = self.horizontalHeader().sizeHint().height() + 2 * self.frameWidth() + 2
        rows = max(1, self.rowCount())
        self.setMinimumHeight(frame + min(SHOWN_ROWS, rows) * ROW_HEIGHT)
        self.setMaximumHeight(frame + rows * ROW_HEIGHT)

    def _show_class(self, row: int, entry: DomainClass) -> None:
        swatch = self._button(row, COLOUR, self._choose_colour)
        swatch.setStyleSheet(
            f"QToolButton {{ background: {entry.colour}; border: 1px solid palette(mid); margin: 3px; }}"
        )
        swatch.setToolTip(f"Colour of '{entry.name}'; click to choose another one")
        name = self._item(row, NAME)
        name.setText(entry.name)
        name.setData(Qt.ItemDataRole.UserRole, entry.name)
        name.setToolTip(f"{entry.name}\nDouble-click to write another name; its labels stay")
        count = self._item(row, LABELS)
        count.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
        count.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        give = self._button(row, GIVE, self._give)
        give.setStyleSheet("QToolButton { border: 1px solid palette(mid); border-radius: 3px; margin: 2px; }")
        give.setText(entry.key or "•")
        by_key = f" (key {entry.key})" if entry.key else ""
        give.setToolTip(f"Label the current point '{entry.name}'{by_key}")

    def _button(self, row: int, column: int, act: Callable[[int], None]) -> Any:
        button = self.cellWidget(row, column)
        if button is None:
            button = QToolButton()
            button.clicked.connect(lambda _=False: act(row))
            self.setCellWidget(row, column, button)
        return button

    def _renamed(self, item: Any) -> None:
        session, old, new = self.session, item.data(Qt.ItemDataRole.UserRole), item.text()
        if session is None or item.column() != NAME or new == old:
            return
        self.desk.attempt(lambda: session.labels.rename_class(old, new))
        if old in session.labels.classes:  # refused, or only tidied to what it was
            with signals_blocked(self):
                item.setText(old)

    def _choose_colour(self, row: int) -> None:
        session, entry = self.session, self._class_at(row)
        if session is None or entry is None:
            return
        colour = QColorDialog.getColor(QColor(entry.colour), self, f"Colour of '{entry.name}'")
        if colour.isValid() and session is self.session:
            self.desk.attempt(lambda: session.labels.recolour_class(entry.name, colour.name()))

    def _give(self, row: int) -> None:
        session, entry = self.session, self._class_at(row)
        if session is not None and entry is not None:
            self.desk.attempt(lambda: session.label_current(entry.name))

    def _class_at(self, row: int) -> DomainClass | None:
        classes = () if self.session is None else self.session.labels.classes.classes
        return classes[row] if row < len(classes) else None
