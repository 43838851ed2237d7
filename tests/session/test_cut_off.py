"""A training that was cut off is told of when the sitting is opened again, once; one that ended is not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from napari_ghosthunter.errors import TrainingError
from napari_ghosthunter.learning import training
from napari_ghosthunter.learning.config import TrainingConfig
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.session.session import Session
from napari_ghosthunter.session.sitting import CUT_OFF

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def labelled(session: Session) -> Session:
    session.propose(2)
    for name in "abab":
        session.label_current(name)
    session.training_config = TrainingConfig(epochs=3)
    return session


def notes(session: Session, scan: Scan, elsewhere: Path) -> tuple[str, ...]:
    """What the next one is told, if the program ends at this moment; then nobody is told again."""
    assert session.folder is not None
    shutil.copytree(session.folder, elsewhere)
    told = []
    for _ in range(2):
        again = Session.resume(scan, elsewhere)
        told.append(again.notes)
        again.close()
    assert told[1] == ()
    return told[0]


def test_one_that_is_under_way_and_one_that_is_done(labelled: Session, scan: Scan, tmp_path: Path) -> None:
    epochs = labelled.training.run("cpu")
    next(epochs)
    assert notes(labelled, scan, tmp_path / "under way") == (CUT_OFF,)
    for _ in epochs:
        pass
    assert notes(labelled, scan, tmp_path / "done") == ()


def test_one_that_failed_or_was_stopped_or_dropped(
    labelled: Session, scan: Scan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = training.train

    def failing(*arguments: object, **more: object) -> object:
        yield next(whole(*arguments, **more))
        raise TrainingError("The loss is no longer a number.")

    monkeypatch.setattr(training, "train", failing)
    with pytest.raises(TrainingError):
        list(labelled.training.run("cpu"))
    monkeypatch.undo()
    assert notes(labelled, scan, tmp_path / "failed") == ()
    older, newer = iter(labelled.training.start("cpu")), None
    next(older)
    newer = iter(labelled.training.start("cpu"))
    next(newer)
    assert not list(older), "it was stopped by the newer one"
    assert notes(labelled, scan, tmp_path / "newer") == (CUT_OFF,)
    assert labelled.model is None or labelled.training.model_before is None
    model = next(newer).model
    labelled.training.use_model(model)
    list(newer)
    assert notes(labelled, scan, tmp_path / "dropped") == ()


def test_a_session_that_was_closed_is_not_cut_off(labelled: Session, scan: Scan) -> None:
    epochs = iter(labelled.training.start("cpu"))
    next(epochs)
    labelled.close()
    assert labelled.folder is not None
    again = Session.resume(scan, labelled.folder)
    assert again.notes == ()
    list(epochs)
    again.close()
