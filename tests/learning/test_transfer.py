"""A model on another scan: turned, moved, of another thickness; and what a few labels there win back."""

import re

import numpy as np
import pytest
import torch

from napari_ghosthunter.errors import LabelError, ModelError, TrainingError
from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.learning.alignment import aligned, coarse, mean_pattern, turn_between, turned
from napari_ghosthunter.learning.config import PatternConfig, TrainingConfig
from napari_ghosthunter.learning.modelfile import load_model, save_model
from napari_ghosthunter.learning.patterns import fit_patterns, fit_template, spread_inputs
from napari_ghosthunter.learning.training import train
from napari_ghosthunter.mapping.compatibility import check_scan
from napari_ghosthunter.mapping.segmentation import segment
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.simulate import SimulationConfig, simulate

pytestmark = pytest.mark.usefixtures("one_thread")

KIND = {"scan_shape": (16, 40), "detector_shape": (64, 64), "ghost_strength": 0.03, "wall_fraction": 0.05}
OTHER = {"thickness_variation": 1.0, "tilt_variation": 0.9, "centre_offset": (-0.02, 0.02)}


@pytest.fixture(scope="module")
def here():
    return simulate(SimulationConfig(**KIND, seed=30, rotation_deg=3))


@pytest.fixture(scope="module")
def there():
    """The same kind of sample, turned by 7 degrees."""
    return simulate(SimulationConfig(**KIND, **OTHER, seed=31, rotation_deg=10))


def labelled(simulation, count, seed=0):
    rng, found = np.random.default_rng(seed), LabelSet(ClassScheme.from_names(simulation.names))
    for index, name in enumerate(simulation.names):
        drawn = rng.permutation(np.argwhere(simulation.truth == index))[:count].tolist()
        found.label_many(dict.fromkeys(map(tuple, drawn), name))
    return found


def trained(simulation, labels, **choices):
    start = choices.pop("start", None)
    config = TrainingConfig(**choices) if choices else None
    *_, last = train(simulation.scan, labels, config, device="cpu", start=start)
    return last.model


@pytest.fixture(scope="module")
def model(here):
    return trained(here, labelled(here, 12))


def right(simulation, model):
    names = np.array(model.classes.names)
    found = names[segment(simulation.scan, model, device="cpu").classes_image - 1]
    return float((found == np.array(simulation.names)[simulation.truth]).mean())


def mean_of(simulation):
    return mean_pattern(spread_inputs(fit_patterns(PatternConfig(), simulation.scan), simulation.scan, 64))


# ---- turned scans ----


@pytest.mark.parametrize("degrees", [-12, -4, 2, 7, 14])
def test_a_turn_is_measured(here, degrees):
    other = simulate(SimulationConfig(**KIND, **OTHER, seed=32, rotation_deg=3 + degrees))
    assert turn_between(mean_of(other), mean_of(here)) == pytest.approx(degrees, abs=0.51)


def test_another_thickness_tilt_and_centre_are_no_turn(here):
    for seed in range(3):
        other = simulate(SimulationConfig(**KIND, **OTHER, seed=seed, rotation_deg=3))
        assert turn_between(mean_of(other), mean_of(here)) == 0


def test_what_has_no_lattice_is_not_turned(here):
    noise = torch.randn(64, 64, generator=torch.Generator().manual_seed(0))
    assert turn_between(noise, mean_of(here)) == 0
    assert turn_between(torch.zeros(64, 64), mean_of(here)) == 0
    assert turn_between(mean_of(here), torch.zeros(64, 64)) == 0


def test_turning_back_and_forth_changes_little(here):
    patterns = mean_of(here)[None]
    back = turned(turned(patterns, 6.0), -6.0)
    middle = slice(16, 48)
    rest = (back - patterns)[:, middle, middle].std() / patterns[:, middle, middle].std()
    assert rest < 0.35  # interpolated twice
    assert (turned(patterns, 6.0) - patterns)[:, middle, middle].std() > 0.5 * patterns[:, middle, middle].std()


def test_a_shift_and_a_turn_are_undone_together(here):
    patterns = fit_template(fit_patterns(PatternConfig(), here.scan), here.scan)
    template = torch.tensor(patterns.template)
    moved = turned(template[None], -7.0).roll((3, -2), (1, 2))
    match = torch.corrcoef(torch.stack([aligned(moved, template, 7.0)[0, 8:-8, 8:-8].flatten(),
                                        template[8:-8, 8:-8].flatten()]))[0, 1]  # fmt: skip
    assert match > 0.9
    assert coarse(aligned(moved, template, 7.0)).shape == moved.shape


def test_a_model_sees_a_turned_scan_turned_back(here, there, model):
    assert model.seen_in(here.scan) is model
    assert model.seen_in(there.scan).patterns.turn == pytest.approx(7, abs=0.51)
    blind = model.patterns.model_dump() | {"template": None}
    assert type(model.patterns)(**blind).seen_in(there.scan).turn == 0
    unturned = segment_without_turning(there, model)
    assert right(there, model) > unturned + 0.1


def segment_without_turning(simulation, model):
    """Share of right answers if the turn is not taken into account."""
    inputs = model.patterns.inputs(simulation.scan, [tuple(p) for p in np.argwhere(simulation.truth < 9).tolist()])
    with torch.inference_mode():
        found = model.load_network()(inputs).argmax(1).numpy()
    return float((np.array(model.classes.names)[found] == np.array(simulation.names)[simulation.truth.ravel()]).mean())


def test_the_check_tells_of_a_turn(here, there, model):
    words = [str(difference) for difference in check_scan(model, there.scan) if difference.what == "turned"]
    assert len(words) == 1
    assert re.search(r"turned by (6\.5|7\.0|7\.5) degrees \(clockwise\)", words[0])
    assert not [one for one in check_scan(model, here.scan) if one.what == "turned"]


def test_the_turn_of_one_scan_is_not_kept_in_the_model(there, model, tmp_path):
    tuned = trained(there, labelled(there, 2), start=model)
    assert tuned.patterns == model.patterns
    save_model(tuned, tmp_path / "tuned.safetensors")
    again = load_model(tmp_path / "tuned.safetensors")
    assert again.seen_in(there.scan).patterns.turn == pytest.approx(7, abs=0.51)  # though it was trained there
    assert again.record.started_from == model.hash


# ---- training further ----


def test_a_few_labels_win_back_what_was_lost(there, model):
    before = right(there, model)
    tuned = trained(there, labelled(there, 4), start=model)
    alone = trained(there, labelled(there, 4))
    assert right(there, tuned) > max(before, right(there, alone) - 0.02)


def test_training_further_is_repeatable_and_begins_where_the_model_ends(here, there, model):
    one, other = (trained(there, labelled(there, 2), start=model).hash for _ in "ab")
    assert one == other != model.hash
    kept = trained(here, labelled(here, 12), start=model)
    assert right(here, kept) >= right(here, model) - 0.02


def test_classes_of_the_model_come_first_and_new_ones_after_them(there, model):
    labels = labelled(there, 3)
    labels.add_class("crack")
    labels.label((0, 0), "crack")
    labels.label((0, 1), "crack")
    tuned = trained(there, labels, start=model)
    assert tuned.classes.names == (*model.classes.names, "crack")
    assert segment(there.scan, tuned, device="cpu").probabilities.shape == (16, 40, 4)


def test_labels_of_one_class_are_enough_to_train_further(there, model):
    y, x = np.argwhere(there.truth == 1)[0].tolist()
    labels = LabelSet(ClassScheme.from_names(there.names), labels={(y, x): "vertical"})
    assert trained(there, labels, start=model).record.labels_per_class == {"none": 0, "vertical": 1, "horizontal": 0}


def test_the_network_of_the_paper_is_trained_further_too(here, there):
    begun = trained(here, labelled(here, 4), network="ghosthunter", epochs=2)
    still = trained(there, labelled(there, 2), network="ghosthunter", epochs=1, learning_rate=1e-9,
                    min_learning_rate=1e-9, weight_decay=0, start=begun)  # fmt: skip
    for name, weight in begun.weights.items():
        torch.testing.assert_close(still.weights[name], weight, atol=1e-5, rtol=1e-4)


class Unreadable:
    shape, dtype = (8, 8, 64, 64), np.dtype("uint16")

    def __getitem__(self, key):
        pytest.fail("was read")


@pytest.mark.parametrize(
    ("choices", "error", "says"),
    [
        ({"config": TrainingConfig(network="ghosthunter")}, TrainingError, "is a 'swift', not a 'ghosthunter'"),
        ({"patterns": PatternConfig(pool="max")}, TrainingError, "sees patterns in another way"),
        ({"labels": LabelSet()}, LabelError, "needs labels on this scan"),
    ],
)
def test_what_cannot_be_trained_further_is_refused_at_once(model, choices, error, says):
    labels = choices.get("labels") or LabelSet(ClassScheme.from_names(["none"]), labels={(0, 0): "none"})
    if "labels" in choices:
        labels = choices["labels"]
    with pytest.raises(error, match=says):
        train(Scan(Unreadable()), labels, choices.get("config"), choices.get("patterns"), device="cpu", start=model)


def test_a_scan_of_another_detector_is_refused(model):
    class Other(Unreadable):
        shape = (8, 8, 32, 32)

    labels = LabelSet(ClassScheme.from_names(["none"]), labels={(0, 0): "none"})
    with pytest.raises(ModelError, match="patterns of 64 x 64 pixels, but this scan has 32 x 32"):
        train(Scan(Other()), labels, device="cpu", start=model)


# ---- scans whose patterns stay in their place ----

STILL = {"drift": 0.0, "jitter": 0.0}


def test_patterns_that_do_not_move_are_left_where_they_are():
    still = simulate(SimulationConfig(**KIND, **STILL, counts=5000, seed=33)).scan
    patterns = fit_template(fit_patterns(PatternConfig(), still), still)
    assert patterns.template is not None
    assert patterns.offset == (0, 0)
    plain = fit_patterns(PatternConfig(), still)
    assert torch.equal(patterns.inputs(still, [(3, 4), (9, 30)]), plain.inputs(still, [(3, 4), (9, 30)]))


@pytest.mark.parametrize("counts", [3000, 30_000])
def test_patterns_that_move_are_seen_to(counts):
    scan = simulate(SimulationConfig(**KIND, counts=counts, drift=0.006, seed=34)).scan
    assert fit_template(fit_patterns(PatternConfig(), scan), scan).offset is None


def test_too_few_patterns_are_not_judged():
    scan = simulate(SimulationConfig(**KIND | {"scan_shape": (1, 7)}, seed=34)).scan
    assert fit_template(fit_patterns(PatternConfig(), scan), scan).offset == (0, 0)


def test_a_still_scan_with_another_centre_is_moved_as_a_whole():
    one, other = (
        simulate(SimulationConfig(**KIND, **STILL, seed=35, centre_offset=centre)).scan
        for centre in ((0.01, -0.015), (0.041, -0.046))
    )
    seen = fit_template(fit_patterns(PatternConfig(), one), one).seen_in(other)
    assert seen.offset == pytest.approx((2, -2), abs=0.3)  # 0.031 of 64 pixels
    moved, wanted = seen.inputs(other, [(3, 4)]), seen.inputs(one, [(3, 4)])
    assert moved.shape == wanted.shape


def test_a_moving_scan_is_followed_by_a_model_of_a_still_one(here):
    still = simulate(SimulationConfig(**KIND, **STILL, seed=30, rotation_deg=3)).scan
    seen = fit_template(fit_patterns(PatternConfig(), still), still).seen_in(here.scan)
    assert seen.offset is None
