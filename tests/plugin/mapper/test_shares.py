"""One notation for shares in the window."""

from __future__ import annotations

import pytest

from napari_ghosthunter.learning.estimate import Estimate
from napari_ghosthunter.learning.validation import HeldOut
from napari_ghosthunter.plugin.mapper.shares import estimate_text, held_out_text, percent


@pytest.mark.parametrize(("share", "said"), [(0, "0"), (0.004, "0.4"), (0.0999, "10.0"), (0.966, "97"), (1, "100")])
def test_a_share_has_the_digits_that_it_deserves(share: float, said: str) -> None:
    assert percent(share) == f"{said}\N{NO-BREAK SPACE}%"


def test_accuracies_are_shares_with_what_they_may_be() -> None:
    held = HeldOut(names=("a", "b"), confusion=((3, 1), (0, 4)))
    assert held_out_text(held).replace("\N{NO-BREAK SPACE}", " ") == (
        "7 of 8 held-out labels right: accuracy 88 % (53 to 98 %); they also chose the epoch, so it is probably a "
        "little too high."
    )
    assert held_out_text(HeldOut(names=("a",), confusion=((0,),))).startswith("No labels could be kept back")
    estimate = Estimate(labels=30, confidence=0.97, agreement=0.99)
    low, high = (f"{100 * end:.0f}" for end in estimate.interval)
    assert estimate_text(estimate).replace("\N{NO-BREAK SPACE}", " ") == (
        f"Estimated accuracy of the map: 98 % ({low} to {high} %)."
    )
