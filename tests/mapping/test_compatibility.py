"""Warnings before a model goes to another scan: none without need, and each one says what to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from napari_ghosthunter.mapping.compatibility import compare_scans
from napari_ghosthunter.scan.describe import describe
from napari_ghosthunter.scan.scan import Calibration, Scan

HERE = Calibration((2.0, 2.0), "nm", (0.1, 0.1), "1/nm")


def scan_of(calibration: Calibration = HERE, detector: tuple[int, int] = (16, 16)) -> Scan:
    return Scan(np.zeros((2, 3, *detector), np.uint8), calibration)


@pytest.fixture
def trained_on(make_model: Callable[..., Any]) -> Callable[..., Any]:
    def train(scan: Scan | None = None, **choices: Any) -> Any:
        model = make_model(**choices)
        description = {} if scan is None else describe(scan)
        return replace(model, record=model.record.model_copy(update={"scan": description}))

    return train


@pytest.mark.parametrize(
    "calibration",
    [
        HERE,
        replace(HERE, k_step=(0.101, 0.099)),
        replace(HERE, k_step=(0.01, 0.01), k_units="1/angstrom"),
        replace(HERE, scan_step=(9.0, 9.0)),  # patterns are judged one by one
        Calibration(),
    ],
)
def test_like_scans_need_no_warning(trained_on: Callable[..., Any], calibration: Calibration) -> None:
    reference = Calibration() if calibration == Calibration() else HERE
    assert compare_scans(trained_on(scan_of(reference)), scan_of(calibration)) == []


def test_nothing_is_said_of_what_was_not_recorded(trained_on: Callable[..., Any]) -> None:
    assert compare_scans(trained_on(), scan_of()) == []


def test_another_detector(trained_on: Callable[..., Any]) -> None:
    (warning,) = compare_scans(trained_on(scan_of()), scan_of(detector=(32, 16)))
    assert "16 x 16 pixels, but this scan has 32 x 16" in warning


@pytest.mark.parametrize(
    ("step", "units", "words"),
    [
        ((0.11, 0.11), "1/nm", "differs: 0.11 1/nm here, 0.1 1/nm in the training scan"),
        ((0.1, 0.12), "1/nm", "differs: 0.1 x 0.12 1/nm here"),
        ((0.1, 0.1), "mrad", "differs: 0.1 mrad here"),
        ((1.0, 1.0), "px", "of this scan is not known"),
    ],
)
def test_another_camera_length(trained_on: Callable[..., Any], step: Any, units: str, words: str) -> None:
    (warning,) = compare_scans(trained_on(scan_of()), scan_of(replace(HERE, k_step=step, k_units=units)))
    assert words in warning
    assert "camera length" in warning


def test_an_uncalibrated_training_scan(trained_on: Callable[..., Any]) -> None:
    (warning,) = compare_scans(trained_on(scan_of(Calibration())), scan_of())
    assert "of the training scan is not known" in warning


def test_the_scan_step_counts_with_pooling_only(trained_on: Callable[..., Any]) -> None:
    model = trained_on(scan_of(), pool="mean", pool_size=3)
    (warning,) = compare_scans(model, scan_of(replace(HERE, scan_step=(4.0, 4.0))))
    assert "scan step differs: 4 nm here, 2 nm" in warning
    assert compare_scans(model, scan_of(replace(HERE, scan_step=(0.002, 0.002), scan_units="um"))) == []
