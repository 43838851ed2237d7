"""How a row of patterns folds to a scan.

A number of patterns has many factors, and a scan has no ruler in it; but with the wrong shape its image falls into
stripes. So every shape is shown by the bright field that it would give, and the eye decides.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import QHBoxLayout, QLabel, QListView, QListWidget, QListWidgetItem, QSpinBox, QVBoxLayout, QWidget

from napari_ghosthunter.errors import ScanShapeError
from napari_ghosthunter.plugin.questions.question import Question
from napari_ghosthunter.plugin.thumbnails import FoldedImages, Picture, thumbnail
from napari_ghosthunter.plugin.window import waiting
from napari_ghosthunter.scan.readers import open_scan
from napari_ghosthunter.scan.scan import Scan

OFFERED = 8  # shapes: two rows of pictures
ICON = QSize(150, 120)
MARGIN = QSize(16, 44)  # around a picture and its two lines of text

ScanShape = tuple[int, int]


class ShapeDialog(Question):
    """Choose the scan shape by the picture that it gives, or enter another one.

    Parameters
    ----------
    path, dataset
        The file, and the array in it where there are several.
    shapes
        Plausible (scan_y, scan_x), best first.
    before
        What was chosen when the file was last opened; preselected.
    parent
        The window to open over.
    """

    def __init__(
        self,
        path: Path,
        dataset: str | None,
        shapes: Sequence[ScanShape],
        before: ScanShape | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(path, "How was this scan recorded?", parent)
        self._dataset = dataset
        self._before = before
        self.count = max(math.prod(shape) for shape in shapes)
        self._images = FoldedImages(lambda: self._open((1, self.count)))
        self._own: QListWidgetItem | None = None
        self._build()
        offered = list(dict.fromkeys([*([before] if before else []), *shapes]))[:OFFERED]
        for shape in offered:
            self._add(shape)
        self.choices.setCurrentRow(0)

    @property
    def scan_shape(self) -> ScanShape:
        """(scan_y, scan_x) as it stands in the two fields."""
        return self.rows.value(), self.columns.value()

    def _build(self) -> None:
        self.explanation.setText(
            f"<b>{self.path.name}</b> holds {self.count:,} diffraction patterns one after the other, but does not say "
            "in how many rows and columns they were taken. Choose the picture that looks right; with wrong numbers it "
            "falls into stripes."
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
        self.rows, self.columns = self._number("rows"), self._number("columns")
        self.verdict = QLabel()
        entry = QHBoxLayout()
        for widget in (QLabel("Rows × columns:"), self.rows, QLabel("×"), self.columns, self.verdict):
            entry.addWidget(widget)
        entry.addStretch()
        layout = QVBoxLayout(self)
        layout.addWidget(self.explanation)
        layout.addWidget(self.choices, 1)
        layout.addLayout(entry)
        layout.addWidget(self.buttons)

    def _number(self, name: str) -> QSpinBox:
        box = QSpinBox()
        box.setObjectName(name)
        box.setRange(1, self.count)
        box.setKeyboardTracking(False)  # else every digit would be a shape
        box.setMinimumWidth(90)
        box.valueChanged.connect(self._enter)
        return box

    def _open(self, shape: ScanShape) -> Scan:
        with waiting():
            return open_scan(self.path, scan_shape=shape, dataset=self._dataset)

    def _add(self, shape: ScanShape, *, first: bool = False) -> QListWidgetItem:
        item = QListWidgetItem(self.choices)
        item.setTextAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._set(item, shape, first=first)
        return item

    def _set(self, item: QListWidgetItem, shape: ScanShape, *, first: bool = False) -> None:
        """Make `item` stand for a shape, and have its picture made."""
        said = " (last time)" if shape == self._before else ""
        item.setText(f"{shape[0]} × {shape[1]}{said}")
        item.setData(Qt.ItemDataRole.UserRole, shape)
        item.setIcon(_icon(None, shape))

        def show(picture: Picture) -> None:
            if tuple(item.data(Qt.ItemDataRole.UserRole)) == shape:  # the user may have typed on
                item.setIcon(_icon(picture, shape))

        self.thumbnails.add(self._images.job(shape), show, first=first)

    def _take(self, item: QListWidgetItem | None) -> None:
        """Put the shape that was clicked into the two fields."""
        if item is None:
            return
        for box, value in zip((self.rows, self.columns), item.data(Qt.ItemDataRole.UserRole), strict=True):
            box.blockSignals(True)
            box.setValue(value)
            box.blockSignals(False)
        self._judge()

    def _enter(self) -> None:
        """Show what was typed as a picture of its own, after those that were offered."""
        self._judge()
        if not self.open_button.isEnabled():
            return
        shape = self.scan_shape
        item = self._item_of(shape)
        if item is None and self._own is not None:
            item = self._own
            self._set(item, shape, first=True)
        elif item is None:
            item = self._own = self._add(shape, first=True)
        self.choices.blockSignals(True)
        self.choices.setCurrentItem(item)
        self.choices.blockSignals(False)
        self.choices.scrollToItem(item)

    def _item_of(self, shape: ScanShape) -> QListWidgetItem | None:
        items = (self.choices.item(row) for row in range(self.choices.count()))
        return next((item for item in items if tuple(item.data(Qt.ItemDataRole.UserRole)) == shape), None)

    def _judge(self) -> None:
        wanted = math.prod(self.scan_shape)
        left = self.count - wanted
        if left < 0:
            said = f"needs {wanted:,} patterns: {-left:,} more than there are"
        elif left:
            said = f"uses {wanted:,} patterns and leaves out {left:,}"
        else:
            said = f"uses all {wanted:,} patterns"
        self.verdict.setText(said)
        self.open_button.setEnabled(left >= 0)

    def accept(self) -> None:
        """Close only with a shape that the file can be opened with."""
        try:
            self._open(self.scan_shape)
        except ScanShapeError:
            left = self.count - math.prod(self.scan_shape)
            self.verdict.setText(f"cannot be: {left:,} patterns would be left over")
            self.open_button.setEnabled(False)
            return
        super().accept()


def _icon(picture: Picture | None, shape: ScanShape) -> QIcon:
    """Give a thumbnail as an icon that is not tinted when it is selected."""
    pixmap = thumbnail(picture, shape, ICON)
    icon = QIcon(pixmap)
    icon.addPixmap(pixmap, QIcon.Mode.Selected)
    return icon
