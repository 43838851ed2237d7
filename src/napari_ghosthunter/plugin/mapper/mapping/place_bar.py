"""The choice of where to compute: this machine, or the address of a scheduler, with what is missing for it."""

from __future__ import annotations

from qtpy.QtWidgets import QComboBox, QGridLayout, QLabel, QLineEdit, QWidget

from napari_ghosthunter.plugin.mapper.mapping.place import Place

TITLES = "This machine", "Dask scheduler"
HELP = (
    "Compute maps on this machine, or on the workers of a Dask scheduler: many processes or machines, which must find "
    "the file of the scan under the same path. The map is the same."
)


class PlaceBar(QWidget):
    """Shows a place, and chooses another.

    Parameters
    ----------
    place
        What it shows and changes; others may do so, too.
    """

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.choice, self.address, self.words = QComboBox(), QLineEdit(), QLabel()
        self.address_label = QLabel("Its address")
        self.choice.addItems(TITLES)
        self.choice.setToolTip(HELP)
        self.address.setPlaceholderText("tcp://host:8786")
        self.address.setToolTip("The address that 'dask scheduler' tells when it starts")
        self.words.setWordWrap(True)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addWidget(QLabel("Compute on"), 0, 0)
        grid.addWidget(self.choice, 0, 1)
        grid.addWidget(self.address_label, 1, 0)
        grid.addWidget(self.address, 1, 1)
        grid.addWidget(self.words, 2, 0, 1, 2)
        grid.setColumnStretch(1, 1)
        self.choice.activated.connect(self._choose)
        self.address.textEdited.connect(self._type)
        self.address.editingFinished.connect(place.remember)
        place.changed.connect(self._show)
        self._show()

    def set_fixed(self, fixed: bool) -> None:
        """Switch the choice off while a map is made, which took it as it was when that began."""
        self.choice.setEnabled(not fixed)
        self.address.setEnabled(not fixed)

    def say(self, words: str) -> None:
        """Say what there is to know of the choice, such as what is missing for it."""
        self.words.setText(words)
        self.words.setVisible(bool(words))

    def _choose(self, index: int) -> None:
        self.place.choose(index == 1, self.place.address)
        self.place.remember()
        if self.place.on_cluster and not self.place.address:
            self.address.setFocus()

    def _type(self, address: str) -> None:
        self.place.choose(True, address)

    def _show(self) -> None:
        self.choice.setCurrentIndex(int(self.place.on_cluster))
        for part in (self.address_label, self.address):
            part.setVisible(self.place.on_cluster)
        if self.address.text().strip() != self.place.address:  # else the cursor would jump as one types
            self.address.setText(self.place.address)
