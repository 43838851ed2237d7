"""A monkey at a napari window: does what any hand could do, in any order, without waiting for what it set going.

Every action has a chance of its own, drawn from the seed and its number, so that a run can be repeated: what threads
bring may come earlier or later, and the actions go on the same.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from qtpy.compat import isalive
from qtpy.QtCore import QEventLoop, QPoint, Qt, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QFileDialog,
    QLineEdit,
    QMessageBox,
    QWidget,
)

from napari_ghosthunter.plugin.docks import DIFFRACTION, MAPPER, find_dock, open_dock
from napari_ghosthunter.plugin.layers import scan_of
from napari_ghosthunter.plugin.window import canvas_of

LEFT = Qt.MouseButton.LeftButton
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
PLAIN = Qt.KeyboardModifier.NoModifier
KEYS = [
    *((getattr(Qt.Key, f"Key_{digit}"), PLAIN) for digit in range(1, 10)),
    *((getattr(Qt.Key, f"Key_{name}"), PLAIN) for name in ("Left", "Right", "Up", "Down", "Delete", "Escape", "Space")),
    (Qt.Key.Key_N, PLAIN), (Qt.Key.Key_Backspace, PLAIN),
    *[(Qt.Key.Key_Z, CTRL), (Qt.Key.Key_Z, CTRL | SHIFT)] * 3,
]  # fmt: skip
CLICKABLE = 10  # pixels; in a small window the docks leave the canvas less
MOST_SCANS = 4  # in the viewer at once
NOT_LABELLING = "the labels stay as they are"


def leaves_labels(action: Callable[..., str]) -> Callable[..., str]:
    """Mark an action of the monkey that is no labelling, whatever it does besides."""
    action.__dict__[NOT_LABELLING] = True
    return action


class Monkey:
    """Acts on a viewer with both docks.

    Parameters
    ----------
    viewer
        The viewer, in a window.
    files
        Scans to open.
    folder
        Where it may write.
    seed
        What it does.
    diary
        File that tells each action before it is done, so that it is known where a process stood still or died.

    Attributes
    ----------
    log
        The last actions.
    open
        Names of the docks that it has not closed.
    """

    def __init__(self, viewer: Any, files: list[Path], folder: Path, seed: int, diary: Path) -> None:
        self.viewer, self.files, self.folder, self.seed, self.diary = viewer, files, folder, seed, diary
        self.log: deque[str] = deque(maxlen=20)
        self.open = {MAPPER, DIFFRACTION}
        self.done = 0
        self._chance = random.Random(seed)
        self._answers = random.Random(seed + 1)  # of dialogs
        self._hands_up = False
        self.actions: list[tuple[int, Callable[[], str]]] = [
            (16, self.press_button), (5, self.go_along_the_way), (14, self.press_key), (6, self.click_canvas),
            (4, self.drag_canvas), (5, self.turn_page), (3, self.turn_knob), (3, self.choose_in_box),
            (4, self.rename_class), (4, self.meddle_with_layer), (2, self.delete_layer), (3, self.choose_tool),
            (3, self.open_scan), (3, self.choose_scan), (2, self.turn_to_3d), (2, self.close_or_open_dock),
            (1, self.float_dock), (2, self.resize),
        ]  # fmt: skip

    @property
    def mapper(self) -> Any:
        """The Domain mapper, if it is open."""
        return find_dock(self.viewer, MAPPER)

    @property
    def diffraction(self) -> Any:
        """The Diffraction viewer, if it is open."""
        return find_dock(self.viewer, DIFFRACTION)

    def act(self) -> Callable[[], str]:
        """Do something, give the window some time or none, and tell which action it was."""
        self.done += 1
        chance = self._chance = random.Random(f"{self.seed}/{self.done}")
        weights, actions = zip(*self.actions, strict=True)
        (action,) = chance.choices(actions, weights)
        begun = f"{self.done}: {action.__name__} …"
        self._note(begun)
        loop = QEventLoop()  # a slot that is called outside of any would take the user for a script

        def go() -> None:
            try:
                done = f"{self.done}: {action.__name__}: {action()}"
                self._write(done)
                self.log[self.log.index(begun) if begun in self.log else -1] = done
            finally:
                loop.quit()

        QTimer.singleShot(0, go)
        loop.exec()
        QTest.qWait(chance.choice([0, 0, 5, 20, 60]))
        return action

    # ---- on the docks ----

    def press_button(self) -> str:
        """Click any button that can be seen."""
        buttons = [one for one in self._shown(QAbstractButton) if one.isEnabled()]
        return self._click(self._chance.choice(buttons)) if buttons else "none"

    def go_along_the_way(self) -> str:
        """Do the next thing that leads to a map, wherever it is."""
        mapper = self.mapper
        if mapper is None:
            return "no mapper"
        page = mapper.label_page
        steps = [
            (page, page.paper_button), (page, page.propose_button), (mapper.train_page, mapper.train_page.train_button),
            (mapper.map_page, mapper.map_page.map_button), (page, page.undo_button), (page, page.unsure_button),
            (page, page.live.tick),
        ]  # fmt: skip
        page, button = self._chance.choice(steps)
        mapper.show_page(page)
        return self._click(button) if button.isVisible() and button.isEnabled() else "cannot be clicked"

    @leaves_labels
    def turn_page(self) -> str:
        """Show another page."""
        mapper = self.mapper
        if mapper is None or not mapper.isVisible():
            return "no mapper"
        bar = mapper.tabs.tabBar()
        index = self._chance.randrange(bar.count())
        QTest.mouseClick(bar, LEFT, PLAIN, bar.tabRect(index).center())
        return mapper.tabs.tabText(index)

    @leaves_labels
    def turn_knob(self) -> str:
        """Move a slider or a number by keys."""
        knobs = [*self._shown(QAbstractSpinBox), *self._shown(QAbstractSlider)]
        knobs = [one for one in knobs if one.isEnabled()]
        if not knobs:
            return "none"
        knob = self._chance.choice(knobs)
        key = self._chance.choice([Qt.Key.Key_Up, Qt.Key.Key_Down])
        for _ in range(self._chance.randint(1, 3)):
            QTest.keyClick(knob, key)
        return f"{type(knob).__name__} {knob.toolTip()[:30]!r}"

    @leaves_labels
    def choose_in_box(self) -> str:
        """Choose something else in a box."""
        boxes = [one for one in self._shown(QComboBox) if one.isEnabled()]
        if not boxes:
            return "none"
        box = self._chance.choice(boxes)
        QTest.keyClick(box, self._chance.choice([Qt.Key.Key_Up, Qt.Key.Key_Down]))
        return box.currentText() if isalive(box) else "gone with it"

    def rename_class(self) -> str:
        """Write another name into the table of classes, and leave it so at times."""
        mapper = self.mapper
        table = None if mapper is None else mapper.label_page.table
        if table is None or not table.isVisible() or not table.rowCount():
            return "no table"
        item = table.item(self._chance.randrange(table.rowCount()), 1)
        place = table.visualItemRect(item).center()
        QTest.mouseClick(table.viewport(), LEFT, PLAIN, place)
        QTest.mouseDClick(table.viewport(), LEFT, PLAIN, place)
        editors = [one for one in table.findChildren(QLineEdit) if one.isVisible()]
        if not editors:
            return "no editor"
        QTest.keyClicks(editors[-1], self._chance.choice(["wall", "b", " ", "none", "vertical"]))
        key = self._chance.choice([Qt.Key.Key_Return, Qt.Key.Key_Escape, None])
        if key is not None:
            QTest.keyClick(editors[-1], key)
        return "written" if key == Qt.Key.Key_Return else "begun"

    # ---- on the canvas ----

    def press_key(self) -> str:
        """Press a key on the canvas, or where the keyboard is."""
        key, modifiers = self._chance.choice(KEYS)
        canvas, focused = canvas_of(self.viewer), QApplication.focusWidget()
        target = canvas if focused is None or self._chance.random() < 0.8 else focused
        for _ in range(self._chance.randint(1, 3)):
            if isalive(target):
                QTest.keyClick(target, key, modifiers)
        return f"{Qt.Key(key).name} {'' if modifiers == PLAIN else modifiers} on {type(target).__name__}"

    def click_canvas(self) -> str:
        """Click on the image of the scan, or on the pattern."""
        canvas = self._canvas()
        if canvas is None:
            return "none to be seen"
        place = self._place(canvas)
        QTest.mouseMove(canvas, place)
        QTest.mouseClick(canvas, LEFT, PLAIN, place)
        return f"{place.x()}, {place.y()}"

    def drag_canvas(self) -> str:
        """Drag with whatever tool there is."""
        canvas = self._canvas()
        if canvas is None:
            return "none to be seen"
        places = [self._place(canvas) for _ in range(4)]
        QTest.mousePress(canvas, LEFT, PLAIN, places[0])
        for place in places[1:]:
            QTest.mouseMove(canvas, place)
            QTest.qWait(12)  # vispy drops what comes faster
        QTest.mouseRelease(canvas, LEFT, PLAIN, places[-1])
        return f"{places[0].x()}, {places[0].y()} to {places[-1].x()}, {places[-1].y()}"

    @leaves_labels
    def choose_tool(self) -> str:
        """Click something among napari's controls of the active layer, but for its histogram.

        napari 0.9 works off events in the middle of taking out a layer whose histogram is open, and then draws a row
        of its list that is no longer there.
        """
        controls = self.viewer.window._qt_viewer.controls
        buttons = [
            one for one in controls.findChildren(QAbstractButton)
            if one.isVisible() and one.isEnabled() and "histogram" not in one.toolTip().lower()
        ]  # fmt: skip
        return self._click(self._chance.choice(buttons)) if buttons else "none"

    @leaves_labels
    def turn_to_3d(self) -> str:
        """See the layers in 3D, or in 2D again."""
        self.viewer.dims.ndisplay = 5 - self.viewer.dims.ndisplay
        return str(self.viewer.dims.ndisplay)

    # ---- on the layers ----

    @leaves_labels
    def meddle_with_layer(self) -> str:
        """Choose, hide, rename, move or fade a layer."""
        layers = self.viewer.layers
        if not layers:
            return "none"
        layer = self._chance.choice(list(layers))
        how = self._chance.choice(["choose", "choose", "hide", "rename", "move", "fade"])
        if how == "choose":
            layers.selection.active = layer
        elif how == "hide":
            layer.visible = not layer.visible
        elif how == "rename":
            layer.name = self._chance.choice(["Domains", "Sample points", "mine", "Live map"])
        elif how == "move":
            layers.move(layers.index(layer), self._chance.randrange(len(layers) + 1))
        else:
            layer.opacity = self._chance.random()
        return f"{how} {layer.name}"

    @leaves_labels
    def delete_layer(self) -> str:
        """Delete a layer, one that was just made as likely as the scan itself."""
        layers = self.viewer.layers
        if not layers:
            return "none"
        layer = self._chance.choice(list(layers))
        layers.selection.active = layer
        layers.remove_selected()
        return layer.name

    @leaves_labels
    def open_scan(self) -> str:
        """Open a file, as File > Open does."""
        if sum(scan_of(layer) is not None for layer in self.viewer.layers) >= MOST_SCANS:
            return "enough"
        path = self._chance.choice(self.files)
        self.viewer.open(path, plugin="napari-ghosthunter")
        self.open = {MAPPER, DIFFRACTION}  # they come with the scan
        return path.name

    @leaves_labels
    def choose_scan(self) -> str:
        """Turn to another scan, or go on with earlier work, or begin anew."""
        mapper = self.mapper
        if mapper is None:
            return "no mapper"
        mapper.show_page(mapper.scan_page)
        banner, choice = mapper.banner, mapper.scan_page.choice
        if banner.isVisible() and self._chance.random() < 0.7:
            return self._click(self._chance.choice([banner.go_on, banner.go_on, banner.anew]))
        if choice.isVisible() and choice.isEnabled():
            QTest.keyClick(choice, self._chance.choice([Qt.Key.Key_Up, Qt.Key.Key_Down]))
            return choice.currentText()
        return "no choice"

    # ---- on the window ----

    @leaves_labels
    def close_or_open_dock(self) -> str:
        """Close a dock for good, or open it again."""
        closed = [name for name in (MAPPER, DIFFRACTION) if find_dock(self.viewer, name) is None]
        name = self._chance.choice(closed or [MAPPER, DIFFRACTION])
        widget = find_dock(self.viewer, name)
        if widget is None:
            open_dock(self.viewer, name)
            self.open.add(name)
            return f"open {name}"
        widget.parent().destroyOnClose()
        self.open.discard(name)
        return f"close {name}"

    @leaves_labels
    def float_dock(self) -> str:
        """Take a dock out of the window, or put it back."""
        widget = find_dock(self.viewer, self._chance.choice([MAPPER, DIFFRACTION]))
        if widget is None:
            return "not open"
        dock = widget.parent()
        dock.setFloating(not dock.isFloating())
        return f"{dock.windowTitle()} {'out' if dock.isFloating() else 'in'}"

    @leaves_labels
    def resize(self) -> str:
        """Give the window another size."""
        width, height = self._chance.randint(700, 1500), self._chance.randint(500, 950)
        self.viewer.window._qt_window.resize(width, height)
        return f"{width} x {height}"

    # ---- dialogs: they block whoever opened them, so a timer answers ----

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Answer every dialog while the block runs."""
        self._hands_up = False
        QTimer.singleShot(30, self._answer)
        try:
            yield
        finally:
            self._hands_up = True

    def _answer(self) -> None:
        if self._hands_up:
            return
        QTimer.singleShot(30, self._answer)  # first: an answer may open the next dialog
        popup, dialog = QApplication.activePopupWidget(), QApplication.activeModalWidget()
        if popup is not None:
            popup.close()
        elif isinstance(dialog, QFileDialog):
            self._answer_files(dialog)
        elif isinstance(dialog, QMessageBox):
            button = self._answers.choice(dialog.buttons())
            self._note(f"   … {dialog.windowTitle()!r} answered {button.text()!r}")
            button.click()
        elif isinstance(dialog, QDialog):
            self._note(f"   … {type(dialog).__name__} answered")
            (dialog.accept if self._answers.random() < 0.5 else dialog.reject)()

    def _answer_files(self, dialog: QFileDialog) -> None:
        there = sorted(path.name for path in self.folder.iterdir() if path.is_file())
        if dialog.fileMode() == QFileDialog.FileMode.Directory:
            names = [""]
        elif dialog.acceptMode() == QFileDialog.AcceptMode.AcceptSave:
            names = ["one", "two", *there]
        else:
            names = there
        name = self._answers.choice(names) if names and self._answers.random() < 0.7 else None
        if name in {file.name for file in self.files} and dialog.acceptMode() == QFileDialog.AcceptMode.AcceptSave:
            name = None  # a scan is a day at the microscope
        self._note(f"   … {dialog.windowTitle()!r} answered {name!r}")
        if name is None:
            dialog.reject()
            return
        dialog.setDirectory(str(self.folder))
        if name:
            dialog.selectFile(name)
        dialog.accept()
        if dialog.isVisible():
            dialog.reject()

    # ---- inside ----

    def _note(self, words: str) -> None:
        self.log.append(words)
        self._write(words)

    def _write(self, words: str) -> None:
        with self.diary.open("a", encoding="utf-8") as diary:
            diary.write(f"{words}\n")

    def _shown(self, kind: type[QWidget]) -> list[Any]:
        """Give what can be seen of a kind, in the docks and in the window that maps other scans."""
        mapper = self.mapper
        roots = [mapper, self.diffraction, None if mapper is None else mapper.apply_dialog]
        return [
            one for root in roots if root is not None and root.isVisible() for one in root.findChildren(kind)
            if one.isVisible() and one.window().isVisible()
        ]  # fmt: skip

    def _click(self, button: Any) -> str:
        name = f"{type(button).__name__} {button.text() or button.toolTip()[:40]!r}"
        QTest.mouseClick(button, LEFT)
        return name

    def _canvas(self) -> Any:
        drawing = None if self.diffraction is None else self.diffraction.canvas.drawing
        main = drawing is None or self._chance.random() < 0.7
        canvas = canvas_of(self.viewer) if main else drawing.canvas.native
        return canvas if canvas.isVisible() and min(canvas.width(), canvas.height()) > CLICKABLE else None

    def _place(self, canvas: Any) -> QPoint:
        middle, reach = canvas.rect().center(), min(canvas.width(), canvas.height()) // 2
        return middle + QPoint(*(round(self._chance.triangular(-reach, reach)) for _ in range(2)))
