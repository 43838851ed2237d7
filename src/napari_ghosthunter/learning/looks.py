"""What is kept of the training scan in a model file, to judge by it whether the model fits another scan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from napari_ghosthunter.learning.features import FeatureStatistics, measure_features
from napari_ghosthunter.learning.patterns import FittedPatterns
from napari_ghosthunter.scan.describe import describe
from napari_ghosthunter.scan.fingerprint import fingerprint
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.statistics import ScanStatistics, measure_statistics

KEY = "looks"  # in the description of the scan


class Looks(BaseModel):
    """What a scan looks like, to a physicist and to a network."""

    model_config = ConfigDict(frozen=True)

    fingerprint: str
    statistics: ScanStatistics
    features: FeatureStatistics


def look_at(scan: Scan, patterns: FittedPatterns, statistics: ScanStatistics | None = None) -> Looks:
    """Measure what a scan looks like through `patterns`; its statistics are measured, unless they are given."""
    statistics = statistics or measure_statistics(scan)
    return Looks(
        fingerprint=fingerprint(scan), statistics=statistics, features=measure_features(patterns, scan, statistics)
    )


def describe_looks(scan: Scan, patterns: FittedPatterns, statistics: ScanStatistics) -> dict[str, Any]:
    """Describe a scan as `describe` does, with what it looks like; ready for JSON."""
    return describe(scan) | {KEY: look_at(scan, patterns, statistics).model_dump(mode="json")}


def recall_looks(described: Mapping[str, Any]) -> Looks | None:
    """Read what `describe_looks` gave; None where it was not kept, as by earlier versions."""
    try:
        return Looks.model_validate(described.get(KEY))
    except ValidationError:
        return None
