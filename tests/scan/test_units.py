"""Units in the many ways files write them."""

import pytest

from napari_ghosthunter.scan.calibration import Calibration
from napari_ghosthunter.scan.units import calibration_of, convert, plain_axis


@pytest.mark.parametrize(
    ("written", "plain", "factor"),
    [
        ("nm", "nm", 1), ("[n_m]", "nm", 1), ("pm", "pm", 1), ("A", "angstrom", 1), ("Å", "angstrom", 1),
        ("\u212b", "angstrom", 1), ("Angstrom", "angstrom", 1), ("µm", "um", 1), ("\u03bcm", "um", 1), ("um", "um", 1),
        ("microns", "um", 1), ("mm", "um", 1e3), ("cm", "um", 1e4), ("m", "nm", 1e9), ("meters", "nm", 1e9),
        ("1/nm", "1/nm", 1), ("nm^-1", "1/nm", 1), ("nm-1", "1/nm", 1), ("nm⁻¹", "1/nm", 1), ("[n_m^-1]", "1/nm", 1),
        ("1 / nm", "1/nm", 1), ("A^-1", "1/angstrom", 1), ("1/Å", "1/angstrom", 1), ("1/m", "1/nm", 1e-9),
        ("1/pm", "1/nm", 1e3), ("1/µm", "1/nm", 1e-3),
        ("mrad", "mrad", 1), ("rad", "mrad", 1e3), ("µrad", "mrad", 1e-3),
    ],
)  # fmt: skip
def test_units_are_brought_to_plain_names(written, plain, factor):
    step, units = plain_axis(0.25, written)
    assert units == plain
    assert step == pytest.approx(0.25 * factor)


@pytest.mark.parametrize("units", ["", "px", "pixels", "eV", "s", "[]", "<undefined>", "None", "1/", "1/eV"])
def test_unknown_units_are_pixels(units):
    assert plain_axis(0.3, units) == (1.0, "px")


@pytest.mark.parametrize("step", [0.0, float("nan"), float("inf")])
def test_what_is_no_size_is_a_pixel(step):
    assert plain_axis(step, "nm") == (1.0, "px")


def test_the_direction_of_an_axis_is_not_its_size():
    assert plain_axis(-2.0, "nm") == (2.0, "nm")


def test_conversion_within_a_kind_only():
    assert convert(1.0, "nm", "angstrom") == pytest.approx(10)
    assert convert(1.0, "1/nm", "1/angstrom") == pytest.approx(0.1)
    assert convert(1.0, "px", "px") == 1.0
    for one, other in [("nm", "1/nm"), ("mrad", "1/nm"), ("px", "nm")]:
        assert convert(1.0, one, other) is None


def test_one_plane_has_one_unit():
    calibration = calibration_of([(2.0, "nm"), (2500.0, "pm"), (0.05, "1/nm"), None])
    assert calibration.scan_step == pytest.approx((2.0, 2.5))
    assert calibration.scan_units == "nm"
    assert calibration.k_step == (0.05, 0.05)
    assert calibration_of([(1.0, "nm"), (1.0, "1/nm"), None, None]) == Calibration()
