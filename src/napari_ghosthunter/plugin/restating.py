"""Say something else of a scan that is open (its beam, its bad pixels), from wherever in the window."""

from __future__ import annotations

from typing import Any

from napari_ghosthunter.plugin.choices import remember
from napari_ghosthunter.plugin.docks import MAPPER, find_dock
from napari_ghosthunter.plugin.layers import bare, scan_of
from napari_ghosthunter.plugin.restated_image import detector_of, restate_scan, show_restated
from napari_ghosthunter.plugin.window import waiting


def restate(viewer: Any, layer: Any, **said: Any) -> None:
    """Say something else of the scan of a layer, see `ScanOptions`; work on it in the Domain mapper goes on.

    Raises
    ------
    ScanError
        If that makes no sense, or the scan cannot be opened so.
    """
    mapper = find_dock(bare(viewer), MAPPER)
    if mapper is not None and mapper.desk.layer is bare(layer):
        mapper.desk.restate(**said)
        return
    scan = scan_of(layer)
    assert scan is not None  # only layers of scans are asked for
    options = scan.provenance.options.updated(**said)
    with waiting():
        again = restate_scan(scan, options, detector_of(layer))
    show_restated(layer, again)
    if scan.provenance.path is not None:
        remember(scan.provenance.path, options)
