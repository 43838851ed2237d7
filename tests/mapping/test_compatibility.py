"""Warnings before a model goes to another scan: none without need, and each one says what to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from napari_ghosthunter.mapping.compatibility import can_apply, check_scan, compare_scans
from napari_ghosthunter.scan.calibration import Calibration
from napari_ghosthunter.scan.describe import describe
from napari_ghosthunter.scan.readers import open_scan
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.simulate import SimulationConfig, simulate
from napari_ghosthunter.scan.statistics import measure_statistics

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


# ---- what the patterns look like ----

SIZES: dict[str, Any] = {"scan_shape": (20, 30), "detector_shape": (64, 64)}


@pytest.fixture(scope="module")
def model(make_model: Callable[..., Any]) -> Any:
    """A model that knows what its training scan looked like; what it says means nothing."""
    from napari_ghosthunter.learning.looks import describe_looks

    scan = simulate(SimulationConfig(**SIZES)).scan
    model = make_model(detector_shape=(64, 64), size=64)
    looks = describe_looks(scan, model.patterns, measure_statistics(scan))
    return replace(model, record=model.record.model_copy(update={"scan": looks}))


def changed(what: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Change the patterns of a scan in memory."""
    return lambda scan: Scan(np.ascontiguousarray(what(np.asarray(scan.data))), scan.calibration)


@pytest.mark.parametrize(
    "choices",
    [
        {},  # the training scan itself
        {"scan_shape": (16, 24)},  # other positions, and other noise
        {"scan_shape": (24, 24), "thickness_variation": 0.7, "tilt_variation": 0.6, "hot_pixels": 7},
        {"scan_shape": (24, 24), "thickness_variation": 0.3, "tilt_variation": 0.3, "background": 0.13},
        {"scan_shape": (16, 24), "counts": 12_000.0},
        {"scan_shape": (16, 24), "counts": 12_000.0, "gain": 3.0},
        {"scan_shape": (16, 24), "centre_offset": (0.035, -0.015)},
        {"scan_shape": (16, 24), "wall_fraction": 0.3, "island_fraction": 0.3},
        {"seed": 1},  # another crystal on the same lattice
    ],
)
def test_scans_of_the_same_sample_fit(model: Any, choices: Any) -> None:
    assert check_scan(model, simulate(SimulationConfig(**(SIZES | choices))).scan) == ()


@pytest.mark.parametrize(
    ("choices", "what", "words"),
    [
        ({"centre_offset": (0.11, -0.015)}, "centre", "6.4 px (10 % of the detector) away"),
        ({"rotation_deg": 23.0}, "look of the patterns", "Check rotation"),
        ({"lattice_spacing": 0.19 * 1.15}, "look of the patterns", "camera length"),
        ({"lattice_spacing": 0.19 / 1.15}, "look of the patterns", "camera length"),
        ({"counts": 1500.0}, "intensity", "times darker"),
        ({"gain": 20.0}, "intensity", "20 times brighter"),
        ({"drift": 0.06}, "moving centre", "wanders by"),
    ],
)
def test_scans_that_differ_are_told(model: Any, choices: Any, what: str, words: str) -> None:
    scan = simulate(SimulationConfig(**(SIZES | {"scan_shape": (16, 24)} | choices))).scan
    found = {difference.what: str(difference) for difference in check_scan(model, scan)}
    assert words in found[what]


def test_fewer_electrons_are_told_from_a_smaller_gain(model: Any) -> None:
    scan = simulate(SimulationConfig(**(SIZES | {"counts": 1500.0}))).scan
    assert "so there are fewer electrons" in " ".join(map(str, check_scan(model, scan)))
    fainter = changed(lambda cube: cube / 20)(simulate(SimulationConfig(**(SIZES | {"scan_shape": (16, 24)}))).scan)
    (told,) = check_scan(model, fainter)
    assert told.what == "intensity"
    assert "fewer electrons." not in told.sentence


@pytest.mark.parametrize(
    "flip", [lambda cube: cube[:, :, ::-1], lambda cube: cube[..., ::-1], lambda cube: cube.swapaxes(2, 3)]
)
def test_a_mirrored_detector_is_told(model: Any, flip: Any) -> None:
    (told,) = check_scan(model, changed(flip)(simulate(SimulationConfig(**SIZES)).scan))
    assert told.what == "look of the patterns"


def test_a_scan_without_a_beam_is_told(model: Any) -> None:
    noise = changed(lambda cube: np.random.default_rng(0).poisson(8, cube[:6, :6].shape))
    told = check_scan(model, noise(simulate(SimulationConfig(**SIZES)).scan))
    assert {"no beam", "look of the patterns"} <= {difference.what for difference in told}


def test_an_empty_scan_is_told(model: Any) -> None:
    calibration = simulate(SimulationConfig(**(SIZES | {"scan_shape": (2, 2)}))).scan.calibration
    told = check_scan(model, Scan(np.zeros((3, 3, 64, 64)), calibration))
    assert "intensity" in {difference.what for difference in told}


def test_a_crop_that_follows_the_beam_needs_no_warning_of_the_centre(model: Any) -> None:
    scan = simulate(SimulationConfig(**(SIZES | {"scan_shape": (16, 24), "centre_offset": (0.11, -0.015)}))).scan
    config = model.patterns.config.model_copy(update={"crop": 0.6})
    following = replace(model, patterns=model.patterns.model_copy(update={"config": config}))
    assert "centre" not in {difference.what for difference in check_scan(following, scan)}


def test_another_detector_is_all_that_is_told(model: Any) -> None:
    class Unreadable:
        shape, dtype = (4, 4, 32, 32), np.dtype("u1")

        def __getitem__(self, key: Any) -> Any:
            pytest.fail("was read")

    scan = Scan(Unreadable())
    (told,) = check_scan(model, scan)
    assert told.what == "detector size"
    assert not can_apply(model, scan)


def test_an_unknown_pixel_size_is_no_matter_where_the_patterns_are_compared(model: Any) -> None:
    scan = simulate(SimulationConfig(**(SIZES | {"scan_shape": (16, 24)}))).scan.with_calibration(Calibration())
    assert compare_scans(model, scan) != []
    assert check_scan(model, scan) == ()


def test_a_model_of_an_earlier_version_is_compared_by_less(trained_on: Callable[..., Any]) -> None:
    other = scan_of(replace(HERE, k_step=(0.2, 0.2)))
    (told,) = check_scan(trained_on(scan_of()), other)
    assert [told.sentence] == compare_scans(trained_on(scan_of()), other)


def test_patterns_that_are_turned_otherwise_are_told(trained_on, tmp_path):
    np.save(tmp_path / "scan.npy", np.ones((2, 3, 16, 16), np.uint16))
    plain, turned = (open_scan(tmp_path / "scan.npy", detector=turns) for turns in ("", "transpose,flip_x"))
    assert compare_scans(trained_on(turned), turned) == []
    (told,) = compare_scans(trained_on(turned), plain)
    assert "--detector transpose,flip_x" in told
    assert compare_scans(trained_on(None), plain) == []  # of a model of an earlier version nothing is known
