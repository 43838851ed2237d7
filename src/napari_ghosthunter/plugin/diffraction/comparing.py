"""Class means for the strip below the pattern: computed beside the window, only while they are shown."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer

from napari_ghosthunter.plugin.background import Background
from napari_ghosthunter.plugin.diffraction.class_means import ClassMean, ClassPatterns, class_means
from napari_ghosthunter.plugin.diffraction.class_strip import NO_LABELS, ClassStrip, coloured
from napari_ghosthunter.plugin.diffraction.display import Display, displayed
from napari_ghosthunter.plugin.qt import Signal
from napari_ghosthunter.scan.scan import Scan

PAUSE_MS = 300  # labels come one after the other; their means need not


class Comparing(QObject):
    """Keeps the strip of class means in step with the labels."""

    chosen = Signal(object)  # the ClassMean to show large, or None

    def __init__(self, strip: ClassStrip) -> None:
        super().__init__()
        self.strip = strip
        self.background = Background()
        self.means: dict[str, ClassMean] = {}
        self._classes: ClassPatterns = {}
        self._scan: Scan | None = None
        self._look: tuple[Display, float, tuple[float, float], str] = ("log", 1.0, (0.0, 1.0), "gray")
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PAUSE_MS)
        self._timer.timeout.connect(self._start)
        strip.wanted.connect(lambda on: self.resume() if on else self.pause())
        strip.chosen.connect(lambda name: self.chosen.emit(self.means.get(name)))

    def open(self, scan: Scan | None) -> None:
        """Turn to another scan, whose labels are still to come."""
        self._scan = scan
        self._clear()
        self.set_classes({})

    def set_classes(self, classes: ClassPatterns) -> None:
        """Take the classes with their colours and labelled positions."""
        self._classes = {name: (colour, list(positions)) for name, (colour, positions) in classes.items()}
        self.strip.setVisible(bool(classes))  # nothing to show, and nothing a user could do about it from here
        self.resume()

    def set_look(self, display: Display, floor: float, limits: tuple[float, float], colours: str) -> None:
        """Draw the thumbnails as the pattern is drawn."""
        look = (display, floor, limits, colours)
        if look != self._look:
            self._look = look
            for name, mean in self.means.items():
                self.strip.redraw(name, self._picture(mean))

    def pause(self) -> None:
        """Stop computing."""
        self._timer.stop()
        self.background.stop()

    def sleep(self) -> None:
        """Pause, and let the thread go."""
        self.pause()
        self.background.close()

    def resume(self) -> None:
        """Compute anew, if anyone looks."""
        if self.strip.toggle.isChecked():
            self._timer.start()

    def _start(self) -> None:
        self._clear()
        labelled = any(positions for _, positions in self._classes.values())
        if self._scan is None or not labelled:
            self.background.stop()  # of labels that are gone
            self.strip.say(NO_LABELS)
            return
        self.strip.say("Averaging the labelled patterns…")
        self.background.start(partial(class_means, self._scan, self._classes), self._take, self._fail)

    def _clear(self) -> None:
        self.chosen.emit(None)
        self.means = {}
        self.strip.clear()

    def _take(self, mean: ClassMean | None) -> None:
        if mean is None:
            return
        self.strip.say("")
        self.means[mean.name] = mean
        self.strip.add(mean, self._picture(mean))

    def _fail(self, message: str) -> None:
        self.strip.say(f"The class means could not be computed. {message}")

    def _picture(self, mean: ClassMean) -> NDArray[np.uint8]:
        display, floor, limits, colours = self._look
        return coloured(displayed(mean.pattern, display, floor), limits, colours)
