"""The whole dock in a real window: what follows from what, and that it can be closed at any time."""

from __future__ import annotations

import threading

import pytest

from napari_ghosthunter.plugin.docks import MAPPER, find_dock, open_dock
from napari_ghosthunter.plugin.layers import bare
from napari_ghosthunter.plugin.scan_image import scan_layer
from napari_ghosthunter.scan.scan import Scan

LONG = 60_000
MANY = 5000  # epochs that no test waits for


@pytest.fixture
def layer(window, sample):
    data, arguments, _ = scan_layer(sample.scan)
    return bare(window.add_image(data, **arguments))


def opened(qtbot, window, sample):
    """Open the dock, and label something of every class."""
    mapper = open_dock(window, MAPPER)
    qtbot.waitUntil(lambda: mapper.desk.session is not None, timeout=LONG)
    label(mapper.desk.session, sample)
    return mapper


@pytest.fixture
def mapper(qtbot, window, layer, sample):
    return opened(qtbot, window, sample)


def label(session, sample) -> None:
    for name in sample.names:
        session.labels.add_class(name)
    session.propose(3)
    while session.labels.waiting:
        session.label_current(sample.names[sample.truth[session.current]])


def set_epochs(session, epochs: int) -> None:
    session.training_config = session.training_config.model_copy(update={"epochs": epochs})


def at_rest() -> bool:
    return not any(thread.name.startswith("ghosthunter") for thread in threading.enumerate())


def callbacks(viewer) -> list[int]:
    heard = [viewer.mouse_move_callbacks, viewer.mouse_drag_callbacks, viewer.mouse_wheel_callbacks]
    events = (viewer.layers.events.inserted, viewer.layers.events.removed, viewer.layers.selection.events.active)
    return [len(each) for each in heard] + [len(event.callbacks) for event in events]


def test_what_was_trained_is_mapped(qtbot, window, mapper) -> None:
    session = mapper.desk.session
    set_epochs(session, 3)
    mapper.show_page(mapper.train_page)
    mapper.train_page.train_button.click()
    assert not mapper.scan_page.choice.isEnabled()
    qtbot.waitUntil(lambda: session.segmentation.is_current and not mapper.mapping.running, timeout=LONG)
    qtbot.waitUntil(lambda: "Domains" in window.layers, timeout=LONG)
    assert mapper.scan_page.choice.isEnabled()
    mapper.show_page(mapper.map_page)
    mapper.map_page.apply_button.click()
    assert mapper.apply_dialog.isVisible()
    dialog = mapper.apply_dialog
    mapper.parent().destroyOnClose()
    assert not dialog.isVisible()
    qtbot.wait(50)


SLOW = pytest.mark.slow
CLOSINGS = [
    pytest.param(how, state, marks=() if how == "window" or (how, state) == ("dock", "training") else SLOW)
    for how in ("dock", "window", "scan layer", "all layers", "hide")
    for state in ("loading", "training", "mapping")
]


@pytest.mark.parametrize(("how", "state"), CLOSINGS)
def test_closing_while_anything_runs(qtbot, window, layer, sample, how, state) -> None:
    before = callbacks(window)
    mapper = opened(qtbot, window, sample)
    session = mapper.desk.session
    set_epochs(session, 2 if state == "mapping" else MANY)
    mapper.training.start("cpu")
    if state == "training":
        qtbot.waitUntil(lambda: len(session.training.history) > 1, timeout=LONG)
    elif state == "mapping":
        qtbot.waitUntil(lambda: mapper.mapping.running, timeout=LONG)
    if how == "hide":  # behind another tab it goes on
        mapper.parent().hide()
        qtbot.wait(50)
        assert mapper.training.running or mapper.mapping.running or session.segmentation.is_current
        mapper.parent().show()
        mapper.parent().destroyOnClose()
    elif how == "dock":
        mapper.parent().destroyOnClose()
    elif how == "window":
        window.close()
    elif how == "scan layer":
        window.layers.remove(layer)
    else:
        window.layers.clear()
    assert mapper.desk.session is None
    assert not mapper.training.running
    assert not mapper.mapping.running
    if how in ("dock", "hide"):
        qtbot.waitUntil(lambda: "Sample points" not in window.layers, timeout=LONG)
        assert callbacks(window) == before
    qtbot.waitUntil(at_rest, timeout=LONG)


def test_a_layer_of_ours_may_go_at_any_time(qtbot, window, mapper) -> None:
    session = mapper.desk.session
    set_epochs(session, 2)
    mapper.training.start("cpu")
    window.layers.remove("Sample points")
    qtbot.waitUntil(lambda: "Domains" in window.layers or "Domains (preview)" in window.layers, timeout=LONG)
    for name in [layer.name for layer in window.layers if layer.name.startswith(("Domain", "Confidence"))]:
        window.layers.remove(name)
    qtbot.waitUntil(lambda: session.segmentation.is_current and not mapper.mapping.running, timeout=LONG)
    session.undo()
    mapper.map_page.show_button.click()
    mapper.points.show()
    qtbot.waitUntil(lambda: {"Sample points", "Domains"} <= {layer.name for layer in window.layers}, timeout=LONG)


def test_nothing_of_one_scan_lands_on_another(qtbot, window, mapper, sample) -> None:
    first = mapper.desk.session
    data, arguments, _ = scan_layer(Scan(sample.scan.data[::-1, :15]), "other")
    other = bare(window.add_image(data, **arguments))
    set_epochs(first, MANY)
    mapper.training.start("cpu")
    qtbot.waitUntil(lambda: len(first.training.history) > 1, timeout=LONG)
    mapper.desk.open(other)
    qtbot.waitUntil(lambda: mapper.desk.session not in (None, first), timeout=LONG)
    second = mapper.desk.session
    qtbot.wait(300)
    assert second.model is None
    assert second.scan is not first.scan
    assert not mapper.training.running
    mapper.desk.open(bare(window.layers[0]))
    qtbot.waitUntil(lambda: bool(mapper.desk.past), timeout=LONG)
    mapper.desk.go_on(mapper.desk.past[0])
    qtbot.waitUntil(lambda: mapper.desk.session is not None, timeout=LONG)
    assert mapper.desk.session.model is not None
    assert len(mapper.desk.session.labels) == len(first.labels)


def test_the_dock_can_be_opened_again(qtbot, window, mapper) -> None:
    labels = dict(mapper.desk.session.labels)
    mapper.parent().destroyOnClose()
    assert find_dock(window, MAPPER) is None
    again = open_dock(window, MAPPER)
    qtbot.waitUntil(lambda: bool(again.desk.past), timeout=LONG)
    assert again.banner.isVisible()
    again.banner.go_on.click()
    qtbot.waitUntil(lambda: again.desk.session is not None, timeout=LONG)
    assert dict(again.desk.session.labels) == labels
