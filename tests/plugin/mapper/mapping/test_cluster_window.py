"""Maps computed by a Dask scheduler, from the window: chosen, made, stopped, and refused."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_ghosthunter.mapping import worker
from napari_ghosthunter.mapping.segmentation import segment
from napari_ghosthunter.plugin.docks import MAPPER, open_dock
from napari_ghosthunter.plugin.layers import bare
from napari_ghosthunter.plugin.mapper import desk as desk_module
from napari_ghosthunter.plugin.mapper import running
from napari_ghosthunter.plugin.mapper.mapping.map_layers import MapLayers
from napari_ghosthunter.plugin.mapper.mapping.map_page import MapPage
from napari_ghosthunter.plugin.mapper.mapping.mapping import Mapping
from napari_ghosthunter.plugin.scan_image import scan_layer
from napari_ghosthunter.scan.readers import open_scan
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.versions import versions

pytestmark = pytest.mark.usefixtures("one_thread")
LONG = 30_000


@pytest.fixture(scope="module")
def running_cluster(make_cluster):
    """A scheduler with two workers."""
    with make_cluster(2) as made:
        yield made


@pytest.fixture
def empty_cluster(make_cluster):
    """A scheduler that no worker has come to."""
    with make_cluster(0) as made:
        yield made


@pytest.fixture
def free_address():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return f"tcp://127.0.0.1:{port}"


@pytest.fixture
def scan(sample, tmp_path):
    """The sample in a file, where workers find it."""
    np.save(tmp_path / "scan.npy", np.asarray(sample.scan.data))
    return open_scan(tmp_path / "scan.npy")


@pytest.fixture
def layer(viewer, scan):
    data, arguments, _ = scan_layer(scan)
    return bare(viewer.add_image(data, **arguments))


@pytest.fixture
def told(monkeypatch):
    """What the user was told of errors."""
    messages = []
    for module in (running, desk_module):
        monkeypatch.setattr(module, "tell_error", messages.append)
    return messages


@pytest.fixture
def page(qtbot, desk, make_model):
    desk.session.training.use_model(make_model((48, 48), names=("none", "vertical", "horizontal")))
    page = MapPage(desk, Mapping(desk), MapLayers(desk))
    qtbot.addWidget(page)
    page.resize(400, 420)
    page.show()
    desk.session_changed.emit(desk.session)
    return page


@pytest.fixture
def slow_workers(monkeypatch):
    """A gate that the workers wait at before each of their tasks; open until it is cleared."""
    gate, prepared = threading.Event(), worker._prepared
    gate.set()

    def wait_first(job):
        assert gate.wait(LONG / 1000)
        return prepared(job)

    monkeypatch.setattr(worker, "_prepared", wait_first)  # the workers are threads of this process
    yield gate
    gate.set()


def choose_scheduler(qtbot, page, address) -> None:
    """Choose and type as a user does."""
    bar = page.place_bar
    qtbot.keyClick(bar.choice, Qt.Key.Key_Down)
    qtbot.keyClicks(bar.address, address)
    qtbot.keyClick(bar.address, Qt.Key.Key_Return)


def click_map(qtbot, page) -> None:
    assert page.map_button.isEnabled()
    qtbot.mouseClick(page.map_button, Qt.MouseButton.LeftButton)


def tasks(made) -> int:
    return len(made.scheduler.tasks)


def at_rest() -> bool:
    return not any(thread.name.startswith("ghosthunter") for thread in threading.enumerate())


def test_the_map_is_that_of_this_machine(qtbot, page, scan, running_cluster) -> None:
    session, seen = page.session, []
    choose_scheduler(qtbot, page, running_cluster.scheduler_address)
    session.segmentation.changed.connect(lambda start, stop: seen.append((start, stop)))
    with qtbot.waitSignal(page.mapping.ended, timeout=LONG) as ended:
        click_map(qtbot, page)
        assert page.map_button.text() == "Stop"
        assert not page.place_bar.choice.isEnabled()
        assert page.state.text() == f"Waiting for the first rows from {running_cluster.scheduler_address}…"
    assert ended.args == [True]
    local = segment(scan, session.model)
    assert session.domain_map.probabilities.tobytes() == local.probabilities.tobytes()
    assert session.domain_map.provenance == local.provenance
    assert session.domain_map.statistics == local.statistics
    assert len(seen) > 3
    assert page.state.text() == ""
    assert page.place_bar.choice.isEnabled()
    qtbot.waitUntil(lambda: tasks(running_cluster) == 0, timeout=LONG)
    assert len(running_cluster.scheduler.workers) == 2  # it lives on


def test_stop_in_the_middle_takes_the_tasks_back(qtbot, page, running_cluster, slow_workers) -> None:
    session = page.session
    choose_scheduler(qtbot, page, running_cluster.scheduler_address)

    def no_more(*_):
        slow_workers.clear()

    session.segmentation.changed.connect(no_more)
    with qtbot.waitSignal(page.mapping.ended, timeout=LONG) as ended:
        click_map(qtbot, page)
        qtbot.waitUntil(lambda: page.mapping.rows_done > 0 and tasks(running_cluster) > 0, timeout=LONG)
        click_map(qtbot, page)
        assert page.state.text() == "Stopping…"
    assert ended.args == [False]
    session.segmentation.changed.disconnect(no_more)
    done = page.mapping.rows_done
    assert 0 < done < 12
    assert session.domain_map.has_data[:, 0].sum() == done
    assert page.state.text().startswith(f"Only {done} of 12 rows are mapped.")
    slow_workers.set()
    qtbot.waitUntil(lambda: tasks(running_cluster) == 0, timeout=LONG)
    assert len(running_cluster.scheduler.workers) == 2
    with qtbot.waitSignal(page.mapping.ended, timeout=LONG) as ended:  # and it can be used again
        click_map(qtbot, page)
    assert ended.args == [True]


def test_no_scheduler_there_is_told_soon_and_nothing_is_lost(qtbot, page, told, free_address) -> None:
    session = page.session
    with qtbot.waitSignal(page.mapping.ended, timeout=LONG):
        page.mapping.start()
    before = session.domain_map
    choose_scheduler(qtbot, page, free_address)
    began = time.monotonic()
    with qtbot.waitSignal(page.mapping.ended, timeout=10_000) as ended:
        click_map(qtbot, page)
        assert time.monotonic() - began < 1  # the window does not wait
    assert ended.args == [False]
    said = f"No Dask scheduler answers at {free_address}; start one there with 'dask scheduler'"
    assert [text[: len(said)] for text in told] == [said]
    assert page.error.message == told[0]
    assert session.domain_map is before
    assert page.map_button.isEnabled()
    assert page.map_button.text() == "Map the scan again"
    page.place_bar.place.choose(False, free_address)
    with qtbot.waitSignal(page.mapping.ended, timeout=LONG):
        click_map(qtbot, page)
    assert (page.error.message, page.state.text()) == ("", "")


def test_without_workers_it_says_that_it_waits_and_can_be_stopped(qtbot, page, told, empty_cluster) -> None:
    choose_scheduler(qtbot, page, empty_cluster.scheduler_address)
    with qtbot.waitSignal(page.mapping.ended, timeout=LONG) as ended:
        click_map(qtbot, page)
        qtbot.waitUntil(lambda: "has no workers yet" in page.state.text(), timeout=LONG)
        click_map(qtbot, page)
    assert ended.args == [False]
    assert (told, page.session.domain_map) == ([], None)
    qtbot.waitUntil(lambda: tasks(empty_cluster) == 0, timeout=LONG)


def test_what_the_cluster_warns_of_stays_on_the_page(qtbot, page, running_cluster, monkeypatch) -> None:
    monkeypatch.setattr(worker, "versions", lambda: {**versions(), "torch": "1.0"})
    choose_scheduler(qtbot, page, running_cluster.scheduler_address)
    with qtbot.waitSignal(page.mapping.ended, timeout=LONG) as ended:
        click_map(qtbot, page)
    assert ended.args == [True]
    assert page.state.text().startswith("A worker has torch 1.0 (here ")


def test_a_session_that_goes_leaves_the_scheduler_alone(qtbot, page, desk, told, running_cluster, slow_workers) -> None:
    slow_workers.clear()
    choose_scheduler(qtbot, page, running_cluster.scheduler_address)
    click_map(qtbot, page)
    qtbot.waitUntil(lambda: tasks(running_cluster) > 0, timeout=LONG)
    desk.sleep()
    assert not page.mapping.running
    qtbot.waitUntil(at_rest, timeout=LONG)  # though no worker has finished anything
    slow_workers.set()
    qtbot.waitUntil(lambda: tasks(running_cluster) == 0, timeout=LONG)
    assert told == []


def test_a_scan_in_no_file_is_refused_before_it_starts(
    qtbot, page, desk, sample, make_model, told, free_address
) -> None:
    data, arguments, _ = scan_layer(Scan(sample.scan.data[::-1]))
    desk.open(bare(desk.viewer.add_image(data, **arguments)))
    qtbot.waitUntil(lambda: desk.session is not None and desk.session.scan.provenance.path is None)
    desk.session.training.use_model(make_model((48, 48)))
    choose_scheduler(qtbot, page, free_address)
    assert "came from no file" in page.place_bar.words.text()
    assert not page.map_button.isEnabled()
    page.mapping.start()  # as after a training
    assert not page.mapping.running
    assert ["came from no file" in text for text in told] == [True]


def test_closing_the_window_stops_it(qtbot, window, scan, make_model, running_cluster, slow_workers, told) -> None:
    data, arguments, _ = scan_layer(scan)
    window.add_image(data, **arguments)
    mapper = open_dock(window, MAPPER)
    qtbot.waitUntil(lambda: mapper.desk.session is not None, timeout=LONG)
    mapper.desk.session.training.use_model(make_model((48, 48)))
    mapper.show_page(mapper.map_page)
    slow_workers.clear()
    choose_scheduler(qtbot, mapper.map_page, running_cluster.scheduler_address)
    click_map(qtbot, mapper.map_page)
    qtbot.waitUntil(lambda: tasks(running_cluster) > 0, timeout=LONG)
    window.close()
    assert not mapper.mapping.running
    qtbot.waitUntil(at_rest, timeout=LONG)
    slow_workers.set()
    qtbot.waitUntil(lambda: tasks(running_cluster) == 0, timeout=LONG)
    assert len(running_cluster.scheduler.workers) == 2
    assert told == []


CODE = """
import sys
from napari_ghosthunter.plugin.mapper.mapping import map_page, place_bar
from napari_ghosthunter.plugin.mapper.applying import apply_dialog
from qtpy.QtWidgets import QApplication
app = QApplication([])
bar = place_bar.PlaceBar(place_bar.Place())
bar.place.needs()
print(sorted({"torch", "distributed"} & set(sys.modules)))
bar.place.choose(True, "tcp://127.0.0.1:1")
bar.place.needs()
print(sorted({"torch", "distributed"} & set(sys.modules)))
"""


def test_neither_torch_nor_distributed_is_loaded_for_the_choice(qapp) -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "[]"]
