"""The figures of a map in three small tabs: areas, walls, accuracy."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QGuiApplication, QPixmap
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from napari_ghosthunter.learning.validation import HeldOut
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.plugin.mapper.mapping.figure_tables import STAIRCASE, Table, areas, confusion, cut_note, walls
from napari_ghosthunter.plugin.mapper.shares import BRACKETS

SWATCH = 12  # pixels
NO_WALLS = "No two classes touch in this map."


class Figures(QTabWidget):
    """Shows how much of each class there is, how long their walls are, and how far the model can be trusted."""

    def __init__(self) -> None:
        super().__init__()
        self.areas, self.walls, self.confusion = TableView(), TableView(), TableView()
        self.areas_text, self.walls_text, self.accuracy_text = _words(), _words(), _words()
        self.accuracy_text.setToolTip(BRACKETS)
        copy = QPushButton("Copy")
        copy.setToolTip("Copy this table, to paste it into a spreadsheet")
        copy.setStyleSheet("padding: 0px 6px; min-height: 0px;")  # as low as the tabs that it is beside
        copy.clicked.connect(self.copy)
        self.setCornerWidget(copy)
        for title, parts in {
            "Areas": (self.areas, self.areas_text),
            "Walls": (self.walls, self.walls_text),
            "Accuracy": (self.accuracy_text, self.confusion),
        }.items():
            page = QWidget()
            column = QVBoxLayout(page)
            column.setContentsMargins(0, 4, 0, 0)
            for part in parts:
                column.addWidget(part, 1 if isinstance(part, TableView) else 0)
            self.addTab(page, title)
        self.setDocumentMode(True)
        self.tabBar().setDrawBase(False)
        self.setMinimumHeight(170)
        self.show_map(None)
        self.show_accuracy("", None)

    def show_map(self, domain_map: DomainMap | None) -> None:
        """Show areas and walls of a map."""
        self.areas.show_table(None if domain_map is None else areas(domain_map))
        found = None if domain_map is None or not domain_map.walls else walls(domain_map)
        self.walls.show_table(found)
        cut = "" if domain_map is None else cut_note(domain_map)
        self.areas_text.setText(cut)
        self.areas_text.setVisible(bool(cut))
        about = STAIRCASE if found else "" if domain_map is None else NO_WALLS
        self.walls_text.setText(f"{cut} {about}".strip())

    def show_accuracy(self, words: str, held_out: HeldOut | None) -> None:
        """Show what is known of the model: in words, and as counts if labels were kept back."""
        self.accuracy_text.setText(words)
        self.confusion.show_table(None if held_out is None or not held_out.count else confusion(held_out))

    def copy(self) -> None:
        """Put the table that is seen on the clipboard."""
        table = (self.areas, self.walls, self.confusion)[self.currentIndex()].table
        if table is not None:
            QGuiApplication.clipboard().setText(table.as_text())


class TableView(QTableWidget):
    """A table to read: nothing in it can be chosen or changed."""

    def __init__(self) -> None:
        super().__init__()
        self.table: Table | None = None
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 8)

    def show_table(self, table: Table | None) -> None:
        """Show a table; None for none."""
        self.setVisible(table is not None)
        if table is None or table == self.table:
            self.table = table
            return
        self.table = table
        self.setToolTip(table.help)
        self.setColumnCount(len(table.header))
        self.setRowCount(len(table.rows))
        self.setHorizontalHeaderLabels(list(table.header))
        for y, row in enumerate(table.rows):
            for x, text in enumerate(row):
                item = QTableWidgetItem(text)
                if x:
                    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                elif table.colours:
                    item.setData(Qt.ItemDataRole.DecorationRole, _swatch(table.colours[y]))
                self.setItem(y, x, item)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(40)


def _swatch(colour: str) -> QPixmap:
    pixmap = QPixmap(SWATCH, SWATCH)
    pixmap.fill(QColor(colour))
    return pixmap


def _words() -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
