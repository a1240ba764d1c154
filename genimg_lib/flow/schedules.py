"""How noise is spread over time: paths of other kinds, and at which times a sampler calls."""

import itertools
import math

import torch

from genimg_lib.flow.paths import STRAIGHT, Path


def schedule(alpha, sigma):
    """A Path from its two levels, functions of t; their derivatives are taken from them.

    Raises ValueError where it does not lead from noise (alpha below 0.01 at t = 0) to data (sigma
    below 0.01 at t = 1).
    """

    path = Path(alpha, sigma, _slope(alpha), _slope(sigma))
    (signal, _), (_, noise) = path.levels(0), path.levels(1)
    if not (abs(signal) < 0.01 and abs(noise) < 0.01):
        raise ValueError(
            "expected a path from noise to data, with alpha below 0.01 at t = 0 and sigma below "
            f"0.01 at t = 1; got alpha {signal:.3g} and sigma {noise:.3g}"
        )
    return path


def _slope(level):
    """The derivative of a level, as a function of t."""

    @torch.enable_grad()
    def slope(t):
        t = t.detach().requires_grad_(True)
        (found,) = torch.autograd.grad(level(t).sum(), t)
        return found

    return slope


def _log_alpha(t, least=0.1, most=20.0):
    """The half integral of DDPM's variances from the data to t."""
    u = 1 - t
    return -(least * u + (most - least) * u**2 / 2) / 2


# DDPM's schedule, of 1,000 betas from 1e-4 to 0.02, for times without steps: alpha² + sigma² = 1
# Source: Song et al. 2021 (arXiv:2011.13456), equation 33
LINEAR = schedule(
    lambda t: torch.exp(_log_alpha(t)),
    lambda t: torch.sqrt(-torch.expm1(2 * _log_alpha(t))),
)


def log_ratio(path, t):
    """log(alpha / sigma) at a time t in [0, 1], half the logarithm of the signal-to-noise ratio."""
    alpha, sigma = path.levels(t)
    if alpha <= 0 or sigma <= 0:
        return -math.inf if alpha <= 0 else math.inf
    return math.log(alpha / sigma)


def time_of(path, wanted, halvings=60):
    """The time at which log(alpha / sigma) is `wanted`, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(halvings):
        middle = (low + high) / 2
        low, high = (middle, high) if log_ratio(path, middle) < wanted else (low, middle)
    return (low + high) / 2


def even_times(calls):
    """calls + 1 times from 0 to 1, at equal distances.

    Raises ValueError for calls below 1.
    """
    _checked(calls)
    return [k / calls for k in range(calls + 1)]


def even_ratios(calls, path=STRAIGHT, ends=(-3.0, 3.0)):
    """calls + 1 times from 0 to 1; between the first and the last, log(alpha / sigma) is even.

    ends: its values at the second time and the last but one, which at two calls are the same time:
        it has the first value then.
    Raises ValueError for calls below 1, for ends that do not increase or are too far from 0 for
    times to tell them apart.
    """
    _checked(calls)
    first, final = ends
    if not first < final:
        raise ValueError(f"expected ends that increase, got {first:g} and {final:g}")
    inner = torch.linspace(first, final, calls - 1, dtype=torch.float64).tolist()
    times = [0.0, *(time_of(path, ratio) for ratio in inner), 1.0]
    return _increasing(times, f"ends from {first:g} to {final:g}")


def karras_times(calls, path=STRAIGHT, rho=7.0, levels=(80.0, 0.002)):
    """calls + 1 times; (sigma / alpha)^(1 / rho) is even from the first to the last but one.

    levels: the first and the last sigma / alpha before 0. rho: above 0.
    Raises ValueError for calls below 1, for another rho, for levels that do not fall to above 0 or
    are too far from 1 for times to tell them apart.
    Source: Karras et al. 2022 (arXiv:2206.00364), equation 5.
    """
    _checked(calls)
    first, final = levels
    if not first > final > 0:
        raise ValueError(f"expected levels that fall to above 0, got {first:g} and {final:g}")
    if not 0 < rho < math.inf:
        raise ValueError(f"expected a rho above 0, got {rho:g}")
    roots = torch.linspace(first ** (1 / rho), final ** (1 / rho), calls, dtype=torch.float64)
    times = [*(time_of(path, -math.log(root**rho)) for root in roots.tolist()), 1.0]
    return _increasing(times, f"levels from {first:g} to {final:g}")


def _checked(calls):
    if not isinstance(calls, int) or calls < 1:
        raise ValueError(f"expected a whole number of calls, one or more, got {calls}")


def _increasing(times, given):
    if not all(t < s for t, s in itertools.pairwise(times)):
        raise ValueError(f"expected {given} closer together: some times are the same number")
    return times
