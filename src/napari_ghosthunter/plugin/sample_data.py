"""Sample data: what File > Open Sample gives."""

from __future__ import annotations

from napari_ghosthunter.plugin.docks import open_docks_soon
from napari_ghosthunter.plugin.scan_image import LayerData, scan_layer
from napari_ghosthunter.scan.simulate import simulate


def boracite() -> list[LayerData]:
    """Simulate a boracite-like scan with known domains and show its bright field.

    Returns
    -------
    list of LayerData
        One image layer of shape (scan_y, scan_x); its metadata hold the scan itself (`scan`) and the true class of
        every position (`truth`, `truth_names`).
    """
    simulation = simulate()
    open_docks_soon()
    title = "Boracite domains (simulated)"
    return [scan_layer(simulation.scan, title, truth=simulation.truth, truth_names=simulation.names)]
