"""What the Diffraction viewer is told while it is open: the point that is labelled, the classes, the network's view."""

from __future__ import annotations

from typing import Any

from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.labelling.positions import Position
from napari_ghosthunter.plugin.docks import DIFFRACTION, find_dock
from napari_ghosthunter.plugin.mapper.desk import Desk
from napari_ghosthunter.session.session import Session


class PatternsLink:
    """Keeps the Diffraction viewer of a window in step with the session of a desk."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._session: Session | None = None
        self._chosen = False  # whether other patterns were chosen than those of the model
        desk.session_changed.connect(self._turn)

    def tell_all(self) -> None:
        """Tell everything, to a Diffraction viewer that was opened just now for instance."""
        self._tell_classes()
        self._tell_patterns()
        dock = self._dock()  # which may look at another scan, until a point of this one is chosen
        if dock is not None and dock.link.layer is self.desk.layer and self._session is not None:
            self._tell_current(self._session.current)

    def _turn(self, session: Session | None) -> None:
        before, self._session, self._chosen = self._session, session, False
        for one, change in ((before, "disconnect"), (session, "connect")):
            if one is not None:
                getattr(one.labels.changed, change)(self._tell_classes)
                getattr(one.current_changed, change)(self._tell_current)
                getattr(one.training.changed, change)(self._take_model)
                getattr(one.choices_changed, change)(self._take_choice)
        self.tell_all()

    def shows_current(self) -> bool:
        """Whether the pattern on the screen is that of the current point, as far as it can be seen; else show it."""
        dock, session = self._dock(), self._session
        if dock is None or not dock.isVisible() or session is None or session.current is None:
            return True
        if dock.link.layer is self.desk.layer and dock.showing.position == session.current:
            return True
        self._tell_current(session.current)
        return False

    def _dock(self) -> Any:
        """Give the Diffraction viewer, if it is open and there is a scan on the desk."""
        return None if self.desk.scan is None else find_dock(self.desk.viewer, DIFFRACTION)

    def _tell_current(self, position: Any) -> None:
        dock = self._dock()
        if dock is not None and position is not None:
            dock.link.turn_to(self.desk.layer)
            dock.show_position(position)

    def _tell_classes(self, *_: object) -> None:
        dock, session = self._dock(), self._session
        if dock is None or dock.link.layer is not self.desk.layer:
            return
        labels = LabelSet() if session is None else session.labels
        positions: dict[str, list[Position]] = {name: [] for name in labels.classes.names}
        for position, name in labels.items():
            positions[name].append(position)
        dock.set_class_patterns({one.name: (one.colour, positions[one.name]) for one in labels.classes.classes})

    def _take_model(self) -> None:
        self._chosen = False
        self._tell_patterns()

    def _take_choice(self) -> None:
        """Show what a network would see that is trained with what was chosen just now."""
        session = self._session
        model = None if session is None else session.model
        self._chosen = session is not None and model is not None and session.pattern_config != model.patterns.config
        self._tell_patterns()

    def _tell_patterns(self) -> None:
        dock, session = self._dock(), self._session
        if dock is not None and session is not None:
            model = session.model
            dock.set_patterns(session.pattern_config if model is None or self._chosen else model.patterns)
