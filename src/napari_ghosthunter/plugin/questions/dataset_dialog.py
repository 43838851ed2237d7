"""Which array of a file is the scan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import QHBoxLayout, QLabel, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from napari_ghosthunter.errors import GhostHunterError, ScanShapeError
from napari_ghosthunter.plugin.questions.question import Question
from napari_ghosthunter.plugin.thumbnails import FoldedImages, thumbnail
from napari_ghosthunter.plugin.window import waiting
from napari_ghosthunter.scan.readers import open_scan

PREVIEW = QSize(320, 260)
ALIKE, LONG_END, KEPT = 8, 40, 12  # letters that all names may begin and end with, and that stay beside what differs
NARROWEST, WIDEST, MARGIN = 280, 640, 32  # of the list, in pixels; beside the names


class DatasetDialog(Question):
    """Choose the array that is the scan, by its name and its picture.

    Parameters
    ----------
    path
        The file.
    shapes
        Arrays that can be chosen, with the shape of each; an empty one where that is not known.
    before
        What was chosen when the file was last opened; preselected.
    parent
        The window to open over.
    """

    def __init__(
        self,
        path: Path,
        shapes: Mapping[str, Sequence[int]],
        before: str | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(path, "Which of these is the scan?", parent)
        self.explanation.setText(f"<b>{path.name}</b> holds several arrays that could be the scan. Choose one of them.")
        self.choices = QListWidget()
        self.choices.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # long names differ anywhere; shapes stand last
        self.choices.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        for name, short in zip(shapes, short_names(list(shapes)), strict=True):
            shape = " × ".join(map(str, shapes[name]))
            item = QListWidgetItem(f"{short}   ({shape})" if shape else short, self.choices)
            item.setData(Qt.ItemDataRole.UserRole, name)
            item.setToolTip(name)
        self.choices.setMinimumWidth(max(NARROWEST, min(WIDEST, self.choices.sizeHintForColumn(0) + MARGIN)))
        self.picture = QLabel()
        self.picture.setFixedSize(PREVIEW)
        self.caption = QLabel()
        self.caption.setWordWrap(True)
        self.caption.setFixedWidth(PREVIEW.width())  # or a long word in it would widen the dialog
        right = QVBoxLayout()
        right.addWidget(self.picture)
        right.addWidget(self.caption)
        right.addStretch()
        both = QHBoxLayout()
        both.addWidget(self.choices, 1)
        both.addLayout(right)
        layout = QVBoxLayout(self)
        layout.addWidget(self.explanation)
        layout.addLayout(both, 1)
        layout.addWidget(self.buttons)
        self.choices.currentItemChanged.connect(lambda _: self._preview(self.name))
        self.choices.itemDoubleClicked.connect(self.accept)
        self.choices.setCurrentRow(list(shapes).index(before) if before is not None and before in shapes else 0)

    @property
    def name(self) -> str:
        """The array chosen."""
        return str(self.choices.currentItem().data(Qt.ItemDataRole.UserRole))

    def _preview(self, name: str) -> None:
        """Show the array as it would be opened."""
        self.thumbnails.stop()
        self.picture.clear()
        try:
            with waiting():
                scan = open_scan(self.path, dataset=name)
        except ScanShapeError:
            self.caption.setText("Patterns in one row: you will be asked for rows and columns.")
            return
        except GhostHunterError as error:  # another one of them may be whole
            self.caption.setText(str(error))
            return
        y, x, k_y, k_x = scan.shape
        self.caption.setText(f"{y} × {x} positions, patterns of {k_y} × {k_x} pixels ({scan.dtype})")
        self.picture.setPixmap(thumbnail(None, scan.scan_shape, PREVIEW))
        self.thumbnails.add(
            FoldedImages(lambda: scan).job(),
            lambda picture: self.picture.setPixmap(thumbnail(picture, scan.scan_shape, PREVIEW)),
        )


def short_names(names: Sequence[str]) -> list[str]:
    """Leave out of long names what all have in common, at both ends: '…/two/data'. What tells them apart stays."""
    if len(names) < 2:
        return list(names)
    first, alike = names[0], 0
    while all(one[alike : alike + 1] == first[alike : alike + 1] != "" for one in names):
        alike += 1
    alike = max(first.rfind("/", 0, alike), alike - KEPT, 0)  # from the group in which they differ on
    rest = [one[alike:] for one in names] if alike > ALIKE else list(names)
    end = 0
    while all(len(one) > end + 1 and one[-end - 1] == rest[0][-end - 1] for one in rest):
        end += 1
    cut = end - KEPT if end > LONG_END else 0
    begun = "…" if alike > ALIKE else ""
    return [f"{begun}{one[: len(one) - cut]}{'…' if cut else ''}" for one in rest]
