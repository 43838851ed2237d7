"""The choice of how much neighbours help in the maps to come, for every page that maps something."""

from __future__ import annotations

from qtpy.QtCore import QObject
from qtpy.QtWidgets import QDoubleSpinBox, QHBoxLayout, QLabel, QWidget
from superqt.utils import signals_blocked

from napari_ghosthunter.errors import MapError
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.mapping.neighbours import strength_in
from napari_ghosthunter.mapping.offered import NEIGHBOURS_HELP, NEIGHBOURS_TITLE, STRONGEST
from napari_ghosthunter.plugin.qt import Signal

STEP = 0.5


class Neighbours(QObject):
    """How much neighbours help; off in every new window, as a map is to be its patterns' own unless one asks for more.

    Signals
    -------
    changed()
        Another strength was chosen.

    Attributes
    ----------
    strength
        From 0, not at all, to 4; see `mapping.neighbours.with_neighbours`.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.strength = 0.0

    def choose(self, strength: float) -> None:
        """Let them help so much from now on."""
        if strength != self.strength:
            self.strength = strength
            self.changed.emit()


class NeighboursBar(QWidget):
    """Shows the choice, and changes it.

    Parameters
    ----------
    neighbours
        What it shows and changes; others may do so, too.
    """

    def __init__(self, neighbours: Neighbours) -> None:
        super().__init__()
        self.neighbours, self.box = neighbours, QDoubleSpinBox()
        self.box.setRange(0, STRONGEST)
        self.box.setSingleStep(STEP)
        self.box.setDecimals(1)
        self.box.setSpecialValueText("off")
        self.box.setKeyboardTracking(False)
        title = QLabel(NEIGHBOURS_TITLE)
        title.setBuddy(self.box)
        self.box.setAccessibleName(NEIGHBOURS_TITLE)
        for widget in (title, self.box):
            widget.setToolTip(NEIGHBOURS_HELP)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(title)
        row.addStretch()
        row.addWidget(self.box)
        self.box.valueChanged.connect(lambda strength: neighbours.choose(round(strength, 1)))
        neighbours.changed.connect(self._show)
        self._show()

    def set_fixed(self, fixed: bool) -> None:
        """Switch the choice off while a map is made, which took it as it was when that began."""
        self.box.setEnabled(not fixed)

    def _show(self) -> None:
        with signals_blocked(self.box):
            self.box.setValue(self.neighbours.strength)


def helped_in(domain_map: DomainMap) -> float:
    """Give how much neighbours have helped in a map; 0 also where it says so in no way that can be understood."""
    try:
        return strength_in(domain_map.provenance)
    except MapError:
        return 0.0


def about_neighbours(domain_map: DomainMap, wanted: float) -> str:
    """Say how much neighbours have helped in a map, and what to do if that is not as wanted; empty if all is plain."""
    helped = helped_in(domain_map)
    if not domain_map.has_data.any(axis=1).all():
        return "Neighbours help only where all rows are mapped." if wanted else ""
    if not helped:
        return "Map the scan again to let neighbours help." if wanted else ""
    had = f"Neighbours have helped in this map (strength {helped:g})"
    if wanted == helped:
        return f"{had}."
    return f"{had}; map the scan again {'for another strength' if wanted else 'to do without'}."
