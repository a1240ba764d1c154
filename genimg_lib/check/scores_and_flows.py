"""Checks of notebook 17, scores and flows."""

from functools import partial

import torch
import torch.nn.functional as F

from genimg_lib.check import inputs
from genimg_lib.check.cases import drawn
from genimg_lib.check.judge import Check


def _terms(x, weights, means, sigma):
    """log of weight times density of each part, up to a constant: [N, K]."""
    return weights.log() - (x[:, None] - means).square() / (2 * sigma**2)


def _pulls(x, means, sigma):
    return (means - x[:, None]) / sigma**2


def _score(x, weights, means, sigma):
    share = torch.softmax(_terms(x, weights, means, sigma), dim=1)
    return (share * _pulls(x, means, sigma)).sum(dim=1)


def _likeliest(x, weights, means, sigma):
    best = _terms(x, weights, means, sigma).argmax(dim=1, keepdim=True)
    return _pulls(x, means, sigma).gather(1, best)[:, 0]


def _heaps(seed, n, k, tenths):
    weights = inputs.probabilities(seed + 1, k)
    return 2 * inputs.normal(seed, n), weights, 2 * inputs.normal(seed + 2, k), tenths / 10


EPSILONS = (1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-30, 1e-20, 1e-38)


def _density_with(x, w, m, s, eps):
    density = _terms(x, w, m, s).exp()
    return (density * _pulls(x, m, s)).sum(dim=1) / (density.sum(dim=1) + eps)


def _shares_with(x, w, m, s, eps):
    density = _terms(x, w, m, s).exp()
    return (density * _pulls(x, m, s)).sum(dim=1) / density.sum(dim=1).clamp(min=eps)


mixture_score = Check(
    "mixture_score",
    _score,
    [
        (torch.tensor([0.5]), torch.ones(1), torch.tensor([2.0]), 0.5),
        (torch.tensor([40.0, -0.3]), torch.tensor([0.8, 0.2]), torch.tensor([-2.0, 2.0]), 0.5),
        _heaps(951, 7, 3, 8),
        *drawn(_heaps, count=8, seed=(0, 9), n=(1, 4), k=(1, 3), tenths=(4, 15)),
    ],
    {
        "the sign is turned: a score points uphill, to the means.": lambda x, w, m, s: (
            -_score(x, w, m, s)
        ),
        "parts count by how likely they are at x, not by their weights alone.": lambda x, w, m, s: (
            w * _pulls(x, m, s)
        ).sum(dim=1),
        "the weights of the parts are left out.": lambda x, w, m, s: _score(
            x, torch.ones_like(w), m, s
        ),
        "the slope of one normal density is divided by its variance, sigma².": (
            lambda x, w, m, s: s * _score(x, w, m, s)
        ),
        "the variance is left out: divide by sigma².": lambda x, w, m, s: s**2 * _score(x, w, m, s),
        "only the likeliest part pulls here; all of them do, by their shares.": _likeliest,
        "the gradient of the density; a score is that of its logarithm.": lambda x, w, m, s: (
            _terms(x, w, m, s).exp() * _pulls(x, m, s)
        ).sum(dim=1),
        "exp underflows far from all means; a softmax of logarithms does not. A small number "
        "added, or nan replaced by 0, only hides it.": (
            *(partial(_shares_with, eps=eps) for eps in EPSILONS),
            *(partial(_density_with, eps=eps) for eps in EPSILONS),
            lambda x, w, m, s: torch.nan_to_num(_density_with(x, w, m, s, 0.0)),
        ),
        "exp underflows far from all means; a softmax of logarithms does not.": (
            lambda x, w, m, s: (
                (_terms(x, w, m, s).exp() * _pulls(x, m, s)).sum(dim=1)
                / _terms(x, w, m, s).exp().sum(dim=1)
            )
        ),
        "a 2 is missing in the exponent: (x - m)² / (2 sigma²).": lambda x, w, m, s: (
            _score(x, w, m, s / 2**0.5) / 2
        ),
        "the slopes of the parts are added; their shares have to weigh them.": (
            lambda x, w, m, s: _pulls(x, m, s).sum(dim=1)
        ),
    },
)


def _tweedie(y, score, alpha, sigma):
    return (y + sigma**2 * score) / alpha


def _noisy(seed, n, tenths, sixths):
    return inputs.normal(seed, n, 2), inputs.normal(seed + 1, n, 2), tenths / 10, sixths / 6


tweedie = Check(
    "tweedie",
    _tweedie,
    [
        (torch.tensor([[1.0]]), torch.tensor([[-2.0]]), 0.5, 0.25),
        _noisy(961, 3, 7, 9),
        *drawn(_noisy, count=8, seed=(0, 9), n=(1, 3), tenths=(2, 9), sixths=(1, 9)),
    ],
    {
        "the variance of the noise, sigma², weighs the score.": lambda y, s, a, sigma: (
            (y + sigma * s) / a
        ),
        "the score is added: the way to the data is uphill.": lambda y, s, a, sigma: (
            (y - sigma**2 * s) / a
        ),
        "this guesses alpha x; divide by alpha.": lambda y, s, a, sigma: y + sigma**2 * s,
        "all of it is divided by alpha.": lambda y, s, a, sigma: y + sigma**2 * s / a,
        "y is divided by alpha, too.": lambda y, s, a, sigma: y / a + sigma**2 * s,
        "multiplied by alpha instead of divided.": lambda y, s, a, sigma: a * (y + sigma**2 * s),
        "alpha belongs to x, not to the score.": lambda y, s, a, sigma: y + a * sigma**2 * s,
        "sigma is given; it need not be 1 - alpha, nor its square 1 - alpha².": (
            lambda y, s, a, sigma: (y + (1 - a) ** 2 * s) / a,
            lambda y, s, a, sigma: (y + (1 - a**2) * s) / a,
        ),
        "the noise's own level is left out.": lambda y, s, a, sigma: (y + s) / a,
    },
)


def _floors(variance, t):
    return variance, variance * (t / (1 - t)) ** 2, variance / (1 - t) ** 2


def _some_floor(tenths, hundredths):
    return tenths / 10, hundredths / 100


floors = Check(
    "floors",
    _floors,
    [
        (1.0, 0.5),
        (0.3, 0.9),
        *drawn(_some_floor, count=10, tenths=(1, 20), hundredths=(5, 95)),
    ],
    {
        "variances grow with the square of the factor.": lambda v, t: (
            v,
            v * t / (1 - t),
            v / (1 - t),
        ),
        "the noise's factor is turned over: an error e in x is alpha / sigma e in it.": (
            lambda v, t: (v, v * ((1 - t) / t) ** 2, v / (1 - t) ** 2)
        ),
        "the velocity's error is e / (1 - t): it is divided.": lambda v, t: (
            v,
            v * (t / (1 - t)) ** 2,
            v * (1 - t) ** 2,
        ),
        "noise and velocity are exchanged.": lambda v, t: (
            v,
            v / (1 - t) ** 2,
            v * (t / (1 - t)) ** 2,
        ),
        "the velocity's error is divided by 1 - t alone.": lambda v, t: (
            v,
            v * (t / (1 - t)) ** 2,
            v * (t / (1 - t)) ** 2,
        ),
        "x and eps are not independent, given x_t: their variances don't add up.": lambda v, t: (
            v,
            v * (t / (1 - t)) ** 2,
            v + v * (t / (1 - t)) ** 2,
        ),
        "a perfect network has a loss, too: what noise has destroyed.": lambda v, t: (
            0.0,
            0.0,
            0.0,
        ),
        "roots: a loss is a squared error.": lambda v, t: (
            v**0.5,
            v**0.5 * t / (1 - t),
            v**0.5 / (1 - t),
        ),
        "x has the factor 1: its floor is the variance.": lambda v, t: (
            v * t**2,
            v * (t / (1 - t)) ** 2,
            v / (1 - t) ** 2,
        ),
    },
)


def _noise(x_t, v, t):
    return x_t - t[:, None] * v


def _moving(seed, n, d):
    return inputs.normal(seed, n, d), inputs.normal(seed + 1, n, d), inputs.uniform(seed + 2, n)


def _through_x(x_t, v, t):
    """The guess of x, taken off x_t: (1 - t) times the noise."""
    return x_t - t[:, None] * (x_t + (1 - t[:, None]) * v)


noise_from_velocity = Check(
    "noise_from_velocity",
    _noise,
    [
        (torch.tensor([[1.0]]), torch.tensor([[2.0]]), torch.tensor([0.25])),
        (torch.tensor([[1.0, 3.0]]), torch.tensor([[2.0, -1.0]]), torch.tensor([1.0])),
        (torch.tensor([[1.0, 3.0]]), torch.tensor([[2.0, -1.0]]), torch.tensor([0.0])),
        _moving(971, 4, 3),
        *drawn(_moving, count=8, seed=(0, 9), n=(1, 4), d=(1, 3)),
    ],
    {
        "this is the data, at the other end of the line.": lambda x, v, t: x + (1 - t[:, None]) * v,
        "the way back to t = 0 is t long, not 1 - t.": lambda x, v, t: x - (1 - t[:, None]) * v,
        "back, against the velocity: minus.": lambda x, v, t: x + t[:, None] * v,
        "the velocity has to be multiplied by the time.": lambda x, v, t: x - v,
        "v is x - eps: from x_t alone x is not known.": lambda x, v, t: v - x,
        "divided by the time; the way is velocity times time.": lambda x, v, t: x - v / t[:, None],
        "on the straight path v is no guess of the noise itself.": lambda x, v, t: v,
        "divided by sigma: right for a guess of x, not of v.": lambda x, v, t: (
            (x - t[:, None] * v) / (1 - t[:, None])
        ),
        "divided by t and multiplied by it again: 0/0 at t = 0, where x_t is the noise "
        "itself.": lambda x, v, t: (x / t[:, None] - v) * t[:, None],
        "by way of x and (2) it divides by 0 at t = 1; t back along v does not.": (
            lambda x, v, t: _through_x(x, v, t) / (1 - t[:, None]),
            lambda x, v, t: (_through_x(x, v, t) / (1 - t[:, None])).nan_to_num(),
            *(
                lambda x, v, t, eps=eps: _through_x(x, v, t) / (1 - t[:, None] + eps)
                for eps in (1e-8, 1e-6, 1e-4)
            ),
            *(
                lambda x, v, t, least=least: _through_x(x, v, t) / (1 - t[:, None]).clamp(min=least)
                for least in (1e-8, 1e-6, 1e-4, 1e-3)
            ),
        ),
    },
)


class Field(inputs.Network):
    """A velocity that depends on place and time: (x [N, d], t [N]) -> [N, d]."""

    def __init__(self, d, seed):
        super().__init__("velocity")
        self.turn = self.weights(seed, d, d)
        self.pull = self.weights(seed + 1, d)

    def forward(self, x, t):
        return torch.tanh(x @ self.turn + t[:, None] * self.pull)


def _heun(velocity, x, t, h):
    first = velocity(x, t)
    second = velocity(x + h * first, t + h)
    return x + h * (first + second) / 2


def _step(seed, n, d, tenths):
    return Field(d, seed), inputs.normal(seed + 2, n, d), inputs.uniform(seed + 3, n), tenths / 10


heun_step = Check(
    "heun_step",
    _heun,
    [
        _step(981, 1, 1, 5),
        _step(982, 4, 3, -7),
        *drawn(_step, count=8, seed=(0, 9), n=(1, 3), d=(1, 3), tenths=(2, 15)),
    ],
    {
        "this is Euler's step: the velocity at the step's end is missing.": lambda v, x, t, h: (
            x + h * v(x, t)
        ),
        "only the velocity at the step's end counts here; take the mean of both.": (
            lambda v, x, t, h: x + h * v(x + h * v(x, t), t + h)
        ),
        "the midpoint's velocity: another method of order 2.": lambda v, x, t, h: (
            x + h * v(x + h / 2 * v(x, t), t + h / 2)
        ),
        "the second velocity is asked at the old time.": lambda v, x, t, h: (
            x + h * (v(x, t) + v(x + h * v(x, t), t)) / 2
        ),
        "the second velocity is asked at the old place.": lambda v, x, t, h: (
            x + h * (v(x, t) + v(x, t + h)) / 2
        ),
        "the sum of both velocities (or two steps of Euler); take their mean.": lambda v, x, t, h: (
            x + h * (v(x, t) + v(x + h * v(x, t), t + h))
        ),
        "the step is halved for the second velocity's place.": lambda v, x, t, h: (
            x + h * (v(x, t) + v(x + h / 2 * v(x, t), t + h)) / 2
        ),
        "the mean is added where Euler's step ended; it begins at x.": lambda v, x, t, h: (
            x + h * v(x, t) + h * (v(x, t) + v(x + h * v(x, t), t + h)) / 2
        ),
        "the length of the step is missing.": lambda v, x, t, h: (
            x + (v(x, t) + v(x + h * v(x, t), t + h)) / 2
        ),
    },
)


def _kernel(x, y, width):
    squares = (x[:, None] - y).square().sum(dim=2)
    return torch.exp(-squares / (2 * width**2))


def _near(x, y, width):
    squares = (x[:, None] - y).square().sum(dim=2)
    return torch.softmax(-squares / (2 * width**2), dim=1) @ y


def _near_with(x, y, width, eps):
    kernel = _kernel(x, y, width)
    return kernel @ y / (kernel.sum(dim=1, keepdim=True) + eps)


def _ways_with(x, data, width, eps):
    """The drift as a difference of two weighted ways, their weights' sums made larger."""
    ways = (_near_with(x, y, width, eps) - x * _fill(x, y, width, eps) for y in (data, x))
    towards, away = ways
    return towards - away


def _fill(x, y, width, eps):
    """The share of the weights in their sum with eps: less than 1 where nothing is near."""
    total = _kernel(x, y, width).sum(dim=1, keepdim=True)
    return total / (total + eps)


def _drift(x, data, width):
    return _near(x, data, width) - _near(x, x, width)


def _by(near):
    """A drift with another mean of what is near."""
    return lambda x, data, width: near(x, data, width) - near(x, x, width)


def _clouds(seed, n, m, d, tenths):
    return inputs.normal(seed, n, d), inputs.normal(seed + 1, m, d) + 0.5, tenths / 10


drift = Check(
    "drift",
    _drift,
    [
        (torch.tensor([[0.0], [1.0]]), torch.tensor([[2.0], [3.0], [4.0]]), 1.0),
        (torch.tensor([[90.0], [0.0]]), torch.tensor([[1.0], [2.0]]), 0.5),
        _clouds(991, 5, 7, 2, 8),
        *drawn(_clouds, count=8, seed=(0, 9), n=(2, 4), m=(1, 4), d=(1, 3), tenths=(4, 20)),
    ],
    {
        "the push from the other samples is missing.": lambda x, y, h: _near(x, y, h) - x,
        "samples push away: their mean is subtracted.": lambda x, y, h: (
            _near(x, y, h) + _near(x, x, h) - 2 * x
        ),
        "the signs are turned: data pull, samples push.": lambda x, y, h: -_drift(x, y, h),
        "the width is squared in the exponent.": lambda x, y, h: _drift(x, y, h**0.5),
        "each sample is among the samples near it.": lambda x, y, h: (
            _near(x, y, h)
            - torch.softmax(
                (-(x[:, None] - x).square().sum(dim=2) / (2 * h**2)).fill_diagonal_(-torch.inf),
                dim=1,
            )
            @ x
        ),
        "a 2 is missing: exp(-d² / (2 h²)).": lambda x, y, h: _drift(x, y, h / 2**0.5),
        "distances are squared in a Gaussian kernel.": _by(
            lambda x, y, h: torch.softmax(-torch.cdist(x, y) / (2 * h**2), dim=1) @ y
        ),
        "each sample's weights sum to 1 over the points; here they do over the samples.": _by(
            lambda x, y, h: (
                torch.softmax(-(x[:, None] - y).square().sum(dim=2) / (2 * h**2), dim=0) @ y
            )
        ),
        "the kernels are not divided by their sum.": _by(
            lambda x, y, h: (_kernel(x, y, h) / len(y)) @ y
        ),
        "exp underflows where nothing is near; a softmax does not.": _by(
            lambda x, y, h: _kernel(x, y, h) @ y / _kernel(x, y, h).sum(dim=1, keepdim=True)
        ),
        "exp underflows where nothing is near; a softmax does not. A small number added, or nan "
        "replaced by 0, only hides it.": (
            *(_by(partial(_near_with, eps=eps)) for eps in EPSILONS),
            *(partial(_ways_with, eps=eps) for eps in EPSILONS),
            _by(lambda x, y, h: torch.nan_to_num(_near_with(x, y, h, 0.0))),
        ),
        "the kernel is Laplace's, exp(-d / h); a Gaussian one is exp(-d² / (2 h²)).": (
            _by(lambda x, y, h: torch.softmax(-torch.cdist(x, y) / h, dim=1) @ y),
        ),
        "x is taken off once too often: both ways begin at x, so it cancels.": lambda x, y, h: (
            _drift(x, y, h) - x
        ),
        "only the nearest point pulls here; all do, by the kernel.": _by(
            lambda x, y, h: F.one_hot(torch.cdist(x, y).argmin(dim=1), len(y)).to(y) @ y
        ),
        "means of all points, near or far: the kernel is missing.": lambda x, y, h: (
            y.mean(dim=0) - x.mean(dim=0)
        ).expand_as(x),
        "this is where they should be; wanted is the way there.": lambda x, y, h: (
            x + _drift(x, y, h)
        ),
    },
)
