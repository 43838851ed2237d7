"""The figure of a map: its colours are those of the classes, its proportions and its scale bar those of the scan."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from PIL import Image

from napari_ghosthunter.errors import MapError
from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.mapping.batch import map_scans
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.mapping.export import save_map
from napari_ghosthunter.mapping.figure import GAP, LINE, WIDTH, drawn
from napari_ghosthunter.scan.calibration import Calibration
from napari_ghosthunter.scan.readers import open_scan
from napari_ghosthunter.scan.scan import Provenance, Scan
from napari_ghosthunter.scan.virtual.images import virtual_image
from napari_ghosthunter.scan.virtual.masks import bright_field_mask
from napari_ghosthunter.scan.virtual.means import measure_scan_beam
from napari_ghosthunter.scan.virtual.quick import quick_bright_field

NM = Calibration((2.0, 2.0), "nm")


def domain_map(ids, names=("a", "b"), calibration=NM):
    """Make a sure map of class ids, 0 for no data."""
    ids = np.asarray(ids)
    values = np.eye(len(names) + 1, dtype=np.float32)[ids][..., 1:]
    values[ids == 0] = np.nan
    return DomainMap(values, ClassScheme.from_names(names), calibration)


def halves(shape=(34, 64), **choices):
    ids = np.ones(shape, int)
    ids[:, shape[1] // 2 :] = 2
    return domain_map(ids, **choices)


def pixels(figure):
    return np.asarray(figure.convert("RGB")).astype(int)


def box_of(found):
    """Give the sides of what is true: (top, bottom, left, right), the latter of each not included."""
    rows, columns = np.flatnonzero(found.any(1)), np.flatnonzero(found.any(0))
    return rows[0], rows[-1] + 1, columns[0], columns[-1] + 1


def of_colour(figure, colour):
    return (pixels(figure) == list(bytes.fromhex(colour[1:]))).all(axis=2)


def bar_of(figure, panels=1):
    """Measure the scale bar: the longest line of black in the rows below the panels."""
    black = of_colour(figure, "#000000")[:, : WIDTH // 2]
    runs = [(int(row[GAP:].argmin()), y) for y, row in enumerate(black) if row[GAP]]
    return max(runs, default=(0, 0))[0]


@pytest.mark.parametrize("shape", [(34, 64), (34, 206), (206, 34), (64, 64), (512, 700), (1, 1), (1, 300), (300, 1)])
@pytest.mark.parametrize("beside", [False, True])
def test_any_shape_is_readable_and_keeps_its_proportions(shape, beside):
    made = domain_map(np.ones(shape, int))
    figure = drawn(made, np.random.default_rng(0).random(shape) if beside else None)
    assert figure.width == WIDTH
    assert 100 < figure.height < 2200
    top, bottom, left, right = box_of(of_colour(figure, made.classes.colours[0])[: figure.height - 2 * LINE])
    assert right - left >= 1
    assert (bottom - top) / shape[0] == pytest.approx((right - left) / shape[1], abs=1.1 / min(shape), rel=0.02)
    if shape == (34, 64):
        assert right - left > 1200


def test_colours_are_those_of_the_classes():
    made = halves()
    figure = drawn(made)
    for colour, start in zip(made.classes.colours, (0, 32), strict=True):
        _, _, left, right = box_of(of_colour(figure, colour)[: -2 * LINE])
        assert right - left == pytest.approx((WIDTH - 2 * GAP) / 2, abs=1)
        assert (left > WIDTH / 2 - 2) == (start > 0)


def test_steps_that_differ_stretch_the_map():
    wide = domain_map(np.ones((10, 10), int), calibration=Calibration((1.0, 3.0), "nm"))
    top, bottom, left, right = box_of(of_colour(drawn(wide), wide.classes.colours[0])[: -2 * LINE])
    assert (right - left) / (bottom - top) == pytest.approx(3, rel=0.01)


@pytest.mark.parametrize(
    ("step", "units", "length"), [(2.0, "nm", 20.0), (0.5, "nm", 5.0), (3.0, "um", 20.0), (7.0, "angstrom", 100.0)]
)
def test_the_scale_bar_is_as_long_as_it_says(step, units, length):
    made = halves(calibration=Calibration((step, step), units))
    scale = (WIDTH - 2 * GAP) / (64 * step)
    assert bar_of(drawn(made)) == pytest.approx(length * scale, abs=1.5)


def test_without_a_step_there_is_no_scale_bar():
    assert bar_of(drawn(halves(calibration=Calibration()))) < LINE
    assert bar_of(drawn(halves())) > 2 * LINE


def test_the_legend_has_all_classes_and_no_data_only_where_there_is_some():
    names = tuple(f"class {number} of a name that is rather long" for number in range(40))
    made = domain_map(np.arange(1, 41).reshape(4, 10), names)
    figure = pixels(drawn(made))
    for colour in made.classes.colours:
        legend = figure[(4 * (WIDTH - 2 * GAP)) // 10 + LINE :]
        assert (legend == list(bytes.fromhex(colour[1:]))).all(axis=2).sum() > 300, "a swatch"
    whole, part = drawn(halves()), halves()
    some = domain_map(np.where(np.arange(34)[:, None] < 3, 0, part.classes_image))
    assert (of_colour(some_figure := drawn(some), "#000000")[LINE + GAP : LINE + 2 * GAP, WIDTH // 2]).all()
    assert of_colour(some_figure, "#000000")[-LINE:].sum() > of_colour(whole, "#000000")[-LINE:].sum() + 500


def test_the_bright_field_is_beside_or_above():
    image = np.zeros((64, 64))
    image[:32] = 1
    beside = pixels(drawn(halves((64, 64)), image))
    assert (beside[LINE + GAP, 2 * GAP] == 255).all()
    assert (beside[700, 2 * GAP] == 0).all()
    above = pixels(drawn(halves((34, 206)), np.zeros((34, 206))))
    assert (above[LINE + GAP, WIDTH // 2] == 0).all()


def test_odd_intensities_are_no_matter():
    image = np.full((34, 64), np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn(halves(), image)
        drawn(halves(), np.full((34, 64), np.inf))


def test_an_image_of_another_scan_is_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(MapError, match=r"\(3, 4\), but the map \(34, 64\)"):
        halves().save(tmp_path, "m", bright_field=np.zeros((3, 4)))
    assert list(tmp_path.iterdir()) == []


def test_letters_of_units_and_names_are_there():
    """A font without a letter draws a box for it, the same for each."""

    def drawn_as(name):
        return pixels(drawn(halves(names=(name, "b"))))[-LINE:]

    boxes = [drawn_as(letter) for letter in "µÅαβßéд↑"]
    for index, one in enumerate(boxes):
        assert not any(np.array_equal(one, other) for other in boxes[:index])


def test_drawing_touches_no_state_of_matplotlib():
    drawn(halves())
    import matplotlib

    before = dict(matplotlib.rcParams)
    drawn(halves())
    assert dict(matplotlib.rcParams) == before


# ---- the files ----


def test_it_is_written_with_the_map_and_a_map_without_is_whole(tmp_path):
    paths = halves().save(tmp_path / "new", "m")
    assert tmp_path / "new" / "m_figure.png" in paths
    with Image.open(tmp_path / "new" / "m_figure.png") as figure:
        assert figure.size[0] == WIDTH
    without = save_map(halves(), tmp_path / "old", "m", figure=False)
    assert not (tmp_path / "old" / "m_figure.png").exists()
    assert len(without) == len(paths) - 1
    assert DomainMap.load(tmp_path / "old").scan_shape == (34, 64)


@pytest.fixture
def cube():
    k_y, k_x = np.ogrid[:16, :16]
    disk = np.hypot(k_y - 7, k_x - 8) < 3
    bright = np.linspace(1, 4, 5 * 7).reshape(5, 7, 1, 1)
    return (disk * bright * np.random.default_rng(0).poisson(50, (5, 7, 1, 1))).astype(np.uint16)


def test_a_batch_shows_the_bright_field_and_takes_old_maps_for_whole(make_model, cube, tmp_path):
    np.save(tmp_path / "one.npy", cube)
    *_, made = map_scans(make_model(), [tmp_path / "one.npy"], tmp_path / "maps", device="cpu")
    with Image.open(tmp_path / "maps" / "one_figure.png") as figure:
        expected = drawn(made.domain_map, quick_bright_field(open_scan(tmp_path / "one.npy")))
        np.testing.assert_array_equal(pixels(figure), pixels(expected))
    (tmp_path / "maps" / "one_figure.png").unlink()
    *_, again = map_scans(make_model(), [tmp_path / "one.npy"], tmp_path / "maps", device="cpu", resume=True)
    assert again.resumed


def test_the_quick_bright_field_of_a_small_scan_is_the_exact_one(cube):
    scan = Scan(cube)
    exact = virtual_image(scan, bright_field_mask(scan.detector_shape, measure_scan_beam(scan)))
    np.testing.assert_array_equal(quick_bright_field(scan), exact)


def test_the_quick_bright_field_warns_of_nothing(cube):
    noise = np.random.default_rng(0).random((5, 7, 16, 16))
    noise[0, 0, 3] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert quick_bright_field(Scan(noise)).shape == (5, 7)


def test_a_scan_that_cannot_be_read_any_more_costs_no_map(cube, tmp_path):
    class Gone:
        shape, dtype = cube.shape, cube.dtype

        def __getitem__(self, key):
            raise OSError(5, "Input/output error")

    assert quick_bright_field(Scan(Gone())) is None
    assert quick_bright_field(Scan(Gone(), provenance=Provenance(path=tmp_path / "gone.mib"))) is None
