"""What to mind before a model is applied to another scan than it was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from napari_ghosthunter.scan.describe import describe
from napari_ghosthunter.scan.scan import PIXELS, Scan
from napari_ghosthunter.scan.units import convert

if TYPE_CHECKING:
    from napari_ghosthunter.learning.model import Model

TOLERANCE = 0.02  # difference of pixel sizes that moves a disk at the edge of a pattern by about its radius


def compare_scans(model: Model, scan: Scan) -> list[str]:
    """Compare a scan with the one that a model was trained on, by what is known without reading patterns.

    Returns
    -------
    list of str
        One sentence or two for each difference that may spoil the map, for the user; empty if there is none. A model
        cannot be applied at all to patterns of another shape; everything else is a warning.
    """
    trained = model.record.scan
    warnings = _detector(model.patterns.detector_shape, scan.detector_shape)
    if not warnings:  # with other pixels, other sizes of them say nothing new
        warnings += _steps(trained, describe(scan), "k")
    if model.patterns.config.reach:
        warnings += _steps(trained, describe(scan), "scan")
    return warnings


def _detector(trained: Sequence[int], now: Sequence[int]) -> list[str]:
    if tuple(trained) == tuple(now):
        return []
    return [
        f"The model was trained on patterns of {trained[0]} x {trained[1]} pixels, but this scan has "
        f"{now[0]} x {now[1]}; it cannot be applied. Record or bin the patterns in the same way, or train on this scan."
    ]


def _steps(trained: dict[str, Any], now: dict[str, Any], axes: str) -> list[str]:
    """Compare the pixel sizes of the detector ('k') or of the scan ('scan')."""
    before, units_before = trained.get(f"{axes}_step"), trained.get(f"{axes}_units", PIXELS)
    after, units_after = now[f"{axes}_step"], now[f"{axes}_units"]
    what, effect = _WORDS[axes]
    if not isinstance(before, list) or len(before) != 2 or units_before == units_after == PIXELS:
        return []
    if PIXELS in {units_before, units_after}:
        which = "this scan" if units_after == PIXELS else "the training scan"
        return [f"The {what} of {which} is not known, so that it cannot be compared; {effect}"]
    converted = [convert(float(step), units_after, units_before) for step in after]
    ratios = [step / float(other) for step, other in zip(converted, before, strict=True) if step is not None and other]
    if len(ratios) == 2 and all(abs(ratio - 1) <= TOLERANCE for ratio in ratios):
        return []
    sizes = f"{_size(after, units_after)} here, {_size(before, units_before)} in the training scan"
    return [f"The {what} differs: {sizes}; {effect}"]


_WORDS = {
    "k": (
        "size of a detector pixel",
        "the disks must lie where the model learned them. Check camera length and binning, and mind the map.",
    ),
    "scan": (
        "scan step",
        "the model pools each pattern with its neighbours, which should be as far apart as they were in training.",
    ),
}


def _size(step: Sequence[float], units: str) -> str:
    y, x = step
    return f"{y:.4g} {units}" if y == x else f"{y:.4g} x {x:.4g} {units}"
