"""The sample points in the viewer: a layer that shows them all, and under it a ring around the current one.

The layers show the session and nothing else. napari's own tools cannot edit them, and what a script does to them is put
back: points change by the keys and clicks of this layer, which are edits of the session, kept and undone like all.
"""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QObject

from napari_ghosthunter.labelling.edits import Edit, How, SetClasses, SetLabel, SetPoint, singles
from napari_ghosthunter.labelling.napari_points import UNLABELLED
from napari_ghosthunter.labelling.positions import Position
from napari_ghosthunter.plugin.layers import bare
from napari_ghosthunter.plugin.mapper.desk import Desk
from napari_ghosthunter.plugin.mapper.labelling.in_view import bring_into_view
from napari_ghosthunter.plugin.mapper.labelling.listening import Listening
from napari_ghosthunter.plugin.mapper.labelling.point_clicks import PointClicks
from napari_ghosthunter.plugin.mapper.labelling.point_keys import PointKeys
from napari_ghosthunter.plugin.mapper.labelling.point_layers import PointLayers
from napari_ghosthunter.plugin.mapper.labelling.points_look import colours_of, look_of
from napari_ghosthunter.plugin.window import focus_canvas
from napari_ghosthunter.session.session import Session


class SamplePoints(QObject):
    """Shows the sample points of the session as layers of the viewer, and lets them be labelled there.

    The layers come with the first point, and go with the session. A user may delete them: no point is lost, and they
    come back with `show` and with the next points.

    Parameters
    ----------
    desk
        Whose session is shown.
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self._layers = PointLayers(bare(desk.viewer), self._deleted, self._draw_all)
        self.listening = Listening(desk)
        self._session: Session | None = None
        self._rows: dict[Position, int] = {}
        desk.session_changed.connect(self._turn)
        self._turn(desk.session)

    @property
    def layer(self) -> Any:
        """The layer of the points; None before the first point, and after the user has deleted it."""
        return self._layers.points

    @property
    def ring(self) -> Any:
        """The layer that marks the current point, or None."""
        return self._layers.ring

    @property
    def keys(self) -> PointKeys:
        """The keys that label."""
        return self.listening.keys

    @property
    def clicks(self) -> PointClicks:
        """The clicks that choose and add points."""
        return self.listening.clicks

    def show(self) -> None:
        """Bring the points to the front, and the keyboard to them; layers that are missing are made."""
        if self._session is not None:
            self.desk.show_scan()
            self._make()
            self._layers.raise_up()
            focus_canvas(self._layers.viewer)

    def _turn(self, session: Session | None) -> None:
        if session is self._session:
            return
        if self._session is not None:
            self._session.labels.changed.disconnect(self._follow, missing_ok=True)
            self._session.current_changed.disconnect(self._draw_ring, missing_ok=True)
        self._drop(self.layer, self.ring)
        self._session = session
        if session is not None:
            session.labels.changed.connect(self._follow)
            session.current_changed.connect(self._draw_ring)
            if session.labels.points or session.labels:
                self._make()
                self._layers.raise_up()  # what is gone on with wants its keys

    def _make(self) -> None:
        before = self.layer
        if self._layers.make(self.desk.layer):
            self.listening.ring = self.ring
            if self.layer is not before:
                self.listening.begin(self.layer)
            self._draw_all()

    def _deleted(self, layer: Any) -> None:
        """Let go of a layer that the user has deleted; the ring goes with the points."""
        self._drop(layer, self.ring if layer is self.layer else None)

    def _drop(self, *layers: Any) -> None:
        if self.layer is not None and self.layer in layers:
            self.listening.end()
            self._rows = {}
        if any(layer is not None for layer in layers):
            self._layers.drop(*layers)

    # ---- drawing ----

    def _follow(self, edit: Edit, _how: How) -> None:
        """Show what an edit has changed."""
        parts = list(singles(edit))
        if self.layer is None:
            if any(isinstance(part, SetPoint) and part.after for part in parts):
                self._make()
            return
        if any(isinstance(part, SetClasses) for part in parts):
            self.keys.renew()
        spots = [part.position for part in parts if isinstance(part, SetLabel)]
        if len(spots) == len(parts) and all(spot in self._rows for spot in spots):
            self._recolour(spots)
        else:
            self._draw()

    def _draw_all(self) -> None:
        self._draw()
        self._draw_ring(None if self._session is None else self._session.current)

    def _draw(self) -> None:
        """Show all points anew."""
        if self._session is None or self.layer is None:
            return
        look = look_of(self._session.labels)
        self._rows = {spot: row for row, spot in enumerate(look.positions)}
        self._layers.put(self.layer, look.positions)
        if look.positions:
            self.layer.face_color, self.layer.border_color = look.faces, look.borders
            self.layer.features = {"label": look.labels, "reason": look.reasons}

    def _recolour(self, spots: list[Position]) -> None:
        """Show the labels of some points anew: what a key does is seen at once, however many points there are."""
        assert self._session is not None
        labels = self._session.labels
        faces, borders = self.layer.face_color.copy(), self.layer.border_color.copy()
        features = self.layer.features.copy()
        for spot in spots:
            row, name = self._rows[spot], labels.get(spot)
            faces[row], borders[row] = colours_of(name, labels.classes)
            features.loc[row, "label"] = name or UNLABELLED
        self.layer.face_color, self.layer.border_color, self.layer.features = faces, borders, features

    def _draw_ring(self, current: Position | None) -> None:
        if self.ring is not None:
            self._layers.put(self.ring, [] if current is None else [current])
            if current is not None:
                bring_into_view(self._layers.viewer, self.ring, current)
