"""The map in the viewer: three layers that follow the session's map, whatever the user does to them."""

from __future__ import annotations

from threading import Event

import numpy as np
import pytest
from napari.components import ViewerModel
from tifffile import TiffFile, imread

from napari_ghosthunter.errors import OutputError
from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.mapping.segmentation import RowBand
from napari_ghosthunter.plugin.layers import bare
from napari_ghosthunter.plugin.mapper.desk import Desk
from napari_ghosthunter.plugin.mapper.mapping import warming
from napari_ghosthunter.plugin.mapper.mapping.map_layers import MapLayers
from napari_ghosthunter.plugin.mapper.mapping.result_layers import CONFIDENCE, DOMAINS, KINDS, MIXED
from napari_ghosthunter.plugin.scan_image import scan_layer
from napari_ghosthunter.plugin.writer import write_tiff
from napari_ghosthunter.scan.scan import Scan

NAMES = ("a", "b", "c")


@pytest.fixture
def layers(desk):
    return MapLayers(desk)


@pytest.fixture
def model(make_model):
    return make_model((48, 48), NAMES)


@pytest.fixture
def trained(desk, layers, model):
    """A session with a model, watched by `layers`."""
    desk.session_changed.emit(desk.session)
    desk.session.training.use_model(model)
    return desk.session


def shown(viewer, name):
    return bare(viewer.layers[name])


def drawn(qtbot, layers):
    qtbot.waitUntil(lambda: layers._new_rows is None)


def test_a_map_gets_three_layers_of_what_it_says(qtbot, viewer, layer, trained, layers, mapped) -> None:
    expected = mapped(trained)
    drawn(qtbot, layers)
    assert [one.name for one in viewer.layers] == [layer.name, *KINDS]
    np.testing.assert_array_equal(shown(viewer, DOMAINS).data, expected.classes_image)
    np.testing.assert_array_equal(shown(viewer, MIXED).data, expected.rgb)
    np.testing.assert_array_equal(shown(viewer, CONFIDENCE).data, expected.confidence)
    assert shown(viewer, CONFIDENCE).contrast_limits == [0, 1]
    assert [shown(viewer, kind).visible for kind in KINDS] == [False, False, True]
    for number, colour in enumerate(expected.classes.rgb(), start=1):
        np.testing.assert_allclose(shown(viewer, DOMAINS).get_color(number)[:3], colour / 255, atol=1e-6)
    assert not shown(viewer, DOMAINS).colormap.map(0).any()


def test_rows_come_as_they_are_computed_and_are_drawn_together(
    qtbot, viewer, trained, layers, stream, probabilities
) -> None:
    values, redrawn = probabilities(), []
    layers.changed.connect(lambda: redrawn.append(1))
    run = stream(trained, values, [(row, row + 1) for row in range(5)])
    drawn(qtbot, layers)
    data = shown(viewer, DOMAINS).data
    assert len(redrawn) == 1
    assert (data[:5] > 0).all()
    assert not data[5:].any()
    assert trained.segmentation.take(run, RowBand(5, 12, values[5:], 0))
    drawn(qtbot, layers)
    assert shown(viewer, DOMAINS).data is data  # in place
    assert (data > 0).all()
    stream(trained, probabilities(1), [(0, 1)])  # a new map begins: the rows of the old one are no longer true
    drawn(qtbot, layers)
    assert not data[1:].any()


@pytest.mark.parametrize("scale", [(2.0, 3.0), (2.0, -3.0)])
def test_layers_lie_where_the_scan_lies(qtbot, viewer, layer, trained, layers, scale, mapped) -> None:
    layer.scale, layer.translate, layer.rotate = scale, (5, -7), 20
    layer.affine = [[1, 0.2, 3], [0, 1.1, 4], [0, 0, 1]]
    mapped(trained)
    drawn(qtbot, layers)
    for change in (lambda: None, lambda: setattr(layer, "scale", (-1, 4)), lambda: setattr(layer, "translate", (0, 9))):
        change()  # they are linked
        for kind in KINDS:
            np.testing.assert_allclose(shown(viewer, kind).world_to_data((4, 6)), layer.world_to_data((4, 6)))
            assert shown(viewer, kind).units == layer.units
            assert shown(viewer, kind).axis_labels == layer.axis_labels


def test_points_stay_above_and_chosen(qtbot, viewer, layer, trained, layers, mapped) -> None:
    points = viewer.add_points(np.zeros((1, 2)), name="points", scale=layer.scale, units=layer.units)
    mapped(trained)
    drawn(qtbot, layers)
    assert [one.name for one in viewer.layers] == [layer.name, *KINDS, "points"]
    assert bare(viewer.layers.selection.active) is bare(points)


def test_a_threshold_hides_unsure_positions_at_once(qtbot, viewer, trained, layers, mapped) -> None:
    expected, heard = mapped(trained), []
    drawn(qtbot, layers)
    layers.threshold_changed.connect(heard.append)
    layers.threshold = 0.6
    np.testing.assert_array_equal(shown(viewer, DOMAINS).data, expected.classes_above(0.6))
    np.testing.assert_array_equal(shown(viewer, MIXED).data, expected.rgb)
    np.testing.assert_array_equal(layers.result_above.classes_image, expected.classes_above(0.6))
    assert heard == [0.6]
    layers.threshold = 0
    np.testing.assert_array_equal(shown(viewer, DOMAINS).data, expected.classes_image)
    assert layers.result_above is layers.result


def test_deleted_layers_stay_deleted_until_the_next_map(
    qtbot, viewer, trained, layers, mapped, stream, probabilities
) -> None:
    values = probabilities()
    run = stream(trained, values, [(0, 4)])
    drawn(qtbot, layers)
    assert not layers.missing
    viewer.layers.remove(DOMAINS)
    viewer.layers.remove(MIXED)
    assert layers.missing
    trained.segmentation.take(run, RowBand(4, 12, values[4:], 0))
    drawn(qtbot, layers)
    layers.threshold = 0.5
    assert DOMAINS not in viewer.layers
    assert (shown(viewer, CONFIDENCE).data > 0).all()
    mapped(trained)
    drawn(qtbot, layers)
    assert not layers.missing
    viewer.layers.remove(DOMAINS)
    layers.show_all()
    assert (shown(viewer, DOMAINS).data > 0).sum() == (values.max(axis=2) >= 0.5).sum()


def test_all_layers_may_go_with_the_scan_while_rows_come(
    qtbot, viewer, desk, trained, layers, stream, probabilities
) -> None:
    run = stream(trained, probabilities(), [(0, 4)])
    viewer.layers.clear()
    qtbot.waitUntil(lambda: desk.session is None)
    trained.segmentation.take(run, RowBand(4, 12, probabilities()[4:], 0))
    layers.threshold = 0.3
    qtbot.wait(150)
    assert len(viewer.layers) == 0


def test_new_colours_are_shown_and_kept_with_the_map(qtbot, viewer, trained, layers, mapped) -> None:
    for name in NAMES:
        trained.labels.add_class(name, "#102030" if name == "a" else None)
    expected = mapped(trained)
    drawn(qtbot, layers)
    np.testing.assert_allclose(shown(viewer, DOMAINS).get_color(1)[:3], np.array([16, 32, 48]) / 255, atol=1e-6)
    trained.labels.recolour_class("b", "#ffffff")
    np.testing.assert_allclose(shown(viewer, DOMAINS).get_color(2)[:3], 1)
    assert layers.result.classes.colours[:2] == ("#102030", "#ffffff")
    np.testing.assert_array_equal(layers.result.classes_image, expected.classes_image)
    np.testing.assert_array_equal(shown(viewer, MIXED).data, layers.result.rgb)
    trained.undo()
    assert shown(viewer, DOMAINS).get_color(2)[0] < 1


def test_another_model_brings_its_classes(
    qtbot, viewer, trained, layers, make_model, mapped, stream, probabilities
) -> None:
    mapped(trained)
    drawn(qtbot, layers)
    trained.training.use_model(make_model((48, 48), ("x", "y")))
    stream(trained, probabilities()[:, :, :2].copy(), [(0, 12)])
    drawn(qtbot, layers)
    assert list(shown(viewer, DOMAINS).features["class"]) == ["x", "y"]


def test_what_is_saved_is_what_is_seen(qtbot, viewer, trained, layers, tmp_path, mapped) -> None:
    mapped(trained)
    drawn(qtbot, layers)
    layers.threshold = 0.6
    domains = shown(viewer, DOMAINS)
    attributes = {"name": domains.name, "metadata": domains.metadata}
    write_tiff(str(tmp_path / "x.tif"), domains.data, attributes)
    layers.result_above.save(tmp_path, "whole")
    one, other = (tmp_path / name for name in ("x.tif", "whole_classes.tif"))
    np.testing.assert_array_equal(imread(one), imread(other))
    with TiffFile(one) as saved, TiffFile(other) as whole:  # only the map knows by which threshold they were left out
        info = saved.imagej_metadata["Info"].removesuffix("}")
        assert whole.imagej_metadata["Info"] == f'{info}, "confidence_threshold": 0.6}}'


def test_nobody_paints_by_accident(qtbot, viewer, trained, layers, tmp_path, mapped) -> None:
    expected = mapped(trained)
    drawn(qtbot, layers)
    domains = shown(viewer, DOMAINS)
    assert not domains.editable
    domains.mode = "paint"
    assert domains.mode == "pan_zoom"
    domains.data[...] = 3  # by a script
    with pytest.raises(OutputError, match="painted over"):
        write_tiff(str(tmp_path / "x.tif"), domains.data, {"name": "x", "metadata": domains.metadata})
    layers.threshold = 0.1
    np.testing.assert_array_equal(domains.data, expected.classes_image)
    domains.data = np.zeros((3, 4), np.uint8)
    layers.threshold = 0
    np.testing.assert_array_equal(domains.data, expected.classes_image)


def test_hover_says_the_probabilities(qtbot, viewer, layer, trained, layers, mapped, probabilities) -> None:
    values = probabilities()
    values[2, 3] = 0.02, 0.9, 0.08
    values[11] = np.nan
    mapped(trained, values)
    drawn(qtbot, layers)
    layer.scale = (2, -3)
    for kind in KINDS:
        where = layer.data_to_world((2, 3))
        viewer.layers.selection.active = viewer.layers[kind]
        viewer.mouse_over_canvas = True
        viewer.cursor.position = where
        status, _ = viewer._calc_status_from_cursor()
        assert status["coordinates"].endswith("2; class: b, confidence: 0.90; c 0.08, a 0.02")
    viewer.cursor.position = layer.data_to_world((11, 0))
    assert viewer._calc_status_from_cursor()[0]["value"] == "no data"
    viewer.cursor.position = layer.data_to_world((40, 0))
    assert "class" not in viewer._calc_status_from_cursor()[0]["coordinates"]
    kept = shown(viewer, DOMAINS)
    viewer.layers.clear()
    assert "0.90" in kept.get_status((2, 3))["value"]


def test_a_preview_takes_the_place_of_the_map_for_a_while(
    qtbot, viewer, trained, layers, tmp_path, mapped, probabilities
) -> None:
    expected = mapped(trained)
    drawn(qtbot, layers)
    preview = DomainMap(probabilities(5), trained.model.classes)
    layers.show_preview(preview)
    domains = shown(viewer, "Domains (preview)")
    np.testing.assert_array_equal(domains.data, preview.classes_image)
    np.testing.assert_array_equal(layers.result.classes_image, expected.classes_image)
    with pytest.raises(OutputError, match="no domain map"):
        write_tiff(str(tmp_path / "x.tif"), domains.data, {"name": domains.name, "metadata": domains.metadata})
    viewer.layers.remove(domains)
    layers.show_preview(preview)  # deleted: not forced on the user again
    assert "Domains (preview)" not in viewer.layers
    layers.end_preview()
    assert shown(viewer, MIXED).data.tobytes() == expected.rgb.tobytes()
    layers.show_preview(preview)
    mapped(trained)
    drawn(qtbot, layers)
    assert not layers.previewing
    np.testing.assert_array_equal(shown(viewer, DOMAINS).data, expected.classes_image)


def test_a_preview_without_a_map_leaves_nothing(qtbot, viewer, layer, desk, trained, layers, probabilities) -> None:
    preview = DomainMap(probabilities(5), trained.model.classes)
    layers.show_preview(preview)
    assert len(viewer.layers) == 4
    layers.end_preview()
    assert [one.name for one in viewer.layers] == [layer.name]
    layers.show_preview(preview)
    desk.sleep()
    assert [one.name for one in viewer.layers] == [layer.name]


def test_results_stay_and_are_taken_up_again(
    qtbot, viewer, layer, desk, trained, layers, stream, probabilities
) -> None:
    trained.labels.add_class("a")
    trained.add_point((0, 0))
    trained.label_current("a")
    run = stream(trained, probabilities(), [(0, 12)])
    run._keep(run, trained.domain_map)
    drawn(qtbot, layers)
    before = [bare(one) for one in viewer.layers]
    desk.sleep()
    assert [bare(one) for one in viewer.layers] == before
    status = before[-1].get_status((2, 3))
    assert "class" in status["value"]
    before[-1].data[...] = 0
    layer.scale = (7, 7)
    viewer.layers.remove(before[1])
    again = Desk(viewer)
    other = MapLayers(again)
    again.wake()
    qtbot.waitUntil(lambda: bool(again.past))
    again.go_on(again.past[0])
    qtbot.waitUntil(lambda: again.session is not None, timeout=20_000)
    after = [bare(one) for one in viewer.layers]
    assert before[-1] in after
    np.testing.assert_array_equal(before[-1].scale, (7, 7))
    assert len(after) == 4
    assert (before[-1].data > 0).all()
    assert not other.missing
    again.sleep()


def test_a_new_session_makes_layers_of_its_own(
    qtbot, viewer, desk, trained, layers, model, mapped, probabilities
) -> None:
    first = mapped(trained)
    drawn(qtbot, layers)
    desk.start_anew()
    qtbot.waitUntil(lambda: desk.session is not None)
    desk.session.training.use_model(model)
    mapped(desk.session, probabilities(9))
    drawn(qtbot, layers)
    assert len(viewer.layers) == 7
    np.testing.assert_array_equal(shown(viewer, DOMAINS).data, first.classes_image)


def test_nothing_is_heard_after_the_session_has_gone(qtbot, desk, trained, layers, viewer, mapped) -> None:
    desk.sleep()
    assert not len(trained.segmentation.changed)
    mapped(trained)
    qtbot.wait(150)
    assert len(viewer.layers) == 1
    assert layers.result is None


def test_other_scans_and_viewers_do_not_matter(qtbot, patterns, model, probabilities) -> None:
    viewer = ViewerModel()
    data, arguments, _ = scan_layer(Scan(patterns))
    viewer.add_image(data, **arguments)
    desk = Desk(viewer)
    layers = MapLayers(desk)
    desk.wake()
    qtbot.waitUntil(lambda: desk.session is not None)
    layers.show_preview(DomainMap(probabilities(), ClassScheme.from_names(NAMES)))  # of another scan
    layers.show_all()
    assert len(viewer.layers) == 1
    desk.sleep()


def test_layers_wait_until_napari_can_draw_them_at_once(qtbot, viewer, trained, layers, mapped, monkeypatch) -> None:
    go_on = Event()

    def compile_slowly():
        go_on.wait(10)
        warming._READY.set()
        yield

    monkeypatch.setattr(warming, "_READY", Event())
    monkeypatch.setattr(warming, "warm_up", compile_slowly)
    expected = mapped(trained)
    layers.show_preview(expected)
    layers.show_all()
    qtbot.wait(200)
    assert len(viewer.layers) == 1
    assert not layers.missing
    go_on.set()
    drawn(qtbot, layers)
    np.testing.assert_array_equal(shown(viewer, DOMAINS).data, expected.classes_image)


def test_a_window_may_close_while_rows_come(qtbot, window, sample, model, stream, probabilities) -> None:
    data, arguments, _ = scan_layer(sample.scan)
    window.add_image(data, **arguments)
    desk = Desk(bare(window))
    layers = MapLayers(desk)
    desk.wake()
    qtbot.waitUntil(lambda: desk.session is not None)
    desk.session.training.use_model(model)
    run = stream(desk.session, probabilities(), [(0, 3)])
    drawn(qtbot, layers)
    layers.show_preview(DomainMap(probabilities(4), model.classes))
    desk.session.segmentation.take(run, RowBand(3, 6, probabilities()[3:6], 0))
    desk.sleep()
    window.close()
    qtbot.wait(150)
