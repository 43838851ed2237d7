"""Training as a generator: repeatable, stoppable, honest about what it cannot do."""

import json
import warnings
from itertools import islice

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own idiom

from napari_ghosthunter.errors import LabelError, ModelError, TrainingError
from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.learning.config import PatternConfig, TrainingConfig
from napari_ghosthunter.learning.looks import look_at, recall_looks
from napari_ghosthunter.learning.network import NETWORKS
from napari_ghosthunter.learning.split import stratified_split
from napari_ghosthunter.learning.training import train, trainable_classes
from napari_ghosthunter.mapping.segmentation import segment
from napari_ghosthunter.scan.fingerprint import fingerprint
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.simulate import SimulationConfig, simulate
from napari_ghosthunter.scan.virtual import spread_positions

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = PatternConfig(size=32)
SWAP = {"vertical": "horizontal", "horizontal": "vertical"}


@pytest.fixture(scope="module")
def simulation():
    return simulate(
        SimulationConfig(
            scan_shape=(16, 24), detector_shape=(32, 32), disk_radius=0.06, ghost_strength=0.05, wall_fraction=0.05
        )
    )


@pytest.fixture(scope="module")
def labels(simulation):
    return labelled(simulation, 12)


def labelled(simulation, per_class, seed=0):
    """Label some positions of each class, drawn by chance, as an expert who makes no mistakes."""
    rng, found = np.random.default_rng(seed), LabelSet(ClassScheme.from_names(simulation.names))
    for index, name in enumerate(simulation.names):
        drawn = rng.permutation(np.argwhere(simulation.truth == index))[:per_class].tolist()
        found.label_many(dict.fromkeys(map(tuple, drawn), name))
    return found


def of_classes(*names, classes=("a", "b", "c")):
    """Label the first positions of the first row."""
    positions = {(0, x): name for x, name in enumerate(names)}
    return LabelSet(ClassScheme.from_names(classes), labels=positions)


def run(simulation, labels, *, epochs=4, seed=0, patterns=SMALL, **choices):
    config = TrainingConfig(epochs=epochs, seed=seed, **choices)
    return list(train(simulation.scan, labels, config, patterns, device="cpu"))


class Watched:
    """An array that remembers which positions were read."""

    def __init__(self, data):
        self.data, self.shape, self.dtype, self.keys = data, data.shape, data.dtype, []

    def __getitem__(self, key):
        self.keys.append(key)
        return self.data[key]


class Unreadable:
    """A scan of which no pattern may be read."""

    shape, dtype = (8, 8, 32, 32), np.dtype("uint16")

    def __getitem__(self, key):
        pytest.fail("was read")


# ---- repeatable ----


def test_the_same_seed_gives_the_same_model_bit_for_bit(simulation, labels):
    one, other = (run(simulation, labels, epochs=2, seed=5) for _ in "ab")
    for first, second in zip(one, other, strict=True):
        assert first.model.hash == second.model.hash
        assert first.figures.model_copy(update={"seconds": 0}) == second.figures.model_copy(update={"seconds": 0})


def test_another_seed_gives_another_model(simulation, labels):
    assert run(simulation, labels, epochs=1, seed=5)[-1].model.hash != run(simulation, labels, epochs=1)[-1].model.hash


def test_the_order_in_which_labels_were_given_does_not_matter(simulation, labels):
    backwards = LabelSet(labels.classes, labels=dict(reversed(list(labels.items()))))
    one, other = (run(simulation, given, epochs=1)[-1].model.hash for given in (labels, backwards))
    assert one == other


def test_torchs_global_generator_is_neither_used_nor_moved(simulation, labels):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    model = run(simulation, labels, epochs=2, symmetries={"rot90": SWAP})[-1].model
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(2)
    assert run(simulation, labels, epochs=2, symmetries={"rot90": SWAP})[-1].model.hash == model.hash


def test_the_number_of_threads_stays_as_it_was(simulation, labels):
    before = torch.get_num_threads()
    for _ in islice(train(simulation.scan, labels, TrainingConfig(epochs=3), SMALL, device="cpu"), 2):
        assert torch.get_num_threads() == before


# ---- what is reported ----


def test_each_epoch_is_reported(simulation, labels):
    reports = run(simulation, labels, epochs=5)
    config = TrainingConfig()
    assert [report.figures.epoch for report in reports] == [1, 2, 3, 4, 5]
    assert all(report.epochs == 5 for report in reports)
    seconds = [report.figures.seconds for report in reports]
    assert seconds == sorted(seconds)
    assert seconds[0] > 0
    assert reports[-1].seconds_left == 0
    assert reports[1].seconds_left == pytest.approx(seconds[1] / 2 * 3)
    for report in reports:
        figures = report.figures
        assert np.isfinite([figures.train_loss, figures.validation_loss]).all()
        assert 0 <= figures.train_accuracy <= 1
        assert 0 <= figures.validation_accuracy <= 1
        assert config.min_learning_rate <= figures.learning_rate <= config.learning_rate
        assert report.model.record.history == tuple(entry.figures for entry in reports[: figures.epoch])


def test_the_learning_rate_falls_on_a_plateau_and_not_below_its_lowest(simulation, labels):
    choices = {"learning_rate": 1e-6, "min_learning_rate": 4e-7, "plateau_patience": 0, "weight_decay": 0, "shift": 0}
    rates = [report.figures.learning_rate for report in run(simulation, labels, epochs=12, **choices)]
    assert rates[0] == 1e-6
    assert rates == sorted(rates, reverse=True)
    assert min(rates) >= 4e-7


def test_the_model_is_that_of_the_lowest_validation_loss(simulation, labels):
    reports = run(simulation, labels, epochs=25, learning_rate=5e-3)  # fast enough to overshoot
    losses = [report.figures.validation_loss for report in reports]
    assert losses != sorted(losses, reverse=True)
    for number, report in enumerate(reports, start=1):
        best = int(np.argmin(losses[:number]))
        assert report.model.record.best_epoch == best + 1
        assert report.model.hash == reports[best].model.hash
        held_out = report.model.record.held_out
        assert held_out.accuracy == pytest.approx(reports[best].figures.validation_accuracy)


def test_the_reported_loss_is_that_of_the_model_on_labels_kept_back(simulation, labels):
    model = run(simulation, labels, epochs=3)[-1].model
    targets = np.array([model.classes.names.index(name) for name in labels.values()])
    _, held = stratified_split(targets, model.record.config.validation_share, 0)
    inputs = model.patterns.inputs(simulation.scan, [list(labels)[index] for index in held])
    with torch.inference_mode():
        logits = model.load_network()(inputs)
    loss = F.cross_entropy(logits, torch.from_numpy(targets[held]))
    best = model.record.history[model.record.best_epoch - 1]
    assert float(loss) == pytest.approx(best.validation_loss, rel=1e-4)
    right = int((logits.argmax(1).numpy() == targets[held]).sum())
    assert (model.record.held_out.right, model.record.held_out.count) == (right, len(held))


def test_the_record_says_how_the_model_came_to_be(simulation, labels):
    config = TrainingConfig(epochs=1, seed=7)
    (report,) = train(simulation.scan, labels, config, SMALL, device="cpu")
    record = report.model.record
    assert record.config == config
    assert record.labels_per_class == {"none": 12, "vertical": 12, "horizontal": 12}
    assert record.scan["shape"] == [16, 24, 32, 32]
    assert record.versions["torch"] == torch.__version__
    assert type(record).model_validate_json(record.model_dump_json()) == record
    assert json.loads(record.model_dump_json())


def test_without_a_configuration_the_defaults_are_taken(simulation):
    labels = labelled(simulation, 2)
    report = next(train(simulation.scan, labels))
    assert report.model.record.config == TrainingConfig()
    assert report.model.patterns.config == PatternConfig()
    assert report.epochs == TrainingConfig().epochs_for(6)


# ---- stopping ----


def test_leaving_the_loop_keeps_a_model_that_works(simulation, labels):
    for report in train(simulation.scan, labels, TrainingConfig(epochs=1000), SMALL, device="cpu"):
        if report.figures.epoch == 2:
            break
    assert len(report.model.record.history) == 2
    domains = segment(simulation.scan, report.model, device="cpu")
    assert domains.has_data.all()


def test_what_comes_later_does_not_change_a_model_that_was_given(simulation, labels):
    reports = train(simulation.scan, labels, TrainingConfig(epochs=6, learning_rate=1e-2), SMALL, device="cpu")
    first = next(reports).model
    digest, history = first.hash, first.record.history
    assert len(list(reports)) == 5
    assert first.hash == digest
    assert first.record.history == history
    assert len(history) == 1


def test_a_closed_generator_is_done(simulation, labels):
    reports = train(simulation.scan, labels, TrainingConfig(epochs=6), SMALL, device="cpu")
    next(reports)
    reports.close()
    assert list(reports) == []


# ---- labels, many and few ----


def test_only_labelled_patterns_and_spread_ones_are_read_and_one_at_a_time(simulation, labels):
    watched = Watched(simulation.scan.data)
    next(train(Scan(watched), labels, TrainingConfig(epochs=1, shift=0.05), SMALL, device="cpu"))
    allowed = set(labels) | set(spread_positions(simulation.scan.scan_shape, 64))
    allowed |= set(spread_positions(simulation.scan.scan_shape, 16))
    for rows, columns, *_ in watched.keys:
        if isinstance(rows, slice):
            assert (rows.stop - rows.start, columns.stop - columns.start) == (1, 1)
            rows, columns = rows.start, columns.start
        assert (rows, columns) in allowed


def test_the_record_keeps_what_the_scan_looks_like(simulation, labels):
    (report,) = train(simulation.scan, labels, TrainingConfig(epochs=1), SMALL, device="cpu")
    record = report.model.record
    read = recall_looks(type(record).model_validate_json(record.model_dump_json()).scan)
    assert read == look_at(simulation.scan, report.model.patterns)
    assert read.fingerprint == fingerprint(simulation.scan)


def test_classes_without_labels_are_left_out_and_the_others_keep_their_looks(simulation):
    classes = ClassScheme.from_names(["a", "b", "c", "d"]).recolour("d", "#123456")
    labels = LabelSet(classes, labels={(0, 0): "d", (0, 1): "b", (0, 2): "d"})
    model = run(simulation, labels, epochs=1)[-1].model
    assert model.classes.names == ("b", "d")
    assert model.classes.colours == (classes.colours[1], "#123456")
    assert model.record.labels_per_class == {"b": 1, "d": 2}
    assert trainable_classes(labels, simulation.scan) == model.classes


def test_a_class_with_one_label_is_trained_on_and_not_held_out(simulation):
    model = run(simulation, of_classes("a", *"bbbbb", *"ccccc"), epochs=2)[-1].model
    assert model.record.labels_per_class == {"a": 1, "b": 5, "c": 5}
    assert [sum(row) for row in model.record.held_out.confusion] == [0, 1, 1]


@pytest.mark.parametrize(("names", "share"), [("ab", 0.2), ("abc", 0.5), ("aabbbcc", 0.0)])
def test_where_nothing_can_be_held_out_the_training_loss_decides(simulation, names, share):
    reports = run(simulation, of_classes(*names), epochs=6, validation_share=share)
    assert all(report.figures.validation_loss is None for report in reports)
    assert all(report.figures.validation_accuracy is None for report in reports)
    losses = [report.figures.train_loss for report in reports]
    record = reports[-1].model.record
    assert record.best_epoch == int(np.argmin(losses)) + 1
    assert record.held_out.count == 0
    assert "nothing is known" in str(record.held_out)


def test_many_classes_can_be_told_apart(simulation):
    names = [f"class {number}" for number in range(20)]
    model = run(simulation, of_classes(*names, classes=names), epochs=1)[-1].model
    assert len(model.classes) == 20
    assert segment(simulation.scan, model, device="cpu").probabilities.shape == (16, 24, 20)


@pytest.mark.parametrize(("pool", "pool_size"), [("mean", 3), ("max", 5)])
def test_training_works_with_neighbours(simulation, labels, pool, pool_size):
    patterns = PatternConfig(size=32, pool=pool, pool_size=pool_size)
    model = run(simulation, labels, epochs=1, patterns=patterns)[-1].model
    assert model.patterns.config == patterns


# ---- refusals, before anything runs ----


@pytest.mark.parametrize(
    ("labels", "choices", "error", "says"),
    [
        (of_classes(), {}, LabelError, "none yet"),
        (LabelSet(), {}, LabelError, "none yet"),
        (of_classes("b"), {}, LabelError, "all are of class 'b'"),
        (of_classes("b", "b", "b"), {}, LabelError, "at least two classes"),
        (LabelSet(ClassScheme.from_names("ab"), labels={(0, 0): "a", (2, 8): "b"}), {}, LabelError,
         r"1 labels lie outside the scan of \(8, 8\), the first at \(2, 8\)"),
        (of_classes("a", "b"), {"device": "quantum"}, TrainingError, "no device 'quantum'"),
        (of_classes("a", "b"), {"network": "transformer"}, ModelError, "choose one of: ghosthunter"),
        (of_classes("a", "b"), {"symmetries": {"rot90": {"a": "b"}}}, TrainingError, "no two into the same"),
        (of_classes("a", "b"), {"symmetries": {"rot90": {"a": "z", "z": "a"}}}, TrainingError,
         "'z', which has no labels"),
    ],
)  # fmt: skip
def test_what_cannot_be_trained_is_refused_at_once(labels, choices, error, says):
    device = choices.get("device", "cpu")
    config = TrainingConfig(**{name: value for name, value in choices.items() if name != "device"})
    with pytest.raises(error, match=says):
        train(Scan(Unreadable()), labels, config, SMALL, device=device)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_ends_training_with_advice(simulation, labels, monkeypatch, value):
    class Broken(torch.nn.Module):
        def __init__(self, classes, size):
            super().__init__()
            self.head = torch.nn.Linear(size * size, classes)

        def forward(self, patterns):
            return self.head(patterns.flatten(1)) * value

    monkeypatch.setitem(NETWORKS, "broken", Broken)
    with pytest.raises(TrainingError, match="lower learning rate"):
        run(simulation, labels, network="broken")


def test_pixels_that_are_no_numbers_are_told(simulation, labels):
    data = simulation.scan.data.astype(np.float32)
    y, x = next(iter(labels))
    data[y, x, 5, 5] = np.nan
    with pytest.warns(UserWarning, match="1 detector pixel of"):
        (report,) = train(Scan(data), labels, TrainingConfig(epochs=1), SMALL, device="cpu")
    assert np.isfinite(report.figures.train_loss)


# ---- does it learn? ----


def accuracy(simulation, model):
    truth = np.array(simulation.names)[simulation.truth]
    found = np.array(model.classes.names)[segment(simulation.scan, model, device="cpu").classes_image - 1]
    return float((truth == found).mean())


def test_it_learns_the_domains_from_few_labels(simulation, labels):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = run(simulation, labels, epochs=60)[-1]
    assert accuracy(simulation, report.model) > 0.9
    assert report.figures.train_loss < 0.5 * report.model.record.history[0].train_loss


def test_symmetries_teach_a_class_from_turned_copies_of_another(simulation):
    """A few vertical domains only, but what is horizontal is vertical when it is turned."""
    labels = labelled(simulation, 12)
    labels.label_many(dict.fromkeys([p for p in labels if labels[p] == "vertical"][1:]))
    plain, turned = (
        accuracy(simulation, run(simulation, labels, epochs=60, symmetries=symmetries)[-1].model)
        for symmetries in ({}, {"rot90": SWAP, "rot270": SWAP, "rot180": {}})
    )
    assert turned > plain + 0.1
