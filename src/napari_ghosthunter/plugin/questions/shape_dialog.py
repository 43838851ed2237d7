"""How a row of patterns folds to a scan.

A number of patterns has many factors, and a scan has no ruler in it; but with the wrong shape, or with a pattern too
many in each row, its image falls into stripes. So every way is shown by the bright field that it would give, and the
eye decides.
"""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import QHBoxLayout, QLabel, QListView, QListWidget, QListWidgetItem, QSpinBox, QVBoxLayout, QWidget

from napari_ghosthunter.errors import ScanShapeError
from napari_ghosthunter.plugin.questions.question import Question
from napari_ghosthunter.plugin.thumbnails import FoldedImages, Picture, thumbnail
from napari_ghosthunter.plugin.window import waiting
from napari_ghosthunter.scan.options import ScanOptions
from napari_ghosthunter.scan.readers import open_with
from napari_ghosthunter.scan.row_layout import RowLayout
from napari_ghosthunter.scan.scan import Scan

OFFERED = 8  # ways: two rows of pictures
ICON = QSize(150, 120)
MARGIN = QSize(16, 44)  # around a picture and its two lines of text


class ShapeDialog(Question):
    """Choose the scan shape by the picture that it gives, or enter another one.

    Parameters
    ----------
    path
        The file.
    chosen
        What was said of how to open it so far.
    error
        Why it cannot be opened so: it offers plausible ways.
    before
        How the file was opened last; preselected.
    parent
        The window to open over.
    """

    def __init__(
        self,
        path: Path,
        chosen: ScanOptions,
        error: ScanShapeError,
        before: ScanOptions | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(path, "How was this scan recorded?", parent)
        self._chosen = chosen
        self.count = error.patterns
        known = _layout_of(before) if before is not None else None
        self._before = known if known is not None and known.end <= self.count else None
        offered = [RowLayout(*one) for one in error.layouts]
        self._offered = list(dict.fromkeys([*([self._before] if self._before else []), *offered]))[:OFFERED]
        self._images = FoldedImages(lambda: self._open(self._chosen.updated(**_all_of(self.count))))
        self._own: QListWidgetItem | None = None
        self._build(error.stated)
        for layout in self._offered:
            self._add(layout)
        self.choices.setCurrentRow(0)

    @property
    def layout_chosen(self) -> RowLayout:
        """Rows, columns and what is left out, as they stand in the fields."""
        shape = self.rows.value(), self.columns.value()
        return RowLayout(shape, self.skip_frames.value(), self.flyback.value())

    @property
    def options(self) -> ScanOptions:
        """How to open the file; what is left out is said where it must be, and where it was offered."""
        layout = self.layout_chosen
        leaves_some = self.count - layout.end > layout.flyback and layout in self._offered
        flyback = layout.flyback if layout.flyback or leaves_some else None
        return self._chosen.updated(
            scan_shape=layout.scan_shape, skip_frames=layout.skip_frames or None, flyback=flyback
        )

    def _build(self, stated: tuple[int, int] | None) -> None:
        why = "but does not say in how many rows and columns they were taken"
        if stated is not None:
            why = f"which do not fit the scan of {stated[0]} × {stated[1]} that it states: some of them belong to no "
            why += "position, before or after each row or at the end, or some are missing"
        self.explanation.setText(
            f"<b>{self.path.name}</b> holds {self.count:,} diffraction patterns one after the other, {why}. Choose the "
            "picture that looks right; with wrong numbers it falls into stripes, or its rows are shifted against each "
            "other."
        )
        self.choices = QListWidget()
        self.choices.setViewMode(QListView.ViewMode.IconMode)
        self.choices.setIconSize(ICON)
        self.choices.setGridSize(ICON + MARGIN)
        self.choices.setMovement(QListView.Movement.Static)
        self.choices.setResizeMode(QListView.ResizeMode.Adjust)
        self.choices.setMinimumSize(4 * (ICON + MARGIN).width() + 24, 2 * (ICON + MARGIN).height() + 12)
        self.choices.currentItemChanged.connect(self._take)
        self.choices.itemDoubleClicked.connect(self.accept)
        self.rows, self.columns = self._number("rows", 1), self._number("columns", 1)
        self.skip_frames, self.flyback = self._number("skip_frames", 0), self._number("flyback", 0)
        self.skip_frames.setToolTip("Patterns recorded before the scan began, or before its first row")
        self.flyback.setToolTip("Patterns between two rows: dummies, or recorded while the beam went back")
        self.verdict = QLabel()
        shape, left_out = QHBoxLayout(), QHBoxLayout()
        for widget in (QLabel("Rows × columns:"), self.rows, QLabel("×"), self.columns, self.verdict):
            shape.addWidget(widget)
        for widget in (QLabel("Leave out before the scan:"), self.skip_frames):
            left_out.addWidget(widget)
        for widget in (QLabel("after each row:"), self.flyback):
            left_out.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.addWidget(self.explanation)
        layout.addWidget(self.choices, 1)
        for entry in (shape, left_out):
            entry.addStretch()
            layout.addLayout(entry)
        layout.addWidget(self.buttons)

    def _number(self, name: str, least: int) -> QSpinBox:
        box = QSpinBox()
        box.setObjectName(name)
        box.setRange(least, self.count)
        box.setKeyboardTracking(False)  # else every digit would be a shape
        box.setMinimumWidth(90)
        box.valueChanged.connect(self._enter)
        return box

    def _open(self, options: ScanOptions) -> Scan:
        with waiting():
            return open_with(self.path, options)

    def _add(self, layout: RowLayout, *, first: bool = False) -> QListWidgetItem:
        item = QListWidgetItem(self.choices)
        item.setTextAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._set(item, layout, first=first)
        return item

    def _set(self, item: QListWidgetItem, layout: RowLayout, *, first: bool = False) -> None:
        """Make `item` stand for a layout, and have its picture made."""
        item.setText(self._text(layout))
        item.setData(Qt.ItemDataRole.UserRole, layout)
        item.setIcon(_icon(None, layout))

        def show(picture: Picture) -> None:
            if item.data(Qt.ItemDataRole.UserRole) == layout:  # the user may have typed on
                item.setIcon(_icon(picture, layout))

        self.thumbnails.add(self._images.job(layout), show, first=first)

    def _text(self, layout: RowLayout) -> str:
        rows, columns = layout.scan_shape
        said = f"{rows} × {columns}{' (last time)' if layout == self._before else ''}"
        alike = [one for one in self._offered if one.scan_shape == layout.scan_shape]
        if layout.skip_frames or layout.flyback or len(alike) > 1:
            said += f"\nskip {layout.skip_frames}, flyback {layout.flyback}"
        return said

    def _take(self, item: QListWidgetItem | None) -> None:
        """Put the layout that was clicked into the fields."""
        if item is None:
            return
        layout = item.data(Qt.ItemDataRole.UserRole)
        boxes = self.rows, self.columns, self.skip_frames, self.flyback
        for box, value in zip(boxes, (*layout.scan_shape, layout.skip_frames, layout.flyback), strict=True):
            box.blockSignals(True)
            box.setValue(value)
            box.blockSignals(False)
        self._judge()

    def _enter(self) -> None:
        """Show what was typed as a picture of its own, after those that were offered."""
        self._judge()
        if not self.open_button.isEnabled():
            return
        layout = self.layout_chosen
        item = self._item_of(layout)
        if item is None and self._own is not None:
            item = self._own
            self._set(item, layout, first=True)
        elif item is None:
            item = self._own = self._add(layout, first=True)
        self.choices.blockSignals(True)
        self.choices.setCurrentItem(item)
        self.choices.blockSignals(False)
        self.choices.scrollToItem(item)

    def _item_of(self, layout: RowLayout) -> QListWidgetItem | None:
        items = (self.choices.item(row) for row in range(self.choices.count()))
        return next((item for item in items if item.data(Qt.ItemDataRole.UserRole) == layout), None)

    def _judge(self) -> None:
        layout = self.layout_chosen
        rows, columns = layout.scan_shape
        missing, left = layout.end - self.count, self.count - rows * columns
        if missing > 0:
            said = f"needs {layout.end:,} patterns: {missing:,} more than there are"
        elif left:
            said = f"uses {rows * columns:,} patterns and leaves out {left:,}"
        else:
            said = f"uses all {rows * columns:,} patterns"
        self.verdict.setText(said)
        self.open_button.setEnabled(missing <= 0)

    def accept(self) -> None:
        """Close only with a layout that the file can be opened with."""
        try:
            self._open(self.options)
        except ScanShapeError:
            left = self.count - self.layout_chosen.end
            self.verdict.setText(f"cannot be: {left:,} patterns would be left over")
            self.open_button.setEnabled(False)
            return
        super().accept()


def _layout_of(options: ScanOptions) -> RowLayout | None:
    if options.scan_shape is None:
        return None
    return RowLayout(options.scan_shape, options.skip_frames or 0, options.flyback or 0)


def _all_of(count: int) -> dict[str, object]:
    """Give the options that open all patterns in one row."""
    return {"scan_shape": (1, count), "skip_frames": 0, "flyback": 0, "rows": None, "columns": None}


def _icon(picture: Picture | None, layout: RowLayout) -> QIcon:
    """Give a thumbnail as an icon that is not tinted when it is selected."""
    pixmap = thumbnail(picture, layout.scan_shape, ICON)
    icon = QIcon(pixmap)
    icon.addPixmap(pixmap, QIcon.Mode.Selected)
    return icon
