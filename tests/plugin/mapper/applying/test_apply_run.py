"""The model applied to other scans: checked when they are added, mapped one by one, stopped at any time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_ghosthunter.learning.looks import describe_looks
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.mapping.segmentation import segment
from napari_ghosthunter.plugin.mapper.applying.apply_layers import fitted_scale
from napari_ghosthunter.plugin.mapper.applying.apply_run import NO_MODEL, NOTHING_LEFT, ApplyRun
from napari_ghosthunter.scan.calibration import Calibration
from napari_ghosthunter.scan.scan import Provenance, Scan
from napari_ghosthunter.scan.simulate import SimulationConfig, simulate
from napari_ghosthunter.scan.statistics import measure_statistics

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="session")
def model(make_model, sample):
    """A model that knows its training scan; what it says means nothing."""
    model = make_model(detector_shape=(48, 48), names=("none", "vertical", "horizontal"), size=48)
    looks = describe_looks(sample.scan, model.patterns, measure_statistics(sample.scan))
    return replace(model, record=model.record.model_copy(update={"scan": looks}))


@pytest.fixture(scope="session")
def like(sample):
    """Another scan of the same sample."""
    made = simulate(SimulationConfig(scan_shape=(5, 8), detector_shape=(48, 48))).scan
    return Scan(made.data, made.calibration, Provenance(Path("/data/like.npy")))


@pytest.fixture(scope="session")
def moved(like):
    """The same with the beam elsewhere."""
    return Scan(np.roll(np.asarray(like.data), 7, axis=2), like.calibration, Provenance(Path("/data/moved.npy")))


@pytest.fixture
def run(desk, model):
    desk.session.training.use_model(model)
    run = ApplyRun(desk)
    yield run
    run.close()


def add(run, *scans):
    for scan in scans:
        run.add(scan.provenance.path, scan)


def states(run):
    return [entry.state for entry in run.entries]


def wait_for(qtbot, run, *wanted):
    qtbot.waitUntil(lambda: states(run) == list(wanted), timeout=20_000)


def test_scans_are_checked_when_they_are_added(qtbot, run, like, moved) -> None:
    wide = Scan(np.zeros((2, 2, 20, 20)), provenance=Provenance(Path("/data/wide.npy")))
    assert run.needs == NOTHING_LEFT
    add(run, like, moved, wide)
    assert "checking" in states(run)
    wait_for(qtbot, run, "ready", "ready", "refused")
    assert run.entries[0].differences == ()
    assert [difference.what for difference in run.entries[1].differences] == ["centre"]
    assert "it cannot be applied" in str(run.entries[2].differences[0])
    assert run.needs == ""


def test_a_file_is_listed_once_and_one_that_cannot_be_opened_with_the_reason(qtbot, run, like) -> None:
    add(run, like, like)
    run.add(Path("/data/bad.npy"), None, "It is cut short.")
    wait_for(qtbot, run, "ready", "refused")
    assert run.entries[1].note == "It is cut short."
    run.remove(run.entries[:1])
    assert states(run) == ["refused"]
    assert run.needs == NOTHING_LEFT


def test_a_scan_that_cannot_be_read_does_not_stop_the_next(qtbot, run, like) -> None:
    class Broken:
        shape, dtype = (3, 3, 48, 48), np.dtype("u2")

        def __getitem__(self, key):
            raise OSError("The disk is gone.")

    add(run, Scan(Broken(), provenance=Provenance(Path("/data/broken.npy"))), like)
    wait_for(qtbot, run, "refused", "ready")
    assert run.entries[0].note.endswith("(The disk is gone).")


def test_maps_go_to_a_folder(qtbot, run, model, like, moved, tmp_path) -> None:
    add(run, like, moved)
    wait_for(qtbot, run, "ready", "ready")
    seen = []
    run.changed.connect(lambda entry: seen.append((entry.path.stem, entry.state, entry.rows)))
    run.start(tmp_path / "maps", device="cpu")
    assert run.running
    assert states(run) == ["waiting", "waiting"]
    wait_for(qtbot, run, "done", "done")
    qtbot.waitUntil(lambda: not run.running)
    assert ("like", "mapping", 5) in seen
    for scan in (like, moved):
        alone = segment(scan, model, device="cpu")
        found = DomainMap.load(tmp_path / "maps", scan.name)
        assert np.array_equal(found.probabilities, alone.probabilities)
    assert str(tmp_path / "maps") in run.entries[0].note
    assert run.entries[1].differences  # what was found stays to be read
    assert run.needs == NOTHING_LEFT


def test_old_maps_are_kept_unless_told_otherwise(qtbot, run, like, tmp_path) -> None:
    (tmp_path / "like_map.json").write_text("old")
    add(run, like)
    wait_for(qtbot, run, "ready")
    run.start(tmp_path, device="cpu")
    wait_for(qtbot, run, "failed")
    assert "exists already" in run.entries[0].note
    qtbot.waitUntil(lambda: not run.running)
    run.start(tmp_path, device="cpu", overwrite=True)
    wait_for(qtbot, run, "done")


def test_maps_become_layers(qtbot, run, desk, viewer, layer, like) -> None:
    um = like.with_calibration(replace(like.calibration, scan_step=(0.003, 0.004), scan_units="um"))
    viewer.layers.selection.active = layer
    add(run, um)
    wait_for(qtbot, run, "ready")
    run.start(None, device="cpu")
    wait_for(qtbot, run, "done")
    image, domains = viewer.layers["like"], viewer.layers["Domains of like"]
    assert image.metadata["scan"] is um
    assert np.array_equal(domains.data, domains.metadata["domain_map"].classes_image)
    for one in (image, domains):
        assert one.scale == pytest.approx((3, 4))  # the other layers are in nm
        assert one.units == layer.units
    assert run.entries[0].note == ""
    assert viewer.layers.selection.active is layer
    assert desk.layer is layer
    viewer.layers.clear()  # the user may, at any time
    assert run.entries[0].state == "done"


def test_a_scan_without_units_in_a_window_with_units_is_told(qtbot, run, viewer, like) -> None:
    add(run, like.with_calibration(Calibration()))
    wait_for(qtbot, run, "ready")
    run.start(None, device="cpu")
    wait_for(qtbot, run, "done")
    assert len({one.units for one in viewer.layers}) == 1
    assert "the scale bar does not hold" in run.entries[0].note


@pytest.mark.parametrize(
    ("step", "units", "wanted", "scale", "said"),
    [
        ((2, 2), "nm", "nm", (2, 2), ""),
        ((2, 4), "angstrom", "nm", (0.2, 0.4), ""),
        ((1, 1), "px", "px", (1, 1), ""),
        ((2, 4), "nm", "px", (1, 2), "no units"),
        ((1, 1), "px", "um", (1, 1), "not known in um"),
    ],
)
def test_scales_in_the_units_of_the_window(step, units, wanted, scale, said) -> None:
    found, note = fitted_scale(step, units, wanted)
    assert found == pytest.approx(scale)
    assert said in note
    assert bool(said) == bool(note)


def test_it_can_be_stopped_and_started_again(qtbot, run, like, moved, tmp_path) -> None:
    add(run, like, moved)
    wait_for(qtbot, run, "ready", "ready")
    run.start(tmp_path, device="cpu")
    run.stop()
    assert not run.running
    assert set(states(run)) == {"stopped"}
    qtbot.wait(50)
    assert set(states(run)) == {"stopped"}  # what still comes is dropped
    run.start(tmp_path, device="cpu", overwrite=True)
    wait_for(qtbot, run, "done", "done")


def test_the_end_of_the_session_stops_it(qtbot, run, desk, like, tmp_path) -> None:
    add(run, like)
    wait_for(qtbot, run, "ready")
    run.start(tmp_path, device="cpu")
    desk.sleep()
    assert not run.running
    assert states(run) == ["stopped"]
    assert run.needs == NO_MODEL
    run.start(tmp_path, device="cpu")
    assert states(run) == ["stopped"]


def test_another_model_checks_again(qtbot, run, desk, model, make_model, like) -> None:
    add(run, like)
    wait_for(qtbot, run, "ready")
    desk.session.training.use_model(model)  # the same once more
    assert states(run) == ["ready"]
    desk.session.training.use_model(make_model(detector_shape=(16, 16)))
    wait_for(qtbot, run, "refused")


def test_without_a_model_it_waits_for_one(qtbot, desk, model, like) -> None:
    run = ApplyRun(desk)
    add(run, like)
    assert run.needs == NO_MODEL
    assert states(run) == ["unchecked"]
    desk.session.training.use_model(model)
    wait_for(qtbot, run, "ready")
    run.close()


def test_a_viewer_without_layers_takes_the_units_of_the_scan(qtbot, run, desk, like, monkeypatch) -> None:
    empty = ViewerModel()
    monkeypatch.setattr(desk, "viewer", empty)
    add(run, like)
    run.start(None, device="cpu")
    wait_for(qtbot, run, "done")
    assert [str(one.units[0]) for one in empty.layers] == ["nanometer", "nanometer"]
    monkeypatch.undo()
