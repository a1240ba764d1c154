"""Checks of chapter 13, distances between distributions."""

import math

import torch

from genimg_lib import divergences
from genimg_lib.check.judge import Check

_g = torch.Generator().manual_seed(13)


def _random(*shape):
    return torch.randn(*shape, generator=_g, dtype=torch.float64)


def _probabilities(*shape):
    return _random(*shape).softmax(-1)


_with_zero = (
    torch.tensor([0.5, 0.0, 0.5], dtype=torch.float64),
    torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64),
)

kl = Check(
    "kl",
    divergences.kl,
    [
        (_probabilities(4), _probabilities(4)),
        (_probabilities(3, 6), _probabilities(3, 6)),
        _with_zero,
    ],
    {
        "this is KL(q, p): the average is taken over q. It goes over p, the first.": lambda p, q: (
            divergences.kl(q, p)
        ),
        "the sign is turned: a divergence is never negative.": lambda p, q: -divergences.kl(p, q),
        "in bits. The course uses natural logarithms, nats.": lambda p, q: (
            divergences.kl(p, q) / math.log(2)
        ),
        "not a number where p is 0: there 0 log 0 counts as 0. torch.xlogy knows that.": lambda p, q: (
            (p * (p / q).log()).sum(-1)
        ),
        "this is the cross-entropy: the entropy of p has still to be taken off.": lambda p, q: (
            -torch.xlogy(p, q).sum(-1)
        ),
        "summed over everything. Outcomes are the last axis; each row is a distribution of its own.": lambda p, q: (
            (torch.xlogy(p, p) - torch.xlogy(p, q)).sum()
        ),
        "averaged over the outcomes, not summed.": lambda p, q: (
            torch.xlogy(p, p) - torch.xlogy(p, q)
        ).mean(-1),
    },
)

entropy_gaussian = Check(
    "entropy_gaussian",
    lambda sigma: 0.5 * math.log(2 * math.pi * math.e * sigma**2),
    [(1.0,), (0.1,), (3.0,)],
    {
        "e is missing: the mean of (x - mu)² / 2 sigma² is 1/2, and that counts too.": lambda sigma: (
            0.5 * math.log(2 * math.pi * sigma**2)
        ),
        "sigma stands where its square belongs, or the half is applied twice.": lambda sigma: (
            0.5 * math.log(2 * math.pi * math.e * sigma)
        ),
        "the sign is turned: entropy is minus the mean of the log-density.": lambda sigma: (
            -0.5 * math.log(2 * math.pi * math.e * sigma**2)
        ),
        "a density is not a probability: its entropy may be negative, do not clip it.": lambda sigma: (
            max(0.0, 0.5 * math.log(2 * math.pi * math.e * sigma**2))
        ),
    },
)


def _gaussians(mu1, logvar1, mu2, logvar2):
    return 0.5 * (logvar2 - logvar1 + ((logvar1).exp() + (mu1 - mu2) ** 2) / logvar2.exp() - 1)


kl_gaussians = Check(
    "kl_gaussians",
    _gaussians,
    [tuple(_random(5) for _ in range(4)), tuple(0.3 * _random(2, 3) for _ in range(4))],
    {
        "the two Gaussians are exchanged: the average is taken over the first.": lambda a, b, c, d: (
            _gaussians(c, d, a, b)
        ),
        "you passed the log-variance as a standard deviation. sigma = exp(logvar / 2).": lambda a, b, c, d: (
            _by_sigma(a, b.abs(), c, d.abs())
        ),
        "exp(logvar) is the variance, not the deviation: sigma = exp(logvar / 2).": lambda a, b, c, d: (
            _by_sigma(a, b.exp(), c, d.exp())
        ),
        "the difference of the means is not divided by the second variance.": lambda a, b, c, d: (
            0.5 * (d - b + b.exp() / d.exp() + (a - c) ** 2 - 1)
        ),
        "the constant -1/2 is missing: between equal Gaussians it has to be 0.": lambda a, b, c, d: (
            _gaussians(a, b, c, d) + 0.5
        ),
        "the logarithm of the deviations has the wrong sign.": lambda a, b, c, d: (
            0.5 * (b - d + (b.exp() + (a - c) ** 2) / d.exp() - 1)
        ),
    },
)


def _by_sigma(m1, s1, m2, s2):
    return (s2 / s1).log() + (s1**2 + (m1 - m2) ** 2) / (2 * s2**2) - 0.5


wasserstein_1d = Check(
    "wasserstein_1d",
    divergences.wasserstein_1d,
    [(_random(6), _random(6) + 1), (_random(4), 2 * _random(8)), (_random(5), _random(3))],
    {
        "the samples are not sorted: matched as they came, the plan is not the cheapest.": lambda x, y: (
            (x - y).abs().mean()
        ),
        "squared: this is W2². W1 is the mean of the distances themselves.": lambda x, y: (
            _quantiles(x, y).square().mean()
        ),
        "the difference of the means: what is carried to the left and to the right cancels. Take absolute values before the mean.": lambda x, y: (
            (x.mean() - y.mean()).abs()
        ),
        "right for samples of the same size only: the longer one was cut off.": lambda x, y: (
            (x.sort().values[: min(len(x), len(y))] - y.sort().values[: min(len(x), len(y))])
            .abs()
            .mean()
        ),
        "summed over the points; with n points each carries 1/n of the mass.": lambda x, y: (
            (x.sort().values - y.sort().values).abs().sum()
        ),
    },
)


def _quantiles(x, y):
    n = len(x) * len(y)
    return x.sort().values.repeat_interleave(n // len(x)) - y.sort().values.repeat_interleave(
        n // len(y)
    )


def _frechet(x, y):
    return (x.mean() - y.mean()) ** 2 + (x.std() - y.std()) ** 2


frechet_1d = Check(
    "frechet_1d",
    _frechet,
    [(_random(50), 2 * _random(40) + 1), (_random(30), _random(30))],
    {
        "the variances are compared; in one dimension it is the standard deviations.": lambda x, y: (
            (x.mean() - y.mean()) ** 2 + (x.var() - y.var()) ** 2
        ),
        "the root of it. The Fréchet distance of the course is the squared one.": lambda x, y: (
            _frechet(x, y).sqrt()
        ),
        "the spread is missing: two samples of the same mean may still differ.": lambda x, y: (
            (x.mean() - y.mean()) ** 2
        ),
        "differences are not squared.": lambda x, y: (
            (x.mean() - y.mean()).abs() + (x.std() - y.std()).abs()
        ),
    },
    tolerance=1e-2,  # with n or n - 1 in the deviation
)


def _sliced(x, y, directions):
    return torch.stack([divergences.wasserstein_1d(x @ d, y @ d) for d in directions]).mean()


def _unit(*shape):
    d = _random(*shape)
    return d / d.norm(dim=-1, keepdim=True)


sliced_wasserstein = Check(
    "sliced_wasserstein",
    _sliced,
    [
        (_random(20, 2), _random(20, 2) + 1, _unit(7, 2)),
        (_random(12, 3), 2 * _random(12, 3), _unit(4, 3)),
    ],
    {
        "summed over the directions; take the mean, so that more directions do not mean a larger distance.": lambda x, y, d: (
            _sliced(x, y, d) * len(d)
        ),
        "the points are not sorted along each direction.": lambda x, y, d: (
            (x @ d.T - y @ d.T).abs().mean()
        ),
        "sorted before the projection: sort what is on the line, for each direction anew.": lambda x, y, d: (
            (x.sort(0).values @ d.T - y.sort(0).values @ d.T).abs().mean()
        ),
    },
)
