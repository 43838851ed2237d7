"""Defaults that the user sets in napari's Preferences."""

from __future__ import annotations

from dataclasses import asdict
from types import SimpleNamespace

import napari.settings
import pytest
from napari.components import ViewerModel
from npe2 import PluginManifest

from napari_ghosthunter.labelling.classes import palette
from napari_ghosthunter.plugin.mapper.desk import Desk
from napari_ghosthunter.plugin.mapper.labelling.label_page import LabelPage
from napari_ghosthunter.plugin.mapper.labelling.sample_points import SamplePoints
from napari_ghosthunter.plugin.mapper.training.device_box import DeviceBox
from napari_ghosthunter.plugin.preferences import PAPER, SAFE, Defaults, defaults
from napari_ghosthunter.plugin.scan_image import scan_layer


@pytest.fixture
def declared():
    """What the manifest declares."""
    manifest = PluginManifest.from_distribution("napari-ghosthunter")
    return manifest.contributions.configurations["new_work"].properties


@pytest.fixture
def choose(monkeypatch):
    def do(**chosen):
        settings = SimpleNamespace(new_work=SimpleNamespace(**{**asdict(Defaults()), **chosen}))
        monkeypatch.setattr(napari.settings, "get_plugin_settings", lambda _: settings)

    return do


def test_the_manifest_and_the_code_agree(declared) -> None:
    assert {name: one.default for name, one in declared.items()} == asdict(Defaults())
    assert declared["colours"].enum == [PAPER, SAFE]


def test_without_a_registered_plugin_the_defaults_hold(monkeypatch) -> None:
    def unknown(plugin):
        raise KeyError(plugin)

    monkeypatch.setattr(napari.settings, "get_plugin_settings", unknown)
    assert defaults() == Defaults()


def test_new_work_begins_with_them(qtbot, choose, scan, tmp_path, sittings) -> None:
    choose(device="cpu", epochs=77, step=3, folder=str(tmp_path / "project"), colours=SAFE)
    data, arguments, _ = scan_layer(scan)
    viewer = ViewerModel()
    viewer.add_image(data, **arguments)
    desk = Desk(viewer)
    desk.wake()
    qtbot.waitUntil(lambda: desk.session is not None)
    assert desk.session.training_config.epochs == 77
    page, box = LabelPage(desk, SamplePoints(desk)), DeviceBox()
    qtbot.addWidget(page)
    qtbot.addWidget(box)
    assert page.step_box.value() == 3
    page.paper_button.click()
    assert desk.session.labels.classes.colours == palette(3)
    assert box.device == "cpu"
    desk.sleep()
    assert list((tmp_path / "project").rglob("journal.jsonl"))
    assert not list(sittings.rglob("*"))
    desk.wake()
    qtbot.waitUntil(lambda: bool(desk.past))  # found again there
    desk.sleep()
