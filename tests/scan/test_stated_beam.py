"""Where the user says the direct beam is, there it is, for whatever needs it."""

import warnings

import numpy as np
import pytest

import napari_ghosthunter as gh
from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.learning.config import PatternConfig
from napari_ghosthunter.learning.patterns import fit_patterns
from napari_ghosthunter.scan.drift import centre_wander
from napari_ghosthunter.scan.options import ScanOptions
from napari_ghosthunter.scan.readers import open_again, restated
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.statistics import measure_statistics
from napari_ghosthunter.scan.virtual import bright_field_mask, measure_scan_beam, virtual_image
from napari_ghosthunter.scan.virtual.quick import quick_bright_field

BEAM, BRAGG = (20.0, 17.0), (20.0, 33.0)


def disk(centre, radius=4.0, shape=(40, 48)):
    y, x = np.indices(shape)
    return np.clip(radius - np.hypot(y - centre[0], x - centre[1]) + 0.5, 0, 1)


@pytest.fixture
def scan():
    """A scan whose beam is fainter than its only Bragg disk, and changes where the Bragg disk does not."""
    data = np.empty((4, 5, 40, 48))
    for y, x in np.ndindex(4, 5):
        data[y, x] = 2 + (100 + 10 * x) * disk(BEAM) + 1000 * disk(BRAGG)
    return Scan(data)


def place(beam):
    return beam.k_y, beam.k_x


def test_a_stated_beam_is_where_it_is_said_with_the_radius_of_its_disk(scan) -> None:
    assert place(measure_scan_beam(scan)) == pytest.approx(BRAGG, abs=0.1)  # so the tests below can fail
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        beam = measure_scan_beam(scan.with_beam((20.5, 17.5)))
    assert place(beam) == (20.5, 17.5)
    assert beam.found
    assert beam.radius == pytest.approx(4, rel=0.1)


@pytest.mark.parametrize("radius", [2.5, 4.0, 6.5])
def test_the_disk_at_the_stated_place_tells_the_radius(radius) -> None:
    pattern = 2 + 100 * disk(BEAM, radius) + 500 * disk(BRAGG, 4.0)
    beam = measure_scan_beam(Scan(pattern[None, None], beam=BEAM))
    assert beam.radius == pytest.approx(radius, rel=0.15)


def test_behind_a_beam_stop_the_other_disks_tell_the_radius() -> None:
    beam = measure_scan_beam(Scan((1000 * disk(BRAGG))[None, None], beam=BEAM))
    assert (place(beam), beam.found) == (BEAM, True)
    assert beam.radius == pytest.approx(4, rel=0.1)


@pytest.mark.filterwarnings("error")
def test_a_beam_may_be_stated_where_nothing_is_seen() -> None:
    beam = measure_scan_beam(Scan(np.zeros((2, 2, 40, 48), np.uint8), beam=BEAM))
    assert (place(beam), beam.radius, beam.found) == (BEAM, 5.0, True)


def test_none_measures_again(scan) -> None:
    assert measure_scan_beam(scan.with_beam(BEAM).with_beam(None)) == measure_scan_beam(scan)


@pytest.mark.parametrize("beam", [(-0.6, 3), (39.6, 3), (3, 47.6), (3, -1), (np.nan, 3), (3, np.inf)])
def test_a_beam_beside_the_detector_is_refused(scan, beam) -> None:
    with pytest.raises(ScanError, match=r"detector has 40 x 48 pixels") as caught:
        scan.with_beam(beam)
    assert "\n" not in str(caught.value)
    with pytest.raises(ScanError, match=r"detector has 40 x 48 pixels|no place on the detector"):
        restated(scan, ScanOptions.of(beam=beam))


@pytest.mark.parametrize("beam", [(-0.5, -0.5), (39.5, 47.5), (0, 0), np.array([3, 4])])
def test_a_beam_anywhere_on_the_detector_is_taken(scan, beam) -> None:
    assert scan.with_beam(beam).beam == tuple(float(one) for one in beam)


@pytest.mark.parametrize("beam", [(1, 2, 3), (1,), 3, "ab", "nowhere"])
def test_what_is_no_place_is_refused(scan, beam) -> None:
    with pytest.raises(ScanError, match="two numbers"):
        scan.with_beam(beam)


def test_a_beam_beside_the_detector_is_refused_when_a_file_is_opened(scan, tmp_path) -> None:
    np.save(tmp_path / "scan.npy", scan.data)
    with pytest.raises(ScanError, match=r"scan\.npy: .*\(20, 48\).*40 x 48") as caught:
        gh.open_scan(tmp_path / "scan.npy", beam="20,48")
    assert "\n" not in str(caught.value)
    with pytest.raises(ScanError, match="48 x 40"):  # it is of the pattern as it is turned
        gh.open_scan(tmp_path / "scan.npy", beam="20,41", detector="transpose")
    assert gh.open_scan(tmp_path / "scan.npy", beam="41,20", detector="transpose").beam == (41, 20)


def test_the_scan_is_opened_again_with_the_beam_that_was_stated(scan, tmp_path) -> None:
    np.save(tmp_path / "scan.npy", scan.data)
    stated = gh.open_scan(tmp_path / "scan.npy").with_beam(BEAM)
    assert open_again(stated.provenance, stated.provenance.path).beam == BEAM
    measured = gh.open_scan(tmp_path / "scan.npy", beam=BEAM).with_beam(None)
    assert open_again(measured.provenance, measured.provenance.path).beam is None


def test_virtual_images_are_drawn_around_it(scan) -> None:
    stated = scan.with_beam(BEAM)
    image = virtual_image(stated, bright_field_mask(stated.detector_shape, measure_scan_beam(stated)))
    for made in (image, quick_bright_field(stated)):
        assert made[0, 4] / made[0, 0] == pytest.approx(1.4, abs=0.02)  # as the direct beam goes


def test_statistics_tell_it(scan) -> None:
    told = measure_statistics(scan.with_beam(BEAM)).beam
    assert told is not None
    assert (told.k_y, told.k_x) == BEAM
    assert told.radius == pytest.approx(4, rel=0.1)


@pytest.mark.parametrize("step", [0.0, 0.5, 2.0])
def test_the_wander_is_that_of_the_disk_nearest_to_it(step) -> None:
    data = np.empty((3, 9, 40, 48))
    for y, x in np.ndindex(3, 9):
        there = BEAM[0] + step * (x - 4), BEAM[1]
        data[y, x] = 2 + 100 * disk(there) + 1000 * disk((32.0, 41.0)) * (x % 2) + 900 * disk((5.0, 38.0))
    stated = Scan(data, beam=BEAM)
    for found in (centre_wander(stated), measure_statistics(stated).wander):
        assert found == pytest.approx(4 * step / 40, abs=0.5 * step / 40 + 0.002)


def test_the_network_sees_what_is_around_it(scan) -> None:
    stated = scan.with_beam((20, 14))
    k_y, k_x = fit_patterns(PatternConfig(crop=0.5, centre="beam"), stated).window(stated)
    assert (k_y.start + k_y.stop - 1) / 2 == pytest.approx(20, abs=1)
    assert (k_x.start + k_x.stop - 1) / 2 == pytest.approx(14, abs=1)
