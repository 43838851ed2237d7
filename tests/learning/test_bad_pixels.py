"""Bad pixels in training and mapping: what they hold does not matter, and the model keeps which they are."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ghosthunter.learning.config import PatternConfig, TrainingConfig
from napari_ghosthunter.learning.modelfile import load_model, save_model
from napari_ghosthunter.learning.patterns import FittedPatterns, fit_patterns
from napari_ghosthunter.learning.training import train
from napari_ghosthunter.mapping.segmentation import segment
from napari_ghosthunter.scan.scan import Scan


@pytest.fixture(scope="module")
def mask():
    bad = np.zeros((32, 32), bool)
    bad[4:7, 9:20] = bad[20, 20] = bad[0, :3] = bad[31, 30:] = True
    return bad


def spoilt(scan, mask):
    """Give the same patterns with noise of every brightness where the detector is bad."""
    data = np.array(scan.data)
    rng = np.random.default_rng(0)
    data[..., mask] = 10 ** rng.uniform(0, 4.8, (*data.shape[:2], int(mask.sum())))
    return Scan(data)


def fitted(scan, labels):
    *_, last = train(scan, labels, TrainingConfig(network="swift"), PatternConfig(size=32), device="cpu")
    return last.model


def test_a_model_is_the_same_whatever_bad_pixels_hold_and_maps_other_scans_without_them(
    simulation, labels, mask, tmp_path
):
    bad = spoilt(simulation.scan, mask)
    model = fitted(simulation.scan.with_mask(mask), labels)
    again = fitted(bad.with_mask(mask), labels)
    assert model.patterns == again.patterns
    assert model.patterns.bad_pixels
    save_model(model, tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    assert loaded.patterns == model.patterns
    clean = segment(simulation.scan, loaded, device="cpu")
    np.testing.assert_array_equal(segment(bad, loaded, device="cpu").probabilities, clean.probabilities)
    np.testing.assert_array_equal(segment(bad.with_mask(mask), loaded, device="cpu").probabilities, clean.probabilities)
    assert np.mean(clean.classes_image == simulation.truth + 1) > 0.9


def test_a_model_of_a_whole_detector_is_written_as_before(simulation):
    patterns = fit_patterns(PatternConfig(), simulation.scan)
    assert "bad_pixels" not in patterns.model_dump_json()
    assert FittedPatterns.model_validate_json(patterns.model_dump_json()) == patterns


def test_bad_pixels_beyond_the_detector_are_refused(simulation, mask):
    patterns = fit_patterns(PatternConfig(), simulation.scan.with_mask(mask))
    told = patterns.model_dump()
    told["bad_pixels"] = ((32 * 32 - 1, 2),)
    with pytest.raises(ValueError, match="outside the detector"):
        FittedPatterns.model_validate(told)


def test_a_model_that_is_trained_further_leaves_out_the_bad_pixels_of_both(simulation, labels, mask):
    first, second = mask.copy(), mask.copy()
    first[:10], second[10:] = False, False
    model = fitted(simulation.scan.with_mask(first), labels)
    config = TrainingConfig(network="swift")
    *_, last = train(simulation.scan.with_mask(second), labels, config, None, device="cpu", start=model)
    assert last.model.patterns.bad_pixels == fit_patterns(PatternConfig(), simulation.scan.with_mask(mask)).bad_pixels
