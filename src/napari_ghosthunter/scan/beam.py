"""Where the direct beam meets the detector: the centre that virtual detectors are drawn around.

The direct beam wanders off the middle of the detector, is one disk among strong Bragg disks, and shares the detector
with hot pixels brighter than itself; so it is measured, and said so where it cannot be.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.beam_evidence import hear
from napari_ghosthunter.scan.scan import zero_nonfinite

SAY_WHERE = "Say where it is with --beam K_Y,K_X, or drag it there in the Diffraction viewer."
STANDS_OUT = 1.3  # times what lies around it that a disk is bright at least
MOST_REGIONS = 1000  # more bright regions than this are noise, not disks

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class BeamCentre:
    """Where the direct beam meets the detector, in detector pixels.

    Attributes
    ----------
    k_y, k_x
        Centre; (0, 0) is the middle of the first pixel.
    radius
        Radius of the disk.
    found
        False where it is not sure: no clear beam was seen, and the middle of the detector stands in for it, or what
        tells the beam from Bragg disks does not agree, and the likeliest place does.
    """

    k_y: float
    k_x: float
    radius: float
    found: bool = True


def measure_beam(pattern: ArrayLike) -> BeamCentre:
    """Find the direct beam in a mean pattern: the disk that holds the most intensity, or the middle of the lattice.

    The brightest disk of a thick or tilted crystal is often not the direct beam. Where the pattern shows a lattice, the
    symmetry of disks and of the background, what lies around each, and brightness are weighed (see `beam_evidence`).

    Hot pixels are clipped to their surroundings first. The disk is what rises above half the height between the
    background and the brightest place; where several disks hold nearly as much (thick crystals), the one nearest to
    the centre of mass of the pattern is taken, because Bragg disks lie around the direct beam. Its centre and radius
    come from its outline, to a fraction of a pixel, so that structure within the disk, up to a factor of two, does not
    shift them.

    Parameters
    ----------
    pattern
        Intensities of shape (k_y, k_x); NaN and infinities count as zero.

    Returns
    -------
    BeamCentre
        Centre and radius in detector pixels. With `found` false it is the likeliest place, or the middle of the
        detector with a radius of an eighth of its shorter side.

    Raises
    ------
    ScanError
        If `pattern` is not a picture of at least one pixel.

    Warns
    -----
    UserWarning
        If the pattern has no clear beam, or it is not sure which disk is the beam.
    """
    beam = find_mean_beam(pattern)
    if beam is not None:
        if not beam.found:
            warnings.warn(
                "It is not sure which disk is the direct beam; the likeliest one, at "
                f"({beam.k_y:.1f}, {beam.k_x:.1f}), is used. {SAY_WHERE}",
                UserWarning,
                stacklevel=2,
            )
        return beam
    warnings.warn(
        "No clear direct beam was found in the mean pattern; the middle of the detector is used as its centre. "
        + SAY_WHERE,
        UserWarning,
        stacklevel=2,
    )
    height, width = np.shape(pattern)
    return no_beam((height, width))


def no_beam(detector_shape: tuple[int, int]) -> BeamCentre:
    """Give what stands in for the direct beam where none was found: the middle of the detector."""
    height, width = detector_shape
    return BeamCentre((height - 1) / 2, (width - 1) / 2, max(0.5, min(height, width) / 8), found=False)


def find_mean_beam(pattern: ArrayLike) -> BeamCentre | None:
    """Find the direct beam as `measure_beam` does; None, and no warning, where there is no clear one."""
    clean = _clean(pattern)
    disk = _brightest_disk(clean)
    if disk is None:
        return None
    brightest = _outline(clean, disk)
    verdict = hear(clean, (brightest.k_y, brightest.k_x), brightest.radius)
    beam = brightest
    if np.hypot(verdict.k_y - beam.k_y, verdict.k_x - beam.k_x) > verdict.spacing / 3:
        beam = _disk_at(clean, (verdict.k_y, verdict.k_x), verdict.spacing / 2) or replace(
            brightest, k_y=verdict.k_y, k_x=verdict.k_x
        )
    return replace(beam, found=verdict.sure)


def find_beam(pattern: ArrayLike) -> BeamCentre | None:
    """Find the brightest disk of a single pattern, quickly; None where none stands out."""
    clean = _clean(pattern)
    disk = _brightest_disk(clean)
    return None if disk is None else _outline(clean, disk)


def find_disk(pattern: ArrayLike, place: tuple[float, float], reach: float) -> BeamCentre | None:
    """Measure the disk at a (k_y, k_x) place, as far as `reach` pixels from it; None where none stands out there."""
    return _disk_at(_clean(pattern), place, reach)


def _clean(pattern: ArrayLike) -> FloatArray:
    values = np.asarray(pattern, np.float64)
    if values.ndim != 2 or values.size == 0:
        raise ScanError(f"A pattern has two axes (k_y, k_x), but this array has the shape {values.shape}.")
    return _without_hot_pixels(zero_nonfinite(values)[0])


def _disk_at(clean: FloatArray, place: tuple[float, float], reach: float) -> BeamCentre | None:
    from scipy.ndimage import gaussian_filter, label

    k_y, k_x = np.ogrid[: clean.shape[0], : clean.shape[1]]
    near = np.hypot(k_y - place[0], k_x - place[1]) <= reach
    if not near.any():
        return None
    smooth = gaussian_filter(clean, 0.7, mode="nearest")
    low, peak = float(np.percentile(smooth[near], 5)), float(smooth[near].max())
    labels, count = label(near & (smooth > (low + peak) / 2))
    if peak < STANDS_OUT * low or count == 0:
        return None
    sums = np.bincount(labels.reshape(-1), smooth.reshape(-1))[1:]
    return _outline(clean, labels == int(sums.argmax()) + 1)


def _without_hot_pixels(pattern: FloatArray) -> FloatArray:
    """Clip what the neighbours do not share: hot pixels, clusters of up to three and single hot lines.

    A value (above the lowest one) may be at most twice the fourth largest of its 3 x 3 neighbourhood: a disk of little
    more than a pixel's radius fills four pixels of it, a line of hot pixels only three.
    """
    # not before they are needed: the compiler takes a while to import
    from napari_ghosthunter.compiled import run
    from napari_ghosthunter.scan.ranking import fourth_largest

    above = np.ascontiguousarray(pattern - pattern.min())
    shared = np.empty_like(above)
    run(fourth_largest, above, shared)
    clean: FloatArray = np.minimum(above, 2 * shared)
    return clean


def _brightest_disk(clean: FloatArray) -> NDArray[np.bool_] | None:
    """Give the pixels of the direct beam, shape (k_y, k_x), or None where no disk stands out."""
    from scipy.ndimage import center_of_mass, find_objects, gaussian_filter, label

    smooth = gaussian_filter(clean, 0.7, mode="nearest")  # enough against counting noise, parts disks a pixel apart
    (background, median), peak = np.percentile(smooth, (5, 50)).tolist(), float(smooth.max())
    above = smooth - background
    labels, count = label(smooth > (background + peak) / 2)
    regions = enumerate(find_objects(labels), start=1) if count <= MOST_REGIONS else ()
    numbers = [number for number, region in regions if not _spans_detector(region, clean.shape)]
    if not numbers:
        return None
    sums = np.bincount(labels.reshape(-1), above.reshape(-1))
    enough = 0.8 * sums[numbers].max()
    bright = [number for number in numbers if sums[number] >= enough]
    best = bright[0]
    if len(bright) > 1:
        middle = center_of_mass(above.clip(min=0))
        centres = center_of_mass(above, labels, bright)
        best = bright[int(np.argmin(np.hypot(*np.subtract(centres, middle).T)))]
    disk: NDArray[np.bool_] = labels == best
    # noise gives many bright regions, none of them far above the rest of the pattern
    share = float(sums[best]) / float(sums[1:].sum())
    spread = 1.4826 * float(np.median(np.abs(smooth - median)))
    return disk if peak - median > 10 * spread or share > 0.5 else None


def _spans_detector(region: tuple[slice, ...], detector_shape: tuple[int, ...]) -> bool:
    """Tell whether a region reaches from one edge of the detector to the opposite one, as no disk does."""
    return any(part == slice(0, size, None) for part, size in zip(region, detector_shape, strict=True))


def _outline(clean: FloatArray, disk: NDArray[np.bool_]) -> BeamCentre:
    """Measure centre and radius of `disk` with its edge pixels weighted by how much of them it covers."""
    from scipy.ndimage import binary_dilation, binary_fill_holes

    background = float(np.percentile(clean, 5))
    box = tuple(
        slice(max(0, int(places.min()) - 1), min(int(places.max()) + 2, size))
        for places, size in zip(disk.nonzero(), disk.shape, strict=True)
    )
    clean, disk = clean[box], disk[box]  # all that is near it
    filled = binary_fill_holes(disk)
    near = binary_dilation(filled, np.ones((3, 3), np.bool_))
    height = max(float(np.median(clean[disk])) - background, float(np.finfo(np.float64).tiny))
    covered = np.clip((clean - background) / height, 0, 1)
    # diffuse scattering beside the disk is no part of it
    covered[covered < 0.2] = 0
    covered[filled & ~disk] = 1
    covered[~near] = 0
    area = float(covered.sum())
    k_y, k_x = np.ogrid[box]
    return BeamCentre(
        float((covered * k_y).sum() / area), float((covered * k_x).sum() / area), float(np.sqrt(area / np.pi))
    )
