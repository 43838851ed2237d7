"""The drawing of a `PatternView`: napari's canvas, in a dock that may be floated, tabbed and closed.

Qt gives a dock that is floated or docked again another window, and a second OpenGL canvas that goes along with it
aborts the process. It is hidden before that, always: so the canvas is let go when hidden and made again when shown,
and closing the dock needs no other care.
"""

from __future__ import annotations

from typing import Any

from napari._qt.qt_viewer import QtViewer
from qtpy.QtCore import QCoreApplication, QEvent, Qt, QTimer
from qtpy.QtWidgets import QLabel, QStackedLayout, QWidget

from napari_ghosthunter.plugin.diffraction.pattern_view import PatternView
from napari_ghosthunter.plugin.diffraction.scale_bar import ScaleBar
from napari_ghosthunter.plugin.own_context import delete_drawn, delete_in_own_context
from napari_ghosthunter.scan.units import pretty


class PatternCanvas(QWidget):
    """Shows a `PatternView`, or a few words where there is nothing to show."""

    def __init__(self, view: PatternView) -> None:
        super().__init__()
        self.view = view
        self.drawing: Any = None
        self._making = False
        self.words = QLabel()
        self.words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.words.setWordWrap(True)
        self.scale_bar = ScaleBar(self)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.words)
        self._asleep = True
        self._empty = True
        self._fitted: tuple[float, ...] | None = None  # camera, as it was when the pattern last filled the canvas
        self.setMinimumHeight(180)

    @property
    def making(self) -> bool:
        """Whether the canvas is just being made: Qt may hide and show everything around it meanwhile."""
        return self._making

    def say(self, words: str) -> None:
        """Show words instead of a pattern; none to show the pattern."""
        self._empty = bool(words)
        self.words.setText(words)
        self._choose()

    def wake(self) -> None:
        """Make the canvas, once the window that it will lie in is settled."""
        self._asleep = False
        QTimer.singleShot(0, self._make)

    def sleep(self) -> None:
        """Let the canvas go. What Qt hides while a canvas is made is shown again at once, and must stay."""
        if self._making:
            return
        self._asleep = True
        drawing, self.drawing = self.drawing, None
        if drawing is None:
            return
        self._stack.removeWidget(drawing)
        self.view.renew()
        delete_drawn(drawing)
        drawing.setParent(None)
        drawing.close()
        QCoreApplication.sendPostedEvents(drawing, QEvent.Type.DeferredDelete)

    def _make(self) -> None:
        if self._asleep or self.drawing is not None or not self.isVisible():
            return
        self._making = True
        try:
            self.drawing = QtViewer(self.view.viewer)
            delete_in_own_context(self.drawing)
            self.drawing.canvas.native.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # keys are for the main canvas
            self.drawing.setAcceptDrops(False)  # a file dropped here is for the main window
            self._stack.addWidget(self.drawing)
            self.view.viewer.scene.camera.events.zoom.connect(self._rescale)
        finally:
            self._making = False
        self._choose()
        QTimer.singleShot(0, self._fit_again)

    def fit(self) -> None:
        """Let the pattern fill the canvas, and go on doing so until the user zooms or pans."""
        self.view.viewer.reset_view()
        self._fitted = self._camera()

    def resizeEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Keep the pattern filling the canvas."""
        super().resizeEvent(event)
        self.scale_bar.place()
        QTimer.singleShot(0, self._fit_again)

    def _fit_again(self) -> None:
        if self.drawing is not None and self._fitted in (None, self._camera()):
            self.fit()

    def _camera(self) -> tuple[float, ...]:
        camera = self.view.viewer.scene.camera
        return (camera.zoom, *camera.center)

    def _choose(self) -> None:
        empty = self._empty or self.drawing is None
        self._stack.setCurrentWidget(self.words if empty else self.drawing)
        self.scale_bar.setVisible(not empty)
        self._rescale()

    def _rescale(self, _event: Any = None) -> None:
        self.scale_bar.set_scale(self.view.viewer.scene.camera.zoom, pretty(self.view.k_units))
        self.scale_bar.place()
