"""The controls with which bad pixels are painted on a pattern."""

from __future__ import annotations

from qtpy.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QPushButton, QSpinBox, QWidget

from napari_ghosthunter.plugin.qt import Signal


class MaskBar(QWidget):
    """Paint, erase, brush size, a mask from a file; use what is painted, or leave it."""

    brush_changed = Signal(bool, int)  # whether it paints (or erases), and its size in detector pixels
    open_asked = Signal()
    use_asked = Signal()
    cancel_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.paint_button, self.erase_button = QPushButton("Paint"), QPushButton("Erase")
        self.paint_button.setToolTip("Drag over bad pixels and the beam stop to leave them out")
        self.erase_button.setToolTip("Drag over pixels that are good after all")
        group = QButtonGroup(self)
        for button in (self.paint_button, self.erase_button):
            button.setCheckable(True)
            button.clicked.connect(self._tell)
            group.addButton(button)
        self.brush_box = QSpinBox()
        self.brush_box.setRange(1, 99)
        self.brush_box.setSuffix(" px")
        self.brush_box.setToolTip("Width of the brush")
        self.brush_box.valueChanged.connect(self._tell)
        self.open_button = QPushButton("Open…")
        self.open_button.setToolTip("Take the bad pixels from a .npy or .tif file, where they are not 0")
        self.open_button.clicked.connect(lambda _: self.open_asked.emit())
        self.use_button, cancel = QPushButton("Use"), QPushButton("Cancel")
        self.use_button.setToolTip("Leave the painted pixels out from now on; paint none to use all pixels")
        self.use_button.clicked.connect(lambda _: self.use_asked.emit())
        cancel.clicked.connect(lambda _: self.cancel_asked.emit())
        self.cancel_button = cancel
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for widget in (
            self.paint_button, self.erase_button, self.brush_box, self.open_button, QLabel(), self.use_button, cancel,
        ):  # fmt: skip
            row.addWidget(widget)
        self.hide()

    def begin(self, size: int) -> None:
        """Show the controls, ready to paint with a brush of this size."""
        self.paint_button.setChecked(True)
        self.brush_box.setValue(size)
        self.show()
        self._tell()

    def _tell(self, *_: object) -> None:
        self.brush_changed.emit(self.paint_button.isChecked(), self.brush_box.value())
