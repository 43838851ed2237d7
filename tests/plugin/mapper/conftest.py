"""A desk with a scan of known domains on it, over a viewer without a window."""

from __future__ import annotations

import pytest
from napari.components import ViewerModel

from napari_ghosthunter.plugin.layers import bare
from napari_ghosthunter.plugin.mapper.desk import Desk
from napari_ghosthunter.plugin.scan_image import scan_layer
from napari_ghosthunter.scan.simulate import Simulation, SimulationConfig, simulate


@pytest.fixture(scope="session")
def sample() -> Simulation:
    """A small scan, whose domains are known."""
    return simulate(SimulationConfig(scan_shape=(12, 20), detector_shape=(48, 48)))


@pytest.fixture
def viewer() -> ViewerModel:
    """A viewer without a window."""
    return ViewerModel()


@pytest.fixture
def layer(viewer, sample):
    """The scan's layer in the viewer."""
    data, arguments, _ = scan_layer(sample.scan)
    return bare(viewer.add_image(data, **arguments))


@pytest.fixture
def desk(qtbot, viewer, layer):
    """A desk with a new session at the scan."""
    desk = Desk(viewer)
    desk.wake()
    qtbot.waitUntil(lambda: desk.session is not None)
    yield desk
    desk.sleep()
