"""Class schemes: any names, deterministic colours, edits that return a new scheme."""

from __future__ import annotations

import colorsys
from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_ghosthunter.errors import LabelError
from napari_ghosthunter.labelling.classes import OKABE_ITO, ClassScheme, DomainClass, in_order, palette

PAPER = {"none": "#ff0000", "na": "#ff0000", "vertical": "#00ff00", "horizontal": "#0000ff"}


def test_the_papers_classes_get_its_colours() -> None:
    scheme = ClassScheme.from_names(["none", "vertical", "horizontal"])
    assert scheme.colours == ("#ff0000", "#00ff00", "#0000ff")
    np.testing.assert_array_equal(scheme.rgb(), [[255, 0, 0], [0, 255, 0], [0, 0, 255]])
    assert [entry.key for entry in scheme.classes] == ["1", "2", "3"]


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("none", ["none", "na"])
def test_the_papers_classes_keep_the_order_given_and_their_colours(none: str, count: int) -> None:
    for names in permutations((none, "vertical", "horizontal"), count):
        scheme = ClassScheme.from_names([*names, names[0]])
        assert scheme.names == names
        assert scheme.colours == tuple(PAPER[name] for name in names)
        assert [scheme.id_of(name) for name in names] == list(range(1, count + 1))


def test_a_table_of_labels_gives_the_papers_classes_its_order() -> None:
    assert in_order(["horizontal", "na", "horizontal", "vertical"]) == ["na", "vertical", "horizontal"]
    assert in_order(["horizontal", "vertical", "up"]) == ["horizontal", "vertical", "up"]


@pytest.mark.parametrize("names", [("b", "a", "none"), ("vertical", "none", "na"), ("None", "vertical")])
def test_other_names_keep_the_order_of_their_first_appearance(names: tuple[str, ...]) -> None:
    scheme = ClassScheme.from_names([*names, names[0]])
    assert scheme.names == names
    assert scheme.colours == OKABE_ITO[: len(names)]


def test_ids_count_from_one() -> None:
    scheme = ClassScheme.from_names(["a", "b"])
    assert (scheme.id_of("a"), scheme.id_of("b")) == (1, 2)
    assert len(scheme) == 2
    assert "a" in scheme
    assert "c" not in scheme
    with pytest.raises(LabelError, match=r"no class 'c' \(the classes are: a, b\)"):
        scheme.id_of("c")


def test_a_sitting_starts_with_no_class() -> None:
    assert ClassScheme().names == ()
    assert ClassScheme().rgb().shape == (0, 3)
    with pytest.raises(LabelError, match="none so far"):
        ClassScheme().id_of("a")


def test_255_classes_and_no_more() -> None:
    scheme = ClassScheme.from_names(f"class {number}" for number in range(255))
    assert scheme.id_of("class 254") == 255
    with pytest.raises(LabelError, match="at most 255"):
        scheme.add("one more")
    with pytest.raises(LabelError, match="256 classes are too many"):
        ClassScheme.from_names(f"class {number}" for number in range(256))


def test_the_palette_is_long_distinct_and_never_changes() -> None:
    colours = palette(255)
    assert len(set(colours)) == 255
    assert colours[:7] == OKABE_ITO
    assert palette(20) == colours[:20]
    assert "#000000" not in colours
    parts = [[int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)] for colour in colours[7:20]]
    lightness = [colorsys.rgb_to_hls(red, green, blue)[1] for red, green, blue in parts]
    assert all(abs(a - b) > 0.1 for a, b in pairwise(lightness)), "the lightness changes from one to the next"


@pytest.mark.parametrize("name", ["", "  ", "a,b", "a\nb", "a\tb", "a\x00", "a\u2028b", "\ud800"])
def test_names_that_would_spoil_a_table_are_refused(name: str) -> None:
    with pytest.raises(LabelError):
        DomainClass(name=name, colour="#ffffff")
    with pytest.raises(LabelError):
        ClassScheme.from_names([name])


def test_names_are_tidied() -> None:
    assert DomainClass(name=" a b ", colour="#ABCDEF").name == "a b"
    assert DomainClass(name="a", colour="#ABCDEF").colour == "#abcdef"
    assert ClassScheme.from_names(["e\u0301", "\u00e9", " \u00e9"]).names == ("\u00e9",), "one look, one name"


@pytest.mark.parametrize("colour", ["red", "#fff", "#12345g", "#1234567", "", "#123456\n"])
def test_colours_must_be_rrggbb(colour: str) -> None:
    with pytest.raises(LabelError, match="#rrggbb"):
        DomainClass(name="a", colour=colour)


@pytest.mark.parametrize("key", ["ab", " ", "\n", "\x1b"])
def test_keys_are_one_visible_character(key: str) -> None:
    with pytest.raises(LabelError, match="key"):
        DomainClass(name="a", colour="#ffffff", key=key)


def test_names_and_keys_are_unique() -> None:
    first = DomainClass(name="a", colour="#ffffff", key="1")
    with pytest.raises(LabelError, match="the name 'a'"):
        ClassScheme(classes=(first, DomainClass(name="a ", colour="#000000")))
    with pytest.raises(LabelError, match="the key '1'"):
        ClassScheme(classes=(first, DomainClass(name="b", colour="#000000", key="1")))


def test_edits_return_a_new_scheme() -> None:
    start = ClassScheme.from_names(["a", "b", "c"])
    kept = start.model_copy(deep=True)
    renamed = start.rename("b", " wall ")
    assert renamed.names == ("a", "wall", "c")
    assert renamed.colours == start.colours
    assert start.recolour("b", "#ABCDEF").colours == (start.colours[0], "#abcdef", start.colours[2])
    fewer = start.remove("a")
    assert fewer.names == ("b", "c")
    again = fewer.add("d")
    assert again.names == ("b", "c", "d")
    assert again.classes[2].key == "1", "the free key"
    assert again.classes[2].colour == start.colours[0], "the free colour"
    assert start == kept


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda scheme: scheme.add("a"), "the name 'a'"),
        (lambda scheme: scheme.rename("a", "b"), "the name 'b'"),
        (lambda scheme: scheme.rename("x", "y"), "no class 'x'"),
        (lambda scheme: scheme.remove("x"), "no class 'x'"),
        (lambda scheme: scheme.recolour("a", "red"), "not a colour"),
    ],
)
def test_edits_that_cannot_be(edit, words: str) -> None:
    with pytest.raises(LabelError, match=words):
        edit(ClassScheme.from_names(["a", "b"]))


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]).filter(",".__ne__))))
def test_a_scheme_survives_json(names: list[str]) -> None:
    scheme = ClassScheme.from_names(name for name in names if name.strip())
    assert ClassScheme.model_validate_json(scheme.model_dump_json()) == scheme


def test_joining_keeps_what_is_there() -> None:
    mine = ClassScheme.from_names(["none", "vertical"])
    other = ClassScheme().add("vertical", "#111111").add("b", "#ff0000").add("c", "#222222")
    joined = mine.joined(other)
    assert joined.classes[:2] == mine.classes
    assert joined.names[2:] == ("b", "c")
    assert joined.colours[2] not in {"#ff0000", *mine.colours}, "two classes of one colour cannot be told apart"
    assert joined.colours[3] == "#222222"
    assert [entry.key for entry in joined.classes] == ["1", "2", "3", "4"]
    assert ClassScheme().joined(other) == other
    assert mine.joined(mine) == mine
