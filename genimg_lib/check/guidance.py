"""Checks of notebook 53, guidance."""

import torch

from genimg_lib.check import inputs
from genimg_lib.check.cases import drawn
from genimg_lib.check.judge import Check


def _guided(nothing, told, w):
    return nothing + w * (told - nothing)


def _two(seed, n, halves):
    return inputs.normal(seed, n, 2), inputs.normal(seed + 1, n, 2), halves / 2


guided = Check(
    "guided",
    _guided,
    [
        (torch.tensor([[1.0]]), torch.tensor([[3.0]]), 0.0),
        (torch.tensor([[1.0]]), torch.tensor([[3.0]]), 2.5),
        *drawn(_two, count=10, seed=(0, 9), n=(1, 3), halves=(0, 10)),
    ],
    {
        "w is counted from -1 here: told c is w = 1, not 0.": lambda a, b, w: b + w * (b - a),
        "the two are exchanged: this leads away from what was asked.": lambda a, b, w: (
            b + w * (a - b)
        ),
        "the weights have to sum to 1: what is told nothing has 1 - w.": lambda a, b, w: a + w * b,
        "the weights of w and w - 1 sum to 2 w - 1, not to 1.": lambda a, b, w: w * b + (w - 1) * a,
        "the sign is turned: towards what is told.": lambda a, b, w: a - w * (b - a),
        "w is clamped to 1 at most; guidance goes beyond.": lambda a, b, w: _guided(
            a, b, min(w, 1.0)
        ),
        "below 1 it is a mean of both, too: at w = 0 it is told nothing.": lambda a, b, w: _guided(
            a, b, max(w, 1.0)
        ),
        "this is the difference alone; it's added to what is told nothing.": lambda a, b, w: (
            w * (b - a)
        ),
    },
)


def _weight_at(t, w, first, final):
    return torch.where((t >= first) & (t <= final), w, 1.0)


def _times(seed, n, w, a, b):
    return inputs.uniform(seed, n), float(w), a / 10, (a + b) / 10


weight_at = Check(
    "weight_at",
    _weight_at,
    [
        (torch.tensor([0.1, 0.5, 0.9]), 3.0, 0.2, 0.7),
        (torch.tensor([0.2, 0.7]), 3.0, 0.2, 0.7),
        (torch.tensor([0.0, 1.0]), 2.0, 0.0, 1.0),
        *drawn(_times, count=10, seed=(0, 9), n=(2, 6), w=(2, 6), a=(0, 5), b=(1, 4)),
    ],
    {
        "outside the interval it's told c, w = 1, not nothing.": lambda t, w, a, b: torch.where(
            (t >= a) & (t <= b), w, 0.0
        ),
        "inside and outside are exchanged.": lambda t, w, a, b: torch.where(
            (t >= a) & (t <= b), 1.0, w
        ),
        "both ends belong to the interval.": lambda t, w, a, b: torch.where(
            (t > a) & (t < b), w, 1.0
        ),
        "only the interval's beginning is looked at.": lambda t, w, a, b: torch.where(
            t >= a, w, 1.0
        ),
        "only the interval's end is looked at.": lambda t, w, a, b: torch.where(t <= b, w, 1.0),
        "one or the other is always true: both have to be.": lambda t, w, a, b: torch.full_like(
            t, w
        ),
        "time runs from 0 (noise) to 1 (data) here.": lambda t, w, a, b: torch.where(
            (1 - t >= a) & (1 - t <= b), w, 1.0
        ),
        "w is reached slowly here; it is w everywhere inside.": lambda t, w, a, b: torch.where(
            (t >= a) & (t <= b), 1 + (w - 1) * (t - a) / (b - a), 1.0
        ),
    },
)


def _left_out(c, u, share):
    return c * (u >= share)[:, None].to(c)


def _wishes(seed, n, k, tenths):
    return 1 + inputs.uniform(seed, n, k), inputs.uniform(seed + 1, n), tenths / 10


left_out = Check(
    "left_out",
    _left_out,
    [
        (torch.ones(3, 2), torch.tensor([0.05, 0.1, 0.9]), 0.1),
        (torch.ones(3, 2), torch.tensor([0.05, 0.1, 0.9]), 0.0),
        *drawn(_wishes, count=10, seed=(0, 9), n=(3, 6), k=(1, 3), tenths=(1, 9)),
    ],
    {
        "the mask is not applied: nobody is told nothing.": lambda c, u, s: c,
        "it's turned around: only the share is told.": (
            lambda c, u, s: c * (u < s)[:, None].to(c),
            lambda c, u, s: c * (u <= s)[:, None].to(c),
        ),
        "all are told nothing if one is; each image by its own number.": lambda c, u, s: (
            c * float(not (u < s).any())
        ),
        "the images are removed; they stay, with zeros for a condition.": lambda c, u, s: c[u >= s],
        "what is told nothing is zeros, not ones.": lambda c, u, s: torch.where(
            (u >= s)[:, None], c, torch.ones_like(c)
        ),
        "a share is multiplied away from all; some keep all of it, others nothing.": (
            lambda c, u, s: c * (1 - s)
        ),
        "conditions are weakened by u; they are kept or not.": lambda c, u, s: c * u[:, None],
        "only the first of the numbers is left out.": lambda c, u, s: torch.cat(
            [_left_out(c, u, s)[:, :1], c[:, 1:]], dim=1
        ),
        "the first ones are left out, whatever u says.": lambda c, u, s: torch.cat(
            [torch.zeros_like(c[: round(s * len(c))]), c[round(s * len(c)) :]]
        ),
    },
)


def _tilted(p, p_c, w, gap):
    raw = p * p_c**w
    return raw / (raw.sum() * gap)


def _densities(seed, n, halves):
    p = inputs.uniform(seed, 8 + n, low=0.1)
    gap = 0.25
    return p / (p.sum() * gap), inputs.uniform(seed + 1, 8 + n, low=0.05), halves / 2, gap


tilted = Check(
    "tilted",
    _tilted,
    [
        (torch.tensor([1.0, 1.0]), torch.tensor([0.2, 0.4]), 1.0, 0.5),
        (torch.tensor([0.8, 1.2]), torch.tensor([0.2, 0.4]), 3.0, 0.5),
        (torch.tensor([0.8, 1.2]), torch.tensor([0.2, 0.4]), 0.0, 0.5),
        *drawn(_densities, count=8, seed=(0, 9), n=(0, 4), halves=(0, 10)),
    ],
    {
        "it isn't normalised: a density's sum times the gap is 1.": lambda p, s, w, gap: p * s**w,
        "its sum is 1; a density's sum times the gap of the grid is.": lambda p, s, w, gap: (
            p * s**w / (p * s**w).sum()
        ),
        "only p(c|x) has the power w.": lambda p, s, w, gap: (
            (p * s) ** w / (((p * s) ** w).sum() * gap)
        ),
        "w multiplies; it's a power.": lambda p, s, w, gap: p * w * s / ((p * w * s).sum() * gap),
        "p(x) is left out.": lambda p, s, w, gap: s**w / ((s**w).sum() * gap),
        "w is counted from -1 here: at w = 0 it is p(x).": lambda p, s, w, gap: _tilted(
            p, s, w + 1, gap
        ),
        "the power is one too small.": lambda p, s, w, gap: _tilted(p, s, w - 1, gap),
        "multiplied by the gap instead of divided.": lambda p, s, w, gap: (
            p * s**w / (p * s**w).sum() * gap
        ),
    },
)


def _led(x_hat, slope, w, alpha, sigma):
    return x_hat + w * sigma**2 / alpha * slope


def _slopes(seed, n, halves, tenths, sixths):
    return (
        inputs.normal(seed, n, 2),
        inputs.normal(seed + 1, n, 2),
        halves / 2,
        tenths / 10,
        (sixths / 6),
    )


led = Check(
    "led",
    _led,
    [
        (torch.tensor([[1.0]]), torch.tensor([[2.0]]), 1.0, 0.5, 0.25),
        (torch.tensor([[1.0]]), torch.tensor([[2.0]]), 3.0, 0.8, 1.5),
        *drawn(
            _slopes, count=10, seed=(0, 9), n=(1, 3), halves=(0, 8), tenths=(2, 9), sixths=(1, 9)
        ),
    ],
    {
        "the variance of the noise weighs a score: sigma².": lambda x, g, w, a, s: (
            x + w * s / a * g
        ),
        "divided by alpha: Tweedie's formula gives alpha x_hat.": lambda x, g, w, a, s: (
            x + w * s**2 * g
        ),
        "this leads away from the condition: add.": lambda x, g, w, a, s: x - w * s**2 / a * g,
        "the gradient is that of x_t's score, not of x_hat: it needs sigma² / alpha.": (
            lambda x, g, w, a, s: x + w * g
        ),
        "multiplied by alpha instead of divided.": lambda x, g, w, a, s: x + w * s**2 * a * g,
        "alpha over sigma, turned over.": lambda x, g, w, a, s: x + w * a / s**2 * g,
        "w is forgotten.": lambda x, g, w, a, s: x + s**2 / a * g,
        "this is what is added; wanted is the guess with it.": lambda x, g, w, a, s: (
            w * s**2 / a * g
        ),
        "the guess has the factor 1 - w here; the gradient is simply added.": (
            lambda x, g, w, a, s: (1 - w) * x + w * s**2 / a * g
        ),
        "sigma is given; it need not be 1 - alpha.": lambda x, g, w, a, s: (
            x + w * (1 - a) ** 2 / a * g
        ),
    },
)


class Told(inputs.Network):
    """A network that depends on all of what it is given: (x [N, d], t [N], c [N, K]) -> [N, d]."""

    def __init__(self, d, k, seed):
        super().__init__("net")
        self.turn, self.wish = self.weights(seed, d, d), self.weights(seed + 1, k, d)

    def forward(self, x, t, c):
        return torch.tanh(x @ self.turn + c @ self.wish + t[:, None])


def _denoise(net, x, t, c, w):
    nothing = net(x, t, torch.zeros_like(c))
    return nothing + w * (net(x, t, c) - nothing)


def _asked(seed, n, d, k, halves):
    return (
        Told(d, k, seed),
        inputs.normal(seed + 2, n, d),
        inputs.uniform(seed + 3, n),
        inputs.uniform(seed + 4, n, k),
        halves / 2,
    )


denoise = Check(
    "denoise",
    _denoise,
    [
        _asked(2101, 1, 1, 1, 0),
        _asked(2102, 3, 2, 2, 5),
        *drawn(_asked, count=8, seed=(0, 9), n=(1, 3), d=(1, 3), k=(1, 3), halves=(0, 8)),
    ],
    {
        "w is counted from -1 here: told c is w = 1, not 0.": lambda net, x, t, c, w: _denoise(
            net, x, t, c, w + 1
        ),
        "what is told nothing is told zeros, not ones.": lambda net, x, t, c, w: (
            net(x, t, torch.ones_like(c)) + w * (net(x, t, c) - net(x, t, torch.ones_like(c)))
        ),
        "told nothing means zeros, not the mean condition.": lambda net, x, t, c, w: (
            net(x, t, c.mean(dim=0).expand_as(c))
            + w * (net(x, t, c) - net(x, t, c.mean(dim=0).expand_as(c)))
        ),
        "the condition is multiplied by w; the guess has to be.": lambda net, x, t, c, w: net(
            x, t, w * c
        ),
        "up to w = 1 it is a mean of both, too: at w = 0 it is told nothing.": (
            lambda net, x, t, c, w: _denoise(net, x, t, c, max(w, 1.0))
        ),
        "the two are exchanged.": lambda net, x, t, c, w: _denoise(net, x, t, c, 1 - w),
        "w is not used: this is told c.": lambda net, x, t, c, w: net(x, t, c),
        "the time is left out.": lambda net, x, t, c, w: _denoise(
            net, x, torch.zeros_like(t), c, w
        ),
        "the sum of both; weights have to sum to 1.": lambda net, x, t, c, w: (
            net(x, t, torch.zeros_like(c)) + w * net(x, t, c)
        ),
    },
)
