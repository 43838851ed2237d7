"""Exporting: the same files as the command line writes, where the user wants them, and nothing is replaced unasked."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QFileDialog, QMessageBox
from typer.testing import CliRunner

from napari_ghosthunter.cli.app import app
from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.labelling.labelfiles import read_labels
from napari_ghosthunter.learning.modelfile import load_model, save_model
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.plugin.mapper import desk as desk_module
from napari_ghosthunter.plugin.mapper.desk import NO_SCAN, Desk
from napari_ghosthunter.plugin.mapper.exporting import exporting
from napari_ghosthunter.plugin.mapper.exporting.export_page import ExportPage
from napari_ghosthunter.plugin.mapper.mapping.map_layers import MapLayers
from napari_ghosthunter.plugin.mapper.mapping.mapping import Mapping
from napari_ghosthunter.plugin.scan_image import scan_layer
from napari_ghosthunter.scan.readers import open_scan
from napari_ghosthunter.scan.scan import Provenance, Scan
from napari_ghosthunter.session.earlier import Earlier
from napari_ghosthunter.session.session import Session


@pytest.fixture
def page(qtbot, desk, tmp_path):
    page = ExportPage(desk, MapLayers(desk))
    qtbot.addWidget(page)
    page.layers._turn(desk.session)
    desk.session_changed.emit(desk.session)
    page.folder.setText(str(tmp_path / "out"))
    page.show()
    return page


@pytest.fixture
def answers(monkeypatch):
    """What the user is asked, and answers: No, until told otherwise."""
    asked = []

    def ask(_parent, _title, text, *_):
        asked.append(text)
        return QMessageBox.StandardButton.Yes if "yes" in asked else QMessageBox.StandardButton.No

    monkeypatch.setattr(QMessageBox, "question", ask)
    return asked


@pytest.fixture
def told(monkeypatch):
    """What the user was told of errors."""
    messages = []
    monkeypatch.setattr(desk_module, "tell_error", messages.append)
    monkeypatch.setattr("napari_ghosthunter.plugin.mapper.exporting.export_page.tell_error", messages.append)
    return messages


@pytest.fixture
def trained(desk, page, make_model):
    """A session with a model, after its page was made."""
    desk.session.training.use_model(make_model((48, 48)))
    return desk.session


def export(qtbot, page):
    """Click on Export, and wait until all is written."""
    qtbot.mouseClick(page.export_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not page.background.busy, timeout=20_000)


@pytest.fixture
def mapped(qtbot, page, mapped):
    """As `mapped`, and the page has heard of it."""

    def give(*arguments):
        domain_map = mapped(*arguments)
        qtbot.waitUntil(lambda: page.layers._new_rows is None)
        return domain_map

    return give


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_it_says_what_is_missing(page, desk, mapped, make_model) -> None:
    assert "nothing to export yet" in page.needs_label.text()
    desk.session.training.use_model(make_model((48, 48)))
    assert page.needs_label.text() == ""
    assert not page.no_map.isHidden()
    assert not page.files.isEnabled()
    assert page.model.isEnabled()
    assert page.export_button.isEnabled()
    mapped(desk.session)
    assert page.no_map.isHidden()
    assert page.export_button.isEnabled()
    desk.viewer.layers.clear()
    assert page.needs_label.text() == NO_SCAN


def test_files_are_those_of_the_command_line(qtbot, viewer, sample, tmp_path, make_model) -> None:
    np.save(tmp_path / "scan.npy", sample.scan.data)
    model = make_model((48, 48))
    save_model(model, tmp_path / "model.safetensors")
    arguments = ["map", str(tmp_path / "scan.npy"), "--model", str(tmp_path / "model.safetensors")]
    assert CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / "cli")]).exit_code == 0
    data, keywords, _ = scan_layer(open_scan(tmp_path / "scan.npy"))
    viewer.add_image(data, **keywords)
    desk = Desk(viewer)
    page, mapping = ExportPage(desk, MapLayers(desk)), Mapping(desk)
    qtbot.addWidget(page)
    desk.wake()
    qtbot.waitUntil(lambda: desk.session is not None)
    assert page.name.text() == "scan"
    desk.session.training.use_model(load_model(tmp_path / "model.safetensors"))
    with qtbot.waitSignal(mapping.ended, timeout=20_000):
        mapping.start("cpu")
    page.show()
    page.model.setChecked(False)
    page.folder.setText(str(tmp_path / "window"))
    export(qtbot, page)
    assert names(tmp_path / "window") == names(tmp_path / "cli")
    for path in (tmp_path / "window").iterdir():
        assert path.read_bytes() == (tmp_path / "cli" / path.name).read_bytes(), path.name
    desk.sleep()


def test_one_file_labels_and_model(qtbot, page, trained, mapped, tmp_path) -> None:
    trained.labels.add_class("a")
    trained.add_point((1, 2))
    trained.label_current("a")
    expected = mapped(trained)
    page.name.setText("monday")
    assert [box.isChecked() for box in (page.labels, page.model, page.hdf5)] == [True, True, False]
    page.files.setChecked(False)
    page.hdf5.setChecked(True)
    export(qtbot, page)
    assert names(tmp_path / "out") == {"monday_map.h5", "monday_labels.csv", "monday_model.safetensors"}
    with h5py.File(tmp_path / "out" / "monday_map.h5") as file:
        np.testing.assert_array_equal(file["domain_map/probabilities/data"], expected.probabilities)
    assert dict(read_labels(tmp_path / "out" / "monday_labels.csv")[0]) == {(1, 2): "a"}
    assert load_model(tmp_path / "out" / "monday_model.safetensors").hash == trained.model.hash
    assert page.done.text().startswith("3 files written to ")


def test_a_map_without_its_model_can_be_exported(qtbot, desk, page, probabilities, tmp_path) -> None:
    desk.take(Session(desk.scan, earlier=Earlier(domain_map=DomainMap(probabilities(), ClassScheme.from_names("abc")))))
    assert page.needs_label.text() == ""
    assert not page.model.isEnabled()
    export(qtbot, page)
    assert "scan_classes.tif" in names(tmp_path / "out")


def test_unsure_positions_are_left_out_if_wanted(qtbot, page, trained, mapped, tmp_path) -> None:
    expected = mapped(trained)
    assert page.left_out.isHidden()
    page.layers.threshold = 0.6
    below = int((expected.classes_above(0.6) == 0).sum())
    assert page.left_out.text() == f"Leave out {below} positions below confidence 0.60"
    export(qtbot, page)  # as it is seen
    written = DomainMap.load(tmp_path / "out")
    np.testing.assert_array_equal(written.classes_image, expected.classes_above(0.6))
    assert written.provenance["positions_left_out"] == below
    assert written.provenance["confidence_threshold"] == 0.6
    qtbot.mouseClick(page.left_out, Qt.MouseButton.LeftButton, pos=QPoint(8, page.left_out.height() // 2))
    page.layers.threshold = 0.7
    assert not page.left_out.isChecked()  # the user has said so
    page.name.setText("all")
    export(qtbot, page)
    np.testing.assert_array_equal(DomainMap.load(tmp_path / "out", "all").classes_image, expected.classes_image)


def test_nothing_is_replaced_unasked(qtbot, page, trained, mapped, probabilities, answers, tmp_path) -> None:
    mapped(trained)
    export(qtbot, page)
    assert answers == []
    before = (tmp_path / "out" / "scan_classes.tif").read_bytes()
    other = mapped(trained, probabilities(3))
    export(qtbot, page)
    assert "scan_classes.tif" in answers[0]
    assert (tmp_path / "out" / "scan_classes.tif").read_bytes() == before
    answers.append("yes")
    export(qtbot, page)
    np.testing.assert_array_equal(DomainMap.load(tmp_path / "out").probabilities, other.probabilities)


def test_what_cannot_be_written_is_told(qtbot, page, trained, mapped, told, tmp_path) -> None:
    mapped(trained)
    (tmp_path / "file").write_text("")
    page.folder.setText(str(tmp_path / "file" / "x"))
    export(qtbot, page)
    assert "not a folder" in told[0]
    page.folder.setText(str(tmp_path / "out"))
    page.name.setText("a/b")
    export(qtbot, page)
    assert "without slashes" in told[1]
    assert page.export_button.isEnabled()


def test_a_full_disk_is_told(qtbot, page, trained, mapped, told, monkeypatch) -> None:
    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    mapped(trained)
    monkeypatch.setattr(exporting, "save_map", fail)
    export(qtbot, page)
    assert "No space left" in told[0]
    assert page.export_button.isEnabled()


def test_the_scan_is_never_written_over(page, trained, mapped, tmp_path) -> None:
    mapped(trained)
    source = tmp_path / "x_map.h5"
    source.write_text("the scan")
    scan = Scan(np.zeros((1, 1, 2, 2)), provenance=Provenance(path=source))
    wanted = exporting.Export(tmp_path, "x", hdf5=page.layers.result, scan=scan)
    with pytest.raises(exporting.OutputError, match="the scan itself"):
        wanted.existing()


def test_the_folder_is_chosen_and_remembered(qtbot, page, desk, trained, mapped, monkeypatch, tmp_path) -> None:
    assert exporting.last_folder() == Path.home()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    qtbot.mouseClick(page.choose_button, Qt.MouseButton.LeftButton)
    assert page.folder.text() == str(tmp_path)
    mapped(trained)
    export(qtbot, page)
    assert ExportPage(desk, page.layers).folder.text() == str(tmp_path)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    qtbot.mouseClick(page.choose_button, Qt.MouseButton.LeftButton)
    assert page.folder.text() == str(tmp_path)


def test_the_folder_can_be_opened(qtbot, page, trained, mapped, monkeypatch, tmp_path) -> None:
    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    mapped(trained)
    page.folder.setText(str(tmp_path / "a & b #1 'é'"))
    export(qtbot, page)
    qtbot.mouseClick(page.open_button, Qt.MouseButton.LeftButton)
    assert Path(opened[0].toLocalFile()) == tmp_path / "a & b #1 'é'"


def test_something_must_be_chosen_and_named(page, trained, mapped) -> None:
    mapped(trained)
    assert page.export_button.isEnabled()
    page.files.setChecked(False)
    page.model.setChecked(False)
    assert not page.export_button.isEnabled()
    page.model.setChecked(True)
    assert page.export_button.isEnabled()
    page.name.setText(" ")
    assert not page.export_button.isEnabled()


def test_closing_while_it_writes(qtbot, page, desk, trained, mapped) -> None:
    mapped(trained)
    qtbot.mouseClick(page.export_button, Qt.MouseButton.LeftButton)
    desk.sleep()
    assert not page.background.busy
    qtbot.wait(100)


def test_a_scan_from_no_file_goes_by_the_name_of_its_layer(desk) -> None:
    assert desk.stem == "scan"
    desk.layer.name = "Boracite domains (simulated)"
    assert desk.stem == "Boracite_domains_simulated"
    desk.layer.name = "…"
    assert desk.stem == "scan"
