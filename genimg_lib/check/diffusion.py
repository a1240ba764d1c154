"""Checks of notebook 51, diffusion."""

import math

import torch

from genimg_lib.check import inputs
from genimg_lib.check.cases import drawn
from genimg_lib.check.judge import Check


def _noise_step(a, b):
    return a / b, 1 - (a / b) ** 2


def _levels(tenths, part):
    """Two signal levels, of a noisier time and a cleaner one."""
    return tenths / 20, tenths / 20 + part / 20 * (1 - tenths / 20)


noise_step = Check(
    "noise_step",
    _noise_step,
    [(0.3, 0.6), (0.5, 1.0), *drawn(_levels, count=10, tenths=(1, 18), part=(2, 20))],
    {
        "it's turned over: on the way to noise the signal shrinks.": lambda a, b: (
            b / a,
            1 - (a / b) ** 2,
        ),
        "the difference of both variances forgets that the step shrinks the noise that is "
        "there already.": lambda a, b: (a / b, b**2 - a**2),
        "this is the standard deviation of the noise; wanted is its variance.": lambda a, b: (
            a / b,
            math.sqrt(1 - (a / b) ** 2),
        ),
        "the whole way from the image, not the step alone.": lambda a, b: (a, 1 - a**2),
        "the factor is squared in the variance: the noise has variance sigma², not sigma.": (
            lambda a, b: (a / b, 1 - a / b)
        ),
        "the factor belongs to the image x_s, not to its square.": lambda a, b: (
            (a / b) ** 2,
            1 - (a / b) ** 2,
        ),
        "signal levels are divided; their difference depends on the scale of x.": lambda a, b: (
            1 - (b - a),
            1 - (1 - (b - a)) ** 2,
        ),
        "the root of the ratio: alpha is given itself, not its square.": lambda a, b: (
            math.sqrt(a / b),
            1 - a / b,
        ),
    },
)


def _step_back(x, x_t, a, b):
    """The mean and the variance of x_s; a, b: alpha at t and at s."""
    beta = 1 - (a / b) ** 2
    left, less = 1 - a**2, 1 - b**2  # the variances of the noise at t and at s
    mean = b * beta / left * x + a / b * less / left * x_t
    return mean, beta * less / left


def _pair(seed, n, tenths, part):
    a, b = _levels(tenths, part)
    return inputs.normal(seed, n, 2), inputs.normal(seed + 1, n, 2), a, b


step_back = Check(
    "step_back",
    _step_back,
    [
        (torch.tensor([[1.0]]), torch.tensor([[-2.0]]), 0.3, 0.6),
        (torch.tensor([[1.0]]), torch.tensor([[0.5]]), 0.5, 1.0),
        _pair(1101, 3, 8, 6),
        *drawn(_pair, count=8, seed=(0, 9), n=(1, 3), tenths=(2, 17), part=(2, 16)),
    ],
    {
        "the mean is right; the variance is beta, the noise of the step forwards: right "
        "where x isn't known.": lambda x, y, a, b: (
            _step_back(x, y, a, b)[0],
            1 - (a / b) ** 2,
        ),
        "the mean is right; this is the standard deviation, wanted is the variance.": (
            lambda x, y, a, b: (
                _step_back(x, y, a, b)[0],
                math.sqrt(_step_back(x, y, a, b)[1]),
            )
        ),
        "the noise that is left at s is forgotten: this is where x alone would lead.": (
            lambda x, y, a, b: (
                b * x,
                _step_back(x, y, a, b)[1],
            )
        ),
        "x and x_t have each other's factor.": lambda x, y, a, b: (
            _step_back(y, x, a, b)[0],
            _step_back(x, y, a, b)[1],
        ),
        "sigma stands here where its square, the noise's variance, belongs.": lambda x, y, a, b: (
            b * (1 - (a / b) ** 2) / math.sqrt(1 - a**2) * x
            + a / b * math.sqrt((1 - b**2) / (1 - a**2)) * y,
            _step_back(x, y, a, b)[1],
        ),
        "divided by the noise at s; the factors divide by the noise at t, sigma_t².": (
            lambda x, y, a, b: (
                b * (1 - (a / b) ** 2) / max(1 - b**2, 1e-3) * x + a / b * y,
                (1 - (a / b) ** 2),
            )
        ),
        "DDIM's step, which keeps the noise: the mean of what may have been has less.": (
            lambda x, y, a, b: (
                b * x + math.sqrt((1 - b**2) / (1 - a**2)) * (y - a * x),
                _step_back(x, y, a, b)[1],
            )
        ),
        "the variance is 0: it is normal noise, of beta times both noises' ratio.": (
            lambda x, y, a, b: (_step_back(x, y, a, b)[0], 0.0)
        ),
    },
)


class Says(inputs.Network):
    """A network that depends on the place and on the time: (x [N, C, H, W], t [N]) -> like x."""

    def __init__(self, seed):
        super().__init__("net")
        self.slope = self.weights(seed, 1)
        self.pull = self.weights(seed + 1, 1)

    def forward(self, x, t):
        return torch.tanh(self.slope * x + self.pull * t.view(-1, 1, 1, 1))


def _mixed(x, eps, t):
    t = t.view(-1, 1, 1, 1)
    return torch.sin(math.pi / 2 * t) * x + torch.cos(math.pi / 2 * t) * eps


def _simple_loss(net, x, eps, t):
    return (net(_mixed(x, eps, t), t) - eps).square().mean()


def _batch(seed, n, side):
    return (
        Says(seed),
        inputs.uniform(seed + 2, n, 1, side, side, low=-1.0),
        inputs.normal(seed + 3, n, 1, side, side),
        inputs.uniform(seed + 4, n, low=0.1, high=0.9),
    )


def _with(net, x, eps, t, alpha, sigma):
    level = t.view(-1, 1, 1, 1)
    return (net(alpha(level) * x + sigma(level) * eps, t) - eps).square().mean()


def _sin(t):
    return torch.sin(math.pi / 2 * t)


def _cos(t):
    return torch.cos(math.pi / 2 * t)


simple_loss = Check(
    "simple_loss",
    _simple_loss,
    [
        _batch(1201, 1, 1),
        _batch(1202, 3, 2),
        *drawn(_batch, count=8, seed=(0, 9), n=(2, 4), side=(1, 3)),
    ],
    {
        "the network says the noise; this compares it with the image.": lambda net, x, eps, t: (
            (net(_mixed(x, eps, t), t) - x).square().mean()
        ),
        "compared with the velocity; in (6) it's the noise.": lambda net, x, eps, t: (
            (net(_mixed(x, eps, t), t) - (x - eps)).square().mean()
        ),
        "the network is shown the clean image.": lambda net, x, eps, t: (
            (net(x, t) - eps).square().mean()
        ),
        "alpha and sigma are exchanged: t = 1 is the image.": lambda *b: _with(*b, _cos, _sin),
        "another path with alpha² + sigma² = 1: here alpha is that of the circular one.": (
            lambda *b: _with(*b, lambda t: t, lambda t: (1 - t**2).sqrt()),
            lambda *b: _with(*b, lambda t: t.sqrt(), lambda t: (1 - t).sqrt()),
        ),
        "this is the straight path; here alpha² + sigma² = 1.": lambda *b: _with(
            *b, lambda t: t, lambda t: 1 - t
        ),
        "sigma² for sigma: noise has a standard deviation of sigma.": lambda *b: _with(
            *b, _sin, lambda t: _cos(t) ** 2
        ),
        "the roots are missing or doubled: alpha is the sine itself.": lambda *b: _with(
            *b, lambda t: _sin(t) ** 2, _cos
        ),
        "a sum over pixels; the loss is their mean.": lambda net, x, eps, t: (
            (net(_mixed(x, eps, t), t) - eps).square().flatten(1).sum(dim=1).mean()
        ),
        "errors are squared, not their absolute values.": lambda net, x, eps, t: (
            (net(_mixed(x, eps, t), t) - eps).abs().mean()
        ),
        "the network is not told the time of each image.": lambda net, x, eps, t: (
            (net(_mixed(x, eps, t), torch.zeros_like(t)) - eps).square().mean()
        ),
        "the network is told 1 - t.": lambda net, x, eps, t: (
            (net(_mixed(x, eps, t), 1 - t) - eps).square().mean()
        ),
        "the angle is pi / 2 times t.": lambda *b: _with(
            *b, lambda t: torch.sin(math.pi * t), lambda t: torch.cos(math.pi * t)
        ),
    },
    gradient=("net",),
    gradient_hint="the loss has to be a tensor that still knows the network, to be minimised.",
)


def _ddim_step(x_hat, x_t, a, b, eta, eps):
    eps_hat = (x_t - a * x_hat) / math.sqrt(1 - a**2)
    fresh = eta**2 * (1 - (a / b) ** 2) * (1 - b**2) / (1 - a**2)
    return b * x_hat + math.sqrt(1 - b**2 - fresh) * eps_hat + math.sqrt(fresh) * eps


def _small(a, b):
    """The variance of DDPM's step from alpha = a to alpha = b, the smaller choice."""
    return (1 - (a / b) ** 2) * (1 - b**2) / (1 - a**2)


def _eta_alone(x_hat, x_t, a, b, eta, eps):
    eps_hat = (x_t - a * x_hat) / math.sqrt(1 - a**2)
    kept = math.sqrt(1 - b**2 - eta * _small(a, b))
    return b * x_hat + kept * eps_hat + eta * math.sqrt(_small(a, b)) * eps


def _by_variance(x_hat, x_t, a, b, eta, eps):
    eps_hat = (x_t - a * x_hat) / math.sqrt(1 - a**2)
    kept = math.sqrt(1 - b**2 - eta**2 * _small(a, b))
    return b * x_hat + kept * eps_hat + eta * _small(a, b) * eps


def _walking(seed, n, tenths, part, fifths):
    a, b = _levels(tenths, part)
    x_hat, x_t, eps = (inputs.normal(seed + k, n, 2) for k in range(3))
    return x_hat, x_t, a, b, fifths / 5, eps


def _parts(x_hat, x_t, a, b, eta):
    eps_hat = (x_t - a * x_hat) / math.sqrt(1 - a**2)
    return eps_hat, eta**2 * (1 - (a / b) ** 2) * (1 - b**2) / (1 - a**2)


def _kept_all(x_hat, x_t, a, b, eta, eps):
    eps_hat, fresh = _parts(x_hat, x_t, a, b, eta)
    return b * x_hat + math.sqrt(1 - b**2) * eps_hat + math.sqrt(fresh) * eps


def _large(x_hat, x_t, a, b, eta, eps):
    eps_hat, _ = _parts(x_hat, x_t, a, b, eta)
    fresh = min(eta**2 * (1 - (a / b) ** 2), 1 - b**2)
    return b * x_hat + math.sqrt(1 - b**2 - fresh) * eps_hat + math.sqrt(fresh) * eps


def _variance_added(x_hat, x_t, a, b, eta, eps):
    eps_hat, fresh = _parts(x_hat, x_t, a, b, eta)
    return b * x_hat + math.sqrt(1 - b**2 - fresh) * eps_hat + fresh * eps


def _eta_unsquared(x_hat, x_t, a, b, eta, eps):
    return _ddim_step(x_hat, x_t, a, b, math.sqrt(eta), eps)


def _sigma_unrooted(x_hat, x_t, a, b, eta, eps):
    eps_hat, fresh = _parts(x_hat, x_t, a, b, eta)
    eps_hat = eps_hat / math.sqrt(1 - a**2)
    return b * x_hat + math.sqrt(1 - b**2 - fresh) * eps_hat + math.sqrt(fresh) * eps


def _old_level(x_hat, x_t, a, b, eta, eps):
    eps_hat, fresh = _parts(x_hat, x_t, a, b, eta)
    return a * x_hat + math.sqrt(1 - a**2 - fresh) * eps_hat + math.sqrt(fresh) * eps


ddim_step = Check(
    "ddim_step",
    _ddim_step,
    [
        (*(torch.tensor([[v]]) for v in (1.0, -0.5)), 0.3, 0.6, 0.0, torch.tensor([[2.0]])),
        (*(torch.tensor([[v]]) for v in (1.0, -0.5)), 0.3, 0.6, 1.0, torch.tensor([[2.0]])),
        (*(torch.tensor([[v]]) for v in (1.0, -0.5)), 0.3, 1.0, 1.0, torch.tensor([[2.0]])),
        _walking(1301, 3, 8, 6, 3),
        *drawn(
            _walking,
            count=8,
            seed=(0, 9),
            n=(1, 3),
            tenths=(2, 17),
            part=(2, 16),
            fifths=(0, 5),
        ),
    ],
    {
        "eta is squared where variances are subtracted, and comes as it is beside the "
        "root.": _eta_alone,
        "the fresh noise is multiplied by a variance; its root belongs there.": _by_variance,
        "the noise drawn afresh comes on top: keep less of the guessed noise, so that the "
        "variances add up to sigma².": _kept_all,
        "beta is too much, eta² times the small variance is wanted: beta sigma_s² / sigma_t².": (
            _large
        ),
        "noise is multiplied by its standard deviation, a root.": _variance_added,
        "eta multiplies the standard deviation, so it's squared in the variance.": _eta_unsquared,
        "the guessed noise is divided by sigma_t, not by its square.": _sigma_unrooted,
        "the step stays at t: data and noise are mixed again at their levels at s.": _old_level,
        "eta is forgotten: this is the step with all noise kept.": (
            lambda x, y, a, b, eta, e: _ddim_step(x, y, a, b, 0.0, e)
        ),
        "eta is forgotten: this is DDPM's step, eta = 1.": (
            lambda x, y, a, b, eta, e: _ddim_step(x, y, a, b, 1.0, e)
        ),
        "the guessed noise is exchanged for fresh noise altogether.": (
            lambda x, y, a, b, eta, e: b * x + math.sqrt(1 - b**2) * e
        ),
    },
)


def _clamped_step(eps_hat, x_t, a, b, eps):
    x_hat = ((x_t - math.sqrt(1 - a**2) * eps_hat) / a).clamp(-1, 1)
    mean, variance = _step_back(x_hat, x_t, a, b)
    return mean + math.sqrt(variance) * eps


def _unclamped(eps_hat, x_t, a, b, eps):
    x_hat = (x_t - math.sqrt(1 - a**2) * eps_hat) / a
    mean, variance = _step_back(x_hat, x_t, a, b)
    return mean + math.sqrt(variance) * eps


def _far(seed, n, tenths, part):
    a, b = _levels(tenths, part)
    return (
        *(2 * inputs.normal(seed + k, n, 2) for k in range(2)),
        a,
        b,
        inputs.normal(seed + 2, n, 2),
    )


def _large_clamped(eps_hat, x_t, a, b, eps):
    x_hat = ((x_t - math.sqrt(1 - a**2) * eps_hat) / a).clamp(-1, 1)
    return _step_back(x_hat, x_t, a, b)[0] + math.sqrt(1 - (a / b) ** 2) * eps


def _ddim_clamped(eps_hat, x_t, a, b, eps):
    x_hat = ((x_t - math.sqrt(1 - a**2) * eps_hat) / a).clamp(-1, 1)
    return _ddim_step(x_hat, x_t, a, b, 0.0, eps)


def _old_noise(eps_hat, x_t, a, b, eps):
    x_hat = ((x_t - math.sqrt(1 - a**2) * eps_hat) / a).clamp(-1, 1)
    _, variance = _step_back(x_t, x_t, a, b)
    kept = math.sqrt(max(1 - b**2 - variance, 0.0))
    return b * x_hat + kept * eps_hat + math.sqrt(variance) * eps


def _squared(eps_hat, x_t, a, b, eps):
    x_hat = ((x_t - (1 - a**2) * eps_hat) / a).clamp(-1, 1)
    mean, variance = _step_back(x_hat, x_t, a, b)
    return mean + math.sqrt(variance) * eps


clamped_step = Check(
    "clamped_step",
    _clamped_step,
    [
        (*(torch.tensor([[v]]) for v in (0.5, 0.2)), 0.3, 0.6, torch.tensor([[1.0]])),
        (*(torch.tensor([[v]]) for v in (-3.0, 0.2)), 0.3, 0.6, torch.tensor([[0.0]])),
        (*(torch.tensor([[v]]) for v in (-3.0, 0.2)), 0.3, 1.0, torch.tensor([[5.0]])),
        _far(1401, 3, 8, 6),
        *drawn(_far, count=8, seed=(0, 9), n=(1, 3), tenths=(2, 17), part=(2, 16)),
    ],
    {
        "the guess isn't clamped where it counts: the mean has to be made from the clamped "
        "guess, not from the noise.": _unclamped,
        "x_s itself is clamped; noisy images go beyond [-1, 1], only the guess may not.": (
            lambda e, y, a, b, n: _unclamped(e, y, a, b, n).clamp(-1, 1),
            lambda e, y, a, b, n: _clamped_step(e, y, a, b, n).clamp(-1, 1),
        ),
        "the variance is the small one, beta sigma_s² / sigma_t².": _large_clamped,
        "no fresh noise here; DDPM's step adds some.": (
            _ddim_clamped,
            lambda e, y, a, b, n: _clamped_step(e, y, a, b, 0 * n),
        ),
        "the noise still belongs to the unclamped guess: make it again from the clamped one.": (
            _old_noise,
            lambda e, y, a, b, n: _old_noise(e, y, a, b, 0 * n),
        ),
        "clamped to [0, 1]; images are in [-1, 1].": lambda e, y, a, b, n: (
            _step_back(((y - math.sqrt(1 - a**2) * e) / a).clamp(0, 1), y, a, b)[0]
            + math.sqrt(_step_back(y, y, a, b)[1]) * n
        ),
        "the noise's level is sigma, the root of 1 - alpha².": _squared,
        "the division by alpha is missing: x_t - sigma eps is alpha x.": lambda e, y, a, b, n: (
            _step_back((y - math.sqrt(1 - a**2) * e).clamp(-1, 1), y, a, b)[0]
            + math.sqrt(_step_back(y, y, a, b)[1]) * n
        ),
        "the noise is clamped; it's the guess of the image that has a range.": (
            lambda e, y, a, b, n: _unclamped(e.clamp(-1, 1), y, a, b, n)
        ),
        "noise is multiplied by its standard deviation, a root.": lambda e, y, a, b, n: (
            _clamped_step(e, y, a, b, 0 * n) + _step_back(y, y, a, b)[1] * n
        ),
    },
)


def _terms(x_t, images, alpha, sigma):
    squares = (x_t[:, None] - alpha * images).square().sum(dim=2)
    return -squares / (2 * sigma**2)


def _best_guess(x_t, images, alpha, sigma):
    return torch.softmax(_terms(x_t, images, alpha, sigma), dim=1) @ images


def _seen(seed, n, m, d, twelfths):
    alpha = twelfths / 12
    sigma = math.sqrt(1 - alpha**2)
    images = inputs.uniform(seed, m, d, low=-1.0)
    return 1.5 * inputs.normal(seed + 1, n, d), images, alpha, sigma


best_guess = Check(
    "best_guess",
    _best_guess,
    [
        (torch.tensor([[0.5]]), torch.tensor([[-1.0], [1.0]]), 0.6, 0.8),
        (torch.tensor([[90.0, 3.0]]), torch.tensor([[-1.0, 0.0], [1.0, 0.5]]), 0.99, 0.02),
        (torch.tensor([[0.7, -2.0]]), torch.tensor([[-1.0, 0.0], [1.0, 0.5]]), 0.0, 1.0),
        _seen(1501, 4, 6, 3, 5),
        *drawn(_seen, count=8, seed=(0, 9), n=(1, 3), m=(2, 5), d=(1, 4), twelfths=(1, 11)),
    ],
    {
        "the images are compared with x_t as they are; in x_t they are alpha times as large.": (
            lambda y, x, a, s: torch.softmax(_terms(y, x, 1.0, s), dim=1) @ x
        ),
        "a 2 is missing in the exponent.": lambda y, x, a, s: _best_guess(y, x, a, s / 2**0.5),
        "the exponent is divided by sigma²; the square is missing.": lambda y, x, a, s: _best_guess(
            y, x, a, s**0.5
        ),
        "the noise level is left out of the weights.": lambda y, x, a, s: _best_guess(y, x, a, 1.0),
        "distances are squared in a normal density.": lambda y, x, a, s: (
            torch.softmax(-torch.cdist(y, a * x) / (2 * s**2), dim=1) @ x
        ),
        "far from all images every exp is 0; a softmax of logarithms isn't.": (
            lambda y, x, a, s: (
                _terms(y, x, a, s).exp() @ x / _terms(y, x, a, s).exp().sum(dim=1, keepdim=True)
            ),
            lambda y, x, a, s: (
                _terms(y, x, a, s).exp()
                @ x
                / (_terms(y, x, a, s).exp().sum(dim=1, keepdim=True) + 1e-8)
            ),
            lambda y, x, a, s: (
                _terms(y, x, a, s).exp()
                @ x
                / _terms(y, x, a, s).exp().sum(dim=1, keepdim=True).clamp(min=1e-8)
            ),
        ),
        "the weights are not divided by their sum.": lambda y, x, a, s: (
            _terms(y, x, a, s).exp() @ x
        ),
        "only the likeliest image counts here; all do, by their weights.": lambda y, x, a, s: x[
            _terms(y, x, a, s).argmax(dim=1)
        ],
        "weights sum to 1 over the images, for each x_t.": lambda y, x, a, s: (
            torch.softmax(_terms(y, x, a, s), dim=0) @ x
        ),
        "this is alpha times the guess.": lambda y, x, a, s: a * _best_guess(y, x, a, s),
        "the sign is turned: near images count most, far ones least.": lambda y, x, a, s: (
            torch.softmax(-_terms(y, x, a, s), dim=1) @ x
        ),
    },
)
