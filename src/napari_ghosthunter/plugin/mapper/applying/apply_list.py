"""The list of the scans that a model is applied to: one row each, with what was found and how far it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QProgressBar, QStyle, QTreeWidget, QTreeWidgetItem

from napari_ghosthunter.plugin.mapper.applying.apply_run import Entry
from napari_ghosthunter.plugin.qt import Signal

SCAN, CHECK, RESULT = range(3)


class ApplyList(QTreeWidget):
    """Shows entries.

    Signals
    -------
    dropped(paths)
        Files were dropped on it.
    """

    dropped = Signal(list)

    def __init__(self) -> None:
        super().__init__()
        self._rows: dict[int, tuple[Entry, QTreeWidgetItem]] = {}
        self.setHeaderLabels(["Scan", "Check", "Map"])
        self.setRootIsDecorated(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setAcceptDrops(True)
        header = self.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(SCAN, QHeaderView.ResizeMode.Interactive)
        header.setSectionResizeMode(CHECK, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(RESULT, QHeaderView.ResizeMode.Interactive)
        self.setColumnWidth(SCAN, 170)
        self.setColumnWidth(RESULT, 130)

    def show_entries(self, entries: Sequence[Entry]) -> None:
        """Show these, in their order; what is selected stays selected."""
        chosen = self.chosen
        self.clear()
        self._rows = {}
        for entry in entries:
            item = QTreeWidgetItem([entry.path.name])
            item.setToolTip(SCAN, str(entry.path))
            self.addTopLevelItem(item)
            self._rows[id(entry)] = entry, item
            item.setSelected(entry in chosen)
            self.show_entry(entry)

    def show_entry(self, entry: Entry) -> None:
        """Show what is new of one."""
        row = self._rows.get(id(entry))
        if row is None:
            return
        item = row[1]
        text, icon = found(entry)
        item.setText(CHECK, text)
        item.setToolTip(CHECK, details(entry))
        item.setIcon(CHECK, self.style().standardIcon(icon) if icon is not None else _no_icon())
        self._show_progress(entry, item)

    def _show_progress(self, entry: Entry, item: QTreeWidgetItem) -> None:
        """Show a bar where there is something to show; the view would show a hidden one again."""
        text, bar = progress(entry), self.itemWidget(item, RESULT)
        if not text:
            self.removeItemWidget(item, RESULT)
            return
        if not isinstance(bar, QProgressBar):
            bar = QProgressBar()
            self.setItemWidget(item, RESULT, bar)
        bar.setRange(0, max(1, entry.of))
        bar.setValue(max(1, entry.of) if entry.state == "done" else entry.rows)
        bar.setFormat(text)
        bar.setToolTip(entry.note)

    @property
    def chosen(self) -> list[Entry]:
        """The selected entries."""
        return [entry for entry, item in self._rows.values() if item.isSelected()]

    def choose(self, entry: Entry) -> None:
        """Select one."""
        self.setCurrentItem(self._rows[id(entry)][1])

    # ---- drag and drop ----

    def dragEnterEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Take files."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dragMoveEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Take files anywhere."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Tell which files were dropped."""
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            self.dropped.emit(paths)


def found(entry: Entry) -> tuple[str, QStyle.StandardPixmap | None]:
    """Say in a word or two what the check found, with an icon for it."""
    icons = QStyle.StandardPixmap
    if entry.scan is None:
        return "cannot be opened", icons.SP_MessageBoxCritical
    if entry.state == "checking":
        return "checking…", None
    if entry.state == "unchecked":
        return "not checked yet", None
    if entry.state == "refused":
        what = ", ".join(difference.what for difference in entry.differences)
        return f"cannot be applied: {what}" if what else "cannot be read", icons.SP_MessageBoxCritical
    if entry.differences:
        what = ", ".join(difference.what for difference in entry.differences)
        return f"differs: {what}", icons.SP_MessageBoxWarning
    return "fits", icons.SP_DialogApplyButton


def progress(entry: Entry) -> str:
    """Say how far the map is; empty where it was not begun."""
    if entry.state == "mapping":
        return "%p %"
    return {"waiting": "waiting", "done": "done", "failed": "failed", "stopped": "stopped"}.get(entry.state, "")


def details(entry: Entry) -> str:
    """Say all that is known of a scan, each thing on a line of its own."""
    lines = [*map(str, entry.differences), entry.note]
    if not any(lines) and entry.state == "ready":
        lines = ["This scan looks like the one that the model was trained on."]
    lines = [line for line in lines if line]
    return "\n".join(f"• {line}" for line in lines) if len(lines) > 1 else "".join(lines)


def _no_icon() -> Any:
    from qtpy.QtGui import QIcon

    return QIcon()
