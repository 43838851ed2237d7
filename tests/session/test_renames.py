"""What the classes of models and maps are called by now."""

from __future__ import annotations

from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.labelling.edits import RenameClass
from napari_ghosthunter.session.renames import Renames


def renamed(*pairs: tuple[str, str]) -> Renames:
    renames = Renames()
    for before, after in pairs:
        renames.follow(RenameClass(before=before, after=after))
    return renames


def test_names_are_followed() -> None:
    names = ("a", "b", "c")
    assert renamed().names(names) == names
    assert renamed(("a", "z"), ("z", "y")).names(names) == ("y", "b", "c")
    assert renamed(("a", "t"), ("b", "a"), ("t", "b")).names(names) == ("b", "a", "c")
    assert renamed(("a", "z"), ("z", "a")).names(names) == names


def test_a_later_class_of_an_old_name_is_another_one() -> None:
    assert renamed(("a", "z"), ("a", "q")).names(("a", "b")) == ("z", "b")


def test_two_classes_never_get_one_name() -> None:
    assert renamed(("b", "a")).names(("a", "b")) == ("a", "b")  # "a" was removed before


def test_colours_and_keys_stay() -> None:
    classes = ClassScheme.from_names("ab")
    found = renamed(("a", "z")).classes(classes)
    assert found.names == ("z", "b")
    assert found.colours == classes.colours
    assert [entry.key for entry in found.classes] == ["1", "2"]
    assert renamed(("x", "y")).classes(classes) is classes


def test_models_and_maps_follow_apart(session, make_model) -> None:
    session.training.use_model(make_model((16, 16)))
    first = list(session.segmentation.run("cpu"))
    assert first
    session.labels.rename_class("a", "z")
    assert session.segmentation.renames.names(("a", "b", "c")) == ("z", "b", "c")
    session.training.use_model(make_model((16, 16), ("z", "b", "c")))
    session.labels.rename_class("z", "a")
    assert session.training.renames.names(("z", "b", "c")) == ("a", "b", "c")
    assert session.segmentation.renames.names(("a", "b", "c")) == ("a", "b", "c")
    list(session.segmentation.run("cpu"))
    assert session.segmentation.renames is session.training.renames


def test_names_come_back_with_the_sitting(session, scan, make_model) -> None:
    session.propose(3)
    session.training.use_model(make_model((16, 16)))
    list(session.segmentation.run("cpu"))
    for old, new in (("a", "t"), ("b", "a"), ("t", "b"), ("c", "wall")):
        session.labels.rename_class(old, new)
    session.undo()
    for _ in range(2):
        session.close()
        session = type(session).resume(scan, session.folder)
        assert session.notes == ()
        assert session.training.renames.names(session.model.classes.names) == ("b", "a", "c")
        assert session.segmentation.renames.names(session.domain_map.classes.names) == ("b", "a", "c")
    session.labels.rename_class("b", "domain")
    session.close()
    session = type(session).resume(scan, session.folder)
    assert session.training.renames.names(("a", "b", "c")) == ("domain", "a", "c")
    session.training.use_model(make_model((16, 16), ("domain", "a", "c")))
    session.close()
    session = type(session).resume(scan, session.folder)
    assert session.training.renames.names(("domain", "a", "c")) == ("domain", "a", "c"), "another model"
    assert session.segmentation.renames.names(("a", "b", "c")) == ("domain", "a", "c")
    session.close()
    (session.folder / "renames.json").write_text("[]")
    session = type(session).resume(scan, session.folder)
    assert session.segmentation.renames.names(("a", "b", "c")) == ("a", "b", "c")
    session.close()
