"""The page `Map`: the map of the whole scan, how sure it is, and the figures that come of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout

from napari_ghosthunter.labelling.positions import Position
from napari_ghosthunter.learning.validation import HeldOut
from napari_ghosthunter.plugin.mapper.desk import Desk
from napari_ghosthunter.plugin.mapper.mapping.figures import Figures
from napari_ghosthunter.plugin.mapper.mapping.hover import Hover
from napari_ghosthunter.plugin.mapper.mapping.map_layers import MapLayers
from napari_ghosthunter.plugin.mapper.mapping.mapping import Mapping
from napari_ghosthunter.plugin.mapper.mapping.neighbours_bar import NeighboursBar, about_neighbours, helped_in
from napari_ghosthunter.plugin.mapper.mapping.place_bar import PlaceBar
from napari_ghosthunter.plugin.mapper.mapping.probabilities import probabilities_text
from napari_ghosthunter.plugin.mapper.mapping.threshold_bar import ThresholdBar, below_text
from napari_ghosthunter.plugin.mapper.panel import Link, Panel
from napari_ghosthunter.plugin.mapper.shares import earlier_labels_text, estimate_text, held_out_text
from napari_ghosthunter.plugin.mapper.training.model_files import OPEN, OPEN_HELP
from napari_ghosthunter.session.session import Session

FIGURES_MS = 150  # between two times that the figures are worked out: not for every row, nor every step of the slider
POINT_AT = "Point at the scan to see the probabilities there."


class MapPage(Panel):
    """Maps the scan, and says what the map says.

    Parameters
    ----------
    desk, mapping, layers
        Whose session is mapped; what maps it; what shows it.

    Attributes
    ----------
    device
        Gives the device to map on.
    """

    title = "Map"

    def __init__(self, desk: Desk, mapping: Mapping, layers: MapLayers) -> None:
        super().__init__(desk)
        self.mapping, self.layers = mapping, layers
        self.device: Callable[[], str] = lambda: "auto"
        self.map_button, self.show_button = QPushButton(), QPushButton("Show layers")
        self.show_button.setToolTip("Put the layers of the map into the viewer again")
        self.place_bar, self.neighbours_bar = PlaceBar(mapping.place), NeighboursBar(mapping.neighbours)
        self.progress = QProgressBar()
        self.state, self.here = _line(), _line()
        self.here.setFixedHeight(
            2 * self.here.fontMetrics().lineSpacing() + 4
        )  # or the page would move with the cursor
        self.apply_button = QPushButton("Apply to other scans…")
        self.apply_button.setToolTip("Map other scans with this model, after a check of how they differ")
        self.threshold = ThresholdBar()
        self.open_button = QPushButton(OPEN)
        self.open_button.setToolTip(OPEN_HELP)
        self.figures = Figures()
        self.hover = Hover(desk)
        self._figures_timer = QTimer(self)
        self._figures_timer.setSingleShot(True)
        self._figures_timer.setInterval(FIGURES_MS)
        self._lay_out()
        self._connect()
        self.refresh()
        self.update_needs()

    def needs(self, session: Session | None) -> str:
        """Say what is missing for a map; nothing is if there is one, even without its model."""
        if session is None:
            return self.desk.needs
        return session.segmentation.needs if self.layers.result is None else ""

    def links(self, session: Session) -> Iterable[Link]:
        """Follow the model; of the map the layers tell, less often than there are rows."""
        yield session.training.changed, self._follow_model
        yield session.labels.changed, self._show_accuracy

    def refresh(self) -> None:
        """Show all of it anew."""
        self.open_button.setVisible(self.session is not None and self.session.model is None)
        self._show_run()
        self._show_map()
        self._show_figures()

    def showEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Follow the cursor while the page is seen."""
        super().showEvent(event)
        self.hover.turn_on()

    def hideEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Leave the viewer alone."""
        super().hideEvent(event)
        self.hover.turn_off()

    # ---- what the user does ----

    def _map_or_stop(self) -> None:
        if self.mapping.running:
            self.mapping.stop()
        else:
            self.mapping.start(self.device())

    def _show_all(self) -> None:
        self.layers.show_all()

    def _set_threshold(self, confidence: float) -> None:
        self.layers.threshold = confidence

    # ---- what is shown ----

    def _follow_model(self) -> None:
        self.update_needs()
        self.refresh()
        self._show_accuracy()

    def _follow_layers(self, *_: Any) -> None:
        self.update_needs()
        self._show_map()
        if not self._figures_timer.isActive():
            self._figures_timer.start()

    def _show_run(self) -> None:
        """Show what the button does now, and how far the map is."""
        mapping, session = self.mapping, self.session
        again = not mapping.running and self.layers.result is not None
        self.map_button.setText("Stop" if mapping.running else "Map the scan again" if again else "Map the scan")
        self.map_button.setToolTip(
            "End with the rows that are mapped"
            if mapping.running
            else session.segmentation.needs
            if session is not None and session.segmentation.needs
            else "Classify every position of the scan with the trained model"
        )
        can = session is not None and not session.segmentation.needs
        self.apply_button.setEnabled(can)
        lacks = "" if session is None or mapping.running else mapping.place.needs(session.scan)
        self.place_bar.say(lacks)
        for bar in (self.place_bar, self.neighbours_bar):
            bar.set_fixed(mapping.running)
        self.map_button.setEnabled(can and not lacks and not mapping.stopping)
        self.progress.setVisible(mapping.running)
        self.progress.setRange(0, mapping.rows if mapping.rows_done else 0)  # busy until the first rows are there
        self.progress.setValue(mapping.rows_done)
        self.progress.setFormat(f"%v of %m rows{left_text(mapping.seconds_left)}")
        self._show_state()

    def _tell_error(self) -> None:
        """Say why the latest run failed, also where it was not waited for; nothing while another one runs."""
        if self.mapping.error or self.mapping.running:
            self.error.say(self.mapping.error)

    def _show_map(self) -> None:
        """Show what is hidden of the map, and what is missing of its layers."""
        self._show_state()
        self.show_button.setVisible(self.layers.missing)
        result = self.layers.result
        self.threshold.setEnabled(result is not None)
        self.threshold.show_threshold(self.layers.threshold, below_text(result, self.layers.threshold))
        self._show_here(self.hover.position)

    def _show_state(self) -> None:
        self.state.setText(self._state())
        self.state.setVisible(bool(self.state.text()))

    def _state(self) -> str:
        """Say what came of the latest run, and how the map and the model stand to each other."""
        return " ".join(filter(None, [self._about_map(), *self.mapping.notes]))

    def _about_map(self) -> str:
        session, mapping = self.session, self.mapping
        if mapping.stopping:
            return "Stopping…" if mapping.scheduler else "Stopping after these rows…"
        if self.layers.previewing:
            return "The viewer shows a coarse preview while the training goes on."
        if session is None or mapping.running:
            return self._about_waiting()
        result = self.layers.result
        if result is None:
            return ""
        said = []
        rows, mapped = result.scan_shape[0], int(result.has_data.any(axis=1).sum())
        if mapped < rows:
            said.append(f"Only {mapped} of {rows} rows are mapped.")
        if session.model is None:
            said.append("The model of this map is not here; train one to map again.")
        elif not session.segmentation.is_current:
            said.append("This map was made by an earlier model; map the scan again.")
        said.append(about_neighbours(result, mapping.neighbours.strength))
        return " ".join(filter(None, said))

    def _about_waiting(self) -> str:
        """Say what is waited for, and what is seen meanwhile, until the first rows of a map are there."""
        session, mapping = self.session, self.mapping
        if session is None or not mapping.running or mapping.rows_done:
            return ""
        waits = f"Waiting for the first rows from {mapping.scheduler}…" if mapping.scheduler else ""
        old = self.layers.result is not None and not session.segmentation.is_current
        return " ".join(filter(None, [waits, "The map that is shown is of an earlier model still." if old else ""]))

    def _show_figures(self) -> None:
        self.figures.show_map(self.layers.result_above)
        self._show_accuracy()

    def _show_accuracy(self, *_: object) -> None:
        self.figures.show_accuracy(*accuracy(self.session))

    def _show_here(self, position: Position | None) -> None:
        result = self.layers.result
        self.here.setVisible(result is not None)
        if result is None:
            return
        inside = position is not None and all(at < size for at, size in zip(position, result.scan_shape, strict=True))
        said = POINT_AT
        if position is not None and inside:
            said = f"({position[0]}, {position[1]}):  {probabilities_text(result, position)}"
        self.here.setText(said)

    # ---- layout ----

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.addWidget(self.map_button, 1)
        buttons.addWidget(self.apply_button)
        buttons.addWidget(self.show_button)
        self.column.insertWidget(2, self.open_button)  # above the body, which is off as long as a model is missing
        column = QVBoxLayout(self.body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(buttons)
        for widget in (self.place_bar, self.neighbours_bar, self.progress, self.state, self.threshold):
            column.addWidget(widget)
        column.addWidget(self.figures, 1)
        column.addWidget(self.here)

    def _connect(self) -> None:
        self.map_button.clicked.connect(self._map_or_stop)
        self.show_button.clicked.connect(self._show_all)
        self.threshold.chosen.connect(self._set_threshold)
        self.mapping.changed.connect(self._show_run)
        self.mapping.changed.connect(self._tell_error)
        self.mapping.place.changed.connect(self._show_run)
        self.mapping.neighbours.changed.connect(self._show_state)
        self.layers.changed.connect(self._follow_layers)
        self.layers.threshold_changed.connect(self._follow_layers)
        self._figures_timer.timeout.connect(self._show_figures)
        self.hover.moved.connect(self._show_here)


def accuracy(session: Session | None) -> tuple[str, HeldOut | None]:
    """Say how good the model is, as far as is known, and what to mind."""
    if session is None:
        return "", None
    if session.model is None:
        return "Nothing is known of the accuracy: the model of this map is not here.", None
    held_out = session.model.record.held_out
    held_out = held_out.model_copy(update={"names": session.training.renames.names(held_out.names)})
    estimate = session.model.record.estimate
    sentences = [held_out_text(held_out), *held_out.cautions]
    if estimate is not None:
        sentences.insert(0, estimate_text(estimate))
    sentences.insert(0, earlier_labels_text(session))
    if session.domain_map is not None and not session.segmentation.is_current:
        sentences.append("This is of the model as it is now, not of the earlier one that made the map.")
    elif session.domain_map is not None and helped_in(session.domain_map):
        sentences.append("These figures are of the model alone, without the help of neighbours in this map.")
    return " ".join(filter(None, sentences)), held_out


def left_text(seconds: float | None) -> str:
    """Say how long it will take yet; empty if that is not known, or no time."""
    if seconds is None or seconds < 1:
        return ""
    if seconds < 90:
        return f", {seconds:.0f} s left"
    minutes = round(seconds / 60)
    return f", {minutes} min left" if minutes < 120 else f", {minutes / 60:.0f} h left"


def _line() -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    return label
