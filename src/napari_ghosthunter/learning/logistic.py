"""Multinomial logistic regression on few labels: a convex problem, so that no seed and no patience decides.

Iterations of L-BFGS (Liu and Nocedal 1989) are given one by one, for a curve to be drawn and for a stop button.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own idiom
from torch import Tensor

STRENGTH = 10.0  # of the labels against the pull of the weights to zero; scikit-learn calls it C
FURTHER_STRENGTH = 5.0  # the same against the pull to where they began
ENOUGH = 1e-9  # relative gain of an iteration below which it has converged
MOST_ITERATIONS = 200


class Logistic:
    """A regression under way.

    Parameters
    ----------
    features
        (n, k), of size about one.
    targets
        Class index of each, (n,).
    classes
        How many classes there are; those without a label get low probabilities.
    prior
        Weights (classes, k) and biases (classes,) to begin with and to be pulled to, instead of zero weights.
    """

    def __init__(
        self, features: Tensor, targets: Tensor, classes: int, prior: tuple[Tensor, Tensor] | None = None
    ) -> None:
        self.features, self._targets = features.double(), targets
        self._prior = None if prior is None else (prior[0].double(), prior[1].double())
        self.weight: Tensor = torch.zeros(classes, features.shape[1], dtype=torch.float64)
        self.bias: Tensor = torch.zeros(classes, dtype=torch.float64)
        if self._prior is not None:
            self.weight, self.bias = (values.clone() for values in self._prior)
        for parameter in (self.weight, self.bias):
            parameter.requires_grad_()
        self._solver = torch.optim.LBFGS(
            [self.weight, self.bias], max_iter=1, max_eval=25, tolerance_grad=1e-9, line_search_fn="strong_wolfe"
        )
        self._before = float("inf")
        self.converged = False

    def step(self) -> None:
        """Do one iteration, unless there is no more to gain."""
        if self.converged:
            return
        loss = self._solver.step(self._closure).item()
        self.converged = self._before - loss <= ENOUGH * abs(loss)
        self._before = loss

    def logits(self, features: Tensor) -> Tensor:
        """Give the logits (m, classes) of features (m, k)."""
        return features.double() @ self.weight.detach().T + self.bias.detach()

    def _closure(self) -> Tensor:
        self._solver.zero_grad()
        strength = STRENGTH if self._prior is None else FURTHER_STRENGTH
        logits = self.features @ self.weight.T + self.bias
        loss = F.cross_entropy(logits, self._targets, reduction="sum") + self._pull() / (2 * strength)
        loss.backward()
        return loss

    def _pull(self) -> Tensor:
        """How far the weights are from where they are pulled to; biases are free unless there is a prior."""
        if self._prior is None:
            return self.weight.square().sum()
        weight, bias = self._prior
        return (self.weight - weight).square().sum() + (self.bias - bias).square().sum()


def regress(features: Tensor, targets: Tensor, classes: int) -> Logistic:
    """Do a regression to its end; see `Logistic`."""
    fit = Logistic(features, targets, classes)
    for _ in range(MOST_ITERATIONS):
        fit.step()
        if fit.converged:
            break
    return fit


def get_ready() -> None:
    """Let torch load what only a first regression does: a second or two that the first label is not to wait for."""
    Logistic(torch.zeros(2, 1), torch.tensor([0, 1]), 2).step()


def temperature(logits: Tensor, targets: Tensor) -> float:
    """By what to divide logits (n, classes) so that their softmax is as sure as it is right (Guo et al. 2017).

    Between 1/4 and 4, the one of the lowest cross-entropy.
    """
    candidates = torch.logspace(-2, 2, 81, base=2, dtype=torch.float64)
    losses = torch.stack([F.cross_entropy(logits / one, targets) for one in candidates])
    return float(candidates[losses.argmin()])
