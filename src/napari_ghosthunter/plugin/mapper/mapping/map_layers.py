"""The map in the viewer: three layers above the scan that follow the session's map, row by row as it is computed.

What a user does to a layer counts: one that was deleted is not made again before the next map, a new name or opacity
stays. When the session goes its layers stay as results, and are taken up again when it comes back.
"""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QObject, QTimer

from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.plugin.layers import GEOMETRY, geometry
from napari_ghosthunter.plugin.mapper.desk import Desk
from napari_ghosthunter.plugin.mapper.hidden_layers import HiddenLayers
from napari_ghosthunter.plugin.mapper.mapping.result_layers import (
    DOMAINS,
    KINDS,
    colour_classes,
    make_layer,
    mark_of,
    pixels_of,
    put_rows,
)
from napari_ghosthunter.plugin.mapper.mapping.result_map import ResultMap
from napari_ghosthunter.plugin.mapper.mapping.warming import Warming
from napari_ghosthunter.plugin.qt import Signal
from napari_ghosthunter.session.session import Session

REDRAW_MS = 100  # rows that come in between are drawn together
PREVIEW = " (preview)"


class MapLayers(QObject):
    """Shows the map of the desk's session, or a preview of the one to come.

    Signals
    -------
    changed()
        Another map is shown, more rows of it, in other names or colours, or a layer is gone.
    threshold_changed(confidence)
        Positions of less confidence are hidden now.
    """

    changed = Signal()
    threshold_changed = Signal(float)

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.session: Session | None = None
        self._result: ResultMap | None = None
        self._preview: DomainMap | None = None
        self._threshold = 0.0
        self._others = HiddenLayers()  # the maps of other scans
        self._layers: dict[str, Any] = {}
        self._new_rows: tuple[int, int] | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REDRAW_MS)
        self._timer.timeout.connect(self._draw_new_rows)
        self._warming = Warming()
        self._warming.done.connect(self._draw_new_rows)
        desk.session_changed.connect(self._turn)

    # ---- what is shown ----

    @property
    def result(self) -> DomainMap | None:
        """The session's map in the classes' colours of now; a preview never counts."""
        return None if self._result is None else self._result.domain_map

    @property
    def result_above(self) -> DomainMap | None:
        """`result` without the positions below the threshold."""
        return None if self._result is None else self._result.above(self._threshold)

    @property
    def previewing(self) -> bool:
        """Whether the layers show a preview."""
        return self._preview is not None

    @property
    def threshold(self) -> float:
        """Positions with a confidence below it are hidden, 0 for none."""
        return self._threshold

    @threshold.setter
    def threshold(self, confidence: float) -> None:
        if confidence != self._threshold:
            self._threshold = confidence
            self._draw(only=DOMAINS)
            self.threshold_changed.emit(confidence)

    @property
    def missing(self) -> bool:
        """Whether there is a map, but not all of its layers."""
        return self._new_rows is None and self.result is not None and len(self._present()) < len(KINDS)

    def show_all(self) -> None:
        """Make the layers that were deleted again, and let the classes be seen."""
        if self._map is not None and self._warming.ready:
            self._make_missing()
            self._draw()
            self._layers[DOMAINS].visible = True
            self.changed.emit()

    def show_preview(self, domain_map: DomainMap) -> None:
        """Show a preview of the map to come, in place of the session's.

        Parameters
        ----------
        domain_map
            Of the shape of the scan.
        """
        if self.session is None or domain_map.scan_shape != self.session.scan.scan_shape:
            return
        if not self._warming.ready:  # the next preview will find it ready
            self._warming.start()
            return
        first, self._preview = self._preview is None, domain_map.recoloured(self.session.labels.classes)
        if first:
            self._make_missing()
        self._draw()
        self.changed.emit()

    def end_preview(self) -> None:
        """Show the session's map again; without one the layers go."""
        if self._preview is None:
            return
        self._preview = None
        if self.result is None:
            self._remove()
        else:
            self._draw()
        self.changed.emit()

    # ---- following the session ----

    def _turn(self, session: Session | None) -> None:
        if session is self.session:
            return
        self._leave()
        self.session = session
        if session is None:
            return
        self._result = ResultMap(session)
        session.training.changed.connect(self._warming.start)
        session.segmentation.changed.connect(self._follow_map)
        session.labels.changed.connect(self._follow_labels)
        self.desk.viewer.layers.events.removed.connect(self._follow_layers)
        self._hide_others()
        if self.result is not None:
            self._take_up()
            self._new_rows = 0, session.scan.scan_shape[0]
            self._draw_new_rows()
        self.changed.emit()

    def _leave(self) -> None:
        if self.session is None:
            return
        self.session.training.changed.disconnect(self._warming.start)
        self.session.segmentation.changed.disconnect(self._follow_map)
        self.session.labels.changed.disconnect(self._follow_labels)
        self.desk.viewer.layers.events.removed.disconnect(self._follow_layers)
        self._draw_new_rows()
        self.end_preview()
        self.session, self._result, self._layers, self._new_rows = None, None, {}, None
        self.changed.emit()

    def _follow_map(self, start: int, stop: int) -> None:
        rows = self._new_rows or (start, stop)
        self._new_rows = min(rows[0], start), max(rows[1], stop)
        if not self._timer.isActive():
            self._timer.start()

    def _follow_labels(self, *_: Any) -> None:
        if self._result is not None and self._result.outdated:
            self._draw()
            self.changed.emit()

    def _follow_layers(self, event: Any) -> None:
        if any(event.value is layer for layer in self._layers.values()):
            self.changed.emit()

    def _draw_new_rows(self) -> None:
        self._timer.stop()
        if self._new_rows is None or self._result is None:
            return
        if not self._warming.ready:
            self._warming.start()
            return
        rows, self._new_rows = self._new_rows, None
        if rows[0] == 0:  # another map: it ends a preview, and its layers are wanted again
            self._preview = None
            self._make_missing()
            self._draw()
        else:
            self._draw(*rows)
        self.changed.emit()

    # ---- layers ----

    @property
    def _map(self) -> DomainMap | None:
        return self._preview or self.result

    def _present(self) -> dict[str, Any]:
        """Give the layers that the user has not deleted."""
        there = {id(layer) for layer in self.desk.viewer.layers}
        return {kind: layer for kind, layer in self._layers.items() if id(layer) in there}

    def _hide_others(self) -> None:
        """Hide the maps of other scans: they lie where this one does, which may have been hidden for them."""
        self._others.show_again()
        assert self.session is not None
        for layer in self.desk.viewer.layers:
            mark = mark_of(layer)
            if mark is not None and mark.kind == DOMAINS and (mark.home is None or mark.home != self.session.folder):
                self._others.hide(layer)

    def _take_up(self) -> None:
        """Find the layers that this sitting left in the viewer when it was closed."""
        session, scan_layer = self.session, self.desk.layer
        assert session is not None
        for layer in self.desk.viewer.layers:
            mark = mark_of(layer)
            if mark is None or mark.home is None or mark.home != session.folder:
                continue
            if layer.data.shape[:2] == session.scan.scan_shape:
                self._layers[mark.kind] = layer
                for name, value in geometry(scan_layer).items():
                    setattr(layer, name, value)
        self._link()

    def _make_missing(self) -> None:
        """Make the layers that are not there, below the points, and leave the chosen layer the chosen one."""
        session, scan_layer, layers = self.session, self.desk.layer, self.desk.viewer.layers
        present = self._present()
        if session is None or scan_layer is None or len(present) == len(KINDS):
            return
        selected, active = list(layers.selection), layers.selection.active
        self._layers = present
        for kind in KINDS:
            if kind not in present:
                self._layers[kind] = make_layer(kind, scan_layer, session.scan.scan_shape, session.folder)
                layers.insert(place_above(layers, scan_layer), self._layers[kind])
        layers.selection.clear()
        layers.selection.update(selected)
        if active is not None:
            layers.selection.active = active
        self._link()

    def _link(self) -> None:
        """Let the layers move with the scan; napari undoes the links of a layer that is deleted."""
        self.desk.viewer.layers.link_layers([self.desk.layer, *self._present().values()], GEOMETRY)

    def _remove(self) -> None:
        for layer in self._present().values():
            self.desk.viewer.layers.remove(layer)
        self._layers = {}

    def _draw(self, start: int = 0, stop: int | None = None, only: str | None = None) -> None:
        """Draw the scan rows start..stop into the layers that are there, or into one of them only."""
        domain_map = self._map
        if domain_map is None:
            return
        stop = domain_map.scan_shape[0] if stop is None else stop
        rows = domain_map.rows(start, stop)
        for kind, layer in self._present().items():
            if only not in {None, kind}:
                continue
            put_rows(layer, pixels_of(kind, rows, self._threshold), start, stop, domain_map.scan_shape)
            self._describe(layer, domain_map)
            # a thumbnail costs more than the rest, and nobody looks at it while rows come in
            layer.refresh(extent=False, highlight=False, thumbnail=stop == domain_map.scan_shape[0])

    def _describe(self, layer: Any, domain_map: DomainMap) -> None:
        """Let the layer know which map it shows: for the status bar, and for saving, which a preview is not for."""
        mark = mark_of(layer)
        assert mark is not None  # it is one of ours
        if mark.kind == DOMAINS:
            if mark.domain_map is None or mark.domain_map.classes != domain_map.classes:
                colour_classes(layer, domain_map.classes)
            if self.previewing:
                layer.metadata.pop("domain_map", None)
            else:
                layer.metadata["domain_map"] = domain_map
        mark.domain_map = domain_map
        if self.previewing != (PREVIEW in layer.name):
            layer.name = layer.name + PREVIEW if self.previewing else layer.name.replace(PREVIEW, "")


def place_above(layers: Any, scan_layer: Any) -> int:
    """Give the place of a new layer: on top, but below the points that lie above the scan."""
    above = layers.index(scan_layer) + 1
    for index in range(above, len(layers)):
        if layers[index]._type_string == "points":
            return index
    return len(layers)
