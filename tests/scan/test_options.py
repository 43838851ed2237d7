"""What a user may say of how a scan is opened, in which words, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import napari_ghosthunter as gh
from napari_ghosthunter.errors import ScanError, ScanShapeError
from napari_ghosthunter.scan.calibration import Calibration
from napari_ghosthunter.scan.offered import OPTION_HELP
from napari_ghosthunter.scan.options import ScanOptions, options_in
from napari_ghosthunter.scan.readers import open_again


@pytest.fixture
def npy(tmp_path: Path) -> Path:
    path = tmp_path / "scan.npy"
    np.save(path, np.arange(4 * 5 * 6 * 8, dtype=np.uint16).reshape(4, 5, 6, 8))
    return path


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ({"scan_shape": "34x206"}, (34, 206)),
        ({"scan_shape": (34.0, np.int64(206))}, (34, 206)),
        ({"scan_step": "2nm"}, (2, 2, "nm")),
        ({"scan_step": "2 x 2.5 nm"}, (2, 2.5, "nm")),
        ({"scan_step": "20 Å"}, (20, 20, "angstrom")),
        ({"scan_step": "1e-9m"}, (1, 1, "nm")),
        ({"scan_step": (2, 3, "um")}, (2, 3, "um")),
        ({"scan_step": (2, "um")}, (2, 2, "um")),
        ({"k_step": "0.02/nm"}, (0.02, 0.02, "1/nm")),
        ({"k_step": "0.02 1/nm"}, (0.02, 0.02, "1/nm")),
        ({"k_step": "0.02 nm^-1"}, (0.02, 0.02, "1/nm")),
        ({"k_step": ".5mrad"}, (0.5, 0.5, "mrad")),
        ({"rows": "10:20"}, (10, 20)),
        ({"columns": (0, 1)}, (0, 1)),
        ({"rows": (np.int64(1), "3")}, (1, 3)),
        ({"beam": "1e1; 4"}, (10, 4)),
        ({"detector": "flip_x, transpose"}, ("flip_x", "transpose")),
        ({"beam": "63.5,64"}, (63.5, 64)),
        ({"mask": "bad.npy"}, Path("bad.npy").absolute()),
        ({"flyback": "2"}, 2),
    ],
)
def test_options_are_read_as_they_are_typed_and_kept_as_json(said, read):
    options = ScanOptions.of(**said)
    (name,) = said
    assert getattr(options, name) == read
    kept = json.loads(json.dumps(options.said()))
    assert options_in(kept) == options
    assert list(kept) == [name]


@pytest.mark.parametrize(
    ("said", "kind", "told"),
    [
        ({"scan_shape": "34by206"}, ScanShapeError, "34x206"),
        ({"scan_shape": (0, 4)}, ScanShapeError, "whole numbers above 0"),
        ({"scan_shape": (1.5, 4)}, ScanShapeError, "whole numbers above 0"),
        ({"scan_step": "2"}, ScanError, "2nm"),
        ({"scan_shape": (float("nan"), 4)}, ScanShapeError, "whole numbers above 0"),
        ({"scan_step": "0nm"}, ScanError, "above 0"),
        ({"scan_step": "-1nm"}, ScanError, "above 0"),
        ({"scan_step": (-2, "nm")}, ScanError, "above 0"),
        ({"scan_step": "2.5"}, ScanError, "'2.5' is no pixel size"),
        ({"scan_step": (None, "nm")}, ScanError, "2nm"),
        ({"scan_step": ("two", "nm")}, ScanError, "2nm"),
        ({"scan_step": (float("inf"), "nm")}, ScanError, "2nm"),
        ({"scan_step": (2, 3)}, ScanError, "no unit"),
        ({"scan_step": "2/nm"}, ScanError, "2nm"),
        ({"scan_step": "2x3x4nm"}, ScanError, "2nm"),
        ({"k_step": "2nm"}, ScanError, "0.02/nm"),
        ({"k_step": "two/nm"}, ScanError, "0.02/nm"),
        ({"rows": "20:10"}, ScanError, "10:20"),
        ({"rows": "5"}, ScanError, "10:20"),
        ({"rows": ":"}, ScanError, "both ends"),
        ({"rows": "5:"}, ScanError, "both ends"),
        ({"rows": "-5:-1"}, ScanError, "both ends"),
        ({"rows": (1.5, 3)}, ScanError, "10:20"),
        ({"rows": 5}, ScanError, "10:20"),
        ({"rows": (None, 3)}, ScanError, "10:20"),
        ({"detector": 5}, ScanError, "flip_x"),
        ({"columns": (-1, 4)}, ScanError, "10:20"),
        ({"detector": "flip"}, ScanError, "flip_x"),
        ({"beam": "middle"}, ScanError, "K_Y,K_X"),
        ({"beam": (1, 2, 3)}, ScanError, "K_Y,K_X"),
        ({"beam": "1.2.3,4"}, ScanError, "K_Y,K_X"),
        ({"beam": (float("nan"), 4)}, ScanError, "K_Y,K_X"),
        ({"beam": 3}, ScanError, "K_Y,K_X"),
        ({"flyback": -1}, ScanError, "whole number"),
        ({"skip_frames": "few"}, ScanError, "whole number"),
        ({"skip_frames": True}, ScanError, "whole number"),
        ({"flyback": 1.5}, ScanError, "whole number"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line_that_names_the_option(said, kind, told):
    (name,) = said
    with pytest.raises(kind, match=name) as caught:
        ScanOptions.of(**said)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_option_is_explained():
    assert list(ScanOptions.model_fields) == list(OPTION_HELP)


def test_json_that_holds_no_options_gives_none():
    assert options_in({"scan_shape": [1]}) is None
    assert options_in({"unheard": 1}) is None
    assert options_in({}) == ScanOptions()


def test_a_scan_has_the_pixel_sizes_that_the_user_states(npy):
    scan = gh.open_scan(npy, scan_step="2x3nm", k_step="0.5mrad")
    assert scan.calibration == Calibration((2, 3), "nm", (0.5, 0.5), "mrad")
    assert gh.open_scan(npy, scan_step="2nm").calibration.k_units == "px"


def test_a_scan_is_opened_again_as_it_was(npy):
    scan = gh.open_scan(npy, scan_step="2nm", detector="transpose,flip_x", rows="1:3", columns="2:5", beam="2,3")
    again = open_again(scan.provenance, npy)
    assert again.calibration == scan.calibration
    assert again.beam == scan.beam == (2, 3)
    np.testing.assert_array_equal(again.block(slice(None), slice(None)), scan.block(slice(None), slice(None)))
