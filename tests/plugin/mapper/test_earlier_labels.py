"""Figures of a model that are of other labels than those of now are said to be such, wherever they stand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from napari_ghosthunter.learning.validation import HeldOut
from napari_ghosthunter.plugin.mapper.mapping.map_layers import MapLayers
from napari_ghosthunter.plugin.mapper.mapping.map_page import MapPage
from napari_ghosthunter.plugin.mapper.mapping.mapping import Mapping
from napari_ghosthunter.plugin.mapper.shares import earlier_labels_text
from napari_ghosthunter.plugin.mapper.training.preview import Preview
from napari_ghosthunter.plugin.mapper.training.train_page import TrainPage
from napari_ghosthunter.plugin.mapper.training.training import Training


@pytest.fixture
def shown(qtbot, labelled, make_model, sample):
    """The session, and a function that gives the words of both pages; the model is of the labels of now."""
    desk = labelled
    training = Training(desk)
    pages = TrainPage(desk, training, Preview(desk, training)), MapPage(desk, Mapping(desk), MapLayers(desk))
    for page in pages:
        qtbot.addWidget(page)
    desk.session_changed.emit(desk.session)
    model = make_model((48, 48), sample.names)
    held_out = HeldOut(names=sample.names, confusion=((2, 0, 0), (0, 1, 0), (0, 1, 3)))
    record = model.record.model_copy(
        update={"labels_per_class": desk.session.labels.counts(), "held_out": held_out, "notes": ()}
    )
    desk.session.training.use_model(replace(model, record=record))
    return desk.session, lambda: (pages[0].progress.text.text(), pages[1].figures.accuracy_text.text())


def test_more_labels_than_the_model_was_trained_with(shown) -> None:
    session, words = shown
    trained = len(session.labels)
    assert all("6 of 7 held-out labels" in said and "trained with" not in said for said in words())
    session.add_point((5, 7))
    session.label_current("none")
    expected = f"of the {trained} labels that the model was trained with; {trained + 1} are labelled now."
    assert all(expected in said for said in words())
    session.undo()
    assert all("trained with" not in said for said in words())


def test_a_class_that_was_removed_or_renamed(shown) -> None:
    session, words = shown
    session.labels.rename_class("none", "vacuum")
    assert all("trained with" not in said for said in words())
    session.labels.remove_class("vertical")
    assert all("class 'vertical' was removed since" in said for said in words())
    session.undo()
    assert all("trained with" not in said for said in words())


def test_other_labels_of_the_same_number(shown) -> None:
    session, words = shown
    spot = next(spot for spot, name in session.labels.items() if name == "vertical")
    session.labels.label(spot, "none")
    assert all("trained with" in said for said in words())


def test_a_model_from_elsewhere_is_compared_with_nothing(desk, make_model, sample) -> None:
    desk.session.training.use_model(make_model((48, 48), sample.names))
    assert earlier_labels_text(desk.session) == ""
