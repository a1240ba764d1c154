"""Checks of notebook 13, distances between distributions."""

import math
from functools import partial

import torch
import torch.nn.functional as F

from genimg_lib.check import inputs
from genimg_lib.check.cases import drawn
from genimg_lib.check.judge import Check
from genimg_lib.check.wording import IN_BITS

# ---------------------------------------------------------------- divergences


def _kl(p, q):
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(dim=-1)


EPSILONS = (1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5)


def _kl_with_epsilon(p, q, eps):
    return (p * ((p + eps) / (q + eps)).log()).sum(dim=-1)


def _kl_clamped(p, q, eps):
    return _kl(p, q.clamp(min=eps))


def _rows(seed, n, k):
    return inputs.probabilities(seed, n, k), inputs.probabilities(seed + 50, n, k)


def _kl_by_quotient(p, q):
    return torch.where(p > 0, p * (p / q).log(), torch.zeros_like(p)).sum(dim=-1)


def _js(p, q):
    m = (p + q) / 2
    return 0.5 * _kl(p, m) + 0.5 * _kl(q, m)


kl = Check(
    "kl",
    _kl,
    [
        (torch.tensor([0.5, 0.5]), torch.tensor([0.9, 0.1])),
        (torch.tensor([0.5, 0.0, 0.5]), torch.tensor([0.2, 0.5, 0.3])),
        (torch.tensor([1.0, 0.0]), torch.tensor([0.25, 0.75])),
        (torch.tensor([0.5, 0.5]), torch.tensor([1.0, 0.0])),
        (inputs.probabilities(41, 3, 6), inputs.probabilities(42, 3, 6)),
        (inputs.probabilities(43, 2, 3, 4), inputs.probabilities(44, 2, 3, 4)),
        *drawn(_rows, count=8, seed=(0, 9), n=(1, 3), k=(2, 5)),
    ],
    {
        "this is KL(q, p): the average is taken over q. It goes over p, the first.": lambda p, q: (
            _kl(q, p)
        ),
        "the sign is turned: a divergence is never negative.": lambda p, q: -_kl(p, q),
        "this is the Jensen-Shannon divergence.": _js,
        "this is KL(p, m), with m the mean of both; q itself is meant.": lambda p, q: _kl(
            p, (p + q) / 2
        ),
        "symmetrised: KL is not symmetric, and the average goes over p alone.": (
            lambda p, q: (_kl(p, q) + _kl(q, p)) / 2,
        ),
        "the difference of two entropies: log q, too, is averaged over p.": lambda p, q: (
            torch.xlogy(p, p) - torch.xlogy(q, q)
        ).sum(-1),
        "F.kl_div takes the logarithm of its first argument, and the target second: "
        "F.kl_div(q.log(), p).": (
            lambda p, q: F.kl_div(p, q, reduction="none").sum(-1),
            lambda p, q: F.kl_div(q, p, reduction="none").sum(-1),
            lambda p, q: F.kl_div(p, q, reduction="sum"),
        ),
        "p and q are probabilities already: no softmax.": lambda p, q: _kl(
            p.softmax(-1), q.softmax(-1)
        ),
        IN_BITS: lambda p, q: _kl(p, q) / math.log(2),
        "not a number where p is 0: there 0 log 0 counts as 0. torch.xlogy knows that.": (
            lambda p, q: (p * (p / q).log()).sum(-1),
            lambda p, q: (p * (p.log() - q.log())).sum(-1),
        ),
        "finite where q is 0 and p is not: there KL is infinite. A small number added, or a value "
        "replaced, hides it.": (
            *(partial(_kl_with_epsilon, eps=eps) for eps in EPSILONS),
            *(partial(_kl_clamped, eps=eps) for eps in EPSILONS),
            lambda p, q: torch.nan_to_num(p * (p / q).log(), posinf=0.0).sum(-1),
            lambda p, q: torch.nan_to_num(p * (p / q).log()).sum(-1),
        ),
        "this is the cross-entropy: the entropy of p has still to be taken off.": lambda p, q: (
            -torch.xlogy(p, q).sum(-1)
        ),
        "this is minus the entropy of p: q is not in it.": lambda p, q: torch.xlogy(p, p).sum(-1),
        "summed over everything. Outcomes are the last axis; each row is a distribution of its "
        "own.": lambda p, q: (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(),
        "averaged over the outcomes, not summed.": lambda p, q: (
            torch.xlogy(p, p) - torch.xlogy(p, q)
        ).mean(-1),
        "the logarithms alone: each has to be weighed by its probability p.": lambda p, q: (
            (p / q).log().sum(-1)
        ),
        "weighed by p - q, which gives KL(p, q) + KL(q, p). KL weighs by p alone.": lambda p, q: (
            (p - q) * (p.log() - q.log())
        ).sum(-1),
        "summed along axis 0. Outcomes are the last axis.": lambda p, q: (
            torch.xlogy(p, p) - torch.xlogy(p, q)
        ).sum(0),
    },
    forms=(_kl_by_quotient,),
)


def _entropy(sigma):
    return 0.5 * math.log(2 * math.pi * math.e * sigma**2)


entropy_gaussian = Check(
    "entropy_gaussian",
    _entropy,
    [(1.0,), (0.1,), (3.0,), (0.5,), (20.0,)],
    {
        "e is missing: the mean of (x - mu)² / 2 sigma² is 1/2, and that counts too.": lambda s: (
            0.5 * math.log(2 * math.pi * s**2)
        ),
        "sigma stands where its square belongs, or the half is applied twice.": lambda s: (
            0.5 * math.log(2 * math.pi * math.e * s)
        ),
        "the sign is turned: entropy is minus the mean of the log-density.": lambda s: -_entropy(s),
        "a density is not a probability: its entropy may be negative, do not clip it.": (
            lambda s: max(0.0, _entropy(s)),
            lambda s: abs(_entropy(s)),
        ),
        "the half is missing: it comes from the root in the density.": lambda s: 2 * _entropy(s),
        "the 2 of 2 pi is missing.": lambda s: 0.5 * math.log(math.pi * math.e * s**2),
        IN_BITS: lambda s: _entropy(s) / math.log(2),
        "e was added to the argument's logarithm as it is; log e is 1, so the half of it is "
        "1/2.": lambda s: 0.5 * math.log(2 * math.pi * s**2) + 1,
        "the square is taken of everything below the logarithm; it belongs to sigma.": lambda s: (
            0.5 * math.log((2 * math.pi * math.e * s) ** 2)
        ),
    },
    forms=(
        lambda sigma: math.log(sigma) + 0.5 * math.log(2 * math.pi) + 0.5,
        lambda sigma: 0.5 * math.log(2 * math.pi * sigma**2) + sigma**2 / (2 * sigma**2),
    ),
)


def _gaussians(mu1, logvar1, mu2, logvar2):
    return 0.5 * (logvar2 - logvar1 + (logvar1.exp() + (mu1 - mu2) ** 2) / logvar2.exp() - 1)


def _by_sigma(m1, s1, m2, s2):
    return (s2 / s1).log() + (s1**2 + (m1 - m2) ** 2) / (2 * s2**2) - 0.5


def _by_deviations(mu1, logvar1, mu2, logvar2):
    s1, s2 = (logvar1 / 2).exp(), (logvar2 / 2).exp()
    return (s2 / s1).log() + (s1**2 + (mu1 - mu2) ** 2) / (2 * s2**2) - 0.5


def _four(seed, *shape, scale=1.0):
    return tuple(scale * inputs.normal(seed + k, *shape) for k in range(4))


kl_gaussians = Check(
    "kl_gaussians",
    _gaussians,
    [_four(51, 1), _four(55, 5), _four(59, 2, 3, scale=0.3), _four(63, 2, 2), _four(67, 1, 2, 2)],
    {
        "the two Gaussians are exchanged: the average is "
        "taken over the first.": lambda a, b, c, d: _gaussians(c, d, a, b),
        "you passed the log-variance as a standard deviation. sigma = exp(logvar / 2).": (
            lambda a, b, c, d: _by_sigma(a, b.abs(), c, d.abs()),
            lambda a, b, c, d: _by_sigma(a, b, c, d),
        ),
        "you passed the log-variance as a variance. The variance is "
        "exp(logvar).": lambda a, b, c, d: 0.5 * ((d / b).log() + (b + (a - c) ** 2) / d - 1),
        "exp(logvar) is the variance, not the deviation: sigma = exp(logvar / "
        "2).": lambda a, b, c, d: _by_sigma(a, b.exp(), c, d.exp()),
        "the difference of the means is not divided by the second variance.": lambda a, b, c, d: (
            0.5 * (d - b + b.exp() / d.exp() + (a - c) ** 2 - 1)
        ),
        "the variance of the first is not divided by that of the second.": lambda a, b, c, d: (
            0.5 * (d - b + b.exp() + (a - c) ** 2 / d.exp() - 1)
        ),
        "the constant -1/2 is missing: between equal Gaussians "
        "it has to be 0.": lambda a, b, c, d: _gaussians(a, b, c, d) + 0.5,
        "the logarithm of the deviations has the wrong sign.": lambda a, b, c, d: (
            0.5 * (b - d + (b.exp() + (a - c) ** 2) / d.exp() - 1)
        ),
        "the difference of the means is not squared.": (
            lambda a, b, c, d: 0.5 * (d - b + (b.exp() + (a - c)) / d.exp() - 1),
            lambda a, b, c, d: 0.5 * (d - b + (b.exp() + (a - c).abs()) / d.exp() - 1),
        ),
        "divided by the first variance; the average is over the first, the log-density of the "
        "second is averaged.": (
            lambda a, b, c, d: 0.5 * (d - b + (b.exp() + (a - c) ** 2) / b.exp() - 1)
        ),
        "this is the KL to N(0, 1): the second Gaussian is not in it.": lambda a, b, c, d: (
            0.5 * (b.exp() + a**2 - 1 - b)
        ),
        "the half is missing.": lambda a, b, c, d: 2 * _gaussians(a, b, c, d),
        "the variances' logarithms count twice: log(sigma2 / sigma1) is half of logvar2 - "
        "logvar1.": lambda a, b, c, d: d - b + 0.5 * ((b.exp() + (a - c) ** 2) / d.exp() - 1),
        "summed. It is wanted elementwise, in the arguments' shape.": lambda a, b, c, d: _gaussians(
            a, b, c, d
        ).sum(),
    },
    forms=(_by_deviations,),
)

# ---------------------------------------------------------------- on a line


def _quantiles(x, y):
    n, m = len(x), len(y)
    return x.sort().values.repeat_interleave(m) - y.sort().values.repeat_interleave(n)


def _wasserstein(x, y):
    return _quantiles(x, y).abs().mean()


def _by_area(x, y):
    places = torch.cat([x, y]).sort().values
    share_of_x = (x[:, None] <= places[:-1]).sum(dim=0) / len(x)
    share_of_y = (y[:, None] <= places[:-1]).sum(dim=0) / len(y)
    return ((share_of_x - share_of_y).abs() * places.diff()).sum()


def _interpolated(x, y, levels):
    levels = levels.to(x.dtype)
    return (torch.quantile(x, levels) - torch.quantile(y, levels)).abs().mean()


def _of_distinct(x, y):
    places = torch.cat([x, y]).unique()
    below = [(t.unique()[:, None] <= places[:-1]).double().mean(dim=0) for t in (x, y)]
    return ((below[0] - below[1]).abs() * places.diff()).sum()


def _filled_up(x, y):
    n = max(len(x), len(y))
    x, y = (F.pad(t, (0, n - len(t))).sort().values for t in (x, y))
    return (x - y).abs().mean()


def _cut(x, y):
    n = min(len(x), len(y))
    return (x.sort().values[:n] - y.sort().values[:n]).abs().mean()


def _samples(seed, n, m):
    return inputs.normal(seed, n), 2 * inputs.normal(seed + 50, m) + 1


wasserstein_1d = Check(
    "wasserstein_1d",
    _wasserstein,
    [
        (torch.tensor([0.0, 1.0]), torch.tensor([3.0, 2.0])),
        (torch.tensor([0.0]), torch.tensor([1.0, 3.0])),
        (torch.tensor([0.0, 0.0, 1.0]), torch.tensor([0.0, 1.0, 1.0])),
        (inputs.normal(71, 6), inputs.normal(72, 6) + 1),
        (inputs.normal(73, 4), 2 * inputs.normal(74, 8)),
        (inputs.normal(75, 5), inputs.normal(76, 3)),
        (3 * inputs.normal(77, 7), inputs.normal(78, 7)),
        *drawn(_samples, count=10, seed=(0, 9), n=(1, 5), m=(1, 5)),
    ],
    {
        "the samples are not sorted: matched as they came, the plan is not the cheapest.": (
            lambda x, y: (x - y).abs().mean(),
            lambda x, y: (x.repeat_interleave(len(y)) - y.repeat_interleave(len(x))).abs().mean(),
        ),
        "only one of the samples is sorted; both are to be matched in order.": (
            lambda x, y: (x.sort().values - y).abs().mean(),
            lambda x, y: (
                (x.sort().values.repeat_interleave(len(y)) - y.repeat_interleave(len(x)))
                .abs()
                .mean()
            ),
        ),
        "squared: this is W2². W1 is the mean of the distances themselves.": (
            lambda x, y: _quantiles(x, y).square().mean(),
            lambda x, y: (x.sort().values - y.sort().values).square().mean(),
        ),
        "this is W2. W1 is the mean of the distances themselves.": lambda x, y: (
            _quantiles(x, y).square().mean().sqrt()
        ),
        "the difference of the means: what is carried to the left and to the right cancels. Take "
        "absolute values before the mean.": (
            lambda x, y: (x.mean() - y.mean()).abs(),
            lambda x, y: _quantiles(x, y).mean(),
            lambda x, y: (x.sort().values - y.sort().values).mean(),
        ),
        "right for samples of the same size only: the longer one was cut off.": _cut,
        "right for samples of the same size only: the longer one's last points have no partner. "
        "Each point of x carries 1/n, each of y 1/m.": lambda x, y: (
            (x.sort().values - y.sort().values).abs().mean()
        ),
        "summed over the points; with n points each carries 1/n of the mass.": (
            lambda x, y: (x.sort().values - y.sort().values).abs().sum(),
            lambda x, y: _quantiles(x, y).abs().sum(),
        ),
        "the mean distance of all pairs: every grain is carried everywhere. The cheapest plan "
        "matches them in order.": lambda x, y: (x[:, None] - y).abs().mean(),
        "repeated as a whole instead of point by point: after sorting, each point is repeated "
        "(repeat_interleave), or sort after repeating.": lambda x, y: (
            (x.sort().values.repeat(len(y)) - y.sort().values.repeat(len(x))).abs().mean()
        ),
        "quantiles between the points were interpolated: a sample's quantiles are steps, as each "
        "point carries 1/n.": (
            lambda x, y: _interpolated(x, y, torch.linspace(0, 1, 1_000)),
            lambda x, y: _interpolated(x, y, (torch.arange(1_000) + 0.5) / 1_000),
            lambda x, y: _interpolated(x, y, torch.linspace(0, 1, max(len(x), len(y)))),
            lambda x, y: _interpolated(x, y, torch.linspace(0, 1, min(len(x), len(y)))),
        ),
        "points of the same value count once; each carries 1/n.": _of_distinct,
        "the shorter sample is filled up with zeros: points that nobody drew.": _filled_up,
        "the one is sorted upwards, the other downwards: the dearest plan of all.": lambda x, y: (
            (x.sort().values - y.sort(descending=True).values).abs().mean()
        ),
        "the nearest partner of each point: one point of y would take grains from all. Match them "
        "in order.": lambda x, y: (x[:, None] - y).abs().min(dim=1).values.mean(),
    },
    forms=(_by_area,),
)


def _frechet(x, y, correction=1):
    return (x.mean() - y.mean()) ** 2 + (
        x.std(correction=correction) - y.std(correction=correction)
    ) ** 2


def _by_variances(x, y):
    overlap = (x.var() * y.var()).sqrt()
    return (x.mean() - y.mean()) ** 2 + x.var() + y.var() - 2 * overlap


frechet_1d = Check(
    "frechet_1d",
    _frechet,
    [
        (torch.tensor([0.0, 2.0]), torch.tensor([5.0, 9.0])),
        (inputs.normal(81, 5), 2 * inputs.normal(82, 4) + 1),
        (inputs.normal(83, 30), inputs.normal(84, 30)),
        (inputs.normal(85, 50), 2 * inputs.normal(86, 40) + 1),
    ],
    {
        "the variances are compared; in one dimension it is the standard deviations.": (
            lambda x, y: (x.mean() - y.mean()) ** 2 + (x.var() - y.var()) ** 2,
            lambda x, y: (
                (x.mean() - y.mean()) ** 2 + (x.var(correction=0) - y.var(correction=0)) ** 2
            ),
        ),
        "the root of it. The Fréchet distance of the course is the squared one.": (
            lambda x, y: _frechet(x, y).sqrt(),
            lambda x, y: _frechet(x, y, 0).sqrt(),
        ),
        "the spread is missing: two samples of the same mean may still differ.": lambda x, y: (
            (x.mean() - y.mean()) ** 2
        ),
        "the means are missing: two samples of the same spread may still lie apart.": (
            lambda x, y: (x.std() - y.std()) ** 2,
            lambda x, y: (x.std(correction=0) - y.std(correction=0)) ** 2,
        ),
        "differences are not squared.": (
            lambda x, y: (x.mean() - y.mean()).abs() + (x.std() - y.std()).abs(),
            lambda x, y: (
                (x.mean() - y.mean()).abs() + (x.std(correction=0) - y.std(correction=0)).abs()
            ),
        ),
        "the variances were added: the product of the deviations is missing, s1² + s2² - 2 s1 "
        "s2.": (
            lambda x, y: (x.mean() - y.mean()) ** 2 + x.var() + y.var(),
            lambda x, y: (x.mean() - y.mean()) ** 2 + x.var(correction=0) + y.var(correction=0),
        ),
        "this is s1² + s2² - 2 s1² s2²: the last term takes the deviations, not the "
        "variances.": lambda x, y: (
            (x.mean() - y.mean()) ** 2 + x.var() + y.var() - 2 * x.var() * y.var()
        ),
        "the difference of the means is not squared.": (
            lambda x, y: (x.mean() - y.mean()).abs() + (x.std() - y.std()) ** 2,
            lambda x, y: (x.mean() - y.mean()) + (x.std() - y.std()) ** 2,
        ),
        "the deviations were added; it is their difference that is squared.": (
            lambda x, y: (x.mean() - y.mean()) ** 2 + (x.std() + y.std()) ** 2,
        ),
        "the two differences were added before the square; each is squared by "
        "itself.": lambda x, y: (x.mean() - y.mean() + x.std() - y.std()) ** 2,
        "W2² of the samples themselves, sorted. The Fréchet distance takes each as a Gaussian.": (
            lambda x, y: _quantiles(x, y).square().mean(),
            lambda x, y: (x.sort().values - y.sort().values).square().mean(),
        ),
        "the root of the mean square about 0; a standard deviation is about the "
        "mean.": lambda x, y: (
            (x.mean() - y.mean()) ** 2 + (x.square().mean().sqrt() - y.square().mean().sqrt()) ** 2
        ),
        "the difference of the variances is not squared, nor is it one of "
        "deviations.": lambda x, y: (x.mean() - y.mean()) ** 2 + (x.var() - y.var()).abs(),
    },
    also_right=(lambda x, y: _frechet(x, y, 0),),
    forms=(_by_variances,),
)

# ---------------------------------------------------------------- along directions


def _sliced(x, y, directions):
    return (
        ((x @ directions.T).sort(dim=0).values - (y @ directions.T).sort(dim=0).values).abs().mean()
    )


def _clouds(seed, n, d, k):
    return (
        inputs.normal(seed, n, d),
        inputs.normal(seed + 50, n, d) + 1,
        inputs.unit(seed + 90, k, d),
    )


def _sorted_along(x, y, directions, axis):
    return (
        ((x @ directions.T).sort(dim=axis).values - (y @ directions.T).sort(dim=axis).values)
        .abs()
        .mean()
    )


sliced_wasserstein = Check(
    "sliced_wasserstein",
    _sliced,
    [
        (inputs.normal(91, 2, 2), inputs.normal(92, 2, 2), inputs.unit(93, 1, 2)),
        (inputs.normal(94, 20, 2), inputs.normal(95, 20, 2) + 1, inputs.unit(96, 7, 2)),
        (inputs.normal(97, 12, 3), 2 * inputs.normal(98, 12, 3), inputs.unit(99, 4, 3)),
        *drawn(_clouds, count=8, seed=(0, 9), n=(1, 4), d=(1, 3), k=(1, 3)),
    ],
    {
        "summed over the directions; take the mean, so that more directions do not mean a larger "
        "distance.": lambda x, y, d: _sliced(x, y, d) * len(d),
        "the points are not sorted along each direction.": lambda x, y, d: (
            (x @ d.T - y @ d.T).abs().mean()
        ),
        "sorted before the projection: sort what is on the line, for each direction "
        "anew.": lambda x, y, d: (x.sort(0).values @ d.T - y.sort(0).values @ d.T).abs().mean(),
        "sorted along the directions instead of along the points: the points are the first axis, "
        "dim=0.": lambda x, y, d: _sorted_along(x, y, d, 1),
        "squared: this is W2². W1 is the mean of the distances themselves.": lambda x, y, d: (
            ((x @ d.T).sort(0).values - (y @ d.T).sort(0).values).square().mean()
        ),
        "the largest of the directions (max-sliced). The mean over them is "
        "wanted.": lambda x, y, d: (
            ((x @ d.T).sort(0).values - (y @ d.T).sort(0).values).abs().mean(0).max()
        ),
        "summed over the points; with n points each carries 1/n of the mass.": lambda x, y, d: (
            _sliced(x, y, d) * len(x)
        ),
        "this is W2, the root of a mean square. W1 is the mean of the distances "
        "themselves.": lambda x, y, d: (
            ((x @ d.T).sort(0).values - (y @ d.T).sort(0).values).square().mean().sqrt()
        ),
        "the difference of the means along each direction: what is carried to the left and to the "
        "right cancels.": lambda x, y, d: ((x @ d.T).mean(0) - (y @ d.T).mean(0)).abs().mean(),
        "the first direction only; all of them count.": lambda x, y, d: _sliced(x, y, d[:1]),
        "all projections sorted together: each direction is a line of its own.": lambda x, y, d: (
            ((x @ d.T).flatten().sort().values - (y @ d.T).flatten().sort().values).abs().mean()
        ),
        "without absolute values, what is carried to the left and to the right "
        "cancels.": lambda x, y, d: ((x @ d.T).sort(0).values - (y @ d.T).sort(0).values).mean(),
    },
    gradient=("x",),
)
