"""Which portraits fit what was seen of one: draws from p(factors | y), factor after factor."""

import torch

from genimg_lib.data.convert import to_float
from genimg_lib.data.portraits.drawing import draw
from genimg_lib.data.portraits.factors import (
    CATEGORICAL,
    CONTINUOUS,
    FACTORS,
    as_tensors,
    probabilities,
)

_WINDOWS = (0.05, 0.3)  # how far a continuous factor is moved at most, in units of its range


def fitting(measure, y, sigma, factors, sweeps, size=32, generator=None):
    """Factors of portraits of which y may have been seen: yields {name: [N]}, once a sweep.

    A Markov chain for each portrait, all N at once, whose draws come to be those of the posterior
    p(factors | y = measure(x) + sigma eps): each categorical factor is drawn anew given all others
    (Gibbs), each continuous one moved or left (Metropolis).
    measure: images [M, 3, size, size] in [-1, 1] to what is seen of them, [M, ...].
    y: [N, ...]. sigma: above 0. sweeps: how many.
    factors: where the chains begin, as for `draw`. The factors that y was made from are themselves
        a draw from the posterior, and so is each of a chain that begins there; but neither is
        independent of the next, nor, early on, of the beginning.
    Raises ValueError for a sigma that is not above 0.
    Source: Geman and Geman 1984, "Stochastic Relaxation, Gibbs Distributions, and the Bayesian
        Restoration of Images"; Metropolis et al. 1953.
    """
    if not sigma > 0:
        raise ValueError(f"expected sigma above 0, got {sigma}")
    now = {name: value.clone() for name, value in as_tensors(factors).items()}

    def log_likelihood(candidates):
        """Of y, but for a constant: [K, N], for K candidates of all N."""
        together = {name: value.flatten() for name, value in candidates.items()}
        seen = measure(to_float(draw(together, size))).view(-1, *y.shape)
        return -(seen - y).square().flatten(2).sum(dim=2) / (2 * sigma**2)

    for _ in range(sweeps):
        for name in CATEGORICAL:
            k, n = len(FACTORS[name]), len(y)
            candidates = {other: value.expand(k, n) for other, value in now.items()}
            candidates[name] = torch.arange(k)[:, None].expand(k, n)
            weighed = log_likelihood(candidates) + probabilities(name).log()[:, None]
            p = torch.softmax(weighed.T.double(), dim=1)
            now[name] = torch.multinomial(p, 1, generator=generator)[:, 0]
        for name in CONTINUOUS:
            for window in _WINDOWS:
                moved = _moved(now[name], FACTORS[name], window, generator)
                pair = {other: value.expand(2, len(y)) for other, value in now.items()}
                pair[name] = torch.stack([now[name], moved])
                stays, goes = log_likelihood(pair)
                taken = torch.rand(len(y), generator=generator).log() < goes - stays
                now[name] = torch.where(taken, moved, now[name])
        yield dict(now)


def _moved(values, limits, window, generator):
    """Values moved at random, and turned back at the ends of their range."""
    low, high = limits
    step = (2 * torch.rand(len(values), generator=generator) - 1) * window * (high - low)
    moved = values + step
    moved = torch.where(moved < low, 2 * low - moved, moved)
    return torch.where(moved > high, 2 * high - moved, moved)
