"""The image of a scan of which something else is said: made anew where that changes what the image shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from napari_ghosthunter.plugin.diffraction.detector import VirtualDetector, make_detector
from napari_ghosthunter.plugin.diffraction.picture import DETECTOR
from napari_ghosthunter.plugin.layers import name_image, scan_name
from napari_ghosthunter.plugin.scan_image import FloatArray, bright_field, contrast_limits, detector_image, set_contrast
from napari_ghosthunter.plugin.units import napari_units
from napari_ghosthunter.scan.options import ScanOptions
from napari_ghosthunter.scan.readers import restated
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.virtual.means import measure_scan_beam

IN_THE_IMAGE = ("beam", "mask", "detector", "rows", "columns")  # of the options of a scan


@dataclass(frozen=True)
class RestatedScan:
    """A scan of which something else is said, with its image.

    Attributes
    ----------
    scan
        The scan as it is now.
    image
        Its image, of shape (scan_y, scan_x); None where the one of before still holds.
    preview
        Whether the image is coarse.
    detector
        The virtual detector of the image; None for the bright field that the reader makes.
    """

    scan: Scan
    image: FloatArray | None = None
    preview: bool = False
    detector: VirtualDetector | None = None


def restate_scan(scan: Scan, options: ScanOptions, detector: VirtualDetector | None) -> RestatedScan:
    """Open a scan as it is when something else is said of it, and make its image where that is another one now.

    A virtual detector that lies around the direct beam follows it; one that was drawn stays, unless patterns are
    turned under it.

    Raises
    ------
    ScanError
        As `open_scan` does.
    """
    before, again = scan.provenance.options, restated(scan, options)
    if all(getattr(before, name) == getattr(options, name) for name in IN_THE_IMAGE):
        return RestatedScan(again)
    if detector is None:
        return RestatedScan(again, *bright_field(again))
    turned = before.detector != options.detector
    if detector.kind != "custom" or turned:
        kind = "bright field" if detector.kind == "custom" else detector.kind
        detector = make_detector(kind, again.detector_shape, measure_scan_beam(again))
    return RestatedScan(again, *detector_image(again, detector.mask()), detector)


def show_restated(layer: Any, restated_scan: RestatedScan) -> None:
    """Let the layer of a scan show it as it is now; whoever follows the layer hears of it."""
    scan, image = restated_scan.scan, restated_scan.image
    told: dict[str, Any] = {"scan": scan}
    layer.units = napari_units(scan.calibration.scan_units)
    layer.scale = scan.calibration.scan_step
    if image is not None:
        layer.data = image
        set_contrast(layer, image, contrast_limits(image))
        told["preview"] = restated_scan.preview
        if restated_scan.detector is not None:
            told[DETECTOR] = restated_scan.detector
            name_image(layer, scan_name(layer), restated_scan.detector.title)
    layer.metadata = {**layer.metadata, **told}  # last: those who follow find the image of this scan


def detector_of(layer: Any) -> VirtualDetector | None:
    """Give the virtual detector that the image of a layer was made with; None for the bright field of the reader."""
    detector: VirtualDetector | None = layer.metadata.get(DETECTOR)
    return detector
