"""Virtual detectors: real-space images from weighted sums over the patterns of a scan.

A 4D-STEM scan has no picture of its own. A mask on the detector gives one: the bright-field disk, an annular dark
field, everything, or any mask a user draws. The patterns are streamed once, in bounded memory, whatever the number
of masks, so that a first look at a scan far larger than the memory takes as long as reading it.
"""

from __future__ import annotations

from napari_ghosthunter.scan.beam import BeamCentre, measure_beam
from napari_ghosthunter.scan.spread import spread_positions
from napari_ghosthunter.scan.virtual.images import virtual_image, virtual_images, virtual_rows
from napari_ghosthunter.scan.virtual.masks import annular_mask, bright_field_mask, dark_field_mask, total_mask
from napari_ghosthunter.scan.virtual.means import mean_pattern, measure_scan_beam

__all__ = [
    "BeamCentre",
    "annular_mask",
    "bright_field_mask",
    "dark_field_mask",
    "mean_pattern",
    "measure_beam",
    "measure_scan_beam",
    "spread_positions",
    "total_mask",
    "virtual_image",
    "virtual_images",
    "virtual_rows",
]
