"""The scan that is worked on is named above the pages, and one that is opened meanwhile is a click away."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt

from napari_ghosthunter.plugin.docks import DIFFRACTION, MAPPER, open_dock
from napari_ghosthunter.plugin.layers import bare
from napari_ghosthunter.plugin.scan_image import scan_layer
from napari_ghosthunter.scan.scan import Scan

LONG = 60_000


@pytest.fixture
def mapper(qtbot, window, sample):
    add(window, sample.scan, "scan_32")
    mapper = open_dock(window, MAPPER)
    qtbot.waitUntil(lambda: mapper.desk.session is not None, timeout=LONG)
    return mapper


def add(window, scan, name):
    data, arguments, _ = scan_layer(scan, name)
    return bare(window.add_image(data, **arguments))


def test_it_names_the_scan_and_switches_to_one_that_is_opened_over_work(qtbot, window, mapper, sample) -> None:
    bar, desk, first = mapper.scan_bar, mapper.desk, mapper.desk.session
    assert bar.words.text() == "Scan: scan_32"
    assert not bar.switch_button.isVisible()
    first.labels.add_class("a")
    first.add_point((1, 2))
    first.label_current("a")
    other = add(window, Scan(sample.scan.data[:6, :9]), "particle_10x7")
    assert desk.session is first
    assert bar.words.text() == "Still working on scan_32"
    assert bar.switch_button.text() == "Switch to particle_10x7"
    assert bar.switch_button.isVisible()
    other.name = "particle & co"
    assert bar.switch_button.text() == "Switch to particle && co"
    mapper.scan_bar.set_busy(True)
    qtbot.mouseClick(bar.switch_button, Qt.MouseButton.LeftButton)
    assert desk.session is first
    mapper.scan_bar.set_busy(False)
    qtbot.mouseClick(bar.switch_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: desk.session not in (None, first), timeout=LONG)
    assert desk.layer is other
    assert bar.words.text() == "Scan: particle & co"
    assert not bar.switch_button.isVisible()
    window.layers.clear()
    assert not bar.isVisible()


@pytest.mark.slow
def test_a_scan_that_goes_again_is_offered_no_more(window, mapper, sample) -> None:
    mapper.desk.session.labels.add_class("a")
    other = add(window, Scan(sample.scan.data[:6, :9]), "other")
    assert mapper.scan_bar.switch_button.isVisible()
    window.layers.remove(other)
    assert not mapper.scan_bar.switch_button.isVisible()
    assert mapper.scan_bar.words.text() == "Scan: scan_32"


@pytest.mark.slow
def test_without_work_the_scan_that_is_opened_is_followed_at_once(qtbot, window, mapper, sample) -> None:
    first = mapper.desk.session
    add(window, Scan(sample.scan.data[:6, :9]), "other")
    qtbot.waitUntil(lambda: mapper.desk.session not in (None, first), timeout=LONG)
    assert mapper.scan_bar.words.text() == "Scan: other"
    assert not mapper.scan_bar.switch_button.isVisible()


def test_a_virtual_detector_does_not_rename_the_scan(qtbot, window, mapper) -> None:
    diffraction = open_dock(window, DIFFRACTION)
    qtbot.waitUntil(lambda: diffraction.showing.facts is not None, timeout=LONG)
    for kind, title in (("custom", "custom disk"), ("ADF", "ADF"), ("bright field", "bright field")):
        diffraction.detector_bar.kind_asked.emit(kind)
        qtbot.waitUntil(lambda title=title: window.layers[0].name == f"scan_32: {title}", timeout=LONG)
        assert mapper.scan_bar.words.text() == "Scan: scan_32"
        assert mapper.scan_page.choice.currentText() == "scan_32"
        assert mapper.desk.stem == "scan_32"
    window.layers[0].name = "mine"
    assert mapper.scan_bar.words.text() == "Scan: mine"
