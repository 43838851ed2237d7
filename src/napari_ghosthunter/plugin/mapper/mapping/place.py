"""Where maps are computed: what the user has chosen, for every page that maps something, and what is missing for it."""

from __future__ import annotations

from qtpy.QtCore import QObject

from napari_ghosthunter.mapping.connections import cluster_needs
from napari_ghosthunter.mapping.failures import file_needs
from napari_ghosthunter.plugin.preferences import CLUSTER, HERE, defaults, remember
from napari_ghosthunter.plugin.qt import Signal
from napari_ghosthunter.scan.scan import Scan

NO_ADDRESS = "Type the address that the scheduler tells when it starts, as in tcp://host:8786."


class Place(QObject):
    """Here, or a Dask scheduler; what was chosen last is the default of the next time.

    Signals
    -------
    changed()
        Another place was chosen.

    Attributes
    ----------
    on_cluster
        Whether it is the scheduler.
    address
        Where that is; kept while it is not chosen.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        chosen = defaults()
        self.on_cluster = chosen.compute == CLUSTER
        self.address = chosen.scheduler

    @property
    def scheduler(self) -> str:
        """The address to compute at; empty for this machine."""
        return self.address if self.on_cluster else ""

    def choose(self, on_cluster: bool, address: str) -> None:
        """Compute somewhere else from now on."""
        address = address.strip()
        if (on_cluster, address) != (self.on_cluster, self.address):
            self.on_cluster, self.address = on_cluster, address
            self.changed.emit()

    def remember(self) -> None:
        """Keep the choice in the user's preferences."""
        remember(compute=CLUSTER if self.on_cluster else HERE, scheduler=self.address)

    def needs(self, scan: Scan | None = None) -> str:
        """Say what is missing to map a scan there, as a sentence for the user; empty if nothing is."""
        if not self.on_cluster:
            return ""
        return cluster_needs() or ("" if self.address else NO_ADDRESS) or ("" if scan is None else file_needs(scan))
