"""What to mind before a model is applied to another scan than it was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot
from typing import TYPE_CHECKING, Any

from napari_ghosthunter.learning.alignment import REACH
from napari_ghosthunter.learning.augment import shift_share
from napari_ghosthunter.learning.features import measure_features
from napari_ghosthunter.learning.looks import recall_looks
from napari_ghosthunter.scan.calibration import PIXELS
from napari_ghosthunter.scan.describe import describe
from napari_ghosthunter.scan.fingerprint import fingerprint
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.statistics import ScanStatistics, measure_statistics
from napari_ghosthunter.scan.units import convert

if TYPE_CHECKING:
    from napari_ghosthunter.learning.model import Model

TOLERANCE = 0.02  # difference of pixel sizes that moves a disk at the edge of a pattern by about its radius
INTENSITY_RATIO = 5.0  # of the brightness of two scans of one kind, at least
ZERO_SHARE = 0.05  # more empty pixels than this are no chance
FEATURE_DISTANCE = 1.0  # see `FeatureStatistics.distance`


@dataclass(frozen=True)
class Difference:
    """What may spoil the map of a scan.

    Attributes
    ----------
    what
        A word or two for a list: 'centre'.
    sentence
        A sentence or two for the user; also what `str` gives.
    """

    what: str
    sentence: str

    def __str__(self) -> str:
        """Give the sentence."""
        return self.sentence


def can_apply(model: Model, scan: Scan) -> bool:
    """Whether a model can be applied to a scan at all: their patterns must have the same shape."""
    return scan.detector_shape == model.patterns.detector_shape


def compare_scans(model: Model, scan: Scan) -> list[str]:
    """Compare a scan with the one that a model was trained on, by what is known without reading patterns.

    Returns
    -------
    list of str
        One sentence or two for each difference that may spoil the map, for the user; empty if there is none. A model
        cannot be applied at all to patterns of another shape; everything else is a warning.
    """
    return [difference.sentence for difference in _described(model, scan)]


def check_scan(model: Model, scan: Scan) -> tuple[Difference, ...]:
    """Compare a scan with the one that a model was trained on, also by what its patterns look like.

    Some 64 spread patterns are read, one by one. A model file of an earlier version does not say what the training scan
    looked like; then it is the comparison of `compare_scans`.

    Returns
    -------
    tuple of Difference
        As for `compare_scans`, with where the direct beam is and how far it wanders, how bright the patterns are, and
        what they look like to the network; empty for the training scan itself.
    """
    found = _described(model, scan)
    trained, scan = recall_looks(model.record.scan), model.patterns.masked(scan)
    if trained is None or not can_apply(model, scan):
        return tuple(found)
    found = [one for one in found if one.what != f"unknown {_WORDS['k'][0]}"]  # the patterns themselves tell more
    if trained.fingerprint == fingerprint(scan):
        return tuple(found)
    here, seen = measure_statistics(scan), model.patterns.seen_in(scan)
    if seen.turn:
        found.append(Difference("turned", _TURNED.format(abs(seen.turn), "" if seen.turn > 0 else "counter-")))
    found += _beam(model, trained.statistics, here)
    found += _intensity(trained.statistics, here)
    distance = trained.features.distance(measure_features(seen, scan, here))
    if distance is not None and distance > FEATURE_DISTANCE:
        found.append(Difference("look of the patterns", _LOOK.format(distance)))
    return tuple(found)


def _described(model: Model, scan: Scan) -> list[Difference]:
    trained, here = model.record.scan, describe(scan)
    if not can_apply(model, scan):
        found = [_detector(model.patterns.detector_shape, scan.detector_shape)]
    else:  # with other pixels, other sizes of them say nothing new
        found = _steps(trained, here, "k") + _turns(trained, here)
    return found + (_steps(trained, here, "scan") if model.patterns.config.reach else [])


def _turns(trained: dict[str, Any], here: dict[str, Any]) -> list[Difference]:
    """Compare how the patterns are turned when they are opened; models of earlier versions knew of no turns."""
    before, after = (",".join((one.get("options") or {}).get("detector", ())) for one in (trained, here))
    return (
        []
        if before == after
        else [Difference("detector turned", _OTHER_TURNS.format(before or "none", after or "none"))]
    )


def _detector(trained: tuple[int, int], here: tuple[int, int]) -> Difference:
    return Difference(
        "detector size",
        f"The model was trained on patterns of {trained[0]} x {trained[1]} pixels, but this scan has "
        f"{here[0]} x {here[1]}; it cannot be applied. Record or bin the patterns in the same way, or train on this "
        "scan.",
    )


def _beam(model: Model, trained: ScanStatistics, here: ScanStatistics) -> list[Difference]:
    """Compare where the direct beam is, and how far it wanders, with the shifts that the model has learned."""
    if trained.beam is None:
        return []
    if here.beam is None:
        return [Difference("no beam", _NO_BEAM)]
    found, side = [], min(model.patterns.detector_shape)
    learned = max(shift_share(model.record.config, trained.wander) * side, trained.beam.radius)
    away = hypot(here.beam.k_y - trained.beam.k_y, here.beam.k_x - trained.beam.k_x)
    laid = model.patterns.template is not None
    if laid:  # each pattern is laid on the template, as far as its reach goes
        learned = side / REACH
    followed = model.patterns.config.crop < 1 and model.patterns.config.centre == "beam"  # the input moves with it
    if away > learned and not followed:
        found.append(Difference("centre", _CENTRE.format(away, 100 * away / side, learned)))
    if here.wander is not None and here.wander * side > learned:
        found.append(Difference("moving centre", _WANDER.format(here.wander * side, learned)))
    return found


def _intensity(trained: ScanStatistics, here: ScanStatistics) -> list[Difference]:
    """Compare the brightness of the patterns, which matters little unless it comes from fewer electrons."""
    low, before, high = trained.intensity
    now = here.intensity[1]
    if before <= 0 or now <= 0:
        return [Difference("intensity", _EMPTY)] if before > 0 else []
    likely = max(INTENSITY_RATIO, high / low if low > 0 else 0)  # the training scan may vary as much itself
    if 1 / likely <= now / before <= likely:
        return []
    if now > before:
        return [Difference("intensity", _BRIGHT.format(_ratio(now / before), now, before))]
    empty = ""
    if here.zero_share - trained.zero_share > ZERO_SHARE:
        empty = _FEWER.format(100 * here.zero_share, 100 * trained.zero_share)
    return [Difference("intensity", _DARK.format(_ratio(before / now), now, before) + empty)]


def _steps(trained: dict[str, Any], here: dict[str, Any], axes: str) -> list[Difference]:
    """Compare the pixel sizes of the detector ('k') or of the scan ('scan')."""
    before, units_before = trained.get(f"{axes}_step"), trained.get(f"{axes}_units", PIXELS)
    after, units_after = here[f"{axes}_step"], here[f"{axes}_units"]
    what, effect = _WORDS[axes]
    if not isinstance(before, list) or len(before) != 2 or units_before == units_after == PIXELS:
        return []
    if PIXELS in {units_before, units_after}:
        which = "this scan" if units_after == PIXELS else "the training scan"
        return [
            Difference(
                f"unknown {what}", f"The {what} of {which} is not known, so that it cannot be compared; {effect}"
            )
        ]
    converted = [convert(float(step), units_after, units_before) for step in after]
    ratios = [step / float(other) for step, other in zip(converted, before, strict=True) if step is not None and other]
    if len(ratios) == 2 and all(abs(ratio - 1) <= TOLERANCE for ratio in ratios):
        return []
    sizes = f"{_size(after, units_after)} here, {_size(before, units_before)} in the training scan"
    return [Difference(what, f"The {what} differs: {sizes}; {effect}")]


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
_OTHER_TURNS = (
    "The patterns of the training scan were opened with --detector {}, those of this scan with {}: open both alike, "
    "unless their detectors were mounted so."
)
_NO_BEAM = (
    "No clear direct beam is seen in this scan, but there was one in the training scan; is it the same kind of data? "
    "Mind the map."
)
_CENTRE = (
    "The direct beam is {:.1f} px ({:.0f} % of the detector) away from where it was in the training scan; the model "
    "copes with about {:.1f} px. Centre the patterns in the same way, or train on this scan."
)
_WANDER = (
    "The pattern centre wanders by {:.1f} px over this scan; the model copes with about {:.1f} px. Align the patterns, "
    "or train on this scan."
)
_EMPTY = "Most patterns of this scan are empty."
_BRIGHT = (
    "The patterns are {} times brighter than in the training scan (mean {:.3g} per pixel, {:.3g} there). Each one "
    "is scaled by its own mean, so that this alone does no harm; but make sure that no disk is saturated."
)
_DARK = (
    "The patterns are {} times darker than in the training scan (mean {:.3g} per pixel, {:.3g} there). Each one is "
    "scaled by its own mean, so that another gain does no harm; but with fewer electrons, faint disks drown in noise."
)
_FEWER = " Here {:.0f} % of the pixels are empty, {:.0f} % in the training scan, so there are fewer electrons."
_TURNED = (
    "The patterns are turned by {:.1f} degrees ({}clockwise) against the training scan. The map turns them back, but "
    "a few labels on this scan would make it better: train further from this model."
)
_LOOK = (
    "The patterns look different to the network: their mean is {:.1f} times as far from that of the training scan as "
    "the patterns there spread. Check rotation, camera length, mirrored axes of the detector, and the sample."
)


def _ratio(ratio: float) -> str:
    return f"{ratio:.2g}" if ratio < 100 else f"{ratio:,.0f}"


def _size(step: Sequence[float], units: str) -> str:
    y, x = step
    return f"{y:.4g} {units}" if y == x else f"{y:.4g} x {x:.4g} {units}"
