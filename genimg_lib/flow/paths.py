"""Paths from noise to data, x_t = alpha x + sigma eps, and the four things to guess on them.

Time runs from 0 (noise) to 1 (data). x: data [N, ...]; eps: noise like x; t: times [N].
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch

from genimg_lib.layers import check_floats, holds


def per_image(t, x):
    """Times [N] as [N, 1, 1, ...], so that they multiply images like x."""
    return t.view(-1, *[1] * (x.dim() - 1))


class Guesses(NamedTuple):
    """One guess, said in four ways; each is a tensor like x_t."""

    x: torch.Tensor
    eps: torch.Tensor
    v: torch.Tensor
    score: torch.Tensor


class Path(NamedTuple):
    """How much data and how much noise there is at each time, and how fast that changes.

    alpha, sigma: functions of t, tensors in [0, 1]; at 0 there is noise alone, at 1 data alone.
    d_alpha, d_sigma: their derivatives.
    """

    alpha: Callable
    sigma: Callable
    d_alpha: Callable
    d_sigma: Callable

    def mix(self, x, eps, t):
        """x_t = alpha x + sigma eps.

        Raises TypeError for data of whole numbers, ValueError for noise of another shape and for
        times that are not [N] in [0, 1].
        """
        _check_mixed(x, eps, t)
        t = per_image(t, x)
        return self.alpha(t) * x + self.sigma(t) * eps

    def velocity(self, x, eps, t):
        """d x_t / dt, with x and eps held."""
        t = per_image(t, x)
        return self.d_alpha(t) * x + self.d_sigma(t) * eps

    def levels(self, t):
        """(alpha, sigma) at the time t, a number in [0, 1], as numbers."""
        at = torch.tensor(float(t), dtype=torch.float64)
        both = self.alpha(at).item(), self.sigma(at).item()
        return tuple(0.0 if abs(level) < 1e-12 else level for level in both)  # cos(pi / 2) is not 0

    def guesses(self, x_t, t, **one):
        """A guess in all four ways: `Guesses`.

        one: exactly one of x, eps, v (the velocity) and score (the gradient of log p_t), like x_t.
        At the ends some do not follow from others: at t = 0 x_t says nothing of x, at t = 1 nothing
        of eps. Raises ValueError there, for any other number of guesses, and for another shape.
        """
        if len(one) != 1 or next(iter(one)) not in Guesses._fields:
            raise ValueError(f"expected one of {', '.join(Guesses._fields)}, got {list(one) or 0}")
        ((kind, guess),) = one.items()
        if guess.shape != x_t.shape:
            raise ValueError(f"expected a guess {list(x_t.shape)}, got {list(guess.shape)}")
        t = per_image(t, x_t)
        alpha, sigma, d_alpha, d_sigma = (part(t) for part in self)
        if not (sigma > 0).all() or (kind in ("eps", "score") and not (alpha > 0).all()):
            raise ValueError(f"at the ends of the path {kind} does not say the rest; keep off them")
        if kind == "v":
            x = (sigma * guess - d_sigma * x_t) / (d_alpha * sigma - alpha * d_sigma)
        elif kind == "x":
            x = guess
        else:
            eps = guess if kind == "eps" else -sigma * guess
            x = (x_t - sigma * eps) / alpha
        eps = (x_t - alpha * x) / sigma
        return Guesses(x, eps, d_alpha * x + d_sigma * eps, -eps / sigma)


def _check_mixed(x, eps, t):
    check_floats(x)
    if eps.shape != x.shape:
        raise ValueError(f"expected noise {list(x.shape)}, as the data, got {list(eps.shape)}")
    if t.shape != (len(x),):
        raise ValueError(f"expected times [{len(x)}], one for each, got {list(t.shape)}")
    if not holds((t >= 0) & (t <= 1)):
        raise ValueError(f"expected times in [0, 1], got {t.min().item():g} to {t.max().item():g}")


def _constant(value):
    return lambda t: torch.full_like(t, value)


STRAIGHT = Path(lambda t: t, lambda t: 1 - t, _constant(1.0), _constant(-1.0))

# on a circle: alpha² + sigma² = 1, so data of variance 1 keep it
CIRCULAR = Path(
    lambda t: torch.sin(math.pi / 2 * t),
    lambda t: torch.cos(math.pi / 2 * t),
    lambda t: math.pi / 2 * torch.cos(math.pi / 2 * t),
    lambda t: -math.pi / 2 * torch.sin(math.pi / 2 * t),
)
