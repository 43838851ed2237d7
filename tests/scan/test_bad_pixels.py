"""Bad pixels: filled from their neighbours in patterns, left out of virtual images, read from files."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import napari_ghosthunter as gh
from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.bad_pixels import BadPixels
from napari_ghosthunter.scan.describe import describe, in_words
from napari_ghosthunter.scan.fingerprint import fingerprint
from napari_ghosthunter.scan.preview import CoarseImages
from napari_ghosthunter.scan.scan import Scan

CUBE = np.random.default_rng(0).integers(1, 1000, (3, 4, 6, 7)).astype(np.uint16)
MASK = np.zeros((6, 7), bool)
MASK[2:5, 3:6] = True  # its middle has no good neighbour
MASK[0, 0] = True


def filled_slowly(pattern: np.ndarray, mask: np.ndarray) -> np.ndarray:
    values, known = pattern.astype(float), ~mask
    while not known.all():
        ring = {}
        for y, x in np.argwhere(~known):
            near = [
                values[v, u]
                for v in range(max(0, y - 1), min(mask.shape[0], y + 2))
                for u in range(max(0, x - 1), min(mask.shape[1], x + 2))
                if known[v, u]
            ]
            if near:
                ring[y, x] = sum(near) / len(near)
        for place, value in ring.items():
            values[place] = round(value) if pattern.dtype.kind in "ui" else value
            known[place] = True
    return values


masks = arrays(bool, (5, 6)).filter(lambda mask: not mask.all() and mask.any())


@given(masks, st.sampled_from([np.uint8, np.uint16, np.int32, np.float32]))
def test_bad_pixels_get_the_mean_of_their_neighbours_from_the_edge_inwards(mask, dtype):
    pattern = np.random.default_rng(1).integers(0, 100, (5, 6)).astype(dtype)
    bad = BadPixels.of(mask, (5, 6))
    assert bad is not None
    filled = bad.filled(pattern)
    assert filled.dtype == pattern.dtype
    np.testing.assert_allclose(filled, filled_slowly(pattern, mask), rtol=1e-5)
    np.testing.assert_array_equal(filled[~mask], pattern[~mask])
    np.testing.assert_array_equal(bad.filled(np.stack([pattern, pattern]))[1], filled)


@given(masks)
def test_what_bad_pixels_hold_does_not_matter(mask):
    pattern = np.random.default_rng(2).random((5, 6)).astype(np.float32)
    bad = BadPixels.of(mask, (5, 6))
    assert bad is not None
    other = np.where(mask, np.float32(np.nan), pattern)
    np.testing.assert_array_equal(bad.filled(other), bad.filled(pattern))


def test_a_scan_with_a_mask_gives_mended_patterns_and_keeps_what_was_measured():
    scan = Scan(CUBE).with_mask(MASK)
    expected = filled_slowly(CUBE[1, 2], MASK)
    np.testing.assert_array_equal(scan.pattern(1, 2), expected)
    np.testing.assert_array_equal(scan.block(slice(1, 2), slice(2, 3))[0, 0], expected)
    np.testing.assert_array_equal(scan.rows(1, 2)[0, 2], expected)
    np.testing.assert_array_equal(scan.read((1, 2)), CUBE[1, 2])
    np.testing.assert_array_equal(scan.with_mask(None).pattern(1, 2), CUBE[1, 2])
    assert fingerprint(scan) == fingerprint(Scan(CUBE))


def test_virtual_images_leave_bad_pixels_out():
    scan, ones = Scan(CUBE).with_mask(MASK), np.ones((6, 7))
    expected = CUBE[..., ~MASK].sum(axis=-1)
    np.testing.assert_array_equal(gh.virtual.virtual_image(scan, ones), expected)
    *_, coarse = (image for image in CoarseImages(scan, ones).refine() if image is not None)
    np.testing.assert_array_equal(coarse, expected)
    np.testing.assert_array_equal(ones, 1)


def test_the_mean_pattern_is_that_of_mended_patterns():
    scan = Scan(CUBE).with_mask(MASK)
    expected = np.mean([[filled_slowly(pattern, MASK) for pattern in row] for row in CUBE], axis=(0, 1))
    np.testing.assert_allclose(gh.virtual.mean_pattern(scan), expected)
    few = [(0, 0), (2, 3)]
    expected = (filled_slowly(CUBE[0, 0], MASK) + filled_slowly(CUBE[2, 3], MASK)) / 2
    np.testing.assert_allclose(gh.virtual.mean_pattern(scan, few), expected)


@pytest.mark.parametrize("ending", ["npy", "tif", "tiff", "NPY"])
def test_a_mask_is_read_from_a_file_and_told(tmp_path, ending):
    np.save(tmp_path / "scan.npy", CUBE)
    file = tmp_path / f"mask.{ending}"
    if "npy" in ending.lower():
        with file.open("wb") as stream:
            np.save(stream, MASK.astype(np.uint8) * 255)
    else:
        tifffile.imwrite(file, MASK.astype(np.uint8))
    scan = gh.open_scan(tmp_path / "scan.npy", mask=file)
    assert scan.bad_pixels is not None
    np.testing.assert_array_equal(scan.bad_pixels.mask, MASK)
    assert describe(scan)["bad_pixels"] == 10
    assert "10 bad pixels" in in_words(describe(scan))["mask"]


def test_a_mask_is_of_the_patterns_as_they_are_turned(tmp_path):
    np.save(tmp_path / "scan.npy", CUBE)
    np.save(tmp_path / "mask.npy", MASK.T)
    scan = gh.open_scan(tmp_path / "scan.npy", mask=tmp_path / "mask.npy", detector="transpose")
    np.testing.assert_array_equal(scan.pattern(0, 0), filled_slowly(CUBE[0, 0], MASK).T)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (np.ones((6, 7)), "leaves no pixel"),
        (np.ones((7, 6)), r"shape \(7, 6\).*\(6, 7\)"),
        (None, "cannot be read"),
        (np.array([{}], object), "cannot be read"),
    ],
)
def test_a_mask_that_does_not_fit_is_refused(tmp_path, content, told):
    np.save(tmp_path / "scan.npy", CUBE)
    if content is None:
        (tmp_path / "mask.npy").write_bytes(b"no mask")
    else:
        np.save(tmp_path / "mask.npy", content)
    with pytest.raises(ScanError, match=told):
        gh.open_scan(tmp_path / "scan.npy", mask=tmp_path / "mask.npy")


@pytest.mark.parametrize("name", ["none.npy", "mask.png"])
def test_a_mask_that_is_not_there_or_of_another_kind_is_refused(tmp_path, name):
    np.save(tmp_path / "scan.npy", CUBE)
    (tmp_path / "mask.png").write_bytes(b"\x89PNG")
    with pytest.raises(ScanError, match=name):
        gh.open_scan(tmp_path / "scan.npy", mask=tmp_path / name)


def test_a_mask_without_bad_pixels_is_none():
    assert Scan(CUBE).with_mask(np.zeros((6, 7))).bad_pixels is None
