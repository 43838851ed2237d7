"""Patterns laid on one another: the centre of a pattern wanders over a scan by more than a ghost disk is wide.

Each pattern is compared, after scaling, with the mean of patterns of the training scan (phase-preserving
cross-correlation by FFT, its peak refined by a parabola, as in Guizar-Sicairos et al. 2008 at far less cost), and
shifted by what lies between them. What then differs between two patterns is what they show, not where they lie, so
that a few labels teach more. Where the mean itself lies does not matter, so that a model fits a scan with another
centre; and how far a whole scan is turned against the training scan is measured on its mean.
"""

from __future__ import annotations

from functools import lru_cache
from math import cos, radians, sin

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own idiom
from torch import Tensor

from napari_ghosthunter.compiled import run
from napari_ghosthunter.learning import kernels
from napari_ghosthunter.learning.device import one_thread
from napari_ghosthunter.learning.reducing import bin_evenly

SMALLEST = 48  # pixels a side that patterns are compared in; the shift is found to a fraction of one
REACH = 8  # one in so many of the side is the farthest shift along either axis
ROUNDS = 2  # of mean, shift, and sharper mean
ENOUGH, AGREEMENT = 8, 0.65  # patterns, and rank correlation of what their halves say, for a motion to be believed
FARTHEST_TURN, TURN_STEP = 15.0, 0.5  # degrees; a lattice may look the same again after 60
LEAST_MATCH, LEAST_GAIN = 0.5, 0.02  # of the correlation, at all and over none, for a turn to be believed


def coarse_factor(size: int) -> int:
    """Binning of inputs of `size` pixels a side to the coarse ones that are compared."""
    return max(factor for factor in range(1, max(1, size // SMALLEST) + 1) if size % factor == 0)


def coarse(inputs: Tensor) -> Tensor:
    """Bin inputs (n, S, S) to (n, R, R), in which they are compared."""
    factor = coarse_factor(inputs.shape[-1])
    side = inputs.shape[-1] // factor
    return inputs if factor == 1 else bin_evenly(inputs, side)


def mean_pattern(patterns: Tensor) -> Tensor:
    """Lay coarse patterns (n, R, R) on one another: their mean is the template (R, R) that others are compared with."""
    template = patterns.mean(0)
    for _ in range(ROUNDS):
        template = aligned(patterns, template).mean(0)
    return template


def are_moving(patterns: Tensor, template: Tensor) -> bool:
    """Whether coarse patterns (n, R, R) lie in different places at all, or offsets from the template are mere noise.

    Offsets are measured in either half of the patterns alone: they agree if it is the pattern that moves. Where it does
    not, shifting patterns by noise would blur what tells them apart. Agreement is a rank correlation (Spearman), since
    patterns that show next to nothing, as of vacuum, give offsets that may be far off, and few of these undo any other.
    """
    if len(patterns) < ENOUGH:
        return False
    half = (torch.arange(len(template), device=patterns.device) >= len(template) // 2).float()
    agreements = []
    for part in (half[:, None], half):
        one, other = (_ranks(offsets(patterns * mask, template * mask)) for mask in (part, 1 - part))
        size = torch.linalg.vector_norm(one, dim=0) * torch.linalg.vector_norm(other, dim=0)
        agreements.append((one * other).sum(0) / size.clamp_min(torch.finfo(torch.float32).tiny))
    return float(torch.stack(agreements).mean()) >= AGREEMENT


def aligned(inputs: Tensor, template: Tensor, turn: float = 0.0, offset: tuple[float, float] | None = None) -> Tensor:
    """Lay inputs (n, S, S) on the template (R, R) of `mean_pattern`.

    Parameters
    ----------
    inputs, template
        The patterns, and what to lay them on.
    turn
        By how many degrees all of them are turned against it, `turn_between`.
    offset
        How far all of them lie from it, (y, x) in pixels of the inputs; if not given, it is measured for each.
    """
    if offset is not None:
        if not turn and not any(offset):
            return inputs
        by = torch.tensor([offset], device=inputs.device).expand(len(inputs), 2)
    else:
        by = offsets(inputs, turned(template[None], -turn)[0] if turn else template)
    return turned(inputs, turn, by) if turn else shifted(inputs, by)


def turn_between(here: Tensor, template: Tensor) -> float:
    """Measure by how many degrees one mean pattern (R, R) is turned against the other; 0 where it is none, or unclear.

    The correlation of the two is tried for turns of up to 15 degrees, whatever the shift between them.
    """
    side = len(template)
    window = torch.hann_window(side, periodic=False, device=here.device)
    window = window[:, None] * window
    steps = int(FARTHEST_TURN / TURN_STEP)
    angles = [TURN_STEP * step for step in range(-steps, steps + 1)]
    tried = torch.cat([turned(here[None], angle) for angle in angles])
    tried, wanted = ((one - one.mean((-2, -1), keepdim=True)) * window for one in (tried, template))
    match = torch.fft.irfft2(torch.fft.rfft2(tried) * torch.fft.rfft2(wanted).conj(), s=(side, side))
    sizes = torch.linalg.vector_norm(tried, dim=(1, 2)) * torch.linalg.vector_norm(wanted)
    correlation = match.flatten(1).amax(1) / sizes.clamp_min(torch.finfo(torch.float32).tiny)
    best = int(correlation.argmax())
    gain = correlation[best] - correlation[steps]
    unclear = correlation[best] < LEAST_MATCH or gain < LEAST_GAIN or best in (0, 2 * steps)
    return 0.0 if unclear else angles[best]


def turned(inputs: Tensor, degrees: float, by: Tensor | None = None) -> Tensor:
    """Turn inputs (n, S, S) about their middle, and shift them as `shifted` does; the edge is repeated."""
    size, angle = inputs.shape[-1], radians(degrees)
    motion = torch.tensor([[cos(angle), -sin(angle), 0.0], [sin(angle), cos(angle), 0.0]], device=inputs.device)
    motion = motion.repeat(len(inputs), 1, 1)
    if by is not None:
        motion[:, :, 2] = by.flip(1) * (2 / size)  # x before y, in halves of the side
    places = F.affine_grid(motion, [len(inputs), 1, size, size], align_corners=False)
    return F.grid_sample(inputs[:, None], places, padding_mode="border", align_corners=False)[:, 0]


def offsets(inputs: Tensor, template: Tensor) -> Tensor:
    """Measure how far inputs (n, S, S) lie from the template (R, R), as (n, [y, x]) in pixels of the inputs.

    Where no place within reach fits better than all around it, as in an empty pattern, it is zero. The last bits are
    the same for any number of threads and in any batch.
    """
    if len(inputs) == 1:  # the FFT of one pattern goes another way than that of several
        return offsets(inputs.expand(2, -1, -1), template)[:1]
    binned, side = coarse(inputs), len(template)
    window = _window(side, inputs.device)
    wanted = torch.fft.rfft2(template * window).conj()
    with one_thread():  # with several the inverse FFT has other last bits
        match = torch.fft.irfft2(torch.fft.rfft2(binned * window).mul_(wanted), s=(side, side))
    far = max(1, side // REACH)
    return _summits(match, far).mul_(inputs.shape[-1] // side)


def shifted(inputs: Tensor, by: Tensor) -> Tensor:
    """Take from inputs (n, S, S) the pixels `by` (n, [y, x]) further on, bilinearly; the edge is repeated."""
    if kernels.serve(inputs.device):
        out = torch.empty(inputs.shape)
        run(kernels.shift, inputs.contiguous().numpy(), by.contiguous().numpy(), out.numpy())
        return out
    size = inputs.shape[-1]
    whole = by.floor()
    part = by - whole
    place = torch.arange(size + 1, device=inputs.device)
    rows, columns = ((place + start[:, None].long()).clamp(0, size - 1) for start in whole.unbind(1))
    taken = inputs[torch.arange(len(inputs), device=inputs.device)[:, None], rows]  # (n, S + 1, S)
    taken = torch.lerp(taken[:, :-1], taken[:, 1:], part[:, :1, None])
    taken = taken.gather(2, columns[:, None].expand(-1, size, -1))  # (n, S, S + 1)
    return torch.lerp(taken[:, :, :-1], taken[:, :, 1:], part[:, 1:, None])


def _ranks(values: Tensor) -> Tensor:
    """Rank each column of (n, m) as Spearman (1904) does: from -1 to 1, equal values alike."""
    return torch.sign(values[:, None] - values).mean(1)


@lru_cache(maxsize=16)
def _window(side: int, device: torch.device) -> Tensor:
    """Give the weights (R, R) by which the edge of a pattern counts less, where others come in when it is shifted."""
    with torch.inference_mode(mode=False):  # it is kept for whoever asks next
        window = torch.hann_window(side, periodic=False, device=device).sqrt()
        return window[:, None] * window


def _summits(match: Tensor, far: int) -> Tensor:
    """Find where correlations (n, R, R) are highest within `far` of no shift; see `kernels.find_summits`."""
    if kernels.serve(match.device):
        found = torch.empty((len(match), 2))
        run(kernels.find_summits, match.contiguous().numpy(), far, found.numpy())
        return found
    margin = far + 1  # so that each place has others all around
    near = torch.cat([match[:, -margin:], match[:, : margin + 1]], 1)
    near = torch.cat([near[:, :, -margin:], near[:, :, : margin + 1]], 2)
    width = 2 * margin + 1
    best = near[:, 1:-1, 1:-1].flatten(1).argmax(1, keepdim=True)
    place = torch.cat([best // (width - 2) + 1, best % (width - 2) + 1], 1)  # [y, x] in `near`
    steps = torch.tensor([0, -width, -1, width, 1], device=match.device)
    values = near.flatten(1).gather(1, place[:, :1] * width + place[:, 1:] + steps)
    peak, beside = values[:, :1], values[:, 1:]
    rises = (peak >= beside).all(1, keepdim=True) & (peak > 0)
    return torch.where(rises, place - margin + _summit(beside[:, :2], peak, beside[:, 2:]), 0.0)


def _summit(before: Tensor, peak: Tensor, after: Tensor) -> Tensor:
    """How far from the middle one of three values the parabola through them is highest; all of one shape."""
    bend = (2 * peak - before - after).clamp_min(torch.finfo(torch.float32).tiny)
    return ((after - before) / (2 * bend)).clamp(-0.5, 0.5)
