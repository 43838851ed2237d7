"""Units in the many ways files write them."""

import numpy as np
import pytest

from napari_ghosthunter.scan.calibration import Calibration
from napari_ghosthunter.scan.readers import open_scan
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
        ("mrad", "mrad", 1), ("rad", "mrad", 1e3), ("µrad", "mrad", 1e-3), ("deg", "mrad", 17.4532925),
        ("°", "mrad", 17.4532925), (r"$^\circ$", "mrad", 17.4532925), ("degrees", "mrad", 17.4532925),
        ("2th_deg", "mrad", 17.4532925), ("2th_rad", "mrad", 1e3), ("2theta (deg)", "mrad", 17.4532925),
        ("q_A^-1", "1/angstrom", 1 / (2 * np.pi)), (r"$2\theta$ [°]", "mrad", 17.4532925),
        ("k_A^-1", "1/angstrom", 1), ("k_nm^-1", "1/nm", 1), ("q_nm^-1", "1/nm", 1 / (2 * np.pi)),
        (r"$\AA^{-1}$", "1/angstrom", 1),
        (r"$nm^{-1}$", "1/nm", 1), ("nm^{-1}", "1/nm", 1), (r"$\mathrm{nm}^{-1}$", "1/nm", 1), ("inv_nm", "1/nm", 1),
        (r"\mathring{A}^{-1}", "1/angstrom", 1), ("Å⁻¹", "1/angstrom", 1), ("[1/nm]", "1/nm", 1), ("nm**-1", "1/nm", 1),
        ("reciprocal nm", "1/nm", 1), ("inverse angstrom", "1/angstrom", 1), ("per nm", "1/nm", 1),
        ("nm\u22121", "1/nm", 1),
        (r"$\mu$m", "um", 1), (r"\AA", "angstrom", 1), ("nm^(-1)", "1/nm", 1), (r"\text{nm}", "nm", 1),
        ("nanometre", "nm", 1), ("1/Nanometre", "1/nm", 1), ("micrometres", "um", 1), ("Ångström", "angstrom", 1),
        ("A\u030a^-1", "1/angstrom", 1), ("nm\u20131", "1/nm", 1), ("&Aring;", "angstrom", 1),
        ("/nm", "1/nm", 1), ("nm/px", "nm", 1), ("mrad/pixel", "mrad", 1), ("nm per pixel", "nm", 1),
        ("1/nm/px", "1/nm", 1), ("mrad·px⁻¹", "mrad", 1), ("mrads", "mrad", 1), ("mrad.", "mrad", 1),
        (r"\u00B5m", "um", 1), ("b'nm'", "nm", 1), (r"\textup{\AA}^{-1}", "1/angstrom", 1),
        ("A_inv", "1/angstrom", 1), (r"\si{\per\nano\metre}", "1/nm", 1),
    ],
)  # fmt: skip
def test_units_are_brought_to_plain_names(written, plain, factor):
    step, units = plain_axis(0.25, written)
    assert units == plain
    assert step == pytest.approx(0.25 * factor)


@pytest.mark.parametrize(
    "units", ["", "px", "pixels", "eV", "s", "[]", "<undefined>", "None", "1/", "1/eV", "1/px", "px^-1", "2π/Å"]
)
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


@pytest.mark.parametrize("space", ["", " "])
@pytest.mark.parametrize("power", ["^-1", "-1", "⁻¹", "^{-1}", "^(-1)", "**-1"])
@pytest.mark.parametrize("around", ["{}", "${}$", "[{}]", "k_{}", r"\mathrm{{{}}}"])
@pytest.mark.parametrize("length", ["nm", "Å", "A", r"\AA"])
def test_reciprocal_lengths_in_any_dialect(length, power, around, space):
    plain = "1/nm" if length == "nm" else "1/angstrom"
    assert plain_axis(0.5, around.format(f"{length}{space}{power}")) == (0.5, plain)


@pytest.mark.parametrize(
    ("axes", "told"),
    [
        (
            [None, None, (0.1, "furlongs"), (0.1, "furlongs")],
            ["detector", "0.1 furlongs", "'furlongs' is not understood", "--k-step"],
        ),
        ([(2, "nm"), (2, "s"), None, None], ["scan", "2 nm and 2 s", "'s' is not understood", "--scan-step"]),
        ([(2, "nm"), (2, "1/nm"), None, None], ["scan", "two axes do not agree", "--scan-step"]),
        ([(0.0, "nm"), (0.0, "nm"), None, None], ["scan", "no size", "--scan-step"]),
        ([None, None, (0.1, "2theta"), None], ["2theta"]),
    ],
)
def test_a_pixel_size_that_is_lost_is_told(axes, told):
    (note,) = calibration_of(axes).notes
    for words in told:
        assert words in note


@pytest.mark.parametrize("units", ["", "px", "pixels", "<undefined>", "None"])
def test_what_was_no_calibration_is_not_told_as_lost(units):
    assert calibration_of([(1.0, units)] * 4).notes == ()
    assert calibration_of([(2.0, "nm"), (2.0, "nm"), (0.1, "1/nm"), (0.1, "1/nm")]).notes == ()


def test_the_note_reaches_whoever_opens_the_file(tmp_path):
    import h5py

    with h5py.File(tmp_path / "scan.hspy", "w") as file:
        group = file.create_group("Experiments/a")
        group["data"] = np.zeros((2, 3, 4, 5), np.uint8)
        for number, units in enumerate(["nm", "nm", "2theta", "2theta"]):
            group.create_group(f"axis-{number}").attrs.update({"scale": 0.5, "units": units, "navigate": number < 2})
    scan = open_scan(tmp_path / "scan.hspy")
    assert scan.calibration == Calibration((0.5, 0.5), "nm")
    assert scan.calibration.notes == ()
    assert any("'2theta' is not understood" in note and "--k-step" in note for note in scan.provenance.notes)
