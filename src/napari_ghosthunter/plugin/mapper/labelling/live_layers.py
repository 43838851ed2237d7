"""The live map in the viewer: its classes, and how sure they are, above the scan.

They come with the first map and go with the session. On the other pages of the dock the map of a model lies there: the
live one makes room for it, and comes back with the page Label, where that of the model makes room for it in turn.
"""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QObject

from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.plugin.layers import GEOMETRY
from napari_ghosthunter.plugin.mapper.desk import Desk
from napari_ghosthunter.plugin.mapper.hidden_layers import HiddenLayers
from napari_ghosthunter.plugin.mapper.mapping.map_layers import place_above
from napari_ghosthunter.plugin.mapper.mapping.result_layers import (
    CONFIDENCE,
    DOMAINS,
    colour_classes,
    make_layer,
    mark_of,
    pixels_of,
    put_rows,
)
from napari_ghosthunter.plugin.mapper.mapping.warming import Warming
from napari_ghosthunter.plugin.mapper.removing import Removing
from napari_ghosthunter.session.session import Session

NAMES = {CONFIDENCE: "Live confidence", DOMAINS: "Live map"}  # from below to above


class LiveLayers(QObject):
    """Shows the live map of the desk's session.

    A layer that the user deletes stays away until `shown` is set anew, or another session comes.

    Parameters
    ----------
    desk
        Whose session is shown, and in which viewer.
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self._session: Session | None = None
        self._layers: dict[str, Any] = {}
        self._removing = Removing(desk.viewer)
        self._shown, self._in_front = True, False
        self._off = False  # whether the user has hidden the classes' layer,
        self._kept = False  # or shown it where it makes room for the map of a model
        self._arranging = False
        self._models = HiddenLayers()  # the maps of the model, while the live one is seen
        self._warming = Warming()
        self._warming.done.connect(self._draw)
        desk.session_changed.connect(self._turn)
        self._turn(desk.session)

    @property
    def shown(self) -> bool:
        """Whether there are to be layers."""
        return self._shown

    @shown.setter
    def shown(self, shown: bool) -> None:
        if shown != self._shown:
            self._shown = shown
            self._drop()
            self._draw()

    @property
    def in_front(self) -> bool:
        """Whether it is to lie above the map of a model; else that one is seen."""
        return self._in_front

    @in_front.setter
    def in_front(self, in_front: bool) -> None:
        if in_front == self._in_front:
            return
        self._in_front = in_front
        self._arrange()

    # ---- following ----

    def _turn(self, session: Session | None) -> None:
        if session is self._session:
            return
        if self._session is not None:
            self._session.live.changed.disconnect(self._draw, missing_ok=True)
            self._session.live.settled.disconnect(self._finish, missing_ok=True)
            self.desk.viewer.layers.events.inserted.disconnect(self._arrange)
            self.desk.viewer.layers.events.removed.disconnect(self._make_way)
        self._drop()
        self._session, self._off, self._kept = session, False, False
        if session is not None:
            session.live.changed.connect(self._draw)
            session.live.settled.connect(self._finish)
            self.desk.viewer.layers.events.inserted.connect(self._arrange)
            self.desk.viewer.layers.events.removed.connect(self._make_way)
            self._draw()

    def get_ready(self) -> None:
        """Load what napari needs for the layers, so that the first map has not to wait for it."""
        self._warming.start()

    def _arrange(self, _event: Any = None) -> None:
        """Show the classes above the map of a model, or hide them where there is one."""
        layer, layers = self._present().get(DOMAINS), self.desk.viewer.layers
        if layer is None:
            return
        others = self._maps_of_models()
        self._arranging = True
        try:
            layer.visible = not self._off and (self._in_front or self._kept or not others)
        finally:
            self._arranging = False
        above = max((layers.index(other) for other in others), default=-1)
        if self._in_front and layers.index(layer) < above:
            layers.move(layers.index(layer), above + 1)
        self._make_way()

    def _maps_of_models(self) -> list[Any]:
        return [one for one in self.desk.viewer.layers if (mark := mark_of(one)) is not None and mark.kind == DOMAINS]

    def _eye(self, event: Any) -> None:
        """Remember what the user wants; a map that he hides does not bring another one up in its place."""
        if self._arranging:
            return
        seen, makes_room = event.source.visible, not self._in_front and bool(self._maps_of_models())
        self._kept = seen and (makes_room or self._kept)
        self._off = not seen and not makes_room
        self._make_way()

    def _make_way(self, _event: Any = None) -> None:
        """Hide the map of the model while the live one is seen: two colours, mixed, are none.

        It comes back when the live one is gone, or no longer in front.
        """
        session, live = self._session, self._present().get(DOMAINS)
        if live is None or not self._in_front or session is None or session.live.domain_map is None:
            self._models.show_again()
        elif live.visible:
            for layer in self._maps_of_models():
                if (mark := mark_of(layer)) is not None and mark.home == session.folder:
                    self._models.hide(layer)

    # ---- layers ----

    def _present(self) -> dict[str, Any]:
        there = {id(layer) for layer in self.desk.viewer.layers}
        return {kind: layer for kind, layer in self._layers.items() if id(layer) in there}

    def _draw(self) -> None:
        """Show the map of now; without one the layers are empty."""
        domain_map = None if self._session is None else self._session.live.domain_map
        if domain_map is not None and not self._warming.ready:
            self._warming.start()
        elif domain_map is not None and self._shown and not self._layers:
            self._make(domain_map)
        for kind, layer in self._present().items():
            if domain_map is None:
                layer.data[...] = 0
            else:
                put_rows(layer, pixels_of(kind, domain_map, 0), 0, domain_map.scan_shape[0], domain_map.scan_shape)
                self._describe(layer, kind, domain_map)
            layer.refresh(extent=False, highlight=False, thumbnail=False)
        self._make_way()

    def _finish(self) -> None:
        """Draw the thumbnails, which cost more than the rest, when there is nothing else to do."""
        for layer in self._present().values():
            layer.refresh(data_displayed=False, extent=False, highlight=False, thumbnail=True)

    def _describe(self, layer: Any, kind: str, domain_map: DomainMap) -> None:
        mark = mark_of(layer)
        assert mark is not None  # it is one of ours
        if kind == DOMAINS and (mark.domain_map is None or mark.domain_map.classes != domain_map.classes):
            colour_classes(layer, domain_map.classes)
        mark.domain_map = domain_map

    def _make(self, domain_map: DomainMap) -> None:
        scan_layer, layers = self.desk.layer, self.desk.viewer.layers
        if scan_layer is None:
            return
        selected, active = list(layers.selection), layers.selection.active
        for kind, name in NAMES.items():
            layer = make_layer(kind, scan_layer, domain_map.scan_shape, None)
            layer.name, layer.ghosthunter.kind = name, name  # so that nobody takes it for the map of a model
            self._layers[kind] = layer
            if kind == DOMAINS:
                layer.events.visible.connect(self._eye)
            layers.insert(place_above(layers, scan_layer), layer)
        layers.selection.clear()
        layers.selection.update(selected)
        if active is not None:
            layers.selection.active = active
        layers.link_layers([scan_layer, *self._layers.values()], GEOMETRY)
        self._arrange()

    def _drop(self) -> None:
        """Let go of the layers, and remove them soon."""
        layers, self._layers = list(self._present().values()), {}
        self._make_way()
        self._removing.soon(layers)
