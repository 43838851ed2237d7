"""Training as a generator: repeatable, stoppable, honest about what it cannot do."""

import json
import warnings
from importlib.metadata import version
from itertools import islice

import numpy as np
import pytest
import torch

from napari_ghosthunter.errors import LabelError, ModelError, TrainingError
from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.learning.config import DEFAULT_NETWORK, PatternConfig, TrainingConfig
from napari_ghosthunter.learning.fitting import ITERATIONS
from napari_ghosthunter.learning.looks import look_at, recall_looks
from napari_ghosthunter.learning.material import trainable_classes
from napari_ghosthunter.learning.network import NETWORKS
from napari_ghosthunter.learning.training import train
from napari_ghosthunter.mapping.segmentation import segment
from napari_ghosthunter.scan.fingerprint import fingerprint
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.simulate import SimulationConfig, simulate
from napari_ghosthunter.scan.spread import spread_positions

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = PatternConfig(size=32)
SWAP = {"vertical": "horizontal", "horizontal": "vertical"}


@pytest.fixture(scope="module")
def large():
    """A scan with more positions than are ever read to know it by."""
    return simulate(SimulationConfig(scan_shape=(40, 50), detector_shape=(16, 16))).scan


@pytest.fixture(params=NETWORKS)
def network(request):
    return request.param


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


def test_the_same_seed_gives_the_same_model_bit_for_bit(run, labels, network):
    one, other = (run(labels, epochs=2, seed=5, network=network) for _ in "ab")
    for first, second in zip(one, other, strict=True):
        assert first.model.hash == second.model.hash
        assert first.figures.model_copy(update={"seconds": 0}) == second.figures.model_copy(update={"seconds": 0})


def test_the_order_in_which_labels_were_given_does_not_matter(run, labels, network):
    backwards = LabelSet(labels.classes, labels=dict(reversed(list(labels.items()))))
    one, other = (run(given, epochs=1, network=network)[-1].model.hash for given in (labels, backwards))
    assert one == other


def test_torchs_global_generator_is_neither_used_nor_moved(run, labels, network):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    model = run(labels, epochs=2, network=network, symmetries={"rot90": SWAP})[-1].model
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(2)
    assert run(labels, epochs=2, network=network, symmetries={"rot90": SWAP})[-1].model.hash == model.hash


def test_the_number_of_threads_stays_as_it_was(simulation, labels, network):
    before = torch.get_num_threads()
    config = TrainingConfig(epochs=3, network=network)
    for _ in islice(train(simulation.scan, labels, config, SMALL, device="cpu"), 2):
        assert torch.get_num_threads() == before


# ---- what is reported ----


def test_the_record_says_how_the_model_came_to_be(simulation, labels, network):
    config = TrainingConfig(epochs=1, seed=7, network=network)
    (report,) = train(simulation.scan, labels, config, SMALL, device="cpu")
    record = report.model.record
    assert record.config == config
    assert report.model.network == network
    assert record.labels_per_class == {"none": 12, "vertical": 12, "horizontal": 12}
    assert record.scan["shape"] == [16, 24, 32, 32]
    assert record.versions["torch"] == version("torch")  # without its build, where the index has none
    assert type(record).model_validate_json(record.model_dump_json()) == record
    assert json.loads(record.model_dump_json())


def test_without_a_configuration_the_defaults_are_taken(simulation, labelled):
    labels = labelled(2)
    report = next(train(simulation.scan, labels))
    assert report.model.record.config == TrainingConfig()
    assert report.model.patterns.config == PatternConfig()
    assert report.model.network == DEFAULT_NETWORK == "swift"
    assert report.epochs == ITERATIONS


# ---- stopping ----


def test_leaving_the_loop_keeps_a_model_that_works(simulation, labels, network):
    config = TrainingConfig(epochs=1000, network=network)
    for report in train(simulation.scan, labels, config, SMALL, device="cpu"):
        if report.figures.epoch == 2:
            break
    assert len(report.model.record.history) == 2
    domains = segment(simulation.scan, report.model, device="cpu")
    assert domains.has_data.all()


def test_what_comes_later_does_not_change_a_model_that_was_given(simulation, labels, network):
    config = TrainingConfig(epochs=6, learning_rate=1e-2, network=network)
    reports = train(simulation.scan, labels, config, SMALL, device="cpu")
    first = next(reports).model
    digest, history = first.hash, first.record.history
    assert len(list(reports)) == 5
    assert first.hash == digest
    assert first.record.history == history
    assert len(history) == 1


def test_a_closed_generator_is_done(simulation, labels, network):
    reports = train(simulation.scan, labels, TrainingConfig(epochs=6, network=network), SMALL, device="cpu")
    next(reports)
    reports.close()
    assert list(reports) == []


# ---- labels, many and few ----


@pytest.mark.parametrize(("align", "counts"), [(True, (16, 64, 256)), (False, (16, 64))])
def test_only_labelled_patterns_and_spread_ones_are_read_and_one_at_a_time(large, network, align, counts):
    labels = LabelSet(ClassScheme.from_names("ab"), labels={(3, 4): "a", (3, 5): "b", (39, 49): "a"})
    watched = Watched(large.data)
    config, patterns = TrainingConfig(epochs=1, shift=0.05, network=network), PatternConfig(size=16, align=align)
    next(train(Scan(watched), labels, config, patterns, device="cpu"))
    counts = (*counts, 1024) if network == "swift" else counts
    allowed = set(labels).union(*(spread_positions(large.scan_shape, count) for count in counts))
    assert len(allowed) < 2000
    seen = set()
    for rows, columns, *_ in watched.keys:
        if isinstance(rows, slice):
            assert (rows.stop - rows.start, columns.stop - columns.start) == (1, 1)
            rows, columns = rows.start, columns.start
        seen.add((rows, columns))
    assert seen == allowed


def test_the_record_keeps_what_the_scan_looks_like(simulation, labels, network):
    (report,) = train(simulation.scan, labels, TrainingConfig(epochs=1, network=network), SMALL, device="cpu")
    record = report.model.record
    read = recall_looks(type(record).model_validate_json(record.model_dump_json()).scan)
    assert read == look_at(simulation.scan, report.model.patterns)
    assert read.fingerprint == fingerprint(simulation.scan)


def test_classes_without_labels_are_left_out_and_the_others_keep_their_looks(simulation, run, network):
    classes = ClassScheme.from_names(["a", "b", "c", "d"]).recolour("d", "#123456")
    labels = LabelSet(classes, labels={(0, 0): "d", (0, 1): "b", (0, 2): "d"})
    model = run(labels, epochs=1, network=network)[-1].model
    assert model.classes.names == ("b", "d")
    assert model.classes.colours == (classes.colours[1], "#123456")
    assert model.record.labels_per_class == {"b": 1, "d": 2}
    assert trainable_classes(labels, simulation.scan) == model.classes


def test_many_classes_can_be_told_apart(simulation, run, of_classes, network):
    names = [f"class {number}" for number in range(20)]
    model = run(of_classes(*names, classes=names), epochs=1, network=network)[-1].model
    assert len(model.classes) == 20
    assert segment(simulation.scan, model, device="cpu").probabilities.shape == (16, 24, 20)


@pytest.mark.parametrize(("pool", "pool_size"), [("mean", 3), ("max", 5)])
def test_training_works_with_neighbours(run, labels, network, pool, pool_size):
    patterns = PatternConfig(size=32, pool=pool, pool_size=pool_size)
    model = run(labels, epochs=1, patterns=patterns, network=network)[-1].model
    assert model.patterns.config == patterns


# ---- refusals, before anything runs ----


@pytest.mark.parametrize(
    ("names", "choices", "error", "says"),
    [
        ("", {}, LabelError, "none yet"),
        ("b", {}, LabelError, "all are of class 'b'"),
        ("bbb", {}, LabelError, "at least two classes"),
        ("ab", {"device": "quantum"}, TrainingError, "no device 'quantum'"),
        ("ab", {"network": "transformer"}, ModelError, "choose one of: swift, ghosthunter"),
        ("ab", {"symmetries": {"rot90": {"a": "b"}}}, TrainingError, "no two into the same"),
        ("ab", {"symmetries": {"rot90": {"a": "z", "z": "a"}}}, TrainingError, "'z', which has no labels"),
    ],
)  # fmt: skip
def test_what_cannot_be_trained_is_refused_at_once(of_classes, network, names, choices, error, says):
    device = choices.get("device", "cpu")
    config = TrainingConfig(**{"network": network} | {name: choices[name] for name in set(choices) - {"device"}})
    with pytest.raises(error, match=says):
        train(Scan(Unreadable()), of_classes(*names), config, SMALL, device=device)


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (LabelSet(), "none yet"),
        (LabelSet(ClassScheme.from_names("ab"), labels={(0, 0): "a", (2, 8): "b"}),
         r"1 labels lie outside the scan of \(8, 8\), the first at \(2, 8\)"),
    ],
)  # fmt: skip
def test_labels_that_do_not_fit_are_refused_at_once(network, labels, says):
    with pytest.raises(LabelError, match=says):
        train(Scan(Unreadable()), labels, TrainingConfig(network=network), SMALL, device="cpu")


def test_pixels_that_are_no_numbers_are_told(simulation, labels, network):
    data = simulation.scan.data.astype(np.float32)
    y, x = next(iter(labels))
    data[y, x, 5, 5] = np.nan
    with pytest.warns(UserWarning, match="1 detector pixel of"):
        (report,) = train(Scan(data), labels, TrainingConfig(epochs=1, network=network), SMALL, device="cpu")
    assert np.isfinite(report.figures.train_loss)


# ---- does it learn? ----


def accuracy(simulation, model):
    truth = np.array(simulation.names)[simulation.truth]
    found = np.array(model.classes.names)[segment(simulation.scan, model, device="cpu").classes_image - 1]
    return float((truth == found).mean())


def test_it_learns_the_domains_from_few_labels(simulation, run, labels, network):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = run(labels, epochs=60, network=network)[-1]
    assert accuracy(simulation, report.model) > 0.9
    assert report.figures.train_loss < 0.5 * report.model.record.history[0].train_loss


def test_symmetries_teach_a_class_from_turned_copies_of_another(simulation, run, labelled, network):
    """A few vertical domains only, but what is horizontal is vertical when it is turned."""
    labels = labelled(12)
    labels.label_many(dict.fromkeys([p for p in labels if labels[p] == "vertical"][1:]))
    plain, turned = (
        accuracy(simulation, run(labels, epochs=60, network=network, symmetries=symmetries)[-1].model)
        for symmetries in ({}, {"rot90": SWAP, "rot270": SWAP, "rot180": {}})
    )
    assert turned > plain + 0.1
