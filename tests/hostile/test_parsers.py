"""The parsers of this package, given anything: an answer, or an error that tells a user."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from napari_ghosthunter.errors import DatasetError, LabelError, ScanError
from napari_ghosthunter.labelling.labelfiles import read_any_labels
from napari_ghosthunter.scan.readers.axis_order import without_single_axes
from napari_ghosthunter.scan.readers.choose import choose
from napari_ghosthunter.scan.readers.companion import whole_number
from napari_ghosthunter.scan.readers.file_names import series_in
from napari_ghosthunter.scan.readers.fold import plausible_shapes

same_file = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
cells = st.sampled_from(
    ["scan_y", "scan_x", "label", "1", "-1", "=1+1", '"', ",", "a", "\n", "\r", "9" * 30, " ", "\0"]
)
words = st.sampled_from(
    ["labels:", "\n", "- ", "file: ", "label: ", "1_2.png", "&a ", "*a", "[", "{", "}", "!!set", "<<: ", ":"]
)


@same_file
@given(st.binary(max_size=300) | st.lists(cells, max_size=40).map(lambda parts: ",".join(parts).encode()))
def test_tables_of_labels(tmp_path, content):
    (tmp_path / "a.csv").write_bytes(content)
    with suppress(LabelError):
        read_any_labels(tmp_path / "a.csv", (10, 10))


places = st.tuples(st.integers(0, 9), st.integers(0, 9))


@same_file
@given(st.dictionaries(places, st.sampled_from(["a", "none", "b c"]), min_size=1), st.sampled_from(",;\t"))
def test_tables_of_labels_that_are_right_are_read(tmp_path, labels, separator):
    rows = [("scan_y", "scan_x", "label"), *((y, x, label) for (y, x), label in labels.items())]
    (tmp_path / "right.csv").write_text("\n".join(separator.join(map(str, row)) for row in rows))
    found, _ = read_any_labels(tmp_path / "right.csv", (10, 10))
    assert dict(found) == labels


@same_file
@given(st.dictionaries(places, st.sampled_from(["vertical", "horizontal"]), min_size=1))
def test_the_papers_yaml_that_is_right_is_read(tmp_path, labels):
    entries = [f"- file: {x}_{y}_boxsize5.png\n  label: {label}\n" for (y, x), label in labels.items()]
    (tmp_path / "right.yaml").write_text("labels:\n" + "".join(entries))
    found, _ = read_any_labels(tmp_path / "right.yaml", (10, 10))
    assert dict(found) == labels


@same_file
@given(st.binary(max_size=300) | st.lists(words, max_size=40).map(lambda parts: "".join(parts).encode()))
def test_the_papers_yaml(tmp_path, content):
    (tmp_path / "a.yaml").write_bytes(content)
    with suppress(LabelError):
        read_any_labels(tmp_path / "a.yaml", (10, 10))


@given(
    st.dictionaries(st.text(max_size=6), st.lists(st.integers(0, 10**18), max_size=6), max_size=4),
    st.none() | st.text(max_size=12) | st.from_regex(r"\w{1,3}\[\d{1,30}(,\d+)?\]", fullmatch=True),
)
@example({"\n": [2, 3, 4, 5, 6]}, None)
@example({"a": [2, 1, 3, 4, 5]}, None)
def test_names_of_arrays(shapes, dataset):
    with suppress(DatasetError, ScanError):
        name, index = choose(shapes, dataset)
        assert len(shapes[name]) - len(without_single_axes(shapes[name])) - len(index) in (3, 4)


@given(
    st.lists(st.integers(1, 9), min_size=3, max_size=6), st.text("abc/", min_size=1).filter(lambda one: one.strip("/"))
)
def test_the_one_array_that_can_be_a_scan_is_chosen(shape, name):
    left = len(shape) - len(without_single_axes(shape))
    index = ", ".join("0" * (left - 4))
    found, chosen = choose({name: shape, "notes": [7]}, f"{name}[{index}]" if index else name)
    assert (found, len(chosen)) == (name, max(0, left - 4))


@given(
    st.lists(
        st.text(max_size=20) | st.from_regex(r"[xy_.\-]{0,3}[0-9]{1,30}[xy_.\-]{0,3}[0-9]{0,3}\.png"), max_size=12
    ),
)
@example(["9" * 200 + "_1.png", "1_" + "9" * 200 + ".png"])
def test_names_of_files(names):
    names = list(dict.fromkeys(names))
    found = series_in(names)
    taken = [file for series in found for file in series.files]
    assert len(set(taken)) == len(taken)
    assert set(taken) <= set(names)


@given(st.text(max_size=20))
@example("0\x1f")  # what `strip` takes away, and `int` does not
def test_whole_numbers_of_headers(text):
    assert 0 <= whole_number(text) < 10**9


@settings(max_examples=20)
@given(st.integers(1, 10**18))
def test_plausible_shapes_of_any_number_of_patterns(patterns):
    for height, width in plausible_shapes(patterns):
        assert height * width in (patterns, patterns - 1)
