"""The simulated scan: what makes the real task hard is in it, and its truth is true."""

import time
import warnings

import numpy as np
import pytest
from pydantic import ValidationError

from napari_ghosthunter.scan.simulate import CLASS_NAMES, HORIZONTAL, NONE, VERTICAL, SimulationConfig, simulate

QUIET = {"thickness_variation": 0, "tilt_variation": 0, "hot_pixels": 0, "cosmic_share": 0, "drift": 0, "jitter": 0}


@pytest.fixture(scope="module")
def default():
    started = time.perf_counter()
    simulation = simulate()
    return simulation, time.perf_counter() - started


def small(**choices):
    return simulate(SimulationConfig(**({"scan_shape": (10, 16), "detector_shape": (32, 32)} | choices)))


def test_the_default_is_the_size_of_the_tutorial_and_quick(default):
    simulation, seconds = default
    assert simulation.scan.shape == (34, 64, 64, 64)
    assert simulation.scan.dtype == np.uint16
    assert simulation.truth.shape == (34, 64)
    assert simulation.names == CLASS_NAMES == ("none", "vertical", "horizontal")
    assert seconds < 30  # 3 s on an idle machine


def test_every_class_is_there_and_none_is_rare(default):
    counts = np.bincount(default[0].truth.ravel(), minlength=3)
    assert len(counts) == 3
    assert counts.min() > 0.1 * counts.sum()


def test_the_scan_is_calibrated(default):
    calibration = default[0].scan.calibration
    assert (calibration.scan_units, calibration.k_units) == ("nm", "1/nm")
    assert default[0].scan.provenance.reader == "simulation"


def test_the_same_seed_makes_the_same_scan_and_another_one_another():
    one, again, other = small(seed=1), small(seed=1), small(seed=2)
    assert (one.scan.data == again.scan.data).all()
    assert (one.truth == again.truth).all()
    assert (one.scan.data != other.scan.data).mean() > 0.3


def test_chance_is_not_numpys_global_one():
    np.random.seed(3)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    small()
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


@pytest.mark.parametrize(
    ("scan_shape", "detector_shape"), [((1, 12), (32, 32)), ((12, 1), (32, 48)), ((1, 1), (40, 24)), ((3, 5), (17, 23))]
)
def test_any_shape_works_without_a_warning(scan_shape, detector_shape):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        simulation = small(scan_shape=scan_shape, detector_shape=detector_shape)
    assert simulation.scan.shape == (*scan_shape, *detector_shape)
    assert simulation.truth.shape == scan_shape
    assert simulation.truth.max() <= HORIZONTAL


def test_a_scan_on_disk_is_the_same_and_lazy(tmp_path):
    path = tmp_path / "scan.npy"
    on_disk, in_memory = (
        simulate(SimulationConfig(scan_shape=(4, 5), detector_shape=(32, 32)), path=path),
        small(scan_shape=(4, 5)),
    )
    assert isinstance(on_disk.scan.data, np.memmap)
    assert on_disk.scan.provenance.path == path
    assert (on_disk.scan.data == in_memory.scan.data).all()
    assert (np.load(path) == in_memory.scan.data).all()


@pytest.mark.parametrize(("wall", "island"), [(0.0, 0.0), (0.15, 0.0), (0.3, 0.1), (0.0, 0.4)])
def test_wall_and_island_take_their_share(wall, island):
    truth = small(scan_shape=(40, 60), detector_shape=(16, 16), wall_fraction=wall, island_fraction=island).truth
    share = (truth == NONE).mean()
    assert max(wall, island) - 0.01 <= share <= wall + island + 0.01  # they may overlap


def test_the_electrons_are_counted():
    data = small(**QUIET, counts=5000).scan.data
    assert data.sum(axis=(2, 3)).mean() == pytest.approx(5000, rel=0.03)
    doubled = small(**QUIET, counts=500, gain=2.0).scan.data
    assert not (doubled % 2).any()


def brightness_of_ghosts(simulation, config):
    """Mean over each class of the pattern where horizontal and vertical ghosts must lie, next to the direct beam."""
    side, centre = config.detector_shape[0], (config.detector_shape[0] - 1) / 2
    reach = config.lattice_spacing * side / 2
    rows, columns = np.indices(config.detector_shape)
    beside = sum(np.hypot(rows - centre, columns - centre - way * reach) <= 1.5 for way in (1, -1)) > 0
    above = sum(np.hypot(rows - centre - way * reach, columns - centre) <= 1.5 for way in (1, -1)) > 0
    data = simulation.scan.data.astype(float)
    return [[data[simulation.truth == name][:, spot].mean() for spot in (beside, above)] for name in range(3)]


def test_horizontal_domains_have_their_ghosts_along_k_x_and_vertical_ones_along_k_y():
    config = SimulationConfig(
        **QUIET, scan_shape=(20, 30), detector_shape=(96, 96), rotation_deg=0, centre_offset=(0, 0),
        ghost_strength=0.03, counts=2e6, background=0, island_fraction=0.15, wall_fraction=0,
    )  # fmt: skip
    means = brightness_of_ghosts(simulate(config), config)
    assert means[HORIZONTAL][0] > 5 * max(means[HORIZONTAL][1], means[VERTICAL][0], *means[NONE])
    assert means[VERTICAL][1] > 5 * max(means[VERTICAL][0], means[HORIZONTAL][1], *means[NONE])


def test_ghosts_are_faint_beside_the_direct_beam():
    config = SimulationConfig(**QUIET, scan_shape=(10, 16), detector_shape=(64, 64), counts=1e6, background=0)
    data = simulate(config).scan.data.astype(float)
    direct = data[..., 28:36, 28:36].max(axis=(2, 3)).mean()
    ghost = brightness_of_ghosts(simulate(config), config)[HORIZONTAL][0]
    assert 0.0005 < ghost / direct < 0.03


def test_hot_pixels_are_hot_everywhere_and_cosmics_here_and_there():
    quiet = {name: value for name, value in QUIET.items() if name not in {"hot_pixels", "cosmic_share"}}
    clean, hot, cosmic = (
        small(**quiet, hot_pixels=pixels, cosmic_share=share).scan.data.astype(int)
        for pixels, share in ((0, 0), (4, 0), (0, 1))
    )
    brightest = clean.max()
    always = (hot > 1.2 * clean.max(axis=(0, 1)) + 20).all(axis=(0, 1))
    assert 1 <= always.sum() <= 4
    lit = cosmic > 1.5 * brightest
    assert (lit.sum(axis=(2, 3)) == 1).all()
    assert lit.any(axis=(0, 1)).sum() > 50


def test_the_pattern_wanders():
    def centres(**choices):
        data = small(**(QUIET | choices), counts=1e6).scan.data.astype(float)
        weights = np.where(data > 0.3 * data.max(axis=(2, 3), keepdims=True), data, 0)
        rows, columns = np.indices(data.shape[2:])
        total = weights.sum(axis=(2, 3))
        return np.stack([(weights * rows).sum((2, 3)) / total, (weights * columns).sum((2, 3)) / total])

    assert centres().std(axis=(1, 2)).max() < 0.05
    assert centres(drift=0.05).std(axis=(1, 2)).min() > 0.5
    offset = centres(centre_offset=(0.1, -0.2)).mean(axis=(1, 2)) - centres(centre_offset=(0, 0)).mean(axis=(1, 2))
    assert offset == pytest.approx([3.2, -6.4], abs=0.8)


@pytest.mark.parametrize(
    "wrong", [{"wall_fraction": 0.9}, {"counts": 0}, {"ghost_strength": 1}, {"seeds": 3}, {"background": -1}]
)
def test_a_wrong_choice_is_refused(wrong):
    with pytest.raises(ValidationError):
        SimulationConfig(**wrong)


def test_what_is_off_by_default_changes_nothing_else():
    plain, edge, dead = small(), small(vacuum_fraction=0.3), small(dead_rows=3)
    assert not plain.vacuum.any()
    assert (edge.scan.data[0, 0] != plain.scan.data[0, 0]).any()
    row = np.flatnonzero((dead.scan.data == 0).all(axis=(0, 1, 3)))
    assert len(row) == 3
    kept = np.delete(dead.scan.data, row, axis=2)
    assert (kept == np.delete(plain.scan.data, row, axis=2)).all()
    assert (small(contamination=0.3).truth == plain.truth).all()


def test_beside_the_sample_there_is_the_direct_beam_alone():
    config = {**QUIET, "detector_shape": (64, 64), "counts": 1e5, "rotation_deg": 0, "centre_offset": (0, 0)}
    simulation = small(**config, scan_shape=(20, 30), vacuum_fraction=0.25, background=0.05, contamination=0.3)
    vacuum, data = simulation.vacuum, simulation.scan.data.astype(float)
    assert vacuum.mean() == pytest.approx(0.25, abs=0.002)
    assert vacuum[0, 0]
    assert not vacuum[-1, -1]
    assert (simulation.truth[vacuum] == NONE).all()
    direct, bragg = (data[..., 28:36, columns].mean(axis=(2, 3)) for columns in (slice(28, 36), slice(40, 48)))
    assert (bragg[vacuum] < 0.01 * direct[vacuum]).all()
    assert (bragg[~vacuum] > 0.02 * direct[~vacuum]).all()
    assert data[vacuum].sum(axis=(1, 2)).mean() == pytest.approx(1e5, rel=0.01)


def test_contamination_adds_a_glow_that_varies_over_the_scan_and_not_with_the_domains():
    def glow(share):
        data = small(**QUIET, scan_shape=(24, 40), counts=1e6, gain=0.1, contamination=share).scan.data.astype(float)
        return np.quantile(data, 0.1, axis=(2, 3)), data.sum(axis=(2, 3))  # between the disks, and of all

    (clean, electrons), (dirty, as_many) = glow(0), glow(0.5)
    more = dirty - clean
    assert more.max() > 10
    assert -1 <= more.min() < 0.2 * more.max()
    steps = np.abs(np.diff(more, axis=1)).max(), np.abs(np.diff(more, axis=0)).max()
    assert max(steps) < 0.4 * np.ptp(more)
    assert as_many.mean() == pytest.approx(electrons.mean(), rel=0.01)


def test_dead_rows_count_nothing_even_where_a_pixel_is_hot():
    data = small(detector_shape=(16, 24), dead_rows=16, hot_pixels=20, cosmic_share=1).scan.data
    assert not data.any()
    assert not small(detector_shape=(16, 24), dead_rows=99).scan.data.any()


def test_a_scan_with_everything_is_the_same_twice_and_on_disk(tmp_path):
    choices = {"layout": "needles", "vacuum_fraction": 0.2, "contamination": 0.3, "dead_rows": 1}
    one, again = small(**choices), small(**choices)
    config = SimulationConfig(scan_shape=(10, 16), detector_shape=(32, 32), **choices)
    on_disk = simulate(config, path=tmp_path / "scan.npy")
    for other in (again, on_disk):
        assert (one.scan.data == other.scan.data).all()
        assert (one.vacuum == other.vacuum).all()
